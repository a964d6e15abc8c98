#!/usr/bin/env python3
"""Download: how near `glint serve` comes to plain nginx on the same file.

Pairs of `curl -o /dev/null` from each, medians and their ratio.
Needs: cargo build --release; curl; nginx; 3 GiB of disk.  env: ROUNDS=9 SIZE_MIB=1024
"""

import atexit
import os
import socket
import subprocess

from bench import CLEAN, OCTETS, Glint, create, curl, median, needs, random_file, scratch, table, wait_for, call

ROUNDS, SIZE_MIB = int(os.environ.get("ROUNDS", "9")), int(os.environ.get("SIZE_MIB", "1024"))
os.environ["PATH"] += ":/usr/sbin:/sbin"
needs("curl", "nginx")
work = scratch("bench-download")
file = work / "bytes"
random_file(file, SIZE_MIB)
work.chmod(0o755)  # nginx's worker is another user when the script is run by root


def nginx():
    """Plain nginx with sendfile on, one worker, on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    user = "user root;" if os.geteuid() == 0 else ""
    (work / "nginx.conf").write_text(f"""
daemon off; pid {work}/nginx.pid; error_log {work}/nginx.log; worker_processes 1; {user}
events {{}}
http {{ access_log off; sendfile on; tcp_nopush on; client_body_temp_path {work}/b; proxy_temp_path {work}/p;
  fastcgi_temp_path {work}/f; uwsgi_temp_path {work}/u; scgi_temp_path {work}/s;
  server {{ listen 127.0.0.1:{port}; root {work}; }} }}""")
    process = subprocess.Popen(["nginx", "-p", work, "-c", work / "nginx.conf"], env=CLEAN, stderr=subprocess.DEVNULL)
    atexit.register(process.terminate)
    url = f"http://127.0.0.1:{port}"

    def answers():
        try:
            return call(url, "HEAD", "/bytes").status == 200
        except OSError:
            return False

    wait_for("nginx answers", answers)
    return f"{url}/bytes"


glint = Glint(work / "data").start()
image_id = create(glint.url)["id"]
curl("-T", file, "-H", f"Content-Type: {OCTETS}", f"{glint.url}/v2/images/{image_id}/file")
plain, ours = nginx(), f"{glint.url}/v2/images/{image_id}/file"
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
