"""Imports by the `openstack` client: every method into every kind of store, from sources that serve and from such as fail, stall, lie
about their length and lead to where nobody may go; and a worker that is killed amid a copy. Started by run.sh.

usage: imports.py [--copy-mib 512]
"""

import argparse
import http.server
import json
import os
import pathlib
import signal
import socket
import subprocess
import threading
import time

import engines
from harness import CLEAN, MIB, Checks, Glint, call, create, equal, expect, random_file, scratch, sha512, show, wait_for

OPENSTACK = pathlib.Path(os.environ["OPENSTACK"])


class Origin:
    """A source on a free port: `/whole` and what ails others by name."""

    def __init__(self, data):
        origin = self
        self.data, self.asked = data, []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                origin.asked.append((self.path, self.headers.get("Range")))
                getattr(origin, self.path.strip("/").split("?")[0])(self)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def whole(self, request):
        """Serves, ranges too."""
        start = 0
        if asked := request.headers.get("Range"):
            start = int(asked.removeprefix("bytes=").split("-")[0])
            end = asked.removeprefix("bytes=").split("-")[1]
            body = self.data[start:int(end) + 1 if end else None]
            request.send_response(206)
            request.send_header("Content-Range", f"bytes {start}-{start + len(body) - 1}/{len(self.data)}")
        else:
            body = self.data
            request.send_response(200)
        request.send_header("Content-Length", str(len(body)))
        request.send_header("ETag", '"whole"')
        request.end_headers()
        request.wfile.write(body)

    def fails(self, request):
        request.send_response(500)
        request.send_header("Content-Length", "0")
        request.end_headers()

    def stalls(self, request):
        request.send_response(200)
        request.send_header("Content-Length", str(len(self.data)))
        request.end_headers()
        request.wfile.write(self.data[:1000])
        time.sleep(30)
        request.close_connection = True

    def lies(self, request):
        request.send_response(200)
        request.send_header("Content-Length", str(len(self.data) + 1))
        request.end_headers()
        request.wfile.write(self.data)
        request.close_connection = True

    def leads_away(self, request):
        request.send_response(302)
        request.send_header("Location", f"http://169.254.169.254:{urlport(origin.url)}/latest/meta-data/")
        request.send_header("Content-Length", "0")
        request.end_headers()


# What is said of each: none of it is the service's own trouble.
ILL = {"fails": "the source answered 500", "stalls": "the source ", "lies": "the source ", "leads_away": "the source "}


