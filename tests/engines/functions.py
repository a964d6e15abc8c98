"""Has every function answer the events of events/. Started by run.sh.

`functions`: the release binaries, built here, under the runtime API of `cargo lambda watch --only-lambda-apis`.
`watch`: `cargo lambda watch` builds and starts each function from source.
"""

import atexit
import base64
import contextlib
import json
import os
import signal
import subprocess
import sys

import build
import engines
from build import FUNCTIONS
from harness import CLEAN, ROOT, Checks, equal, scratch, wait_for

check = Checks()
mode = sys.argv[1]
work = scratch("functions")
image = json.loads((ROOT / "events/apigw/post-images.json").read_text())["body"]
image_id = json.loads(image)["id"]
data = base64.b64decode(json.loads((ROOT / "events/apigw/put-image-file.json").read_text())["body"])


def settings(table_url, store_url, name):
    return {
        "GLINT_TABLE_ADAPTER": "dynamodb", "GLINT_TABLE_NAME": name, "GLINT_TABLE_ENDPOINT": table_url,
        "GLINT_TABLE_REGION": engines.REGION, "GLINT_STORE_ADAPTER": "s3", "GLINT_STORE_BUCKET": name,
        "GLINT_STORE_ENDPOINT": store_url, "GLINT_STORE_REGION": engines.REGION, "GLINT_STORE_PATH_STYLE": "true",
        "AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH": "true", "GLINT_IDENTITY_NONE_NETWORKS": "203.0.113.0/24",
    }


class Host:
    """`cargo lambda watch` and the functions under it, asked by `cargo lambda invoke`."""

    def __init__(self, environment):
        self.environment = CLEAN | {key: value for key, value in os.environ.items() if key.startswith("AWS_")} | environment
        self.ports, self.processes = {}, []
        atexit.register(self.stop)
        if mode == "watch":
            self._watch("*", "--ignore-changes", "--wait")
        else:
            self._watch("*", "--only-lambda-apis")
            for name in FUNCTIONS:
                runtime = {"AWS_LAMBDA_FUNCTION_NAME": name, "AWS_LAMBDA_FUNCTION_VERSION": "1",
                           "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
                           "AWS_LAMBDA_RUNTIME_API": f"http://127.0.0.1:{self.ports['*']}/.rt/{name}"}
                self._start(name, [build.binary(name)], runtime)

    def _watch(self, name, *options):
        port = self.ports[name] = engines.free_port()
        self._start(f"watch-{name.strip('*')}", ["cargo", "lambda", "watch", "--invoke-address", "127.0.0.1",
                                                 "--invoke-port", str(port), *options], {})
        wait_for("cargo lambda watch listens", lambda: engines.listens(port))

    def _start(self, name, told, environment):
        log = open(work / f"{name}.log", "ab")
        self.processes.append(subprocess.Popen(told, cwd=ROOT, env=self.environment | environment, stdout=log,
                                               stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True))

    def stop(self):
        while self.processes:
            process = self.processes.pop()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)  # it and what it started
            engines.end(process)

    def invoke(self, name, event):
        """What a function answers to a file of events/, as the API gateway or the scheduler gets it."""
        port = self.ports.get(name) or self.ports["*"]
        told = ["cargo", "lambda", "invoke", "--invoke-address", "127.0.0.1", "--invoke-port", str(port),
                "--data-file", ROOT / "events" / event, "--output-format", "json", name]
        done = subprocess.run(told, env=self.environment, capture_output=True, text=True, timeout=900 if mode == "watch" else 60, check=False)
        log = work / f"{name}.log"
        said = log.read_text()[-800:] if log.exists() else ""
        assert done.returncode == 0, f"{event}: {done.stdout[-400:]}{done.stderr[-400:]}\n{said}"
        return json.loads(done.stdout or "null")

    def answer(self, name, event, status):
        got = self.invoke(name, f"apigw/{event}")
        equal(got["statusCode"], status, f"{event}: {got.get('body')}")
        body = got.get("body") or ""
        return base64.b64decode(body) if got.get("isBase64Encoded") else body.encode()


