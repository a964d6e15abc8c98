"""A client of upload sessions: it brings parts by presigned URLs."""

import concurrent.futures
import os
import subprocess
import urllib.parse

from harness import MIB, call, expect, scratch

PART_MIB = 5  # the least S3 takes
SIZE = 2 * PART_MIB * MIB + 17


class Bytes:
    """A file of bytes that no format is recognised in, and what `md5sum` and `sha512sum` say of it."""

    def __init__(self, size=SIZE):
        self.data = b"glint" + os.urandom(size - 5)
        path = scratch("session") / "data"
        path.write_bytes(self.data)
        self.md5, self.sha512 = (subprocess.run([program, path], capture_output=True, text=True, check=True).stdout.split()[0]
                                 for program in ("md5sum", "sha512sum"))


def opened(url, image_id, size):
    return expect(call(url, "POST", f"/v2/images/{image_id}/uploads", {"size": size}), 201).json()


def bring(part, data):
    """Sends a part where its URL says, without a token. Answers the bucket's answer."""
    place = urllib.parse.urlsplit(part["url"])
    piece = data[part["offset"]:part["offset"] + part["size"]]
    return call(f"{place.scheme}://{place.netloc}", "PUT", f"{place.path}?{place.query}", piece, headers=part.get("headers", {}))


def bring_all(session, data):
    with concurrent.futures.ThreadPoolExecutor(4) as at_once:
        for answer in at_once.map(lambda part: bring(part, data), session["parts"]):
            expect(answer, 200)


def complete(url, session):
    return call(url, "POST", f"{session['self']}/complete")
