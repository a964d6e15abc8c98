#!/usr/bin/env python3
"""Conversion of disks, beside qemu-img: each source format to raw and to qcow2, the same files in one run.

A disk of SIZE_MIB, a third of it random, a third text that can be packed, a third zeros, in turns of 16 MiB. Rounds go in turn over both, so that what else the
machine does meets both alike; seconds are medians, a ratio is the median of the rounds' ratios: over 1, Glint was the faster one.
Neither writes zeros, nor waits for the disk. Each result is compared with the source by qemu-img. Sources are files without
holes, for what is staged or fetched has none. To the format that it has already nothing is converted, nor measured.
Needs: cargo build --release -p emulator --bin convert; qemu-img; several GiB in WORK, best of memory (/dev/shm), where no disk is
waited for.  env: ROUNDS=5 SIZE_MIB=1024 WORK=<the target directory>
"""

import atexit
import base64
import os
import pathlib
import shutil
import statistics
import subprocess
import tempfile

from bench import MIB, TARGET, clocked, needs, table

ROUNDS, SIZE_MIB = int(os.environ.get("ROUNDS", "5")), int(os.environ.get("SIZE_MIB", "1024"))
CONVERT = TARGET / "release" / "convert"
# Name, Glint's format, qemu-img's, its options.
SOURCES = (
    ("raw", "raw", "raw", []),
    ("qcow2", "qcow2", "qcow2", []),
    ("qcow2, zlib", "qcow2", "qcow2", ["-c"]),
    ("qcow2, zstd", "qcow2", "qcow2", ["-c", "-o", "compression_type=zstd"]),
    ("vmdk, sparse", "vmdk", "vmdk", []),
    ("vmdk, streamed", "vmdk", "vmdk", ["-o", "subformat=streamOptimized"]),
    ("vhd, dynamic", "vhd", "vpc", ["-o", "force_size=on"]),
    ("vhd, fixed", "vhd", "vpc", ["-o", "subformat=fixed,force_size=on"]),
    ("vhdx", "vhdx", "vhdx", []),
    ("vdi", "vdi", "vdi", []),
)
needs("qemu-img")
work = pathlib.Path(tempfile.mkdtemp(prefix="bench-convert-", dir=os.environ.get("WORK", TARGET)))
atexit.register(shutil.rmtree, work, ignore_errors=True)
disk, sparse, image, out = work / "disk", work / "sparse", work / "image", work / "out"


def run(*command):
    return subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True).stdout


with open(disk, "wb") as file:
    for turn in range(SIZE_MIB // 48):
        file.write(os.urandom(16 * MIB))
        file.write(base64.b64encode(os.urandom(12 * MIB)))
        file.seek(16 * MIB, os.SEEK_CUR)
    file.truncate(SIZE_MIB * MIB)

rows = []
for name, ours, theirs, options in SOURCES:
    run("qemu-img", "convert", "-f", "raw", "-O", theirs, *options, disk, sparse)
    with open(sparse, "rb") as source, open(image, "wb") as copy:
        shutil.copyfileobj(source, copy, 16 * MIB)
    sparse.unlink()
    for target in (target for target in ("raw", "qcow2") if target != ours):
        seen = []
        for _ in range(ROUNDS):
            out.unlink(missing_ok=True)
            qemu, _ = clocked(lambda: run("qemu-img", "convert", "-f", theirs, "-O", target, image, out))
            out.unlink()
            glint, said = clocked(lambda: run(CONVERT, image, ours, target, out))
            seen.append((qemu, glint, float(said.split()[1])))
        run("qemu-img", "compare", "-f", theirs, "-F", target, image, out)
        qemu, glint, memory = (statistics.median(column) for column in zip(*seen))
        ratio = statistics.median(qemu / glint for qemu, glint, _ in seen)
        rows.append((f"{name} → {target}", f"{qemu:.2f}", f"{glint:.2f}", f"{SIZE_MIB / glint:.0f}", f"{ratio:.2f}", f"{memory:.0f}"))
    image.unlink()
table(f"Conversion of {SIZE_MIB} MiB, a third of it random, a third text: medians of {ROUNDS} rounds",
      ("", "qemu-img, s", "Glint, s", "MiB/s", "ratio", "memory, MiB"), rows)
