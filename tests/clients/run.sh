#!/usr/bin/env bash
# Proves that unmodified clients (openstack, glance, openstacksdk, at the pins beside this file) do an image's whole life
# on `glint serve`: create, upload, list, find, change, save, delete, and the refusals they rely on.
# Needs: cargo build --release; Python 3.11 or later; qemu-img, apt-get and dpkg, or those checks say they were skipped.
# env: ENDPOINT=URL tries a server that runs already, LARGEST_BODY=BYTES one that takes no more; GLINT=PROGRAM another build
# of the program.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bin=$("$here/venv.sh" clients "$here/requirements.txt" "$here/constraints.txt")
exec "$bin/python" "$here/e2e.py"
