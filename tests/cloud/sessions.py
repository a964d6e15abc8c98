"""Upload sessions: bytes go straight to the bucket by presigned URLs, and whoever is left makes the image of them.

Counted on the way: what clients send to the API, what functions send to the bucket, and what goes to it by presigned URLs.
"""

import contextlib
import json
import time

from consistency import settled, sound
from deployment import LEASE_SECONDS
from forward import Forwarder
from harness import MIB, call, create, equal, expect, show, wait_for
from kills import FAILED, Background, of
from presigned import PART_MIB, SIZE, Bytes, bring, bring_all, complete, opened
from turnstile import AFTER, Turnstile, through

# Two runs hash so much and no more; the third is done with it.
RUN_MIB = 4
# What is said about bytes: requests, a list of parts, XML.
WORDS = 64 << 10


class Counted(Forwarder):
    """The API, and how many bytes clients have sent to it."""

    def __init__(self, upstream):
        super().__init__(upstream.removeprefix("http://"))
        self.came = 0
        self.begin()

    def answer(self, request):
        body = b"".join(request.body)
        request.body = [body] if body else []
        self.came += len(body)
        return self.forward(request)


def active(deployment, image_id, data):
    """The image has these bytes, and says of them what other programs do."""
    seen = show(deployment.url, image_id)
    equal((seen["status"], seen["size"]), ("active", len(data.data)))
    equal((seen["checksum"], seen["os_hash_algo"], seen["os_hash_value"]), (data.md5, "sha512", data.sha512))
    (key,) = of(image_id, deployment)
    equal(deployment.s3.get_object(Bucket=deployment.bucket, Key=key)["Body"].read() == data.data, True)
    edge = PART_MIB * MIB
    span = {"Range": f"bytes={edge - 100}-{edge + 99}"}
    got = expect(call(deployment.url, "GET", f"/v2/images/{image_id}/file", headers=span), 206)
    equal(got.body, data.data[edge - 100:edge + 100])


def made_whole(_method, path, operation, _body):
    """The call that makes an object of its parts."""
    return not operation and _method == "POST" and "uploadId=" in path


def run(deployment, check):
    turnstile = Turnstile(deployment)
    try:
        with contextlib.ExitStack() as stack:
            stack.enter_context(deployment.configured("Uploads", GLINT_UPLOAD_SESSION_PART_MIB=str(PART_MIB)))
            stack.enter_context(through(turnstile, deployment, "Uploads"))
            directly(deployment, check, turnstile)
            with deployment.no_schedule():
                late_event(deployment, check, turnstile)
                reaper_alone(deployment, check, turnstile)
                three_runs(deployment, check)
            given_up(deployment, check)
    finally:
        turnstile.release()
        turnstile.shutdown()


def directly(deployment, check, turnstile):
    api, data = Counted(deployment.url), Bytes()
    image_id = create(api.url)["id"]
    turnstile.passed.clear()
    with check("a session is cut into parts, whose URLs lead to the bucket"):
        session = opened(api.url, image_id, SIZE)
        equal([part["size"] for part in session["parts"]], [PART_MIB * MIB] * 2 + [17])
        for part in session["parts"]:
            assert f"/{deployment.bucket}/{image_id}/" in part["url"] and "X-Amz-Signature=" in part["url"], part
    with check("parts arrive there in any order, and make no object before all are completed"):
        expect(bring(session["parts"][2], data.data), 200)
        assert b"Of 3 parts these have not arrived: 1 to 2." in expect(complete(api.url, session), 409).body
        seen = expect(call(api.url, "GET", session["self"]), 200).json()
        equal([part["arrived"] for part in seen["parts"]], [False, False, True])
        bring_all(session | {"parts": session["parts"][:2]}, data.data)
        equal((of(image_id, deployment), show(api.url, image_id)["status"]), ([], "saving"))
        sound(deployment)
    with check("a part is not taken under another number, nor by another key"):
        url = session["parts"][0]["url"]
        for wrong in (url.replace("partNumber=1", "partNumber=2"), url.replace(image_id, "0" * 8 + image_id[8:]),
                      url.replace("X-Amz-Signature=", "X-Amz-Signature=0")):
            assert wrong != url
            equal(bring(session["parts"][0] | {"url": wrong}, data.data).status, 403)
    with check("completed, the image has the hashes that md5sum and sha512sum say"):
        equal(expect(complete(api.url, session), 200).json()["status"], "complete")
        active(deployment, image_id, data)
        equal(expect(complete(api.url, session), 200).json()["status"], "complete")
    with check("none of the bytes passed through Glint on the way in"):
        presigned = sum(size for _, path, _, size in turnstile.passed if "X-Amz-Signature=" in path)
        functions = sum(size for _, path, operation, size in turnstile.passed if "X-Amz-Signature=" not in path and not operation)
        print(f"        of {SIZE} bytes {api.came} came to the API, {functions} went from functions to the bucket, "
              f"{presigned} by presigned URLs", flush=True)
        assert api.came < WORDS and functions < WORDS and presigned >= SIZE
    with check("no URL of the session brings anything any more"):
        equal([bring(part, data.data).status for part in session["parts"]], [404] * 3)
        active(deployment, image_id, data)
    api.shutdown()


