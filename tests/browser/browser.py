"""Proves that an image goes from a page in a browser into the service: a session, parts with their checksums, a reload in the midst,
and the same hash at both ends. The page is of another origin than the service. Started by run.sh.
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
sys.path.insert(0, str(HERE.parent / "clients"))

from harness import MIB, TARGET, Checks, Glint, equal, random_file, scratch  # noqa: E402
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
digest = random_file(path, 11)
with path.open("ab") as image:
    image.write(b"and an end")
size = path.stat().st_size
glint = Glint(work / "data", cors_allowed_origins=ours, upload_session_part_mib=5).start()
browser = Browser()
print(f"# {browser.version}, page {ours}, service {glint.url}", flush=True)


def visit(origin, api=glint.url):
    browser.visit(f"{origin}/page.html?{urllib.parse.urlencode({'api': api})}", path)


opened = {}
with check("a page of another origin opens a session"):
    visit(ours)
    opened = browser.call("open_session")
    equal([opened["count"], opened["part_size"]], [3, 5 * MIB])

with check("a part that is not what its checksum says is refused, and the page may read why"):
    (refused,) = browser.call("bring", opened["session"], 1, True)
    equal(refused["status"], 400)

with check("a part is brought by its URL, and its ETag can be read"):
    (brought,) = browser.call("bring", opened["session"], 1, False)
    equal([brought["number"], brought["status"]], [1, 200])
    assert brought["etag"], brought

with check("after a reload the page brings what is missing, side by side"):
    visit(ours)
    brought = browser.call("bring", opened["session"], 10, False)
    equal([(each["number"], each["status"]) for each in brought], [(2, 200), (3, 200)])

with check("the image is active, and the service's SHA-512 is the browser's"):
    told = browser.call("complete", opened["session"], opened["image"])
    equal([told["status"], told["size"]], ["active", size])
    equal(told["there"], told["here"])
    browser.picture("browser.png")

with check("the page reads a range of it and the whole, and both are what was sent"):
    got = browser.call("download", opened["image"])
    equal([got["status"], got["range"], got["same"]], [206, f"bytes 5-24/{size}", True])
    assert got["etag"], got
    equal(got["hash"], told["here"])

with check("a page of an origin that was not named is kept out by the browser"):
    visit(theirs)
    equal(browser.call("refused"), "TypeError")

bridge = Bridge(glint.url)
glint.stop()
glint.settings |= {"GLINT_CORS_ALLOWED_ORIGINS": "*", "GLINT_DOWNLOAD_REDIRECT": "always",
                   "GLINT_DOWNLOAD_TRUSTED_HOSTS": bridge.address, "GLINT_PUBLIC_ENDPOINT": f"http://{bridge.address}"}
bridge.to = glint.start().url
with check("a page follows a redirect to a signed URL of a third origin, and reads what the data is saved as"):
    visit(ours, glint.url)
    got = browser.call("download", opened["image"])
    assert got["url"].startswith(f"http://{bridge.address}/v2/images/{opened['image']}/objects/"), got["url"]
    equal([got["status"], got["range"], got["same"]], [206, f"bytes 5-24/{size}", True])
    equal([got["hash"], got["disposition"]], [told["here"], 'attachment; filename="image.raw"'])

print(f"# what the window showed: {os.path.relpath(TARGET / 'browser.png')}", flush=True)
check.finish()
