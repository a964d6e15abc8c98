"""Imports by the `openstack` client: every method into every kind of store, from sources that serve and from such as fail, stall, lie
about their length and lead to where nobody may go; and a worker that is killed amid a copy. Started by run.sh.

usage: imports.py [--copy-mib 512]
"""

import argparse
import json
import os
import signal
import time

import engines
from harness import MIB, Checks, Glint, call, equal, expect, random_file, scratch, sha512, wait_for
from importing import Origin, ended, every_pair, port_of, queued


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


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--copy-mib", type=int, default=512)
    options = parser.parse_args()
    check, work = Checks(), scratch("imports")
    file = work / "disk.raw"
    random_file(file, 20)
    origin = Origin(file.read_bytes())
    ministack = engines.ministack()
    engines.make_bucket(engines.client("s3", ministack), "glint-imports")
    stores = {
        "far": {"adapter": "file", "directory": str(work / "far"), "weight": -5},
        "bucket": {"adapter": "s3", "bucket": "glint-imports", "endpoint": ministack, "region": engines.REGION, "path_style": True},
    }
    outward = {"egress_allowed_ports": port_of(origin.url), "egress_allowed_networks": "127.0.0.0/8", "egress_idle_seconds": 1}
    settings = {"stores": json.dumps(stores), "reaper_interval_seconds": 1, "upload_session_part_mib": 5} | outward
    server = Glint(work / "data", **settings).start()
    every_pair(check, "glint", server.url, ["default", "far", "bucket"], origin, file, work)
    server.stop()
    killed(check, work, {"stores": json.dumps({"far": stores["far"]}), "reaper_interval_seconds": 1} | outward, options.copy_mib)
    check.finish()


if __name__ == "__main__":
    main()
