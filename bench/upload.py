#!/usr/bin/env python3
"""Upload: how near 1 GiB through `glint serve` comes to MD5 alone on one core, and what memory 4 GiB take.

Pairs of MD5 in memory and `curl -T` of the same bytes, medians and their ratio; then 4 GiB streamed at full speed, the
peak of the server's resident memory.  Needs: cargo build --release; curl; 6 GiB of disk.  env: ROUNDS=5 SIZE_MIB=1024
"""

import hashlib
import os
import subprocess

from bench import MIB, OCTETS, Glint, await_no_bytes, clocked, create, curl, expect, call, median, needs, random_file, scratch, show, table

ROUNDS, SIZE_MIB = int(os.environ.get("ROUNDS", "5")), int(os.environ.get("SIZE_MIB", "1024"))
needs("curl")
work = scratch("bench-upload")
file = work / "bytes"
random_file(file, SIZE_MIB)
glint = Glint(work / "data", reaper_interval_seconds=1).start()


def upload(source, image_id, **options):
    return curl("-T", source, "-H", f"Content-Type: {OCTETS}", f"{glint.url}/v2/images/{image_id}/file", **options)


def delete(image_id):
    expect(call(glint.url, "DELETE", f"/v2/images/{image_id}"), 204)
    await_no_bytes(glint)


md5, sent = [], []
content = file.read_bytes()
for _ in range(ROUNDS):
    md5.append(clocked(lambda: hashlib.md5(content).hexdigest())[0])
    image_id = create(glint.url)["id"]
    sent.append(upload(file, image_id))
    delete(image_id)
rate = [f"{SIZE_MIB / median(each):.0f}" for each in (md5, sent)]
table(f"Upload of {SIZE_MIB} MiB, median of {ROUNDS}", ("", "seconds", "MiB/s", "ratio"), [
    ("MD5 alone, one core", f"{median(md5):.2f}", rate[0], "1.00"),
    ("glint serve, curl -T", f"{median(sent):.2f}", rate[1], f"{median(md5) / median(sent):.2f}")])

del content
glint.stop()
glint.start()  # a new process: its peak is of this upload alone
idle = glint.resident_mib()
image_id = create(glint.url)["id"]
pieces = os.urandom(64 * MIB)
told = ["curl", "-sS", "--fail", "-T", "-", "-H", f"Content-Type: {OCTETS}", f"{glint.url}/v2/images/{image_id}/file"]
sender = subprocess.Popen(told, stdin=subprocess.PIPE)


def stream():
    for _ in range(64):
        sender.stdin.write(pieces)
    sender.stdin.close()
    assert sender.wait() == 0, "the upload failed"


seconds, _ = clocked(stream)
assert show(glint.url, image_id)["size"] == 4096 * MIB
table("Memory while 4 GiB stream in, size unknown", ("", "MiB"), [
    ("idle before", f"{idle:.1f}"), ("peak (VmHWM)", f"{glint.resident_mib('VmHWM'):.1f}"), ("MiB/s", f"{4096 / seconds:.0f}")])
glint.stop()
