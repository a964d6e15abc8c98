"""Imports by the `openstack` client: every method into every kind of store, from sources that serve and from such as fail, stall, lie
about their length and lead to where nobody may go; and a worker that is killed amid a copy. The kinds are a directory, a bucket, and
containers of Swift and of Azurite, where these can be started. Started by run.sh.

usage: imports.py [--mib 20] [--copy-mib 512]
"""

import argparse
import json
import os
import signal
import time

from places import Directory, every_kind  # first, for it says where the harness is
from harness import MIB, Checks, Glint, call, equal, expect, random_file, scratch, sha512, wait_for
from importing import Origin, ended, every_pair, openstack, port_of, queued


def killed(check, work, settings, copy_mib):
    """A worker killed amid a copy: another process takes it over, and brings no more than a part again."""
    part, big = 8, work / "big.raw"
    random_file(big, 1)
    os.truncate(big, copy_mib * MIB)
    first = Glint(work / "killed", upload_session_part_mib=part, **settings).start()
    with check(f"killed amid a copy of {copy_mib} MiB, the next process finishes it within a minute of its lease's end"):
        image_id = queued(first.url)
        with big.open("rb") as body:
            expect(call(first.url, "PUT", f"/v2/images/{image_id}/file", body, "application/octet-stream"), 204)
        # Not by the client: a copy may be over before that has ended.
        expect(call(first.url, "POST", f"/v2/images/{image_id}/import", {"method": {"name": "copy-image"}, "stores": ["far"]}), 202)
        far, count = work / "far", -(-copy_mib // part)

        def journal():
            return next((path.read_text().count("\n+") for path in far.rglob("*.parts")), 0)

        wait_for("some parts are there", lambda: journal() >= count // 3, 120)
        first.process.send_signal(signal.SIGKILL)
        first.process.wait()
        there = journal()
        assert there < count, "all of it was there before it was killed"
        began = time.monotonic()
        second = Glint(work / "killed", upload_session_part_mib=part, **settings).start()
        image = ended(second.url, image_id, 300)
        seconds = time.monotonic() - began
        equal((image["status"], image["stores"]), ("active", "default,far"), image)
        equal(image["os_hash_value"], sha512(big))
        print(f"        {there} of {count} parts were there at the kill; copied whole {seconds:.0f} s later")
        equal(len(expect(call(second.url, "GET", f"/v2/images/{image_id}/file?prefer=far"), 200).body), copy_mib * MIB)
        second.stop()


def pairs(check, work, places, settings, origin, file):
    """Every method into every store, one server after another with each of them for its default, where data is staged."""
    told = {store: place.settings for store, place in places.items()}
    server = Glint(work / "data", stores=json.dumps(told), **settings).start()
    every_pair(check, "glint", server.url, ["default", *places], origin, file, work)
    for store in ["default", *places]:
        with check(f"glint: a source that does not say its length, into {store}"):
            image_id = queued(server.url)
            openstack(server.url, "import", image_id, "--method", "web-download", "--uri", f"{origin.url}/endless", "--store", store)
            holds(server.url, image_id, {store}, file)
    with check("glint: the openstack client imports into all stores at once"):
        image_id = queued(server.url)
        openstack(server.url, "import", image_id, "--method", "web-download", "--uri", f"{origin.url}/whole", "--all-stores")
        holds(server.url, image_id, {"default", *places}, file)
    emptied(check, server.url, {"default": Directory(work / "data/store")} | places)
    server.stop()
    for store, place in places.items():
        of_default = {f"store_{key}": str(value).lower() if value is True else value for key, value in place.settings.items()}
        others = {other: its for other, its in told.items() if other != store}
        server = Glint(work / f"beside-{store}", store_id=store, stores=json.dumps(others), **of_default, **settings).start()
        with check(f"glint: staged in {store} by the openstack client, and imported into all"):
            image_id = queued(server.url)
            openstack(server.url, "stage", "--file", file, image_id)
            openstack(server.url, "import", image_id, "--method", "glance-direct", "--all-stores")
            holds(server.url, image_id, set(places), file)
        emptied(check, server.url, places)
        server.stop()


def holds(url, image_id, stores, file):
    """Once its import is over, the image is in these stores, and each has its bytes."""
    image = ended(url, image_id)
    equal((image["status"], set(image["stores"].split(",")), image["os_hash_value"]), ("active", stores, sha512(file)), image)
    for store in stores:
        whole = expect(call(url, "GET", f"/v2/images/{image_id}/file?prefer={store}"), 200).body == file.read_bytes()
        assert whole, f"{store} has other bytes"


def emptied(check, url, places):
    """Nothing is left in any store once its images are deleted, of what has failed neither."""
    for image in expect(call(url, "GET", "/v2/images?limit=1000"), 200).json()["images"]:
        expect(call(url, "DELETE", f"/v2/images/{image['id']}"), 204)
    for store, place in places.items():
        with check(f"glint: its images deleted, {store} has nothing left"):
            try:
                wait_for("the store is empty", lambda place=place: not place.names(), 120)
            except AssertionError as error:
                raise AssertionError(f"{error}: {place.names()[:8]}") from None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--mib", type=int, default=20)
    parser.add_argument("--copy-mib", type=int, default=512)
    options = parser.parse_args()
    check, work = Checks(), scratch("imports")
    file = work / "disk.raw"
    random_file(file, options.mib)
    origin = Origin(file.read_bytes())
    places = every_kind(check, work)
    outward = {"egress_allowed_ports": port_of(origin.url), "egress_allowed_networks": "127.0.0.0/8", "egress_idle_seconds": 1,
               "reaper_interval_seconds": 1}
    pairs(check, work, places, outward | {"upload_part_mib": 5, "upload_session_part_mib": 5}, origin, file)
    far = places["far"].settings | {"weight": -5}
    killed(check, work, {"stores": json.dumps({"far": far})} | outward, options.copy_mib)
    check.finish()


if __name__ == "__main__":
    main()
