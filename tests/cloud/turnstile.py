"""A line to the cloud that holds calls: a function stands still right before or right after one, and can be killed there."""

import contextlib
import threading

from forward import Answer
from gateway import Line
from harness import wait_for

BEFORE, AFTER = "before", "after"


class Stop:
    """Where a call is held, once. `call` says which one: by method, path, the operation of DynamoDB or SQS, and the body."""

    def __init__(self, when, call):
        self.when, self.call, self.taken = when, call, False
        self.met, self.gone = threading.Event(), threading.Event()

    def wait(self, seconds=60):
        wait_for(f"a call is held {self.when} it reaches the cloud", self.met.is_set, seconds)


class Turnstile(Line):
    """Functions whose endpoints are its URL go through it. `passed` tells of each call: method, path, operation, bytes."""

    def __init__(self, deployment):
        super().__init__(deployment.endpoint.removeprefix("http://"))
        self.stops, self.passed, self.lock = [], [], threading.Lock()
        self.begin()

    def hold(self, when, call):
        stop = Stop(when, call)
        with self.lock:
            self.stops.append(stop)
        return stop

    def release(self):
        """Lets go of everything: what was held before is never done, what was held after is never told."""
        with self.lock:
            stops, self.stops = self.stops, []
        for stop in stops:
            stop.gone.set()

    def answer(self, request):
        body = b"".join(request.body)
        request.body = [body] if body else []
        operation = (request.header("x-amz-target") or "").rpartition(".")[2]
        self.passed.append((request.method, request.path, operation, len(body)))
        stop = self._stop(request.method, request.path, operation, body)
        if stop and stop.when == BEFORE:
            self._held(stop)
        answer = self.forward(request)
        if not stop:
            return answer
        whole = Answer(answer.status, answer.headers, b"".join(answer.body))
        self._held(stop)
        return whole

    def _stop(self, *call):
        with self.lock:
            for stop in self.stops:
                if not stop.taken and stop.call(*call):
                    stop.taken = True
                    return stop
        return None

    def _held(self, stop):
        stop.met.set()
        stop.gone.wait(300)
        raise ConnectionResetError("who called is dead")


def commit_of(*words):
    """A transaction whose text has all of these words."""
    def is_it(_method, _path, operation, body):
        return operation == "TransactWriteItems" and all(word.encode() in body for word in words)
    return is_it


def operation_of(name):
    return lambda _method, _path, operation, _body: operation == name


def object_call(method):
    """A call of a whole object in the bucket: PUT, GET, DELETE."""
    return lambda seen, path, operation, _body: seen == method and not operation and path.strip("/").count("/") >= 2


def through(turnstile, deployment, *names):
    """Functions whose every call goes through a turnstile, for a while."""
    stack = contextlib.ExitStack()
    endpoints = {f"GLINT_{port}_ENDPOINT": turnstile.url for port in ("TABLE", "STORE", "QUEUE")}
    for name in names:
        stack.enter_context(deployment.configured(name, **endpoints))
    return stack
