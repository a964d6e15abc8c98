"""`glint push` and `glint pull` against `glint serve` whose store is a bucket: which bytes move where, and what a `kill -9` of the
push at half of them costs. Started by run.sh.

usage: push.py [--engine MiniStack|LocalStack]… [--mib 256] [--part-mib 8] [--parallel 4] [--file FILE]

Without a file it makes a sparse one, a quarter of which is noise. MiniStack keeps what it is given in memory, and twice that while an
object is made whole; LocalStack keeps it in files.
"""

import argparse
import hashlib
import os
import pathlib
import re
import select
import signal
import socket
import subprocess
import threading
import time
import urllib.parse

import engines
from harness import CLEAN, MIB, PROGRAM, Checks, Glint, call, equal, expect, scratch, sha512, show, wait_for

# What is said about bytes, a part: its signature, its state, its entity tag.
WORDS = 8 << 10
# What is looked at of a file to tell its format, and which of it is read twice.
HEADS = 4 * MIB


class Line:
    """A TCP connection to a server for each that is made here, and how many bytes went there and came back."""

    def __init__(self, url):
        self.behind = urllib.parse.urlsplit(url)
        self.went = self.came = 0
        self.counting = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            here, _ = self.listener.accept()
            threading.Thread(target=self.join, args=(here,), daemon=True).start()

    def join(self, here):
        with here, socket.create_connection((self.behind.hostname, self.behind.port)) as there:
            here.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            there.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                self.pump(here, there)
            except OSError:
                pass  # one of them went away, and the other learns of it

    def pump(self, here, there):
        to = {here: there, there: here}
        while to:
            for each in select.select(list(to), [], [])[0]:
                piece = each.recv(MIB)
                if not piece:
                    to.pop(each).shutdown(socket.SHUT_WR)
                    continue
                to_there = each is here
                with self.counting:
                    self.went, self.came = self.went + len(piece) * to_there, self.came + len(piece) * (not to_there)
                (there if to_there else here).sendall(piece)

    def take(self):
        """What went and came since this was last asked."""
        with self.counting:
            taken, self.went, self.came = (self.went, self.came), 0, 0
        return taken


def told(*words):
    return [PROGRAM, *map(str, words)]


def begin(words, state, **options):
    return subprocess.Popen(told(*words), env=CLEAN | {"XDG_STATE_HOME": str(state)}, stdin=subprocess.DEVNULL, text=True, **options)


def arrived(s3, bucket):
    """The image whose object is begun in the bucket, and how many of its parts are there."""
    for upload in s3.list_multipart_uploads(Bucket=bucket).get("Uploads", []):
        pages = s3.get_paginator("list_parts").paginate(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
        return upload["Key"].split("/")[0], sum(len(page.get("Parts", [])) for page in pages)
    return None, 0


def hold(check, name, url, file, options):
    work, s3, bucket = scratch("push"), engines.client("s3", url), f"glint-push-{name.lower()}"
    engines.make_bucket(s3, bucket)
    digest, size, state = sha512(file), file.stat().st_size, work / "state"
    count = -(-size // (options.part_mib * MIB))
    to_bucket = Line(url)
    server = Glint(work / "data", store_adapter="s3", store_bucket=bucket, store_endpoint=to_bucket.url, store_public_endpoint=url,
                   store_region=engines.REGION, store_path_style="true", upload_session_part_mib=options.part_mib, reaper_interval_seconds=1,
                   download_redirect="always", download_trusted_hosts=urllib.parse.urlsplit(url).netloc).start()
    to_glint = Line(server.url)
    push = ["push", file, "--parallel", options.parallel, "--endpoint", to_glint.url]
    to_bucket.take()
    began = time.monotonic()

    with check(f"{name}: a push is killed when half of its parts have arrived"):
        killed = begin(push, state, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

        def is_half():
            assert killed.poll() is None, f"it ended at once: {killed.stderr.read()}"
            time.sleep(0.05 if size < 1 << 30 else 2)
            return arrived(s3, bucket)[1] * 2 >= count

        try:
            wait_for("half of the parts are there", is_half, 3600)
        finally:
            killed.send_signal(signal.SIGKILL)
            killed.communicate()
        image_id, there = arrived(s3, bucket)
        assert image_id and there < count, "all of it was there before it was killed"
        equal(show(server.url, image_id)["status"], "saving")
    with check(f"{name}: the next process brings the rest, and the image has the file's SHA-512"):
        done = begin(push, state, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        output, errors = done.communicate()
        equal(done.returncode, 0, errors)
        found = re.search(r"(\d+) of (\d+) parts have arrived before", errors)
        assert found and int(found[1]) >= there and int(found[2]) == count, errors
        seen = show(server.url, image_id)
        equal((seen["status"], seen["size"], seen["os_hash_value"]), ("active", size, digest))
        assert f"id: {image_id}\n" in output, output
    seconds = time.monotonic() - began
    with check(f"{name}: none of the bytes passed through Glint on their way to the bucket, which it read once, to hash them"):
        (from_client, to_client), (written, read) = to_glint.take(), to_bucket.take()
        print(f"        {size} bytes in {count} parts, {there} of them there at the kill, active after {seconds:.0f} s: clients sent Glint {from_client} "
              f"bytes and were sent {to_client}, Glint sent the bucket {written} and was sent {read}", flush=True)
        assert max(from_client, to_client, written) < MIB + count * WORDS < size
        assert size <= read < size + HEADS + count * WORDS
    with check(f"{name}: pulled, it is the file, and Glint moved none of that either"):
        began = time.monotonic()
        pulled = begin(["pull", image_id, "-", "--endpoint", to_glint.url], state, stdout=subprocess.PIPE)
        equal(hashlib.file_digest(pulled.stdout.buffer, "sha512").hexdigest(), digest)
        equal(pulled.wait(), 0)
        (_, to_client), (_, read) = to_glint.take(), to_bucket.take()
        print(f"        pulled in {time.monotonic() - began:.0f} s: Glint sent {to_client} bytes, and was sent {read}", flush=True)
        assert max(to_client, read) < MIB
    with check(f"{name}: deleted, nothing is left in the bucket"):
        expect(call(server.url, "DELETE", f"/v2/images/{image_id}"), 204)
        wait_for("the bucket is empty", lambda: not s3.list_objects_v2(Bucket=bucket).get("Contents"), 60)
    server.stop()


def sparse(path, mib):
    """A file of which a quarter is noise, at its beginning and in its middle; the rest are holes."""
    with open(path, "wb") as file:
        file.truncate(mib * MIB)
        for at in (0, mib // 2):
            file.seek(at * MIB)
            for _ in range(mib // 8):
                file.write(os.urandom(MIB))
    return path


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--engine", action="append", choices=["MiniStack", "LocalStack"])
    parser.add_argument("--mib", type=int, default=256)
    parser.add_argument("--part-mib", type=int, default=8)
    parser.add_argument("--parallel", type=int, default=4)
    parser.add_argument("--file", type=pathlib.Path)
    options = parser.parse_args()
    check = Checks()
    file = options.file or sparse(scratch("push-file") / "sparse.raw", options.mib)
    for name in options.engine or ["MiniStack", "LocalStack"]:
        python = os.environ.get("LOCALSTACK_PYTHON")
        if name == "MiniStack":
            hold(check, name, engines.ministack(), file, options)
        elif python:
            hold(check, name, engines.localstack(python), file, options)
        else:
            check.skip("a push to LocalStack", "it needs Python 3.13, which is not here")
    check.finish()


main()
