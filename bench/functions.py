#!/usr/bin/env python3
"""Functions: their sizes, how long from exec to the first answer, and how long a running one takes to answer; the latter
two against functions that say hello and were built the same way.

Each process runs under bench/emulator.rs, which is the Lambda runtime API and a table that answers at once, so what is timed
is the function and the loopback. Rounds go in turn over all programs. Three functions are held against: `hello`, which
does nothing; `hello_ask`, which asks the table's server one thing, unsigned and by the barest client; `hello_read`, which
reads one item with the AWS SDK. A line with requests to the table is fairly compared with the last, which has one too.
Instructions are valgrind's count: they say the same on a busy machine, the milliseconds do not.

Needs: tests/engines/run.sh functions, which builds the functions and installs cargo lambda. As root it runs ahead of others.
env: ROUNDS=40 CALLS=250
"""

import gzip
import json
import os
import shutil
import subprocess
import sys

from bench import CLEAN, MIB, ROOT, TARGET, median, scratch, table

sys.path.insert(0, str(ROOT / "tests" / "engines"))

import build  # noqa: E402

ROUNDS, CALLS, TURNS = int(os.environ.get("ROUNDS", "40")), int(os.environ.get("CALLS", "250")), 5
HELLOS = {"hello": "discovery", "hello_ask": "discovery", "hello_read": "images"}
EMULATOR = TARGET / "release" / "emulator"
work = scratch("bench-functions")

# What a function finds in its environment in the cloud, and how it is told to reach table and bucket.
PLATFORM = {
    "PATH": "/usr/local/bin:/usr/bin/:/bin", "LANG": "en_US.UTF-8", "TZ": ":UTC", "LAMBDA_TASK_ROOT": "/var/task",
    "LAMBDA_RUNTIME_DIR": "/var/runtime", "_HANDLER": "bootstrap", "AWS_EXECUTION_ENV": "AWS_Lambda_rust",
    "AWS_LAMBDA_FUNCTION_NAME": "measured", "AWS_LAMBDA_FUNCTION_VERSION": "1", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
    "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/measured", "AWS_LAMBDA_LOG_STREAM_NAME": "measured",
    "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand", "AWS_XRAY_DAEMON_ADDRESS": "169.254.79.129:2000",
    "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR", "AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_SESSION_TOKEN": "test"}
GLINT = {
    "GLINT_TABLE_ADAPTER": "dynamodb", "GLINT_TABLE_NAME": "glint", "GLINT_STORE_ADAPTER": "s3", "GLINT_STORE_PATH_STYLE": "true",
    "GLINT_STORE_BUCKET": "glint-dev-3d0f4b10-5540-11f1-9c3a-0242ac120002", "GLINT_IDENTITY_NONE_NETWORKS": "203.0.113.0/24"}


def attribute(value):
    """A JSON value as DynamoDB writes one."""
    match value:
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case str():
            return {"S": value}
        case list():
            return {"L": [attribute(each) for each in value]}
        case dict():
            return {"M": {name: attribute(each) for name, each in value.items()}}


def answers(name, **known):
    """A folder of what the table answers, by operation."""
    folder = work / name
    folder.mkdir()
    empty = {"Query": {"Items": [], "Count": 0, "ScannedCount": 0}, "TransactGetItems": {"Responses": []},
             "BatchGetItem": {"Responses": {}, "UnprocessedKeys": {}}}
    for operation, answer in (empty | known).items():
        (folder / f"{operation}.json").write_text(json.dumps(answer))
    return folder


def event(path, **changes):
    """A captured event, changed, in a file of its own."""
    file = work / f"event-{len(list(work.iterdir()))}.json"
    file.write_text(json.dumps(json.loads((ROOT / "events" / path).read_text()) | changes))
    return file


def run(name, event, answers, calls, program=None):
    """Starts a function and hands it events: seconds of each answer, and requests to the table of the first."""
    told = [EMULATOR, program or build.binary(name), event, answers, str(calls)]
    done = subprocess.run(told, env=PLATFORM | GLINT, capture_output=True, text=True, check=True)
    seconds, asked = [], []
    for line in done.stdout.splitlines():
        nanoseconds, requests, path, body = line.split(" ", 3)
        assert path.endswith("/response"), f"{name}: {path} {body}"
        seconds.append(int(nanoseconds) / 1e9)
        asked.append(int(requests))
    return seconds, asked[0]


def instructions(name, event, answers):
    """What valgrind counts until the first answer, in millions; nothing where it is not installed."""
    if not shutil.which("valgrind"):
        return "-"
    counts, program = work / "counts", work / "counted"
    program.write_text(f"#!/bin/sh\nexec valgrind --tool=callgrind --callgrind-out-file={counts} {build.binary(name)}\n")
    program.chmod(0o755)
    run(name, event, answers, 1, program)
    return f"{int(counts.read_text().split('summary:')[1].split()[0]) / 1e6:.2f}"


def cargo(*told, **more):
    done = subprocess.run(["cargo", *told], cwd=ROOT, env=CLEAN | more, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)


