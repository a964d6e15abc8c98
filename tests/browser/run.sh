#!/usr/bin/env bash
# Proves that a page in Chromium uploads and downloads an image on `glint serve`, by an upload session, with its bytes in a directory and
# in a bucket of MiniStack.
# Needs: cargo build --release, or GLINT=PROGRAM; chromium and chromedriver (Debian: chromium, chromium-driver); Python 3.11.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bin=$("$here/../clients/venv.sh" ministack "$here/../engines/ministack.txt")
exec "$bin/python" "$here/browser.py"