def left(deployment, turnstile, data):
    """A session whose function died right after it had made the object whole."""
    url = deployment.url
    image_id = create(url)["id"]
    session = opened(url, image_id, len(data.data))
    bring_all(session, data.data)
    stop = turnstile.hold(AFTER, made_whole)
    completion = Background(complete, url, session)
    stop.wait()
    deployment.kill("Uploads")
    turnstile.release()
    equal(expect(completion.answer(), 500).json(), FAILED)
    equal((len(of(image_id, deployment)), show(url, image_id)["status"]), (1, "saving"))
    equal(expect(call(url, "GET", session["self"]), 200).json()["status"], "completing")
    sound(deployment)
    return image_id


def late_event(deployment, check, turnstile):
    data = Bytes()
    with check("killed right after the object was made whole: its event finishes, once the lease has ended, and nobody else"):
        with deployment.unmapped("UploadCompletedEvents"):
            image_id = left(deployment, turnstile, data)
            time.sleep(LEASE_SECONDS)
        wait_for("the image is active", lambda: show(deployment.url, image_id)["status"] == "active" or time.sleep(0.2), 60)
        active(deployment, image_id, data)
        deployment.quiet()
        sound(deployment)


def reaper_alone(deployment, check, turnstile):
    data = Bytes()
    with check("an event within the lease of who died has nothing to do, and leaves its queue"):
        image_id = left(deployment, turnstile, data)
        deployment.quiet_of("BucketEvents", LEASE_SECONDS * 2)
        equal(show(deployment.url, image_id)["status"], "saving")
        equal(deployment.waiting("BucketEventsDeadLetters"), 0)
    with check("then the reaper finishes, and nobody else is left to"):
        time.sleep(LEASE_SECONDS)
        equal(deployment.reap()["completed"], 1)
        active(deployment, image_id, data)
        settled(deployment)


def three_runs(deployment, check):
    """One run hashes a part of the image, the next goes on: each in another function, none of which knows the others."""
    data, since = Bytes(), int(time.time() * 1000)
    runs = {"GLINT_UPLOAD_HASH_RUN_MIB": str(RUN_MIB)}
    with contextlib.ExitStack() as stack:
        for name in ("Uploads", "UploadCompleted", "Reaper"):
            stack.enter_context(deployment.configured(name, **runs))
        with deployment.unmapped("ReaperJobs"):
            hashed = lambda: expect(call(deployment.url, "GET", session["self"]), 200).json().get("hashed")  # noqa: E731
            with check("what takes three runs to hash is told as being completed"):
                with deployment.unmapped("UploadCompletedEvents"):
                    image_id = create(deployment.url)["id"]
                    session = opened(deployment.url, image_id, SIZE)
                    bring_all(session, data.data)
                    said = expect(complete(deployment.url, session), 202).json()
                    equal(deployment.waiting("JobQueue"), 1)
                    equal((said["status"], hashed()), ("completing", RUN_MIB * MIB))
            with check("the event's run goes on where the first stopped"):
                deployment.quiet_of("BucketEvents")
                equal((show(deployment.url, image_id)["status"], hashed()), ("saving", 2 * RUN_MIB * MIB))
            with check("the reaper's run is the third, and the hashes are those of md5sum and sha512sum"):
                equal(deployment.reap()["completed"], 1)
                active(deployment, image_id, data)
    with check("two logs tell of a run that stopped, and the reaper's metrics of one that was done"):
        told = {name: sum('"hashed"' in line for line in lines(deployment, name, image_id, since)) for name in ("uploads", "upload_completed")}
        equal(told, {"uploads": 1, "upload_completed": 1})
        equal(sum(json.loads(line)["Completed"] for line in lines(deployment, "reaper", "CloudWatchMetrics", since)), 1)


def lines(deployment, name, word, since):
    """What a function has logged since a time, in milliseconds, with a word in it."""
    events = deployment.logs.get_paginator("filter_log_events")
    pages = events.paginate(logGroupName=f"/glint/dev/{name}", filterPattern=f'"{word}"', startTime=since)
    return [event["message"] for page in pages for event in page["events"]]


def given_up(deployment, check):
    data = Bytes()
    with check("given up, nothing is left of a session, and its image takes another"):
        image_id = create(deployment.url)["id"]
        session = opened(deployment.url, image_id, SIZE)
        expect(bring(session["parts"][0], data.data), 200)
        expect(call(deployment.url, "DELETE", session["self"]), 204)
        equal((show(deployment.url, image_id)["status"], deployment.begun()), ("queued", []))
        equal(bring(session["parts"][1], data.data).status, 404)
        second = opened(deployment.url, image_id, SIZE)
        bring_all(second, data.data)
        expect(complete(deployment.url, second), 200)
        active(deployment, image_id, data)
        settled(deployment)
