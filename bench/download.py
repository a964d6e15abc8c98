#!/usr/bin/env python3
"""Download: how near `glint serve` comes to plain nginx on the same file.

Pairs of `curl -o /dev/null` from each, medians and their ratio.
Needs: cargo build --release; curl; nginx; 3 GiB of disk.  env: ROUNDS=9 SIZE_MIB=1024
"""

import os

from bench import OCTETS, Glint, create, curl, median, needs, random_file, scratch, table
from servers import nginx

ROUNDS, SIZE_MIB = int(os.environ.get("ROUNDS", "9")), int(os.environ.get("SIZE_MIB", "1024"))
os.environ["PATH"] += ":/usr/sbin:/sbin"
needs("curl", "nginx")
work = scratch("bench-download")
file = work / "bytes"
random_file(file, SIZE_MIB)
glint = Glint(work / "data").start()
image_id = create(glint.url)["id"]
curl("-T", file, "-H", f"Content-Type: {OCTETS}", f"{glint.url}/v2/images/{image_id}/file")
plain, ours = nginx(work)[0] + "/bytes", f"{glint.url}/v2/images/{image_id}/file"
times = {plain: [], ours: []}
curl(plain), curl(ours)  # both files are in memory from here on
for _ in range(ROUNDS):
    for url, seen in times.items():
        seen.append(curl(url))
both = {url: median(seen) for url, seen in times.items()}
table(f"Download of {SIZE_MIB} MiB, median of {ROUNDS} pairs", ("", "seconds", "MiB/s", "ratio"), [
    ("nginx, plain file", f"{both[plain]:.3f}", f"{SIZE_MIB / both[plain]:.0f}", "1.00"),
    ("glint serve", f"{both[ours]:.3f}", f"{SIZE_MIB / both[ours]:.0f}", f"{both[plain] / both[ours]:.2f}")])
glint.stop()
