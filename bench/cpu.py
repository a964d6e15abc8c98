#!/usr/bin/env python3
"""CPU: what a request and a GiB cost the process that serves them, Glint against Glance. Costs are sized by it.

Read off the processes, so it holds whatever else the machine does. Glint keeps its records and bytes in MiniStack, as it
does in the cloud; Glance (one worker) in MariaDB and a directory, which spares it the requests to a bucket. Without the
scripts that start it (servers.py) its column is left out, and the run says so.
Needs: cargo build --release; tests/engines/run.sh cloud (MiniStack); curl.  env: REQUESTS=300 SIZE_MIB=512
"""

import atexit
import os
import pathlib
import subprocess

from bench import CLEAN, MIB, OCTETS, ROOT, TARGET, Glint, call, create, curl, expect, needs, random_file, scratch, table, wait_for
from servers import CALLER, cpu_seconds, free_port, glance

REQUESTS, SIZE_MIB, IMAGES = int(os.environ.get("REQUESTS", "300")), int(os.environ.get("SIZE_MIB", "512")), 60
needs("curl")
work = scratch("bench-cpu")
file = work / "bytes"
random_file(file, SIZE_MIB)
V21 = "application/openstack-images-v2.1-json-patch"


def emulated_cloud():
    """MiniStack with a table and a bucket, and the settings of a Glint on them."""
    python, port = TARGET / "venvs" / "ministack" / "bin" / "python", free_port()
    if not python.exists():
        raise SystemExit("no MiniStack: tests/engines/run.sh cloud installs it")
    url = f"http://127.0.0.1:{port}"
    environment = CLEAN | {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "MINISTACK_HOST": "127.0.0.1"}
    process = subprocess.Popen([python.parent / "ministack"], cwd=work, env=environment, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    atexit.register(process.kill)

    def healthy():
        try:
            return call(url, "GET", "/_ministack/health").status == 200
        except OSError:
            return False
    wait_for("MiniStack answers", healthy, 60)
    made = "import sys; sys.path.insert(0, 'tests/engines'); import engines; url = sys.argv[1]; " \
        "engines.make_table(engines.client('dynamodb', url), 'bench'); engines.client('s3', url).create_bucket(Bucket='bench')"
    subprocess.run([python, "-c", made, url], cwd=ROOT, check=True, env=CLEAN)
    CLEAN.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test")
    return {"table_adapter": "dynamodb", "table_name": "bench", "table_endpoint": url, "table_region": "us-east-1",
            "store_adapter": "s3", "store_bucket": "bench", "store_endpoint": url, "store_region": "us-east-1",
            "store_path_style": "true", "log": "info"}


def resident_mib(pid):
    """Proportional memory of a process and all it started: what they share counts once."""
    rollup = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(rollup.split("Pss:")[1].split()[0]) / 1024 + sum(map(resident_mib, children))


def measure(url, pids):
    """Rows of CPU by operation: milliseconds a request, seconds a GiB, and MiB of memory at the end."""
    new = {"name": "new", "disk_format": "raw", "container_format": "bare", "os_distro": "debian", "hw_disk_bus": "scsi", "tags": ["a"]}
    post = lambda **more: expect(call(url, "POST", "/v2/images", new | more, headers=CALLER), 201).json()["id"]  # noqa: E731
    ids = [post(name=f"image-{n}") for n in range(IMAGES)]
    change = b'[{"op": "replace", "path": "/name", "value": "changed"}]'
    made = []
    send = lambda image_id: ["-T", file, "-H", f"Content-Type: {OCTETS}", f"{url}/v2/images/{image_id}/file"]  # noqa: E731
    headers = [word for header in CALLER.items() for word in ("-H", ": ".join(header))]
    steps = {
        "show": lambda n: expect(call(url, "GET", f"/v2/images/{ids[n % IMAGES]}", headers=CALLER), 200),
        "list of 25": lambda _: expect(call(url, "GET", "/v2/images?limit=25", headers=CALLER), 200),
        "create": lambda n: made.append(post(name=f"made-{n}")),
        "patch": lambda n: expect(call(url, "PATCH", f"/v2/images/{made[n]}", change, V21, CALLER), 200),
        "delete": lambda n: expect(call(url, "DELETE", f"/v2/images/{made[n]}", headers=CALLER), 204),
    }
    for name, step in steps.items():
        before = {who: cpu_seconds(pid) for who, pid in pids.items()}
        for n in range(REQUESTS):
            step(n)
        yield f"{name}, ms", {who: 1000 * (cpu_seconds(pid) - before[who]) / REQUESTS for who, pid in pids.items()}
    for name, arguments in (("upload, s a GiB", send(ids[0])), ("download, s a GiB", [f"{url}/v2/images/{ids[0]}/file"])):
        before = {who: cpu_seconds(pid) for who, pid in pids.items()}
        curl(*headers, *arguments)
        yield name, {who: (cpu_seconds(pid) - before[who]) * 1024 / SIZE_MIB for who, pid in pids.items()}
    yield "memory, MiB", {who: resident_mib(pid) for who, pid in pids.items()}


settings = emulated_cloud()
server = Glint(work / "data", **settings).start()
rows = {name: seen for name, seen in measure(server.url, {"glint": server.process.pid})}
server.stop()
url, pids = glance(work, "mysql")
for name, seen in measure(url, pids) if url else ():
    rows[name] |= seen
columns = list(dict.fromkeys(who for seen in rows.values() for who in seen))
table(f"CPU of {REQUESTS} requests one after the other, of {SIZE_MIB} MiB up and down", ("", *columns), [
    (name, *(f"{seen[who]:.2f}" for who in columns)) for name, seen in rows.items()])
if not url:
    print(f"Glance left out: {pids}")
