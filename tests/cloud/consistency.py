"""Holds table and bucket to each other: what has to be true of what is kept, at any time and once all is done.

A due row without a blob's is no fault: it reminds of an object that may land after it was removed, until its time has come.
Tasks stay for two days after they have ended, and so do their rows.
"""

import time
from collections import Counter

LIVE = {"queued", "saving", "uploading", "importing", "active", "deactivated"}


class Kept:
    """Rows by what they are. Keys are those of shared/src/catalog/key.rs."""

    def __init__(self, deployment):
        self.objects, self.begun = deployment.objects(), deployment.begun()
        self.images, self.blobs, self.due, self.listed, self.usage = {}, {}, [], [], {}
        self.members, self.tasks, self.tasks_due = set(), set(), set()
        for row in deployment.rows():
            partition, sort = row["PK"], row["SK"]
            if partition.startswith("image#") and sort == "record":
                self.images[row["id"]] = row
            elif partition.startswith("image#") and sort.startswith("blob#"):
                self.blobs[row["location"]["key"]] = row
            elif partition.startswith("image#") and sort.startswith("member#"):
                self.members.add((partition.removeprefix("image#"), sort.removeprefix("member#")))
            elif partition.startswith("task#"):
                self.tasks.add(row["id"])
            elif partition == "due#task#0":
                self.tasks_due.add(sort.rsplit("#", 1)[1])
            elif partition.startswith("list#task") or partition.startswith("image#") and sort.startswith("task#"):
                pass  # they name a task, and go with it
            elif partition == "due#image#0":
                self.due.append("the members of " + sort.rsplit("#", 1)[1])
            elif partition.startswith("due#"):
                self.due.append(row["location"]["key"])
            elif partition.startswith(("list#", "ids#")):
                self.listed.append((partition.rsplit("#", 1)[0], sort.rsplit("#", 1)[-1]))
            elif sort == "usage":
                self.usage[partition.removeprefix("project#")] = row
            else:
                raise AssertionError(f"a row of no known kind: {partition} {sort}")


def faults(deployment, done=True):
    """What is not as it has to be, in sentences. `done`: nothing may be under way or due any more."""
    kept = Kept(deployment)
    found = [*of_images(kept), *of_bytes(kept), *of_rows(kept), *of_members(kept), *of_usage(kept)]
    found += [f"task {id} is kept and never due" for id in kept.tasks - kept.tasks_due]
    if done:
        found += [f"{key} is still due" for key in kept.due] + [f"{key} is still begun" for key in kept.begun]
        found += [f"image {id} is still {image['status']}" for id, image in kept.images.items()
                  if image["status"] in ("saving", "importing") or is_importing(image)]
    return found


def lies_at(image):
    """The objects that are an image's data."""
    return [at["key"] for at in [image.get("location"), *(image.get("copies") or [])] if at]


def targets(image, state):
    """The objects of an image's import that are `coming`, or `there`."""
    return [each["location"]["key"] for each in (image.get("import") or {}).get("targets", []) if each["state"] == state]


def is_importing(image):
    """Whether an import has more to do: a store waits, and none has failed that must not."""
    course = image.get("import") or {}
    failed = any(isinstance(each["state"], dict) for each in course.get("targets", []))
    return image["status"] in LIVE and bool(targets(image, "coming")) and not (failed and course["all_must_succeed"])


def waits(image):
    """The objects of an import that are whole, and are the image's once the others are."""
    return set(targets(image, "there")) - set(lies_at(image)) if is_importing(image) else set()


