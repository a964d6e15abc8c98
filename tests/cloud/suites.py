"""What `test` runs, in order, each on a cloud that holds no image, and leaves without one.

Three of them need a Keystone, and have a cloud of their own that asks it; one needs a second store, and has a cloud with one.
"""

import os
import sys
import time

import access
import api
import clients
import consistency
import downloads
import events
import kills
import known
import limits
import restore
import sessions
import stored
from deployment import Deployment
from harness import call, expect

SUITES = {"clients": clients.run, "limits": limits.run, "api": api.run, "sessions": sessions.run, "downloads": downloads.run,
          "kills": kills.run, "events": events.run, "access": access.run, "restore": restore.run}
# On a cloud of their own with a second store.
STORED = {"imports": stored.run}
stored_parameters = stored.parameters

KNOWN = {"roles": known.roles, "commands": known.commands, "tempest": known.tempest}
keystone_parameters = known.parameters


# Until when suites are begun, in seconds since 1970, where somebody has no more time than that.
UNTIL = float(os.environ.get("SUITES_UNTIL", "inf"))


def in_time(check, names):
    """Those of the suites that may be begun now: all, or none, and then it is said of each that it was not."""
    if time.time() < UNTIL:
        return names
    for name in names:
        check.skip(name, "there was no time left to begin it")
    return []


def begun(check, names):
    """Each suite as it is begun."""
    for name in names:
        if in_time(check, [name]):
            print(f"\n-- {name}", flush=True)
            yield name


def known_to_be(names):
    """Ends the run when a name is none of a suite."""
    if unknown := set(names) - {*SUITES, *STORED, *KNOWN}:
        sys.exit(f"there is no suite {', '.join(sorted(unknown))}: {', '.join((*SUITES, *STORED, *KNOWN))}")


def chosen(suites, names):
    """Those of the suites that are to run; all of them when none is named."""
    return [name for name in suites if name in names or not names]


def run(found, check, names):
    deployment = Deployment(found)
    if images(deployment):
        sys.exit("the cloud that is up holds images, which the suites would take for theirs: cargo xtask cloud down")
    for name in begun(check, names):
        with check(f"{name} runs to its end"), deployment.short_leases():
            (SUITES | STORED)[name](deployment, check)
            left(deployment, check, name)
    print()


def run_known(found, check, names):
    """On a cloud that asks Keystone. What a suite made there it deletes itself: nobody else is let in."""
    deployment = Deployment(found)
    for name in begun(check, names):
        with check(f"{name} runs to its end"), deployment.short_leases():
            KNOWN[name](deployment, check)
        with check(f"{name}: no image, and nothing of any, is left in table, bucket and queues"):
            known.empty(deployment)
            emptied(deployment)
    print()


def left(deployment, check, name):
    with check(f"{name}: when every image is deleted, nothing is left in table, bucket and queues"):
        for image_id in images(deployment):
            expect(call(deployment.url, "DELETE", f"/v2/images/{image_id}"), 204)
        emptied(deployment)


def emptied(deployment):
    consistency.settled(deployment)
    assert not deployment.objects(), deployment.objects()
    for queue in ("BucketEventsDeadLetters", "JobDeadLetters", "ImportDeadLetters", "ScheduleDeadLetters"):
        assert not deployment.waiting(queue), f"{deployment.waiting(queue)} messages in {queue}"


def images(deployment):
    ids, path = [], "/v2/images?limit=1000"
    while path:
        page = expect(call(deployment.url, "GET", path), 200).json()
        ids, path = ids + [image["id"] for image in page["images"]], page.get("next")
    return ids
