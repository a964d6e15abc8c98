#!/usr/bin/env python3
"""Bytes in and out of `glint serve`, beside what this machine can do: all in one run.

In: a classic upload, and an upload session whose parts come side by side; beside MD5 and SHA-512 alone, what the disk takes
when it is written as the store writes it (1 MiB at a time, past the page cache, then synced), the same through the page
cache, and Glance. Out: a download, beside nginx and Glance. Rounds go in turn over all of them, so that what else the
machine does meets all alike; seconds are lower quartiles, a ratio is the median of the rounds' ratios. CPU is what the
process that serves has used, a GiB.

Bodies are sent by sendfile(2), so the client copies no byte. Glance does not sync what it takes; Glint and the disk do.
Needs: cargo build --release --bin glint; cargo build --release -p emulator --bin hash; curl; nginx; 8 GiB of disk; the scripts
that start Glance (servers.py), or its rows are left out.  env: ROUNDS=9 SIZE_MIB=1024 PARTS=4
With --write the tables go into docs/performance.md too.
"""

import hashlib
import http.client
import mmap
import os
import platform
import re
import statistics
import subprocess
import sys
import threading
import time
import urllib.parse

import bench
from bench import MIB, OCTETS, ROOT, TARGET, Glint, await_no_bytes, call, clocked, create, curl, expect, median, needs, random_file, scratch
from servers import CALLER, cpu_seconds, glance, nginx

ROUNDS, SIZE_MIB, PARTS = (int(os.environ.get(name, default)) for name, default in (("ROUNDS", "9"), ("SIZE_MIB", "1024"), ("PARTS", "4")))
SIZE = SIZE_MIB * MIB
HASH = TARGET / "release" / "hash"
os.environ["PATH"] += ":/usr/sbin:/sbin"


def send(url, offset, length, headers):
    """PUTs a run of the file's bytes to a URL. The body goes from the page cache to the socket."""
    place = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=600)
    try:
        connection.putrequest("PUT", f"{place.path}?{place.query}" if place.query else place.path)
        for name, value in {"Content-Length": str(length), "Content-Type": OCTETS, **headers}.items():
            connection.putheader(name, value)
        connection.endheaders()
        with open(file, "rb") as source:
            sent = connection.sock.sendfile(source, offset, length)
        assert sent == length, f"{sent} bytes of {length}"
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status in (200, 204), f"PUT {place.path}: {answer.status} {body[:300]!r}"
    finally:
        connection.close()


