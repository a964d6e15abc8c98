#!/usr/bin/env python3
"""Proves that many clients can change one image at once: no change is lost, and nobody is answered 409 or 5xx.

64 clients patch one image 20 times each; every client counts in a property of its own and sees its last count again.
Needs: cargo build --release; Python 3.11. env: CLIENTS=64, PATCHES=20, ENDPOINT=URL of a server that runs already.
"""

import collections
import concurrent.futures
import json
import os
import threading
import time

from harness import Checks, Glint, call, create, equal, scratch, show

CLIENTS = int(os.environ.get("CLIENTS", "64"))
PATCHES = int(os.environ.get("PATCHES", "20"))
V21 = "application/openstack-images-v2.1-json-patch"
check = Checks()
url = os.environ.get("ENDPOINT") or Glint(scratch("contention") / "data").start().url
image_id = create(url, **{f"client_{client}": "0" for client in range(CLIENTS)})["id"]
start = threading.Barrier(CLIENTS)


def patch(client):
    """What one client was answered, and how long it waited each time."""
    name, statuses, seconds = f"client_{client}", collections.Counter(), []
    start.wait(60)
    for count in range(1, PATCHES + 1):
        before = show(url, image_id)[name]
        equal(before, str(count - 1), f"{name} before its patch {count}")
        began = time.monotonic()
        change = [{"op": "replace", "path": f"/{name}", "value": str(count)}]
        if count == PATCHES:
            change.append({"op": "add", "path": f"/done_{client}", "value": "yes"})
        answer = call(url, "PATCH", f"/v2/images/{image_id}", json.dumps(change).encode(), V21)
        seconds.append(time.monotonic() - began)
        statuses[answer.status] += 1
        if answer.status == 200:
            equal(answer.json()[name], str(count), f"{name} after its patch {count}")
    return statuses, seconds


with check(f"{CLIENTS} clients patch one image {PATCHES} times each, and each is answered 200"):
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as clients:
        outcomes = list(clients.map(patch, range(CLIENTS)))
    took = time.monotonic() - began
    equal(sum((statuses for statuses, _ in outcomes), collections.Counter()), {200: CLIENTS * PATCHES}, "answers")

with check("and none of their changes is lost"):
    image = show(url, image_id)
    for client in range(CLIENTS):
        equal((image[f"client_{client}"], image[f"done_{client}"]), (str(PATCHES), "yes"), f"client {client}")

waits = sorted(wait for _, seconds in outcomes for wait in seconds)
print(f"{len(waits)} patches in {took:.1f} s; one took {waits[len(waits) // 2] * 1000:.0f} ms at the median, {waits[-1] * 1000:.0f} ms at most")
check.finish()
