#!/usr/bin/env python3
"""Proves that an upload which breaks leaves an image that can be uploaded again, and no bytes that nobody owns.

`kill -9` of the program in the middle of 1 GiB, a client that is gone, a client that is silent, an image deleted under its
upload, a stop in the middle of one, a full disk (needs root, else it says so). After each the files are counted: the
bytes of active images, the table, nothing else.
Needs: cargo build --release; curl; Python 3.11; 3 GiB of disk beside the build. Standard library only.
"""

import hashlib
import os
import pathlib
import socket
import subprocess
import threading
import urllib.parse

from harness import MIB, OCTETS, Checks, Glint, call, create, equal, expect, random_file, scratch, sha512, show, wait_for

SIZE_MIB = int(os.environ.get("SIZE_MIB", "1024"))
check = Checks()
work = scratch("crash")
whole = work / "whole.raw"
digest = random_file(whole, SIZE_MIB)


def glint(data):
    # The shortest lease there is: what is abandoned is cleaned up within seconds.
    return Glint(data, upload_lease_seconds=10, reaper_interval_seconds=1)


def files(data):
    return {path.relative_to(data): path for path in data.rglob("*") if path.is_file()}


class Bytes:
    """The files of a data directory that are no part of its table."""

    def __init__(self, data):
        self.data = data
        self.table = tuple(map(str, files(data)))  # taken before the first upload
        self.empty = self._empty_directories()

    def _empty_directories(self):
        return {path for path in self.data.rglob("*") if path.is_dir() and not any(path.iterdir())}

    def seen(self):
        # A table's journal bears the table's name with an ending.
        return [path for name, path in files(self.data).items() if not str(name).startswith(self.table)]

    def become(self, *digests):
        """Waits for the reaper to leave exactly these objects, and no empty directory of another."""
        def settled():
            return len(self.seen()) == len(digests) and self._empty_directories() <= self.empty
        try:
            wait_for("", settled, 60)
        except AssertionError:
            left = [f"{path.relative_to(self.data)} ({path.stat().st_size} bytes)" for path in self.seen()]
            raise AssertionError(f"left: {left}, empty: {self._empty_directories() - self.empty}") from None
        equal(sorted(map(sha512, self.seen())), sorted(digests))


class Upload(threading.Thread):
    """An upload that stops after `pause_mib` until told to go on. `status` is what it was answered, or the error."""

    def __init__(self, url, image_id, pause_mib):
        super().__init__(daemon=True)
        self.url, self.image_id, self.pause_mib = url, image_id, pause_mib
        self.paused, self.resume, self.status = threading.Event(), threading.Event(), None
        self.start()
        assert self.paused.wait(120), f"the upload did not get to {pause_mib} MiB: {self.status}"

    def _pieces(self):
        with open(whole, "rb") as file:
            for at in range(SIZE_MIB):
                if at == self.pause_mib:
                    self.paused.set()
                    self.resume.wait(300)
                yield file.read(MIB)

    def run(self):
        try:
            self.status = call(self.url, "PUT", f"/v2/images/{self.image_id}/file", self._pieces(), OCTETS).status
        except (OSError, ConnectionError, Exception) as error:  # a broken connection has many names
            self.status = repr(error)

    def end(self):
        self.resume.set()
        self.join(120)
        assert not self.is_alive(), "the upload never ended"
        return self.status


def put(url, image_id, path=whole):
    with open(path, "rb") as file:
        return call(url, "PUT", f"/v2/images/{image_id}/file", iter(lambda: file.read(MIB), b""), OCTETS)


def queued_again(url, image_id, seconds=60):
    wait_for("the image is queued again", lambda: show(url, image_id)["status"] == "queued", seconds)
    seen = show(url, image_id)
    equal([seen[name] for name in ("size", "checksum", "os_hash_value", "virtual_size")], [None] * 4)


