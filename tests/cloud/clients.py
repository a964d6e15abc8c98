"""The suites of tests/clients against the deployed API: the public clients, and lists beside another client."""

import os
import re
import subprocess
import sys

from harness import ROOT

# What a function carries (shared::lambda::MAX_BYTES).
LARGEST = 4_500_000


def counted(check, name, told, **environment):
    """Runs a script and takes its counts over."""
    done = subprocess.run(told, cwd=ROOT, env=os.environ | environment, stdout=subprocess.PIPE, text=True, check=False)
    lines = done.stdout.splitlines()
    counts = re.fullmatch(r"(\d+) passed, (\d+) failed(?:, (\d+) skipped)?", (lines or [""])[-1])
    print("\n".join(lines[:-1]), flush=True)
    if counts:
        check.passed += int(counts[1])
        check.failed += int(counts[2])
        check.skipped += int(counts[3] or 0)
    else:
        with check(f"{name} ends with its counts"):
            raise AssertionError(done.stdout[-500:])


def run(deployment, check):
    counted(check, "the clients' run", [ROOT / "tests/clients/run.sh"], ENDPOINT=deployment.url, LARGEST_BODY=str(LARGEST))
    counted(check, "the paging run", [sys.executable, ROOT / "tests/clients/paging.py"], ENDPOINT=deployment.url, COUNT="300")
