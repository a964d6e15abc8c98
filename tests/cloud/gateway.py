"""The emulated cloud as one process in the background: MiniStack, the API's front, and the line its callers reach it by.

*Front*: the API at a plain base URL, with what a real HTTP API enforces and the emulator does not.
*Line*: where the functions and the harness reach the cloud. Requests pass as they are, marked as come by TLS, which is all
the bucket's policy lets through.
Started by cloud.py, which says where its state lies; ends on SIGTERM, and MiniStack and its functions with it.
"""

import json
import os
import pathlib
import re
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "engines"))

import engines  # noqa: E402
from forward import Answer, Forwarder, Request  # noqa: E402

# Quotas of HTTP APIs: payload 10 MB, integration timeout 30 s. Of Lambda: 6 MB a synchronous message, each way.
BODY, MESSAGE, SECONDS = 10 << 20, 6 << 20, 30


def started(pid):
    """When a process began, or None when there is none: a number used again is another process."""
    try:
        state, *fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if state == "Z" else fields[18]


def says(status, text):
    return Answer(status, [("Content-Type", "application/json")], json.dumps({"message": text}).encode())


class Front(Forwarder):
    """The API. `identifier` answers its id, or None until it is deployed."""

    def __init__(self, port, identifier):
        self.identifier = identifier
        super().__init__(port=port)

    def answer(self, request):
        api = self.identifier()
        if api is None:
            return says(404, "Not Found")
        if int(request.header("content-length") or 0) > BODY:
            return says(413, "Request Entity Too Large")
        body = bytearray()
        for piece in request.body:
            body += piece
            if len(body) > BODY:
                return says(413, "Request Entity Too Large")
        if message_bytes(request.headers, body) > MESSAGE:
            return says(413, "Request Entity Too Large")
        headers = [(name, value) for name, value in request.headers
                   if name.lower() not in ("content-length", "transfer-encoding", "x-forwarded-proto")]
        headers += [("X-Forwarded-Proto", "http"), ("Content-Length", str(len(body)))]
        # The path form of MiniStack's addresses leaves `Host` what the client said.
        path = f"/_aws/execute-api/{api}/$default{request.path}"
        try:
            return checked(self.forward(Request(request.method, path, headers, [bytes(body)]), SECONDS))
        except TimeoutError:
            return says(503, "Service Unavailable")


def checked(got):
    """What the client is told: a function that failed, or said too much, is a 500 without a word of why."""
    body = b"".join(got.body)
    if message_bytes(got.headers, body) > MESSAGE or got.status == 502 and b'"errorType"' in body:
        return says(500, "Internal Server Error")
    # MiniStack says `application/json` of an answer that says nothing; clients then look for some in no content.
    kept = [(name, value) for name, value in got.headers if got.status != 204 or name.lower() != "content-type"]
    return Answer(got.status, kept, body)


TEXT = re.compile(r"text/.*|application/(json|xml|javascript)")


def message_bytes(headers, body):
    """How large a message is that carries this body: Base64 unless it is text."""
    kind = next((value for name, value in headers if name.lower() == "content-type"), "").split(";")[0].strip()
    size = len(body) if TEXT.fullmatch(kind.lower()) else (len(body) + 2) // 3 * 4
    return size + sum(len(name) + len(value) + 6 for name, value in headers)


class Line(Forwarder):
    """The way to the cloud. `Host` stays as it was signed."""

    def forward(self, request, timeout=600):
        request.headers.append(("X-Forwarded-Proto", "https"))
        return super().forward(request, timeout)


def main(state):
    api = state / "api"
    front = Front(int(os.environ.get("CLOUD_PORT", "0")), lambda: api.exists() and api.read_text() or None)
    line = Line().begin()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    scratch = state / "tmp"
    scratch.mkdir()
    address, server = engines.ministack_process(state / "ministack", AUTH="true", AWS_ENDPOINT_URL=line.url, TMPDIR=str(scratch))
    front.upstream = line.upstream = address.removeprefix("http://")
    front.begin()
    served = {"pid": os.getpid(), "ministack": server.pid, "ministack_started": started(server.pid), "url": front.url,
              "endpoint": line.url, "plain": address}
    (state / "served.new").write_text(json.dumps(served))
    (state / "served.new").rename(state / "served.json")
    while server.poll() is None:
        time.sleep(0.2)
    sys.exit("MiniStack ended")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