def answers(where, host, s3, bucket):
    def keys():
        return s3.list_objects_v2(Bucket=bucket).get("KeyCount", 0) + len(s3.list_multipart_uploads(Bucket=bucket).get("Uploads", []))

    with check(f"{where}: authorizer lets the captured caller pass, as the administrator that the other events name"):
        admin = json.loads((ROOT / "events/apigw/get-image.json").read_text())["requestContext"]["authorizer"]["lambda"]
        equal(host.invoke("authorizer", "authorizer/get-image.json"), {"isAuthorized": True, "context": admin})
    with check(f"{where}: upload_completed leaves the objects of others alone"):
        equal(host.invoke("upload_completed", "sqs/object-created.json"), {"batchItemFailures": []})
    with check(f"{where}: importer is done with a job of an object that nobody knows"):
        equal(host.invoke("importer", "sqs/import.json"), None)
    with check(f"{where}: discovery answers the description, versions and a schema"):
        equal(host.answer("discovery", "get-openapi.json", 200), (ROOT / "docs/openapi.json").read_bytes())
        versions = json.loads(host.answer("discovery", "get-versions.json", 200))["versions"]
        assert "v2.15" in [version["id"] for version in versions], versions
        equal(json.loads(host.answer("discovery", "get-image-schema.json", 200))["name"], "image")
    with check(f"{where}: images creates, shows and lists"):
        equal(json.loads(host.answer("images", "post-images.json", 201))["id"], image_id)
        equal(json.loads(host.answer("images", "get-image.json", 200))["status"], "queued")
        listed = json.loads(host.answer("images", "get-images.json", 200))["images"]
        equal([each["id"] for each in listed], [image_id])
    with check(f"{where}: images answers an event of payload format 1.0 with a stage"):
        equal(json.loads(host.answer("images", "v1-get-image.json", 200))["id"], image_id)
    with check(f"{where}: uploads takes the bytes and gives them back"):
        host.answer("uploads", "put-image-file.json", 204)
        equal(keys(), 1)
        equal(host.answer("uploads", "get-image-file.json", 200), data)
    with check(f"{where}: images shares"):
        seen = json.loads(host.answer("images", "post-members.json", 200))
        equal((seen["image_id"], seen["status"]), (image_id, "pending"))
    with check(f"{where}: images changes and deletes"):
        seen = json.loads(host.answer("images", "patch-image.json", 200))
        equal((seen["status"], seen["name"], seen["os_version"]), ("active", "web-base-12", "12"))
        host.answer("images", "delete-image.json", 204)
        host.answer("images", "get-image.json", 404)
        host.answer("uploads", "get-image-file.json", 404)
    with check(f"{where}: tasks takes a task and lists it"):
        taken = json.loads(host.answer("tasks", "post-tasks.json", 201))
        listed = json.loads(host.answer("tasks", "get-tasks.json", 200))["tasks"]
        equal([(each["id"], each["status"]) for each in listed], [(taken["id"], "failure")])
    with check(f"{where}: reaper, run by its schedule, empties the bucket"):
        wait_for("the bucket is empty", lambda: host.invoke("reaper", "schedule/reaper.json") is not False and keys() == 0, 60)
    with check(f"{where}: reaper answers a batch of jobs as it answers its schedule"):
        equal(host.invoke("reaper", "sqs/reap.json"), host.invoke("reaper", "schedule/reaper.json"))


def hold(where, table_url, store_url):
    s3, name = engines.client("s3", store_url), f"glint-{where.lower()}"
    engines.make_table(engines.client("dynamodb", table_url), name)
    engines.make_bucket(s3, name)
    host = Host(settings(table_url, store_url, name))
    answers(where, host, s3, name)
    host.stop()


if mode == "functions":
    build.build(check)
if mode == "watch" or all(build.binary(name).exists() for name in FUNCTIONS):
    table_url = engines.ministack()
    hold("MiniStack", table_url, table_url)
    if python := os.environ.get("LOCALSTACK_PYTHON"):
        hold("LocalStack", table_url, engines.localstack(python))
    else:
        check.skip("the bucket on LocalStack", "it needs Python 3.13, which is not here")
check.finish()
