"""Proves that an image goes from a page in a browser into the service: a session, parts with their checksums, a reload in the midst,
and the same hash at both ends. The page is of another origin than the service. Parts go to `glint serve` itself, then to a bucket.
Started by run.sh.
"""

import functools
import http.server
import os
import pathlib
import socket
import socketserver
import sys
import threading
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "clients"), str(HERE.parent / "engines")]

import engines  # noqa: E402
from harness import MIB, Checks, Glint, equal, random_file, scratch  # noqa: E402
from webdriver import Browser  # noqa: E402


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class Bridge(socketserver.ThreadingTCPServer):
    """Another address of a service. `to` is its URL."""

    daemon_threads = True

    def __init__(self, to):
        self.to = to
        super().__init__(("127.0.0.1", 0), Crossing)
        self.address = f"127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Crossing(socketserver.BaseRequestHandler):
    def handle(self):
        place = urllib.parse.urlsplit(self.server.to)
        with socket.create_connection((place.hostname, place.port)) as there:
            back = threading.Thread(target=self.carry, args=(there, self.request), daemon=True)
            back.start()
            self.carry(self.request, there)
            back.join()

    @staticmethod
    def carry(source, target):
        try:
            while piece := source.recv(1 << 16):
                target.sendall(piece)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # one end is gone, and the other will hear of it


def site():
    """A server of the page, of an origin of its own."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=HERE))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}"


check = Checks()
work = scratch("page")
ours, theirs = site(), site()
path = work / "image.raw"
random_file(path, 11)
with path.open("ab") as image:
    image.write(b"and an end")
size = path.stat().st_size
browser = Browser()
print(f"# {browser.version}, page {ours}", flush=True)


def visit(origin, glint):
    browser.visit(f"{origin}/page.html?{urllib.parse.urlencode({'api': glint.url})}", path)


def upload(where, glint, host):
    """Brings the image to where `host` says its parts go. Answers the image and its hash."""
    opened, told = {}, {}
    with check(f"{where}: a page of another origin opens a session"):
        visit(ours, glint)
        opened = browser.call("open_session")
        equal([opened["count"], opened["part_size"]], [3, 5 * MIB])
    with check(f"{where}: a part that is not what its checksum says is refused, and the page may read why"):
        (refused,) = browser.call("bring", opened["session"], 1, True)
        equal(refused["status"], 400)
    with check(f"{where}: a part is brought by its URL, and its ETag can be read"):
        (brought,) = browser.call("bring", opened["session"], 1, False)
        equal([brought["number"], brought["status"], brought["at"]], [1, 200, host])
        assert brought["etag"], brought
    with check(f"{where}: after a reload the page brings what is missing, side by side"):
        visit(ours, glint)
        brought = browser.call("bring", opened["session"], 10, False)
        equal([(each["number"], each["status"]) for each in brought], [(2, 200), (3, 200)])
    with check(f"{where}: the image is active, and the service's SHA-512 is the browser's"):
        told = browser.call("complete", opened["session"], opened["image"])
        equal([told["status"], told["size"], told["there"]], ["active", size, told["here"]])
        picture = browser.picture(f"browser-{where}.png")
        print(f"# what the window showed: {os.path.relpath(picture)}", flush=True)
    return opened["image"], told["here"]


def follow(where, glint, host, image, digest):
    """Downloads where the service sends its clients to `host`, another origin than both others."""
    with check(f"{where}: a page follows a redirect to a signed URL of a third origin, and has what it sent"):
        visit(ours, glint)
        got = browser.call("download", image)
        equal([urllib.parse.urlsplit(got["url"]).netloc, got["hash"]], [host, digest])
        equal([got["status"], got["range"], got["same"]], [206, f"bytes 5-24/{size}", True])
    return got


glint = Glint(work / "data", cors_allowed_origins=ours, upload_session_part_mib=5).start()
image, digest = upload("directory", glint, glint.url.removeprefix("http://"))
with check("directory: the page reads a range of it and the whole, and both are what was sent"):
    got = browser.call("download", image)
    equal([got["status"], got["range"], got["same"]], [206, f"bytes 5-24/{size}", True])
    assert got["etag"], got
    equal(got["hash"], digest)
with check("a page of an origin that was not named is kept out by the browser"):
    visit(theirs, glint)
    equal(browser.call("refused"), "TypeError")

# From here a redirect leads elsewhere, and a browser calls the origin of who follows it `null`.
bridge = Bridge(glint.url)
glint.stop()
glint.settings |= {"GLINT_CORS_ALLOWED_ORIGINS": "*", "GLINT_DOWNLOAD_REDIRECT": "always",
                   "GLINT_DOWNLOAD_TRUSTED_HOSTS": bridge.address, "GLINT_PUBLIC_ENDPOINT": f"http://{bridge.address}"}
bridge.to = glint.start().url
got = follow("directory", glint, bridge.address, image, digest)
with check("directory: and reads the name that it is saved by"):
    assert got["url"].startswith(f"http://{bridge.address}/v2/images/{image}/objects/"), got["url"]
    equal(got["disposition"], 'attachment; filename="image.raw"')
glint.stop()

store = engines.ministack()
host = store.removeprefix("http://")
engines.make_bucket(engines.client("s3", store), "images")
glint = Glint(work / "records", store_adapter="s3", store_bucket="images", store_endpoint=store, store_region=engines.REGION,
              store_path_style="true", cors_allowed_origins=ours, upload_session_part_mib=5, download_redirect="always",
              download_trusted_hosts=host).start()
image, digest = upload("bucket", glint, host)
follow("bucket", glint, host, image, digest)
glint.stop()
check.finish()
