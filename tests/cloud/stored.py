"""Imports on a cloud with two stores: every method into each, from sources that are well and ill; and a copy whose worker is killed twice.

Its own cloud, for the template is told of the second bucket, and of the port of a source on this machine. What is brought to that bucket
is counted on its way.
"""

import contextlib
import json
import os
import re
import time

import engines
from access import allowed, clients
from consistency import settled, sound
from harness import MIB, call, equal, expect, scratch, sha512, show, wait_for
from importing import Origin, ended, every_pair, openstack, queued
from turnstile import AFTER, BEFORE, Turnstile

BUCKET = "glint-far"
PORT = engines.free_port()
SMALL = 3 * MIB  # what a function carries
COPY_MIB, PART_MIB = 256, 8
LEASE_SECONDS = 10
# Whose role moves bytes.
MOVERS = ("Uploads", "Reaper", "Importer", "UploadCompleted")


def stores(**more):
    return json.dumps({"far": {"adapter": "s3", "bucket": BUCKET} | more}, separators=(",", ":"))


def parameters(endpoint):
    """How an operator adds a store: a bucket, and what names it; and here a source that is not of the internet."""
    engines.client("s3", endpoint).create_bucket(Bucket=BUCKET)
    return {"Stores": stores(), "StoreBuckets": f"arn:aws:s3:::{BUCKET}", "EgressPorts": PORT, "EgressNetworks": "127.0.0.0/8"}


def run(deployment, check):
    deployment.buckets.append(BUCKET)
    work = scratch("cloud-imports")
    file = work / "disk.raw"
    file.write_bytes(os.urandom(SMALL))
    origin = Origin(file.read_bytes(), PORT)
    rights(deployment, check)
    with deployment.configured("Importer", GLINT_EGRESS_IDLE_SECONDS="1"):
        every_pair(check, "deployed", deployment.url, ["default", "far"], origin, file, work)
    with check("every store has what its images say, and no more"):
        settled(deployment)
    turnstile = Turnstile(deployment)
    try:
        killed(deployment, check, turnstile, origin, work)
    finally:
        turnstile.release()
        turnstile.shutdown()
        # What was in the hands of who died comes again when the queue's time is up, which is longer than this cloud lives.
        deployment.sqs.purge_queue(QueueUrl=deployment.names["ImportQueue"])


def rights(deployment, check):
    with check("the second bucket is open to the functions that move bytes, and to no other"):
        for name in MOVERS:
            deployment.invoke(name, {"Records": []})  # so that it has a process
        expect(call(deployment.url, "GET", "/v2/images"), 200)
        expect(call(deployment.url, "GET", "/v2/tasks"), 200)
        calls = [lambda of: of("s3").put_object(Bucket=BUCKET, Key="none/none", Body=b""),
                 lambda of: of("s3").get_object(Bucket=BUCKET, Key="none/none"),
                 lambda of: of("s3").list_objects_v2(Bucket=BUCKET),
                 lambda of: of("s3").delete_object(Bucket=BUCKET, Key="none/none")]
        for name in (*MOVERS, "Images", "Tasks"):
            equal({allowed(told, clients(deployment, name)) for told in calls}, {name in MOVERS}, name)
        deployment.s3.delete_object(Bucket=BUCKET, Key="none/none")


def part(number):
    """The call that brings a part of an object."""
    return lambda method, path, _operation, _body: method == "PUT" and re.search(rf"[?&]partNumber={number}(&|$)", path)


def killed(deployment, check, turnstile, origin, work):
    """A copy whose worker is killed before one part, and whose next is killed right after another."""
    url, big = deployment.url, work / "big.raw"
    big.write_bytes(os.urandom(COPY_MIB * MIB))
    origin.data, count = big.read_bytes(), COPY_MIB // PART_MIB
    through = {"GLINT_STORES": stores(endpoint=turnstile.url, path_style=True), "GLINT_UPLOAD_SESSION_PART_MIB": str(PART_MIB),
               "GLINT_IMPORT_LEASE_SECONDS": str(LEASE_SECONDS)}
    with deployment.configured("Importer", **through), contextlib.ExitStack() as stack:
        image_id = queued(url)
        with check(f"{COPY_MIB} MiB are brought from the source in parts of {PART_MIB} MiB"):
            openstack(url, "import", image_id, "--method", "web-download", "--uri", f"{origin.url}/whole", "--store", "default")
            image = ended(url, image_id)
            equal((image["status"], image["stores"], image["os_hash_value"]), ("active", "default", sha512(big)), image)
        stack.enter_context(deployment.no_schedule())
        turnstile.passed.clear()
        with check("killed before a part of a copy: the look that it asked for brings another worker, when its lease has ended"):
            first = turnstile.hold(BEFORE, part(count // 3))
            openstack(url, "import", image_id, "--method", "copy-image", "--store", "far")
            first.wait()
            second = turnstile_after_kill(deployment, turnstile, AFTER, part(2 * count // 3))
            began = time.monotonic()
            sound(deployment)
            second.wait(4 * LEASE_SECONDS)
            print(f"        {time.monotonic() - began:.0f} s after the kill {count // 3} more parts were there", flush=True)
        with check("killed right after a part, and its look lost: the reaper hands the copy to another, who brings what is missing"):
            deployment.kill("Importer")
            turnstile.release()
            deployment.sqs.purge_queue(QueueUrl=deployment.names["ImportQueue"])
            equal(show(url, image_id)["os_glance_importing_to_stores"], "far")
            sound(deployment)
            stack.close()  # the schedule runs again
            image = ended(url, image_id, 150)
            equal((image["status"], image["stores"]), ("active", "default,far"), image)
            equal(image["os_hash_value"], sha512(big))
        with check("each part was brought once, and but for what was on its way at a kill no byte twice"):
            brought = [int(found[1]) for method, path, _, _ in turnstile.passed
                       if method == "PUT" and (found := re.search(r"[?&]partNumber=(\d+)", path))]
            twice = sorted(number for number in set(brought) if brought.count(number) > 1)
            print(f"        {len(brought)} parts were sent for {count}; again {twice}", flush=True)
            equal(set(brought), set(range(1, count + 1)))
            equal(twice, [count // 3])
            equal(brought.count(count // 3), 2)
        with check("the copy is the image, byte by byte"):
            (key,) = [each["Key"] for each in deployment.s3.list_objects_v2(Bucket=BUCKET, Prefix=image_id)["Contents"]]
            equal(deployment.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == origin.data, True)
            settled(deployment)


def turnstile_after_kill(deployment, turnstile, when, call_of):
    """Kills the worker that is held, and holds the next one elsewhere."""
    deployment.kill("Importer")
    turnstile.release()
    return turnstile.hold(when, call_of)