def make():
    """The emulator, and the functions that say hello, built as the others were."""
    cargo("build", "--release", "--package", "emulator")
    programs = TARGET / "venvs" / "lambda" / "bin"
    absent = [each for each in build.FUNCTIONS if not build.binary(each).exists()]
    if absent or not programs.exists():
        sys.exit(f"not built: {', '.join(absent) or programs}; see tests/engines/run.sh functions")
    for name, package in HELLOS.items():
        cargo("lambda", "build", "--release", "--package", package, "--example", name, "--lambda-dir", build.folder(build.OWN),
              PATH=f"{programs}:{os.environ['PATH']}")


def sizes():
    """MiB of each binary, and of what is uploaded of it, for the processors it was built for."""
    built = [each for each in (build.OWN, build.OTHER) if build.binary(build.FUNCTIONS[0], each).exists()]
    head = [column for each in built for column in (each, "zipped")]
    rows = []
    for name in [*build.FUNCTIONS, *HELLOS]:
        bodies = [build.binary(name, each).read_bytes() if build.binary(name, each).exists() else b"" for each in built]
        rows.append((name, *(f"{size / MIB:.2f}" if size else "-" for body in bodies
                             for size in (len(body), len(gzip.compress(body)) if body else 0))))
    table("Sizes of the binaries, MiB", ("function", *head), rows)


def cold():
    nothing, found = answers("nothing"), answers("found", GetItem={"Item": RECORD})
    versions, show, no_id = event("apigw/get-versions.json"), event("apigw/get-image.json"), {"image_id": "no-id"}
    cases = [
        ("hello", "says hello", versions, nothing),
        ("hello_ask", "asks once, unsigned, by hyper alone", show, found),
        ("hello_read", "reads once, by the AWS SDK", show, found),
        ("authorizer", "lets a caller pass", event("authorizer/get-image.json"), nothing),
        ("discovery", "versions", versions, nothing),
        ("images", "no image can have that id", event("apigw/get-image.json", rawPath="/v2/images/no-id", pathParameters=no_id), nothing),
        ("images", "shows an image", show, found),
        ("uploads", "no image can have that id",
         event("apigw/get-image-file.json", rawPath="/v2/images/no-id/file", pathParameters=no_id), nothing),
        ("uploads", "no image has that id", event("apigw/get-image-file.json"), nothing),
        ("tasks", "no task has that id",
         event("apigw/get-image.json", rawPath="/v2/tasks/0f1c2a9e-5a53-4c52-9c36-3f8f0a6f7c11", pathParameters={}), nothing),
        ("reaper", "nothing is due", event("schedule/reaper.json"), nothing),
        ("upload_completed", "an object that is nobody's", event("sqs/object-created.json"), nothing),
    ]
    seconds, asked = {case: [] for case in cases}, {}
    for turn in range(-1, ROUNDS):
        for case in cases:
            (first,), asked[case] = run(*(case[0], *case[2:]), 1)
            if turn >= 0:  # the turn before the first one fills the page cache
                seconds[case].append(first)
    counted = {case: instructions(case[0], *case[2:]) for case in cases}
    hello, _, read = (median(seconds[case]) for case in cases[:3])
    table(f"Exec to first answer, median of {ROUNDS}", ("function", "event", "reads", "ms", "of hello", "of hello_read", "M instructions"), [
        (case[0], case[1], asked[case], f"{1000 * median(seen):.2f}", f"{median(seen) / hello:.2f}",
         f"{median(seen) / read:.2f}" if asked[case] else "", counted[case]) for case, seen in seconds.items()])


def warm():
    nothing, found = answers("nothing-warm"), answers("found-warm", GetItem={"Item": RECORD})
    show, versions = event("apigw/get-image.json"), event("apigw/get-versions.json")
    cases = [
        ("hello", "says hello", show, nothing),
        ("hello_ask", "asks once, unsigned, by hyper alone", show, found),
        ("hello_read", "reads once, by the AWS SDK", show, found),
        ("authorizer", "lets a caller pass", event("authorizer/get-image.json"), nothing),
        ("discovery", "versions", versions, nothing),
        ("images", "shows an image", show, found),
    ]
    seconds, asked = {case: [] for case in cases}, {}
    for _ in range(TURNS):
        for case in cases:
            every, asked[case] = run(*(case[0], *case[2:]), 10 + CALLS // TURNS)
            seconds[case] += every[10:]  # the first ones still fault code in
    hello, _, read = (median(seconds[case]) for case in cases[:3])
    table(f"A running function, event to answer, median of {CALLS // TURNS * TURNS}",
          ("function", "event", "reads", "µs", "of hello", "of hello_read"), [
              (case[0], case[1], asked[case], f"{1e6 * median(seen):.0f}", f"{median(seen) / hello:.2f}",
               f"{median(seen) / read:.2f}" if asked[case] else "") for case, seen in seconds.items()])


golden = json.loads((ROOT / "shared/src/catalog/golden/image-1.json").read_text())
image_id = json.loads((ROOT / "events/apigw/get-image.json").read_text())["pathParameters"]["image_id"]
RECORD = attribute(golden | {"id": image_id})["M"] | {"PK": {"S": f"image#{image_id}"}, "SK": {"S": "record"}}
make()
if os.geteuid() == 0:
    os.nice(-10)
sizes()
cold()
warm()
