#!/usr/bin/env python3
"""Start: how long from exec to the first answer on an empty directory, and what an idle server holds in memory.

Needs: cargo build --release.  env: ROUNDS=10.  For the build itself: `cargo build --release --timings` in a fresh clone.
"""

import os
import time

from bench import Glint, clocked, median, scratch, table

ROUNDS = int(os.environ.get("ROUNDS", "10"))
work = scratch("bench-start")
ready, idle = [], []
for n in range(ROUNDS):
    seconds, glint = clocked(Glint(work / str(n)).start)
    ready.append(seconds)
    time.sleep(1)  # what is measured is a server that has been idle, not one that has just started
    idle.append(glint.resident_mib())
    glint.stop()
table(f"Start on an empty directory, {ROUNDS} times", ("", "median", "worst"), [
    ("exec to first answer, s", f"{median(ready):.3f}", f"{max(ready):.3f}"),
    ("resident after 1 s, MiB", f"{median(idle):.1f}", f"{max(idle):.1f}")])
