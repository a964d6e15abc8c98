"""Functions killed in the middle: at each call that moves bytes or says where they are. The schedule then has to make it good."""

import hashlib
import os
import threading
import time

from consistency import settled, sound
from deployment import LEASE_SECONDS
from harness import OCTETS, call, create, equal, expect, show, wait_for
from turnstile import AFTER, BEFORE, Turnstile, commit_of, object_call, operation_of, through

FAILED = {"message": "Internal Server Error"}


class Background(threading.Thread):
    """A call under way. `answer()` is what it was answered."""

    def __init__(self, told, *arguments):
        super().__init__(daemon=True)
        self.told, self.arguments, self.got, self.error = told, arguments, None, None
        self.start()

    def run(self):
        try:
            self.got = self.told(*self.arguments)
        except Exception as error:
            self.error = error

    def answer(self):
        self.join(60)
        assert not self.is_alive(), "it never ended"
        if self.error:
            raise self.error
        return self.got


def put(url, image_id, data, headers=()):
    return call(url, "PUT", f"/v2/images/{image_id}/file", data, OCTETS, headers)


def delete(url, image_id):
    return call(url, "DELETE", f"/v2/images/{image_id}")


def uploaded(url, data):
    image_id = create(url)["id"]
    expect(put(url, image_id, data), 204)
    return image_id


def of(image_id, deployment):
    return [key for key in deployment.objects() if key.startswith(f"{image_id}/")]


def run(deployment, check):
    turnstile = Turnstile(deployment)
    try:
        uploads(deployment, check, turnstile)
        commits(deployment, check, turnstile)
        with deployment.no_schedule():
            reaper(deployment, check, turnstile)
            arrivals(deployment, check, turnstile)
    finally:
        turnstile.release()
        turnstile.shutdown()


def uploads(deployment, check, turnstile):
    """Killed at each step, and left to the schedule: nobody calls the reaper."""
    url, data = deployment.url, os.urandom(3_000_000)
    digest = hashlib.sha512(data).hexdigest()
    steps = {"before its bytes are put": (BEFORE, object_call("PUT")), "after its bytes are put": (AFTER, object_call("PUT")),
             "before its commit": (BEFORE, commit_of("attached")), "after its commit": (AFTER, commit_of("attached"))}
    images = {}
    with through(turnstile, deployment, "Uploads"):
        for step, held in steps.items():
            image_id = images[step] = create(url)["id"]
            with check(f"an upload killed {step} is answered 500"):
                stop = turnstile.hold(*held)
                upload = Background(put, url, image_id, data)
                stop.wait()
                equal(show(url, image_id)["status"], "active" if step == "after its commit" else "saving")
                deployment.kill("Uploads")
                turnstile.release()
                equal(expect(upload.answer(), 500).json(), FAILED)
    done = images.pop("after its commit")
    with check("the one that was committed is active, and keeps its bytes"):
        equal(show(url, done)["os_hash_value"], digest)
        equal(expect(call(url, "GET", f"/v2/images/{done}/file"), 200).body == data, True)
    with check("the others are still theirs, and take no second upload"):
        for image_id in images.values():
            expect(put(url, image_id, data), 409)
        sound(deployment)
    with check("the schedule of one minute runs the reaper, and every image is queued again"):
        for step, image_id in images.items():
            wait_for(f"the image killed {step} is queued",
                     lambda id=image_id: show(url, id)["status"] == "queued" or time.sleep(0.2), 150)
    with check("each takes a second upload, and has one object"):
        for image_id in images.values():
            expect(put(url, image_id, data), 204)
            equal(show(url, image_id)["os_hash_value"], digest)
            wait_for("one object", lambda id=image_id: len(of(id, deployment)) == 1)
    with check("and nothing is due, begun or without an owner"):
        settled(deployment)


