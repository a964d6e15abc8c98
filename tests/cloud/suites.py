"""What `test` runs, in order, each on a cloud that holds no image, and leaves without one."""

import sys

import access
import api
import clients
import consistency
import events
import kills
import limits
import restore
from deployment import Deployment
from harness import call, expect

SUITES = {"clients": clients.run, "limits": limits.run, "api": api.run, "kills": kills.run, "events": events.run, "access": access.run,
          "restore": restore.run}


def run(found, check, names):
    if unknown := set(names) - set(SUITES):
        sys.exit(f"there is no suite {', '.join(sorted(unknown))}: {', '.join(SUITES)}")
    deployment = Deployment(found)
    if images(deployment):
        sys.exit("the cloud that is up holds images, which the suites would take for theirs: cargo xtask cloud down")
    for name in names or SUITES:
        print(f"\n-- {name}", flush=True)
        with check(f"{name} runs to its end"), deployment.short_leases():
            SUITES[name](deployment, check)
            left(deployment, check, name)
    print()


def left(deployment, check, name):
    with check(f"{name}: when every image is deleted, nothing is left in table, bucket and queues"):
        for image_id in images(deployment):
            expect(call(deployment.url, "DELETE", f"/v2/images/{image_id}"), 204)
        consistency.settled(deployment)
        assert not deployment.objects(), deployment.objects()
        for queue in ("BucketEventsDeadLetters", "JobDeadLetters", "ScheduleDeadLetters"):
            assert not deployment.waiting(queue), f"{deployment.waiting(queue)} messages in {queue}"


def images(deployment):
    ids, path = [], "/v2/images?limit=1000"
    while path:
        page = expect(call(deployment.url, "GET", path), 200).json()
        ids, path = ids + [image["id"] for image in page["images"]], page.get("next")
    return ids
