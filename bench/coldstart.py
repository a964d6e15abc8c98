#!/usr/bin/env python3
"""Cold start: from exec to the first answer of each function's release binary, against a bare lambda_http hello.

A small emulator of the Lambda runtime API (and of a table that is empty) hands each process one event of events/ and
clocks its answer. Rounds go in turn over all programs; medians, and ratios to the hello of the same run.
Needs: tests/engines/run.sh functions (the binaries), cargo lambda in the same environment.  env: ROUNDS=30
"""

import http.server
import json
import os
import queue
import subprocess
import threading
import time

from bench import CLEAN, ROOT, TARGET, median, table

ROUNDS = int(os.environ.get("ROUNDS", "30"))
BUILT = TARGET / "lambda"
LAMBDA = TARGET / "venvs" / "lambda" / "bin"
EMPTY = {"GetItem": {}, "Query": {"Items": [], "Count": 0, "ScannedCount": 0}, "TransactGetItems": {"Responses": []},
         "BatchGetItem": {"Responses": {}, "UnprocessedKeys": {}}, "TransactWriteItems": {}}


class Runtime(http.server.BaseHTTPRequestHandler):
    """The runtime API: one event a process, and where its answer goes. Any other path is the empty table's."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def reply(self, status, body, **headers):
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), "Content-Type": "application/json", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        try:
            event = self.server.events.get_nowait()
        except queue.Empty:
            return threading.Event().wait(60)  # there is no second event; the process is ended before that
        self.reply(200, event, Lambda_Runtime_Aws_Request_Id="8476a536-e9f4-11e8-9739-2dfe598c3fcd",
                   Lambda_Runtime_Deadline_Ms=str(int(time.time() * 1000) + 30_000),
                   Lambda_Runtime_Invoked_Function_Arn="arn:aws:lambda:eu-central-1:123456789012:function:cold",
                   Lambda_Runtime_Trace_Id="Root=1-6a0f5c11-4f2d1c8e7b3a9d60518e2f41;Parent=0;Sampled=0")

    def do_POST(self):
        length = self.headers.get("Content-Length")
        body = self.rfile.read(int(length)) if length else b"".join(self.chunks())
        if "/runtime/" in self.path:
            self.server.answers.put((time.perf_counter(), self.path.rsplit("/", 1)[1], body))
            return self.reply(202, b"{}")
        operation = self.headers.get("X-Amz-Target", ".").rsplit(".", 1)[1]
        self.reply(200, json.dumps(EMPTY[operation]).encode(), Content_Type="application/x-amz-json-1.0")

    def chunks(self):
        while size := int(self.rfile.readline().split(b";")[0], 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()


def hello():
    """The bare function, built as the others are."""
    told = ["cargo", "lambda", "build", "--quiet", "--locked", "--release", "--package", "discovery", "--example", "hello",
            "--lambda-dir", BUILT]
    subprocess.run(told, cwd=ROOT, check=True, env=os.environ | {"PATH": f"{LAMBDA}:{os.environ['PATH']}"})


def event(path, **changes):
    document = json.loads((ROOT / "events" / path).read_text())
    return json.dumps(document | changes).encode()


class Server(http.server.ThreadingHTTPServer):
    """One process's runtime, gone with it."""

    daemon_threads, block_on_close = True, False

    def __init__(self, payload):
        super().__init__(("127.0.0.1", 0), Runtime)
        self.events, self.answers = queue.SimpleQueue(), queue.SimpleQueue()
        self.events.put(payload)
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def handle_error(self, *_):
        pass  # the process was ended while it waited


def first_answer(name, payload):
    server = Server(payload)
    url = f"http://127.0.0.1:{server.server_address[1]}"
    environment = CLEAN | {
        "AWS_LAMBDA_RUNTIME_API": url.removeprefix("http://"), "AWS_LAMBDA_FUNCTION_NAME": name, "AWS_LAMBDA_FUNCTION_VERSION": "1",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256", "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/cold", "AWS_LAMBDA_LOG_STREAM_NAME": "cold",
        "AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
        "GLINT_TABLE_ADAPTER": "dynamodb", "GLINT_TABLE_NAME": "glint", "GLINT_TABLE_ENDPOINT": url, "GLINT_STORE_ADAPTER": "s3",
        "GLINT_STORE_BUCKET": "glint", "GLINT_STORE_ENDPOINT": url, "GLINT_STORE_PATH_STYLE": "true"}
    begun = time.perf_counter()
    process = subprocess.Popen([BUILT / name / "bootstrap"], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    try:
        at, kind, body = server.answers.get(timeout=20)
        assert kind == "response", f"{name}: {kind} {body[:300]!r}"
        return at - begun, body
    finally:
        process.kill()
        process.wait()
        server.shutdown()
        server.server_close()


hello()
absent = {"rawPath": "/v2/images/no-uuid", "pathParameters": {"image_id": "no-uuid"}}
file_absent = {"rawPath": "/v2/images/no-uuid/file", "pathParameters": {"image_id": "no-uuid"}}
CASES = [
    ("hello", "lambda_http alone", event("apigw/get-versions.json")),
    ("discovery", "versions", event("apigw/get-versions.json")),
    ("images", "an id that is none: no read", event("apigw/get-image.json", **absent)),
    ("images", "show: one read", event("apigw/get-image.json")),
    ("uploads", "an id that is none: no read", event("apigw/get-image-file.json", **file_absent)),
    ("uploads", "download: one read", event("apigw/get-image-file.json")),
    ("reaper", "schedule: what is due", event("schedule/reaper.json")),
]
seconds = {case: [] for case in CASES}
for _ in range(ROUNDS):
    for case in CASES:
        seconds[case].append(first_answer(case[0], case[2])[0])
base = median(seconds[CASES[0]])
table(f"Exec to first answer, median of {ROUNDS}", ("function", "event", "ms", "of hello"), [
    (name, what, f"{1000 * median(seen):.1f}", f"{median(seen) / base:.2f}") for (name, what, _), seen in seconds.items()])