def commits(deployment, check, turnstile):
    """The function of records, killed around its transactions and its message."""
    url, data = deployment.url, os.urandom(1000)
    with through(turnstile, deployment, "Images"):
        for step, held in {"before": (BEFORE, commit_of("queued")), "after": (AFTER, commit_of("queued"))}.items():
            with check(f"a creation killed {step} its commit is answered 500, and is done whole or not at all"):
                stop = turnstile.hold(*held)
                made = Background(call, url, "POST", "/v2/images", {"name": f"killed {step}"})
                stop.wait()
                deployment.kill("Images")
                turnstile.release()
                equal(expect(made.answer(), 500).json(), FAILED)
                listed = expect(call(url, "GET", f"/v2/images?name=killed%20{step}"), 200).json()["images"]
                equal(len(listed), 1 if step == "after" else 0)
                sound(deployment)
        steps = {"before its commit": (BEFORE, commit_of("deleted")), "after its commit": (AFTER, commit_of("deleted")),
                 "before its message is sent": (BEFORE, operation_of("SendMessage"))}
        for step, held in steps.items():
            image_id = uploaded(url, data)
            with check(f"a deletion killed {step} is answered 500, and is done whole or not at all"):
                stop = turnstile.hold(*held)
                deletion = Background(delete, url, image_id)
                stop.wait()
                deployment.kill("Images")
                turnstile.release()
                equal(expect(deletion.answer(), 500).json(), FAILED)
                sound(deployment)
                if step == "before its commit":
                    equal(expect(call(url, "GET", f"/v2/images/{image_id}/file"), 200).body, data)
                    expect(delete(url, image_id), 204)
                else:
                    expect(call(url, "GET", f"/v2/images/{image_id}"), 404)
    with check("their objects go all the same"):
        settled(deployment)


def reaper(deployment, check, turnstile):
    """Run by the queue of jobs, and killed: the queue delivers the job again."""
    url, data = deployment.url, os.urandom(1000)
    steps = {"before it removes an object": (BEFORE, object_call("DELETE")),
             "after it removed an object": (AFTER, object_call("DELETE")),
             "before it forgets one": (BEFORE, operation_of("TransactWriteItems")),
             "after it forgot one": (AFTER, operation_of("TransactWriteItems"))}
    with deployment.seen_again_after("JobQueue", 2), through(turnstile, deployment, "Reaper"):
        for step, held in steps.items():
            image_id = uploaded(url, data)
            with check(f"the reaper killed {step}: what was a row's stays a row's, and the job comes again"):
                stop = turnstile.hold(*held)
                expect(delete(url, image_id), 204)
                stop.wait()
                deployment.kill("Reaper")
                sound(deployment)
                turnstile.release()
                settled(deployment)
                equal(of(image_id, deployment), [])
    with through(turnstile, deployment, "Uploads", "Reaper"):
        for step, when in {"before": BEFORE, "after": AFTER}.items():
            image_id = create(url)["id"]
            with check(f"the reaper killed {step} it takes an image back from a writer that died: the next run does it"):
                stop = turnstile.hold(BEFORE, commit_of("attached"))
                upload = Background(put, url, image_id, data)
                stop.wait()
                deployment.kill("Uploads")
                turnstile.release()
                expect(upload.answer(), 500)
                time.sleep(LEASE_SECONDS)
                stop = turnstile.hold(when, commit_of("garbage"))
                run = Background(deployment.invoke, "Reaper")
                stop.wait()
                deployment.kill("Reaper")
                turnstile.release()
                equal(run.answer()[1], "Unhandled")
                sound(deployment)
                settled(deployment)
                equal(show(url, image_id)["status"], "queued")
                expect(put(url, image_id, data), 204)


def arrivals(deployment, check, turnstile):
    """What looks at new objects, killed: the queue delivers the event again."""
    url, data = deployment.url, os.urandom(1000)
    with deployment.seen_again_after("BucketEvents", 2), through(turnstile, deployment, "UploadCompleted"):
        with check("upload_completed killed before it looks at an object: the event comes again"):
            stop = turnstile.hold(BEFORE, operation_of("GetItem"))
            image_id = uploaded(url, data)
            stop.wait()
            deployment.kill("UploadCompleted")
            turnstile.release()
            settled(deployment)
            equal(expect(call(url, "GET", f"/v2/images/{image_id}/file"), 200).body, data)
        (key,) = of(image_id, deployment)
        expect(delete(url, image_id), 204)
        wait_for("the object is gone", lambda: not of(image_id, deployment))
        deployment.quiet()
        with check("killed after it wrote down an object that nobody owns: the object goes once its time has come"):
            stop = turnstile.hold(AFTER, commit_of("garbage"))
            deployment.s3.put_object(Bucket=deployment.bucket, Key=key, Body=data)
            stop.wait()
            deployment.kill("UploadCompleted")
            turnstile.release()
            deployment.quiet()
            sound(deployment)
            settled(deployment)
            equal(of(image_id, deployment), [])