def killed_in_the_middle():
    server = glint(work / "killed").start()
    stored = Bytes(server.data)
    image_id = create(server.url, name="killed")["id"]
    upload = Upload(server.url, image_id, SIZE_MIB // 2)
    equal(show(server.url, image_id)["status"], "saving")
    server.kill()
    upload.end()
    with check("after kill -9 in the middle of an upload there were bytes to clean up"):
        assert stored.seen(), "no file: the kill came too early to prove anything"
    server.start()
    with check("after kill -9 and a start on the same data, the image is queued again"):
        queued_again(server.url, image_id)
    with check("and takes a second upload"):
        expect(put(server.url, image_id), 204)
        equal(show(server.url, image_id)["os_hash_value"], digest)
    with check("and the data directory holds that image's bytes and nothing else"):
        stored.become(digest)
        body = expect(call(server.url, "GET", f"/v2/images/{image_id}/file"), 200).body
        equal(hashlib.sha512(body).hexdigest(), digest)
    with check("deleted, nothing is left of it"):
        expect(call(server.url, "DELETE", f"/v2/images/{image_id}"), 204)
        stored.become()
    server.stop()


def gone(server, stored):
    image_id = create(server.url)["id"]
    with check("a client that is killed leaves a queued image and no bytes"):
        told = ["curl", "-sS", "-o", os.devnull, "-T", "-", "-H", f"Content-Type: {OCTETS}", f"{server.url}/v2/images/{image_id}/file"]
        curl = subprocess.Popen(told, stdin=subprocess.PIPE)
        curl.stdin.write(whole.read_bytes()[: 64 * MIB])
        curl.kill()
        curl.wait()
        queued_again(server.url, image_id)
        stored.become()
    with check("a client that closes before the length it announced leaves a queued image and no bytes"):
        place = urllib.parse.urlsplit(server.url)
        with socket.create_connection((place.hostname, place.port)) as connection:
            connection.sendall(f"PUT /v2/images/{image_id}/file HTTP/1.1\r\nHost: {place.netloc}\r\n"
                               f"Content-Type: {OCTETS}\r\nContent-Length: {SIZE_MIB * MIB}\r\n\r\n".encode())
            connection.sendall(whole.read_bytes()[: 64 * MIB])
        queued_again(server.url, image_id)
        stored.become()
    with check("and the image takes an upload"):
        expect(put(server.url, image_id), 204)
        stored.become(digest)
        expect(call(server.url, "DELETE", f"/v2/images/{image_id}"), 204)
        stored.become()


def side_by_side(server, stored):
    image_id = create(server.url)["id"]
    upload = Upload(server.url, image_id, 32)
    with check("a second upload beside the first is 409"):
        expect(call(server.url, "PUT", f"/v2/images/{image_id}/file", b"other", OCTETS), 409)
    with check("an image deleted under its upload answers the upload 410 and leaves no bytes"):
        expect(call(server.url, "DELETE", f"/v2/images/{image_id}"), 204)
        equal(upload.end(), 410)
        stored.become()


def stopped(server, stored):
    image_id = create(server.url)["id"]
    upload = Upload(server.url, image_id, 32)
    with check("a stop lets a running upload end, then exits 0"):
        server.process.terminate()
        equal(upload.end(), 204)
        equal(server.process.wait(60), 0)
    server.start()
    with check("and after the next start the image is there"):
        equal(show(server.url, image_id)["os_hash_value"], digest)
        stored.become(digest)


def full_disk():
    what = "a full disk refuses an upload and leaves no bytes"
    if os.geteuid() != 0:
        return check.skip(what, "mounting a small disk needs root")
    disk = work / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128m", "tmpfs", disk], capture_output=True, check=False)
    if mounted.returncode != 0:
        return check.skip(what, f"no small disk can be mounted here: {mounted.stderr.decode().strip()}")
    server = glint(disk / "data")
    try:
        server.start()
        stored = Bytes(server.data)
        image_id = create(server.url)["id"]
        small = work / "small.raw"
        small_digest = random_file(small, 16)
        with check(f"{what}, its size unknown"):
            expect(put(server.url, image_id), 413)
            queued_again(server.url, image_id)
            stored.become()
        with check(f"{what}, its size announced"):
            sized = pathlib.Path(whole).open("rb")
            expect(call(server.url, "PUT", f"/v2/images/{image_id}/file", iter(lambda: sized.read(MIB), b""), OCTETS,
                        {"X-OpenStack-Image-Size": str(SIZE_MIB * MIB)}), 413)
            queued_again(server.url, image_id)
            stored.become()
        with check("and what fits is taken"):
            expect(put(server.url, image_id, small), 204)
            stored.become(small_digest)
    finally:
        server.kill()
        subprocess.run(["umount", disk], check=True)


killed_in_the_middle()
server = glint(work / "lasting").start()
stored = Bytes(server.data)
gone(server, stored)
side_by_side(server, stored)
stopped(server, stored)
server.stop()
full_disk()
check.finish()
