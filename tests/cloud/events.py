"""Events as queues and schedules deliver them: twice, late, in the wrong order, at once. Afterwards nothing is lost or left."""

import concurrent.futures
import json
import os
import time
import uuid

from consistency import settled, sound
from harness import ROOT, call, equal, expect, show, wait_for
from kills import delete, of, uploaded

FOREIGN = ("notes.txt", "backups/2026/table.dump", f"{uuid.uuid4()}/01ARYZ6S41ZZZZZZZZZZZZZZZZ")


def run(deployment, check):
    created(deployment, check)
    jobs(deployment, check)
    schedules(deployment, check)
    nonsense(deployment, check)


def holds(deployment, images):
    """Every image that is kept has its bytes, by HTTP."""
    for image_id, data in images.items():
        equal(show(deployment.url, image_id)["status"], "active")
        equal(expect(call(deployment.url, "GET", f"/v2/images/{image_id}/file"), 200).body == data, True)


def created(deployment, check):
    """The bucket's events: doubled, reversed, after the image is deleted, of keys that are none of ours."""
    put = lambda key: deployment.s3.put_object(Bucket=deployment.bucket, Key=key, Body=b"x")  # noqa: E731
    with deployment.unmapped("UploadCompletedEvents"):
        kept = {uploaded(deployment.url, data): data for data in (os.urandom(1000) for _ in range(3))}
        gone = uploaded(deployment.url, b"gone")
        (key,) = of(gone, deployment)
        told = deployment.take("BucketEvents", 4)
        expect(delete(deployment.url, gone), 204)
        wait_for("the object is gone", lambda: not of(gone, deployment))
        deployment.quiet_of("JobQueue")
        sound(deployment)
        put(key)
        for foreign in FOREIGN:
            put(foreign)
        told += deployment.take("BucketEvents", 4)
        with check("the bucket tells of every object that was created"):
            keys = [each["s3"]["object"]["key"] for body in told for each in json.loads(body)["Records"]]
            equal(sorted(keys), sorted([*FOREIGN, *(of(id, deployment)[0] for id in kept), key, key]))
        deployment.send("BucketEvents", [*reversed(told), *told])
    with check("delivered twice and backwards, events cost no image its bytes"):
        deployment.quiet()
        holds(deployment, kept)
    with check("an object that came after its image was deleted goes, and what was written down of it"):
        wait_for("the object is gone", lambda: deployment.reap() and not of(gone, deployment) or time.sleep(0.5))
    with check("what is not ours stays"):
        assert set(FOREIGN) <= set(deployment.objects()), deployment.objects()
        for foreign in FOREIGN:
            deployment.s3.delete_object(Bucket=deployment.bucket, Key=foreign)
        settled(deployment)


def jobs(deployment, check):
    with deployment.unmapped("ReaperJobs"):
        kept = {uploaded(deployment.url, b"kept"): b"kept"}
        gone = [uploaded(deployment.url, b"gone") for _ in range(5)]
        for image_id in gone:
            expect(delete(deployment.url, image_id), 204)
        told = deployment.take("JobQueue", 5)
        deployment.send("JobQueue", [*reversed(told), *told, *told])
    with check("jobs delivered three times remove what was deleted, once, and nothing else"):
        settled(deployment)
        equal([key for image_id in gone for key in of(image_id, deployment)], [])
        holds(deployment, kept)


def schedules(deployment, check):
    fired = json.loads((ROOT / "events/schedule/reaper.json").read_text())
    with deployment.unmapped("ReaperJobs"), deployment.no_schedule():
        kept = {uploaded(deployment.url, b"kept"): b"kept"}
        gone = [uploaded(deployment.url, b"gone") for _ in range(12)]
        for image_id in gone:
            expect(delete(deployment.url, image_id), 204)
        with check("eight schedules at once remove what was deleted, and nothing else"):
            with concurrent.futures.ThreadPoolExecutor(8) as at_once:
                reports = list(at_once.map(lambda _: deployment.invoke("Reaper", fired), range(8)))
            equal([error for _, error in reports], [None] * 8)
            assert sum(report["removed"] for report, _ in reports) >= len(gone), reports
            equal([key for image_id in gone for key in of(image_id, deployment)], [])
            holds(deployment, kept)
            sound(deployment)


def nonsense(deployment, check):
    """Messages that nobody understands, among those that somebody does."""
    with deployment.seen_again_after("BucketEvents", 1):
        with deployment.unmapped("UploadCompletedEvents"):
            kept = {uploaded(deployment.url, b"kept"): b"kept"}
            told = deployment.take("BucketEvents", 1)
            deployment.send("BucketEvents", ["nonsense", *told, "{}"])
        with check("messages that nobody understands end with the dead letters, and hold nothing up"):
            wait_for("two dead letters", lambda: deployment.waiting("BucketEventsDeadLetters") == 2 or time.sleep(0.5), 90)
            settled(deployment)
            holds(deployment, kept)
    equal(sorted(deployment.take("BucketEventsDeadLetters", 2)), ["nonsense", "{}"])
