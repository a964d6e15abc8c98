"""What the end-to-end scripts share: a Glint of their own on a free port, HTTP in a few lines, a count of checks.

Standard library only. The program is $GLINT, else release/glint in the target directory (cargo build --release).
"""

import atexit
import contextlib
import hashlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
PROGRAM = pathlib.Path(os.environ.get("GLINT", TARGET / "release" / "glint"))
MIB = 1 << 20
OCTETS = "application/octet-stream"
# What the user's own clouds would add to a run: no variable of a client or of Glint reaches it from outside.
CLEAN = {k: v for k, v in os.environ.items() if not k.startswith(("OS_", "GLINT_"))}

signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def scratch(prefix):
    """A directory under the target directory that is gone when the script ends."""
    TARGET.mkdir(parents=True, exist_ok=True)
    path = pathlib.Path(tempfile.mkdtemp(prefix=f"{prefix}-", dir=TARGET))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


def wait_for(what, condition, seconds=30.0):
    """Polls until `condition` answers something true, and returns that."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.005)
    raise AssertionError(f"not within {seconds:.0f} s: {what}")


class Glint:
    """`glint serve` on a free port. Keyword arguments are its settings: `reaper_interval_seconds=1`."""

    def __init__(self, data, **settings):
        self.data = pathlib.Path(data)
        self.settings = {f"GLINT_{key.upper()}": str(value) for key, value in settings.items()}
        self.process = self.url = self.log = None
        self.ready_seconds = 0.0
        atexit.register(self.kill)

    def start(self):
        if not PROGRAM.exists():
            sys.exit(f"{PROGRAM} is not there: cargo build --release")
        log = tempfile.NamedTemporaryFile(prefix="glint-log-", dir=TARGET, delete=False)
        self.log = pathlib.Path(log.name)
        atexit.register(self.log.unlink, missing_ok=True)
        begun = time.monotonic()
        self.process = subprocess.Popen(
            [PROGRAM, "serve", "--listen", "127.0.0.1:0", "--data", self.data],
            env=CLEAN | self.settings, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        self.url = wait_for("glint says where it listens", self._address)
        self.ready_seconds = time.monotonic() - begun
        wait_for("glint answers", lambda: call(self.url, "GET", "/healthcheck").status in (200, 204))
        return self

    def _address(self):
        assert self.process.poll() is None, f"glint ended at once:\n{self.log.read_text()[-2000:]}"
        found = re.search(r"listen\w*\W[^\n]*?(127\.0\.0\.1:[1-9]\d*)", self.log.read_text(errors="replace"), re.I)
        return found and f"http://{found[1]}"

    def kill(self):
        """Ends it as a power cut would: no signal handler runs."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def stop(self, seconds=30):
        """Asks it to end and returns its exit code."""
        self.process.terminate()
        return self.process.wait(seconds)

    def resident_mib(self, field="VmRSS"):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"{field}:\s+(\d+)", status)[1]) / 1024


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)


def call(url, method, path, body=None, kind=None, headers=()):
    """One request on its own connection. A dict or list goes as JSON; an iterator of bytes goes chunked."""
    if isinstance(body, (dict, list)):
        body, kind = json.dumps(body).encode(), kind or "application/json"
    sent = dict(headers) | ({"Content-Type": kind} if kind else {})
    place = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=300)
    try:
        chunked = body is not None and not isinstance(body, bytes)
        try:
            connection.request(method, place.path.rstrip("/") + path, body, sent, encode_chunked=chunked)
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused before the whole body was read: the answer is there to be read
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read())
    finally:
        connection.close()


def create(url, **attributes):
    answer = call(url, "POST", "/v2/images", {"disk_format": "raw", "container_format": "bare"} | attributes)
    assert answer.status == 201, f"POST images: {answer.status} {answer.body[:300]!r}"
    return answer.json()


def show(url, image_id):
    answer = call(url, "GET", f"/v2/images/{image_id}")
    assert answer.status == 200, f"GET image: {answer.status} {answer.body[:300]!r}"
    return answer.json()


def expect(answer, status):
    assert answer.status == status, f"status {answer.status} and not {status}: {answer.body[:300]!r}"
    return answer


def equal(seen, wanted, what=""):
    assert seen == wanted, f"{what}{': ' if what else ''}{seen!r} and not {wanted!r}"


def sha512(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha512").hexdigest()


def random_file(path, mib):
    """A file that no format inspection recognises and no compression shrinks. Returns its SHA-512."""
    with open(path, "wb") as file:
        for _ in range(mib):
            file.write(os.urandom(MIB))
    return sha512(path)


class Checks:
    """Counts what held: `with check("an image is listed"): assert …`; `finish()` prints the counts and exits."""

    def __init__(self):
        self.passed, self.failed, self.skipped = 0, 0, 0

    @contextlib.contextmanager
    def __call__(self, what):
        try:
            yield
        except Exception as error:  # whatever broke, it did not hold
            self.failed += 1
            place = traceback.extract_tb(error.__traceback__)[-1]
            print(f"FAILED  {what}\n        {type(error).__name__}: {error} ({place.name}:{place.lineno})", flush=True)
        else:
            self.passed += 1
            print(f"ok      {what}", flush=True)

    def take(self, what, told, mark="", **environment):
        """Runs a script that ends with its counts, and takes them over. `mark` follows each of its lines."""
        done = subprocess.run(told, cwd=ROOT, env=os.environ | environment, stdout=subprocess.PIPE, text=True, check=False)
        *lines, last = done.stdout.splitlines() or [""]
        print("\n".join(line + mark for line in lines), flush=True)
        counts = re.fullmatch(r"(\d+) passed, (\d+) failed(?:, (\d+) skipped)?", last)
        if counts:
            self.passed += int(counts[1])
            self.failed += int(counts[2])
            self.skipped += int(counts[3] or 0)
        else:
            with self(f"{what} ends with its counts"):
                raise AssertionError(done.stdout[-500:])

    def skip(self, what, why):
        self.skipped += 1
        print(f"skipped {what}: {why}", flush=True)

    def finish(self):
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        print(f"{self.passed} passed, {self.failed} failed{skipped}", flush=True)
        sys.exit(1 if self.failed or not self.passed else 0)