def side_by_side(work, jobs):
    """Does the jobs on PARTS threads."""
    rest, failures = list(reversed(jobs)), []

    def some():
        try:
            while rest:
                work(*rest.pop())
        except Exception as error:  # told by the thread that waits
            failures.append(error)
    threads = [threading.Thread(target=some) for _ in range(PARTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def disk(direct):
    """Writes the bytes as the file store does, and syncs them."""
    path = work / "disk"
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | (os.O_DIRECT if direct else 0)
    to = os.open(path, flags, 0o600)
    try:
        os.posix_fallocate(to, 0, SIZE)
        view = memoryview(content)  # at a page's beginning, as writes past the page cache want it

        def block(at):
            assert os.pwrite(to, view[at:at + MIB], at) == MIB
        begun = time.perf_counter()
        side_by_side(block, [(at,) for at in range(0, SIZE, MIB)])
        os.fsync(to)
        return time.perf_counter() - begun
    finally:
        os.close(to)
        path.unlink()


def uploaded(url, headers=()):
    """A classic upload: its seconds, and the image."""
    new = {"name": "bench", "disk_format": "raw", "container_format": "bare"}
    image = expect(call(url, "POST", "/v2/images", new, headers=headers), 201).json()["id"]
    return clocked(lambda: send(f"{url}/v2/images/{image}/file", 0, SIZE, dict(headers)))[0], image


def in_a_session(url):
    """An upload session: seconds until every part is answered, so durable; until the image is active; and the image."""
    image = create(url)["id"]
    begun = time.perf_counter()
    session = expect(call(url, "POST", f"/v2/images/{image}/uploads", {"size": SIZE}), 201).json()
    parts, page = session["parts"], session
    while page.get("next"):
        page = expect(call(url, "GET", page["next"]), 200).json()
        parts += page["parts"]
    side_by_side(lambda part: send(part["url"], part["offset"], part["size"], part.get("headers", {})), [(part,) for part in parts])
    there = time.perf_counter() - begun
    done = call(url, "POST", session["self"] + "/complete")
    while done.status == 202:
        time.sleep(0.01)
        done = call(url, "GET", session["self"])
        if done.status == 200 and done.json()["status"] == "completing":
            done.status = 202
    assert expect(done, 200).json()["status"] == "complete", done.body
    return there, time.perf_counter() - begun, image


def deleted(url, image, headers=()):
    expect(call(url, "DELETE", f"/v2/images/{image}", headers=headers), 204)


class Seen:
    """Seconds and CPU of everything that is measured, a value a round."""

    def __init__(self):
        self.seconds, self.cpu = {}, {}

    def add(self, name, seconds, cpu=None):
        self.seconds.setdefault(name, []).append(seconds)
        if cpu is not None:
            self.cpu.setdefault(name, []).append(cpu * 1024 / SIZE_MIB)

    def served(self, name, pid, action):
        """Measures what a process serves. The action returns its seconds first."""
        before = cpu_seconds(pid)
        took = action()
        seconds = took[0] if isinstance(took, tuple) else took
        self.add(name, seconds, cpu_seconds(pid) - before)
        return took

    def quartile(self, name):
        values = self.seconds[name]
        return statistics.quantiles(values, n=4, method="inclusive")[0] if len(values) > 1 else values[0]

    def ratio(self, name, base):
        """How fast it is, as a share of the base's speed."""
        return median([b / a for a, b in zip(self.seconds[name], self.seconds[base], strict=True)])

    def row(self, name, base):
        cpu = f"{median(self.cpu[name]):.2f}" if name in self.cpu else "–"
        return name, f"{self.quartile(name):.2f}", f"{SIZE_MIB / self.quartile(name):.0f}", f"{self.ratio(name, base):.2f}", cpu


def hashes():
    """The hashes alone, by Glint's libraries, in a process of their own."""
    told = subprocess.run([HASH, file], check=True, capture_output=True, text=True).stdout
    return {name: float(seconds) for name, seconds in (line.split() for line in told.splitlines())}


MD5, SHA512, FAST, RESUMABLE = "MD5, one core (OpenSSL)", "SHA-512, one core", "MD5, one core (Glint's)", "MD5 that is resumable, one core"
DIRECT, BUFFERED = "disk, as the store writes", "disk, through the page cache"
GATEWAY, SESSION, ACTIVE, GLANCE_UP = "Glint: upload", "Glint: session, all parts there", "Glint: session, active", "Glance: upload"
NGINX, DOWN, GLANCE_DOWN = "nginx, the same file", "Glint: download", "Glance: download"


def a_round(seen):
    seen.add(MD5, clocked(lambda: hashlib.md5(content).hexdigest())[0])
    alone = hashes()
    for name, key in ((FAST, "md5"), (RESUMABLE, "md5-resumable"), (SHA512, "sha512")):
        seen.add(name, alone[key])
    os.sync()
    seen.add(DIRECT, disk(True))
    os.sync()
    seen.add(BUFFERED, disk(False))
    os.sync()
    _, image = seen.served(GATEWAY, server.process.pid, lambda: uploaded(server.url))
    for name, url, pid in ((NGINX, plain, plain_pid), (DOWN, f"{server.url}/v2/images/{image}/file", server.process.pid)):
        curl(url)  # the file is in memory from here on
        seen.served(name, pid, lambda url=url: curl(url))
    deleted(server.url, image)
    await_no_bytes(server)
    os.sync()
    before = cpu_seconds(server.process.pid)
    there, active, image = in_a_session(server.url)
    seen.add(SESSION, there)
    seen.add(ACTIVE, active, cpu_seconds(server.process.pid) - before)
    deleted(server.url, image)
    await_no_bytes(server)
    if not other:
        return
    os.sync()
    _, image = seen.served(GLANCE_UP, pids["glance"], lambda: uploaded(other, CALLER))
    url, headers = f"{other}/v2/images/{image}/file", [word for header in CALLER.items() for word in ("-H", ": ".join(header))]
    curl(*headers, url)
    seen.served(GLANCE_DOWN, pids["glance"], lambda: curl(*headers, url))
    deleted(other, image, CALLER)


def markdown(title, head, rows):
    lines = [f"{title}:", "", "| " + " | ".join(head) + " |", "| --- |" + " --: |" * (len(head) - 1)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows), ""])


