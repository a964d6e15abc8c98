#!/usr/bin/env python3
"""Requests a second: show, a list of 25 and create, 16 clients, against Glance where it is at hand.

Load by oha, installed at its pin into the target directory. Both servers hold the same 1,000 images. Glance (two workers
on MariaDB) is started by the scripts of $COMPAT_SCRIPTS and $ENGINE_SCRIPTS (../shared/compat, ../shared/engines beside the
checkout); without them its column is left out, and the run says so.
Needs: cargo build --release; cargo.  env: SECONDS=10 ROUNDS=3
"""

import atexit
import json
import os
import pathlib
import socket
import subprocess

from bench import CLEAN, ROOT, TARGET, Glint, call, create, expect, median, scratch, table

OHA = "1.16.0"
LOAD_SECONDS, ROUNDS, CLIENTS, IMAGES = int(os.environ.get("SECONDS", "10")), int(os.environ.get("ROUNDS", "3")), 16, 1000
work = scratch("bench-requests")
# Who Glance takes the caller for, in the mode its script calls noauth; Glint's mode none asks nobody.
CALLER = {"X-Identity-Status": "Confirmed", "X-Roles": "admin,manager,member,reader", "X-User-Id": "bench", "X-Project-Id": "bench"}
NEW = {"name": "load", "disk_format": "raw", "container_format": "bare", "os_distro": "debian"}


def oha():
    program = TARGET / "tools" / "bin" / "oha"
    seen = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout if program.exists() else ""
    if OHA not in seen:
        subprocess.run(["cargo", "install", "oha", "--version", OHA, "--locked", "--quiet", "--root", TARGET / "tools",
                        "--target-dir", TARGET / "tools" / "build"], check=True, cwd=ROOT)
    return program


def load(program, url, path, *options):
    told = [program, "--no-tui", "--output-format", "json", "-c", str(CLIENTS), "-z", f"{LOAD_SECONDS}s", *options]
    for header in CALLER.items():
        told += ["-H", ": ".join(header)]
    done = json.loads(subprocess.run([*told, url + path], check=True, capture_output=True, text=True, env=CLEAN).stdout)
    codes = done["statusCodeDistribution"]
    good = sum(count for code, count in codes.items() if code.startswith("2"))
    assert good == sum(codes.values()), f"{path}: {codes}"
    return good / done["summary"]["total"]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def glance():
    """Glance's endpoint, or None and why."""
    compat = pathlib.Path(os.environ.get("COMPAT_SCRIPTS", ROOT / "../shared/compat"))
    engines = pathlib.Path(os.environ.get("ENGINE_SCRIPTS", ROOT / "../shared/engines"))
    up, database = compat / "glance-up.sh", engines / "mariadb-up.sh"
    if not (up.exists() and database.exists()):
        return None, "the scripts that start it are not here"
    port, database_port = free_port(), free_port()
    where = CLEAN | {"GLANCE_PORT": port, "MARIADB_PORT": database_port, "MARIADB_DIR": str(work / "mariadb"),
                     "GLANCE_STATE": str(work / "glance"), "MYSQL_URL": f"mysql+pymysql://root@127.0.0.1:{database_port}/glance?charset=utf8"}

    def run(*told):
        return subprocess.run(told, env=where, capture_output=True, text=True, check=False)

    atexit.register(run, "bash", engines / "mariadb-down.sh")
    atexit.register(run, "bash", compat / "glance-down.sh")
    for told in (["bash", database], ["mariadb", "--no-defaults", "-uroot", "-S", work / "mariadb/s.sock", "-e", "create database glance character set utf8"],
                 ["bash", up, "noauth", "2", "mysql"]):
        done = run(*told)
        if done.returncode != 0:
            return None, (done.stdout + done.stderr).strip().splitlines()[-1]
    return f"http://127.0.0.1:{port}", None


def measure(program, url):
    for n in range(IMAGES):
        answer = expect(call(url, "POST", "/v2/images", NEW | {"name": f"image-{n}"}, headers=CALLER), 201)
    image_id = answer.json()["id"]
    post = ("-m", "POST", "-H", "Content-Type: application/json", "-d", json.dumps(NEW))
    # Creates come last: the other two are measured on a catalogue that stands still.
    for what, path, options in (("show", f"/v2/images/{image_id}", ()), ("list of 25", "/v2/images?limit=25", ()), ("create", "/v2/images", post)):
        yield what, median([load(program, url, path, *options) for _ in range(ROUNDS)])


program = oha()
server = Glint(work / "data").start()
ours = dict(measure(program, server.url))
server.stop()
url, why = glance()
theirs = dict(measure(program, url)) if url else {}
title = f"Requests a second, {CLIENTS} clients, {LOAD_SECONDS} s, median of {ROUNDS}, {IMAGES} images (oha {OHA})"
rows = [(what, f"{rate:.0f}", f"{theirs[what]:.0f}" if theirs else "-", f"{rate / theirs[what]:.1f}" if theirs else "-") for what, rate in ours.items()]
table(title, ("", "glint", "glance", "ratio"), rows)
if why:
    print(f"Glance left out: {why}")
