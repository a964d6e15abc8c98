#!/usr/bin/env bash
# Makes a Python environment under the target directory and prints the folder of its programs. Does nothing when the
# pins have not changed.  usage: venv.sh NAME REQUIREMENTS [CONSTRAINTS]   (env: PYTHON, python3 by default)
# Needs: Python 3 with venv, and the package index.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
name=$1 requirements=$2 constraints=${3:-$2}
venv=${CARGO_TARGET_DIR:-$root/target}/venvs/$name
pins=$(cat "$requirements" "$constraints" | sha256sum)
if [ "$(cat "$venv/pins" 2>/dev/null)" != "$pins" ]; then
  rm -rf "$venv"
  mkdir -p "${venv%/*}"
  "${PYTHON:-python3}" -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$requirements" -c "$constraints" >&2
  echo "$pins" > "$venv/pins"
fi
echo "$venv/bin"