def machine():
    cpu = re.search(r"model name\s*: (.*)", open("/proc/cpuinfo").read())
    return f"{len(os.sched_getaffinity(0))} cores of {cpu[1].strip() if cpu else platform.machine()}, load {os.getloadavg()[0]:.1f} before the run"


def write(texts):
    page = ROOT / "docs" / "performance.md"
    before, rest = page.read_text().split("<!-- transfer.py -->\n", 1)
    _, after = rest.split("<!-- end -->", 1)
    page.write_text(f"{before}<!-- transfer.py -->\n" + "\n".join(texts) + f"<!-- end -->{after}")


needs("curl", "nginx")
if not HASH.exists():
    sys.exit(f"{HASH} is not there: cargo build --release -p emulator --bin hash")
told = machine()
work = scratch("bench-transfer")
file = work / "bytes"
random_file(file, SIZE_MIB)
content = mmap.mmap(-1, SIZE)
with open(file, "rb") as whole:
    whole.readinto(content)
server = Glint(work / "data", reaper_interval_seconds=1).start()
plain, plain_pid = nginx(work)
plain += "/bytes"
other, pids = glance(work, "sqlite")
seen = Seen()
a_round(Seen())  # the first round pays for what is done once
for number in range(ROUNDS):
    a_round(seen)
    print(f"round {number + 1} of {ROUNDS}", file=sys.stderr, flush=True)
server.stop()

up = [FAST, RESUMABLE, SHA512, GATEWAY, GLANCE_UP] if other else [FAST, RESUMABLE, SHA512, GATEWAY]
columns = ("", "seconds", "MiB/s", "ratio", "CPU s a GiB")
tables = [
    (f"In, by a classic upload of {SIZE_MIB} MiB, lower quartile of {ROUNDS}", columns, [seen.row(name, MD5) for name in (MD5, *up)]),
    (f"In, by an upload session, {PARTS} parts at a time", columns, [seen.row(name, DIRECT) for name in (DIRECT, BUFFERED, SESSION, ACTIVE)]),
    ("Out", columns, [seen.row(name, NGINX) for name in ((NGINX, DOWN, GLANCE_DOWN) if other else (NGINX, DOWN))]),
    ("What is wanted", ("", "at least", "is"), [
        ("upload, of MD5 on one core (OpenSSL)", "0.90", f"{seen.ratio(GATEWAY, MD5):.2f}"),
        ("download, of nginx", "0.90", f"{seen.ratio(DOWN, NGINX):.2f}"),
        ("session on the file store, of the disk", "0.70", f"{seen.ratio(SESSION, DIRECT):.2f}")]),
]
for each in tables:
    bench.table(*each)
print(told if other else f"{told}; Glance left out: {pids}")
if "--write" in sys.argv[1:]:
    write([f"{told}.\n", *(markdown(*each) for each in tables)])
