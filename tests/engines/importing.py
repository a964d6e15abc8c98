"""A source of imports that serves and ails, and every method of import into every store by the `openstack` client. Used by imports.py and,
deployed, by tests/cloud.
"""

import functools
import http.server
import json
import subprocess
import threading
import time

from harness import CLEAN, ROOT, call, create, equal, expect, sha512, show, wait_for


class Origin:
    """A source on a port, a free one unless it is told: `/whole` and what ails others by name."""

    def __init__(self, data, port=0):
        origin = self
        self.data, self.asked = data, []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                origin.asked.append((self.path, self.headers.get("Range")))
                getattr(origin, self.path.strip("/").split("?")[0])(self)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
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

    def endless(self, request):
        """All of it in chunks, and not a word of how long it is."""
        request.send_response(200)
        request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        for at in range(0, len(self.data), 1 << 20):
            piece = self.data[at:at + (1 << 20)]
            request.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        request.wfile.write(b"0\r\n\r\n")

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
        request.send_header("Location", f"http://169.254.169.254:{port_of(self.url)}/latest/meta-data/")
        request.send_header("Content-Length", "0")
        request.end_headers()


# What is said of each: none of it is the service's own trouble.
ILL = {"fails": "the source answered 500", "stalls": "the source ", "lies": "the source ", "leads_away": "the source its address is "}


@functools.cache
def client():
    """The folder of the public clients' programs."""
    told = [ROOT / "tests/clients/venv.sh", "clients", *(ROOT / f"tests/clients/{each}.txt" for each in ("requirements", "constraints"))]
    return subprocess.run(told, check=True, capture_output=True, text=True).stdout.strip()


def openstack(url, *words):
    told = [f"{client()}/openstack", "--os-auth-type", "none", "--os-endpoint", url, "image", *map(str, words)]
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
                assert answer.body == file.read_bytes(), f"{other} has {len(answer.body)} bytes, and they are others"
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


def port_of(url):
    return url.rsplit(":", 1)[1]