def openstack(url, *words):
    told = [OPENSTACK, "--os-auth-type", "none", "--os-endpoint", url, "image", *map(str, words)]
    done = subprocess.run(told, env=CLEAN, capture_output=True, text=True, timeout=120, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, f"openstack image {' '.join(map(str, words))}\n{done.stdout}{done.stderr}"
    return done.stdout


def queued(url):
    return create(url, disk_format="raw", container_format="bare")["id"]


def ended(url, image_id, seconds=120):
    """The image once its import is over."""
    def over():
        image = show(url, image_id)
        return image if image["status"] != "importing" and not image.get("os_glance_importing_to_stores") else None
    return wait_for("the import is over", over, seconds)


def task(url, image_id):
    return expect(call(url, "GET", f"/v2/images/{image_id}/tasks"), 200).json()["tasks"][-1]


def every_pair(check, name, url, stores, origin, file, work):
    """Each method into each store, and each ill source into each store."""
    digest = sha512(file)
    for store in stores:
        with check(f"{name}: glance-direct into {store}"):
            image_id = queued(url)
            openstack(url, "stage", "--file", file, image_id)
            openstack(url, "import", image_id, "--method", "glance-direct", "--store", store)
            image = ended(url, image_id)
            equal((image["status"], image["stores"], image["os_hash_value"]), ("active", store, digest), image)
            openstack(url, "save", "--file", work / "saved", image_id)
            equal(sha512(work / "saved"), digest)
        with check(f"{name}: web-download into {store}"):
            image_id = queued(url)
            openstack(url, "import", image_id, "--method", "web-download", "--uri", f"{origin.url}/whole", "--store", store)
            image = ended(url, image_id)
            equal((image["status"], image["stores"], image["os_hash_value"]), ("active", store, digest), image)
        with check(f"{name}: copy-image from {store} into all others, and read there"):
            openstack(url, "import", "--method", "copy-image", "--all-stores", image_id)
            image = ended(url, image_id)
            equal((image["status"], sorted(image["stores"].split(","))), ("active", sorted(stores)), image)
            for other in stores:
                answer = expect(call(url, "GET", f"/v2/images/{image_id}/file?prefer={other}"), 200)
                equal(len(answer.body), file.stat().st_size)
        with check(f"{name}: removed from {store}, it is read from the others"):
            expect(call(url, "DELETE", f"/v2/stores/{store}/{image_id}"), 204)
            equal(expect(call(url, "GET", f"/v2/images/{image_id}/file"), 200).body, file.read_bytes())
    begun = {(store, ill): queued(url) for store in stores for ill in ILL}
    for (store, ill), image_id in begun.items():
        openstack(url, "import", image_id, "--method", "web-download", "--uri", f"{origin.url}/{ill}", "--store", store)
    for (store, ill), image_id in begun.items():
        with check(f"{name}: a source that {ill.replace('_', ' ')} leaves the image queued, and {store} clean"):
            image = ended(url, image_id, 240)
            equal((image["status"], image["size"], image["os_glance_failed_import"]), ("queued", None, store), image)
            assert ILL[ill] in image["os_glance_failed_import_message"], image
            told = task(url, image_id)
            equal((told["status"], told["message"]), ("failure", image["os_glance_failed_import_message"]))
    with check(f"{name}: who names a file, a private address or another port is refused at once"):
        image_id = queued(url)
        for uri in ("file:///etc/passwd", "http://10.0.0.1/a", "http://127.0.0.1:22/a", "http://user:word@127.0.0.1/a", "http://0x7f000001/a"):
            body = json.dumps({"method": {"name": "web-download", "uri": uri}}).encode()
            equal(call(url, "POST", f"/v2/images/{image_id}/import", body, "application/json").status, 400, uri)
        equal(show(url, image_id)["status"], "queued")


def killed(check, work, settings, copy_mib):
    """A worker killed amid a copy: another process takes it over, and brings no more than a part again."""
    part, big = 8, work / "big.raw"
    random_file(big, 1)
    os.truncate(big, copy_mib * MIB)
    first = Glint(work / "killed", upload_session_part_mib=part, **settings).start()
    with check(f"killed amid a copy of {copy_mib} MiB, the next process finishes it within a minute of its lease's end"):
        image_id = queued(first.url)
        with big.open("rb") as body:
            expect(call(first.url, "PUT", f"/v2/images/{image_id}/file", body, "application/octet-stream"), 204)
        openstack(first.url, "import", image_id, "--method", "copy-image", "--store", "far")
        far, count = work / "far", -(-copy_mib // part)

        def journal():
            return next((path.read_text().count("\n+") for path in far.rglob("*journal*")), 0)

        wait_for("some parts are there", lambda: journal() >= count // 3, 120)
        first.process.send_signal(signal.SIGKILL)
        first.process.wait()
        there = journal()
        assert there < count, "all of it was there before it was killed"
        began = time.monotonic()
        second = Glint(work / "killed", upload_session_part_mib=part, **settings).start()
        image = ended(second.url, image_id, 300)
        seconds = time.monotonic() - began
        equal((image["status"], image["stores"]), ("active", "default,far"), image)
        equal(image["os_hash_value"], sha512(big))
        print(f"        {there} of {count} parts were there at the kill; copied whole {seconds:.0f} s later")
        equal(len(expect(call(second.url, "GET", f"/v2/images/{image_id}/file?prefer=far"), 200).body), copy_mib * MIB)
        second.stop()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--copy-mib", type=int, default=512)
    options = parser.parse_args()
    check, work = Checks(), scratch("imports")
    file = work / "disk.raw"
    random_file(file, 20)
    origin = Origin(file.read_bytes())
    ministack = engines.ministack()
    engines.make_bucket(engines.client("s3", ministack), "glint-imports")
    stores = {
        "far": {"adapter": "file", "directory": str(work / "far"), "weight": -5},
        "bucket": {"adapter": "s3", "bucket": "glint-imports", "endpoint": ministack, "region": engines.REGION, "path_style": True},
    }
    outward = {"egress_allowed_ports": urlport(origin.url), "egress_allowed_networks": "127.0.0.0/8", "egress_idle_seconds": 1}
    settings = {"stores": json.dumps(stores), "reaper_interval_seconds": 1, "upload_session_part_mib": 5} | outward
    server = Glint(work / "data", **settings).start()
    every_pair(check, "glint", server.url, ["default", "far", "bucket"], origin, file, work)
    server.stop()
    killed(check, work, {"stores": json.dumps({"far": stores["far"]}), "reaper_interval_seconds": 1} | outward, options.copy_mib)
    check.finish()


def urlport(url):
    return url.rsplit(":", 1)[1]


if __name__ == "__main__":
    main()
