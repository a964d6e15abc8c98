#!/usr/bin/env bash
# Proves that a page in Chromium uploads and downloads an image on `glint serve`, by an upload session.
# Needs: cargo build --release, or GLINT=PROGRAM; chromium and chromedriver (Debian: chromium, chromium-driver); Python 3.11.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
exec python3 "$here/browser.py"