def of_images(kept):
    for id, image in kept.images.items():
        keys = lies_at(image)
        if image["status"] not in LIVE:
            continue
        if image["status"] not in ("active", "deactivated"):
            if keys:
                yield f"image {id} is {image['status']} and has objects {keys}"
        elif not keys:
            yield f"image {id} is {image['status']} and has no object"
        else:
            for key in keys:
                if kept.objects.get(key) != image.get("size"):
                    yield f"image {id} of {image.get('size')} bytes has an object {key} of {kept.objects.get(key)}"
                if (kept.blobs.get(key) or {}).get("state") != "attached":
                    yield f"image {id} has an object {key} whose row says {kept.blobs.get(key)}"
        staged = (image.get("staged") or {}).get("key")
        if staged and image["status"] not in ("uploading", "importing"):
            yield f"image {id} is {image['status']} and has {staged} staged"
        if staged and kept.objects.get(staged) != image.get("size"):
            yield f"image {id} has {image.get('size')} bytes staged in an object {staged} of {kept.objects.get(staged)}"
        if staged and (kept.blobs.get(staged) or {}).get("state") != "staged":
            yield f"image {id} has {staged} staged, whose row says {kept.blobs.get(staged)}"
        if image["status"] == "importing" and not is_importing(image):
            yield f"image {id} is importing and waits for no store: {image.get('import')}"
        if is_importing(image) and not any((kept.blobs.get(key) or {}).get("state") == "writing" for key in targets(image, "coming")):
            yield f"image {id} waits for {targets(image, 'coming')}, none of which anybody writes"
        if image["status"] == "saving" and (kept.blobs.get(image["upload"]["key"]) or {}).get("state") != "writing":
            yield f"image {id} waits for {image['upload']['key']}, which nobody writes"


def of_bytes(kept):
    for key in {*kept.objects, *kept.begun} - set(kept.blobs):
        yield f"{key} lies in the bucket and no row owns it"
    for key, blob in kept.blobs.items():
        image = kept.images.get(key.split("/")[0], {})
        if blob["state"] == "attached" and key not in lies_at(image):
            yield f"{key} is attached to image {image.get('id')}, which has {lies_at(image)}"
        if blob["state"] == "staged" and key not in {(image.get("staged") or {}).get("key"), *waits(image)}:
            yield f"{key} is staged for image {image.get('id')}, which has {image.get('staged')}"
        if blob["state"] not in ("attached", "staged") and key not in kept.due:
            yield f"{key} is {blob['state']} and nothing is due to it"


def of_rows(kept):
    live = {id for id, image in kept.images.items() if image["status"] in LIVE}
    for (scope, id), count in Counter(kept.listed).items():
        if count != 1 or id not in live:
            yield f"image {id} is listed {count} times under {scope}, and is {kept.images.get(id, {}).get('status')}"
    listed = set(kept.listed)
    for id in live:
        image = kept.images[id]
        sets = ["all"] + [f"owner#{image['owner']}"] * bool(image.get("owner"))
        sets += [image["visibility"]] * (image["visibility"] in ("public", "community"))
        for scope in (f"{kind}#{each}" for kind in ("list", "ids") for each in sets):
            if (scope, id) not in listed:
                yield f"image {id} is not listed under {scope}"


def of_members(kept):
    listed = {(id, scope.removeprefix("list#member#")) for scope, id in kept.listed if scope.startswith("list#member#")}
    for id, project in kept.members - listed:
        yield f"image {id} has a member {project} without a row"
    for id, project in listed - kept.members:
        yield f"image {id} is listed as shared with {project}, and is not"


def of_usage(kept):
    counted = {}
    for image in kept.images.values():
        if image["status"] in LIVE and image.get("owner"):
            has = counted.setdefault(image["owner"], Counter())
            has["images"] += 1
            copies = len(lies_at(image))
            reserved = image.get("reserved") or 0
            has["bytes"] += int((image.get("size") or 0) * copies if copies else reserved * (image["status"] == "saving"))
            has["uploading"] += image["status"] in ("saving", "uploading", "importing")
            has["staged"] += int(image.get("size") or reserved) * (image["status"] in ("uploading", "importing"))
    for project in {*counted, *kept.usage}:
        has, said = counted.get(project, Counter()), kept.usage.get(project, {})
        for what in ("images", "bytes", "uploading", "staged"):
            if has[what] != int(said.get(what, 0)):
                yield f"project {project} has {has[what]} {what}, and its counters say {said.get(what, 0)}"


def sound(deployment):
    """At any time."""
    found = faults(deployment, done=False)
    assert not found, "\n        ".join(found)


def settled(deployment, seconds=60):
    """Once the queues are worked off and the reaper has run as often as something was due, the last leases too."""
    deployment.quiet()
    deadline = time.monotonic() + seconds
    while found := faults(deployment):
        assert time.monotonic() < deadline, "\n        ".join(found)
        time.sleep(0.5)
        deployment.reap()
