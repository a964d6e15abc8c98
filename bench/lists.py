#!/usr/bin/env python3
"""Lists: what a page of 25 costs in a catalogue of 1,000 images a project and in one of 100,000, in every order.

Each catalogue holds as many images of the project that asks as public ones of another. `read` is a member's list, by the
operation itself, with what it asks of the table; `served` the administrator's list over HTTP, whose images lie in one
order. Times are lower quartiles, so that what else the machine does counts little; each round has another marker and name, and
the two catalogues take turns. Writes
docs/costs/lists.toml, from which docs/costs/costs.py makes a table. Loading takes minutes: catalogues are taken from KEEP,
and left there, if it is set.
Needs: cargo build --release.  env: ROUNDS=200 SIZES=1000,100000 KEEP=
"""

import http.client
import json
import os
import pathlib
import random
import subprocess
import urllib.parse

from bench import ROOT, TARGET, Glint, clocked, scratch, table

ROUNDS = int(os.environ.get("ROUNDS", "200"))
SIZES = [int(size) for size in os.environ.get("SIZES", "1000,100000").split(",")]
PROGRAM = TARGET / "release" / "lists"
HEAD = "# Measured by bench/lists.py: milliseconds of a page of 25, and what it read of the table. Not to be edited.\n"


def measured(*datas):
    """By page: queries, items and milliseconds, for each data directory."""
    told = subprocess.run([PROGRAM, "measure", str(ROUNDS), *map(str, datas)], check=True, capture_output=True, text=True).stdout
    pages = {}
    for line in map(json.loads, told.splitlines()):
        page = pages.setdefault(line["page"], {"queries": [], "items": [], "read_ms": []})
        page["queries"].append(line["queries"])
        page["items"].append(line["items"])
        page["read_ms"].append(line["ns"] / 1e6)
    return pages


def served(servers, pages):
    """By page: milliseconds over HTTP, for each server."""
    connections = [http.client.HTTPConnection(urllib.parse.urlsplit(server.url).netloc) for server in servers]

    def get(connection, path):
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == 200, (path, answer.status, body)
        return json.loads(body)

    def some(connection, size):
        numbers = random.Random(1).choices(range(size), k=ROUNDS)
        return [get(connection, f"/v2/images?name=debian-13-bench-amd64-{number:08}")["images"][0] for number in numbers]

    images = [some(connection, size) for connection, size in zip(connections, SIZES, strict=True)]
    times = {}
    for page in pages:
        order, _, behind = page.partition(" ")
        for number in range(ROUNDS):
            for at, (connection, of) in enumerate(zip(connections, images, strict=True)):
                image = of[number]
                name = {"name": image["name"]} if order == "name" else {"sort": order}
                more = {"marker": image["id"]} if behind == "behind" else {"sort": "name:asc"} if behind == "sorted" else {}
                took, _ = clocked(lambda: get(connection, f"/v2/images?{urllib.parse.urlencode(name | more)}"))  # noqa: B023
                times.setdefault(page, [[] for _ in servers])[at].append(took * 1000)
    return {page: [sorted(each)[len(each) // 4] for each in of] for page, of in times.items()}


def toml(pages):
    lines = [HEAD, f"sizes = {SIZES}", f"rounds = {ROUNDS}"]
    for name, page in pages.items():
        lines += ["", "[[page]]", f"name = {json.dumps(name)}", *(f"{key} = {value}" for key, value in page.items())]
    return "\n".join(lines) + "\n"


subprocess.run(["cargo", "build", "--release", "--package", "lists"], check=True, cwd=ROOT)
work = pathlib.Path(os.environ.get("KEEP") or scratch("bench-lists")).resolve()
datas = [work / str(size) for size in SIZES]
for data, size in zip(datas, SIZES, strict=True):
    if data.exists():
        continue
    took, _ = clocked(lambda: subprocess.run([PROGRAM, "load", data, str(size)], check=True))  # noqa: B023
    stored = sum(path.stat().st_size for path in data.rglob("*"))
    print(f"{2 * size:,} images loaded in {took:.0f} s, {stored / (1 << 20):,.0f} MiB", flush=True)
# Behind a random marker lie pages of the file that nothing has read yet: the table is timed, not the disk.
subprocess.run(["cat", *(data / "table.sqlite" for data in datas)], check=True, stdout=subprocess.DEVNULL)
pages = measured(*datas)
servers = [Glint(data, identity_project="bench").start() for data in datas]
for name, times in served(servers, pages).items():
    pages[name]["served_ms"] = times
for page in pages.values():
    for key in ("read_ms", "served_ms"):
        page[key] = [round(ms, 3) for ms in page[key]]
(ROOT / "docs/costs/lists.toml").write_text(toml(pages))
rows = [(name, max(page["queries"]), max(page["items"]),
         *(f"{ms:.2f}" for ms in page["read_ms"]), f"{page['read_ms'][-1] / page['read_ms'][0]:.2f}",
         *(f"{ms:.2f}" for ms in page["served_ms"]), f"{page['served_ms'][-1] / page['served_ms'][0]:.2f}") for name, page in pages.items()]
head = [f"{size:,}" for size in SIZES]
table(f"Milliseconds of a page of 25, lower quartile of {ROUNDS}, by images in the project", ("", "queries", "items", *head, "times", *head, "times"), rows)
