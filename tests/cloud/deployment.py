"""What is deployed, as the suites reach it: its functions, its processes, its table, bucket and queues."""

import contextlib
import json
import os
import pathlib
import signal
import time

import engines
from boto3.dynamodb.types import TypeDeserializer
from harness import wait_for

# The shortest lease there is: what is abandoned is due within seconds.
LEASE_SECONDS = 10


class Deployment:
    def __init__(self, found):
        self.url, self.endpoint, self.names, self.emulator = found["url"], found["endpoint"], found["names"], found["ministack"]
        kinds = ("s3", "dynamodb", "sqs", "iam", "lambda", "scheduler", "apigatewayv2", "logs")
        clients = (engines.client(kind, self.endpoint) for kind in kinds)
        self.s3, self.dynamodb, self.sqs, self.iam, self.lambda_, self.scheduler, self.apis, self.logs = clients
        self.table, self.bucket, self.api, self.plain = self.names["Table"], self.names["Bucket"], found["api"], found["plain"]
        self.buckets = [self.bucket]  # a suite may add those of other stores

    # Functions.

    def function(self, name):
        return self.names[f"{name}Function"]

    def invoke(self, name, event=None):
        """What a function answers, and its error if it is one."""
        done = self.lambda_.invoke(FunctionName=self.function(name), Payload=json.dumps(event or {}).encode())
        return json.loads(done["Payload"].read() or "null"), done.get("FunctionError")

    def reap(self):
        report, error = self.invoke("Reaper")
        assert error is None, f"the reaper failed: {report}"
        return report

    @contextlib.contextmanager
    def configured(self, name, **variables):
        """A function with other variables for a while."""
        before = self.lambda_.get_function_configuration(FunctionName=self.function(name))["Environment"]["Variables"]
        self.quiet()
        self._configure(name, before | variables)
        try:
            yield
        finally:
            with contextlib.suppress(AssertionError):
                self.quiet()
            self._configure(name, before)

    def _configure(self, name, variables):
        """Ends the function's processes: no message may be in their hands, nor the schedule begin one."""
        with self.no_schedule():
            self.lambda_.update_function_configuration(FunctionName=self.function(name), Environment={"Variables": variables})

    @contextlib.contextmanager
    def short_leases(self):
        with contextlib.ExitStack() as stack:
            for name in ("Uploads", "Reaper", "UploadCompleted"):
                stack.enter_context(self.configured(name, GLINT_UPLOAD_LEASE_SECONDS=str(LEASE_SECONDS)))
            yield

    def processes(self, name):
        """Processes of a function, with their variables: children of MiniStack that bear its name."""
        found = {}
        for path in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if (path / "stat").read_text().rpartition(")")[2].split()[1] != str(self.emulator):
                    continue
                pairs = (pair.partition("=") for pair in (path / "environ").read_bytes().decode().split("\0"))
                variables = {key: value for key, _, value in pairs}
                if variables.get("AWS_LAMBDA_FUNCTION_NAME") == self.function(name):
                    found[int(path.name)] = variables
        return found

    def kill(self, name):
        """Ends a function's processes as a machine that fails does."""
        pids = list(self.processes(name))
        assert pids, f"no process of {name} runs"
        for pid in pids:
            os.kill(pid, signal.SIGKILL)

    # Schedule and queues.

    @contextlib.contextmanager
    def no_schedule(self):
        name = self.names["ReaperFunctionDue"]
        said = self.scheduler.get_schedule(Name=name)
        kept = {key: said[key] for key in ("ScheduleExpression", "FlexibleTimeWindow", "Target")}
        self.scheduler.update_schedule(Name=name, State="DISABLED", **kept)
        try:
            yield
        finally:
            self.scheduler.update_schedule(Name=name, State=said["State"], **kept)

    @contextlib.contextmanager
    def unmapped(self, mapping):
        """A queue whose messages nobody takes for a while."""
        self.quiet()
        self._map(mapping, False)
        try:
            yield
        finally:
            self._map(mapping, True)

    def _map(self, mapping, enabled):
        self.lambda_.update_event_source_mapping(UUID=self.names[mapping], Enabled=enabled)

    @contextlib.contextmanager
    def seen_again_after(self, queue, seconds):
        """A queue whose messages come again sooner than deployed, but for those that are out already."""
        self.quiet_of(queue)
        before = self.attributes(queue, "VisibilityTimeout")["VisibilityTimeout"]
        self._visibility(queue, seconds)
        try:
            yield
        finally:
            self._visibility(queue, before)

    def _visibility(self, queue, seconds):
        self.sqs.set_queue_attributes(QueueUrl=self.names[queue], Attributes={"VisibilityTimeout": str(seconds)})

    def attributes(self, queue, *names):
        return self.sqs.get_queue_attributes(QueueUrl=self.names[queue], AttributeNames=list(names))["Attributes"]

    def waiting(self, queue):
        """Messages of a queue, those that are being worked on too."""
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        return sum(int(self.attributes(queue, name)[name]) for name in names)

    def send(self, queue, bodies):
        for body in bodies:
            self.sqs.send_message(QueueUrl=self.names[queue], MessageBody=body)

    def take(self, queue, count, seconds=30):
        """Takes messages out of a queue that nobody else takes from, and answers their bodies in the order they came."""
        bodies, url = [], self.names[queue]

        def taken():
            for message in self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                bodies.append(message["Body"])
            return len(bodies) >= count

        wait_for(f"{count} messages in {queue}", taken, seconds)
        return bodies

    def quiet(self, seconds=60):
        """Waits until every queue is worked off."""
        for queue in ("BucketEvents", "JobQueue", "ImportQueue"):
            self.quiet_of(queue, seconds)

    def quiet_of(self, queue, seconds=60):
        wait_for(f"{queue} is empty", lambda: self.waiting(queue) == 0 or time.sleep(0.2), seconds)

    # What is kept.

    def rows(self):
        """Every item of the table, as plain values."""
        read, rows = TypeDeserializer().deserialize, []
        for page in self.dynamodb.get_paginator("scan").paginate(TableName=self.table, ConsistentRead=True):
            rows += [{name: read(value) for name, value in item.items()} for item in page["Items"]]
        return rows

    def objects(self):
        """Size of each object in the buckets, by its key: no two stores have one of the same."""
        pages = (page for bucket in self.buckets for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket))
        return {each["Key"]: each["Size"] for page in pages for each in page.get("Contents", [])}

    def begun(self):
        """Keys of uploads in parts that were begun and not ended."""
        return [each["Key"] for bucket in self.buckets for each in self.s3.list_multipart_uploads(Bucket=bucket).get("Uploads", [])]
