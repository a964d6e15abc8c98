"""What the load scripts share. They print tables and judge nothing: a figure depends on the machine it was taken on."""

import pathlib
import shutil
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "clients"))

from harness import CLEAN, MIB, OCTETS, TARGET, Glint, call, create, expect, random_file, scratch, show, wait_for  # noqa: E402, F401

median = statistics.median


def clocked(action):
    """How long it took, in seconds, and what it returned."""
    begun = time.perf_counter()
    value = action()
    return time.perf_counter() - begun, value


def curl(*arguments, **options):
    """Runs curl and returns the seconds it says the transfer took."""
    told = ["curl", "-sS", "--fail", "-o", "/dev/null", "-w", "%{time_total}", *map(str, arguments)]
    return float(subprocess.run(told, check=True, stdout=subprocess.PIPE, text=True, **options).stdout)


def table(title, head, rows):
    """Prints rows under a head, the first column as text, the others as numbers that were formatted already."""
    cells = [list(map(str, row)) for row in [head, *rows]]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    print(f"\n{title}\n")
    for cell in cells:
        line = [cell[0].ljust(widths[0])] + [text.rjust(width) for text, width in zip(cell[1:], widths[1:], strict=True)]
        print("  " + "  ".join(line).rstrip())
    print(flush=True)


def needs(*programs):
    """Ends the script, saying so, when a program it needs is not here."""
    absent = [name for name in programs if not shutil.which(name)]
    if absent:
        sys.exit(f"not on this machine: {', '.join(absent)}")


def await_no_bytes(glint):
    """Waits until the reaper took away what was deleted, so that one round does not run into the next."""
    def stored():
        return sum(path.stat().st_size for path in glint.data.rglob("*") if path.is_file())
    wait_for("the deleted bytes are gone", lambda: stored() < 64 * MIB, 120)
