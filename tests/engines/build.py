"""Builds every function for both processors that Lambda has, and holds the size of each binary as `sam build` builds it.

Prints a table: MiB of the binary and of what is uploaded of it. Started by run.sh; functions.py and bench/ use what it built.
"""

import gzip
import pathlib
import platform
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "clients"))

from harness import MIB, ROOT, TARGET, Checks  # noqa: E402

FUNCTIONS = sorted(each.parent.parent.name for each in ROOT.glob("functions/*/src/main.rs"))
# Uploads speaks to the table, the bucket, the queue and the API, and looks into formats and signatures: 0.6 MiB of it, as of the reaper.
# The importer reads and writes formats of disks and archives besides, and fetches: 0.6 MiB more than the reaper.
LIMITS = dict.fromkeys(FUNCTIONS, 8 * MIB) | {"uploads": 9 * MIB, "importer": 9 * MIB}
OWN = {"x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}[platform.machine()]
OTHER = "x86_64" if OWN == "arm64" else "arm64"


def folder(architecture):
    return TARGET / ("lambda" if architecture == OWN else f"lambda-{architecture}")


def binary(name, architecture=OWN):
    return folder(architecture) / name / "bootstrap"


def cargo_lambda(architecture, *packages):
    told = ["cargo", "lambda", "build", "--quiet", "--locked", "--release", "--lambda-dir", folder(architecture), *packages]
    if architecture != OWN:
        told += ["--arm64" if architecture == "arm64" else "--x86-64"]
    subprocess.run(told, cwd=ROOT, check=True)


def build(check, architecture=OWN):
    """Whether every function was built: all at once, which compiles what they share once, with the features of all."""
    for name in FUNCTIONS:
        binary(name, architecture).unlink(missing_ok=True)
    with check(f"cargo lambda build --release for {architecture}"):
        cargo_lambda(architecture)
        assert all(binary(name, architecture).exists() for name in FUNCTIONS), "a function was not built"
        return True
    return False


def size(name, architecture):
    """Bytes of a function's binary. `sam build` builds it in its folder, with its own features alone; so is one that is too large among all."""
    if binary(name, architecture).stat().st_size > LIMITS[name]:
        print(f"{name} for {architecture} is built again, by itself", flush=True)
        cargo_lambda(architecture, "--package", name)
    return binary(name, architecture).stat().st_size


def sizes(architectures):
    print(f"\n{'function':<18}" + "".join(f"{each + ', MiB':>14}{'gzip':>8}" for each in architectures))
    for name in FUNCTIONS:
        bodies = [binary(name, each).read_bytes() for each in architectures]
        print(f"{name:<18}" + "".join(f"{len(body) / MIB:>14.2f}{len(gzip.compress(body)) / MIB:>8.2f}" for body in bodies))
    print(flush=True)


if __name__ == "__main__":
    check = Checks()
    built = [each for each in (OWN, OTHER) if build(check, each)]
    taken = {(name, each): size(name, each) for each in built for name in FUNCTIONS}
    sizes(built)
    for architecture in built:
        for name in FUNCTIONS:
            with check(f"{name} for {architecture} is at most {LIMITS[name] / MIB:g} MiB"):
                assert taken[name, architecture] <= LIMITS[name], f"{taken[name, architecture]} bytes"
    check.finish()
