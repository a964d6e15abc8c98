"""Holds `glint serve` on DynamoDB and S3 to what it does on its own disk. Started by run.sh."""

import contextlib
import hashlib
import os
import sys
import threading

import engines
from harness import MIB, OCTETS, ROOT, Checks, Glint, call, create, equal, expect, scratch, show, wait_for
from presigned import PART_MIB, SIZE as SESSION_SIZE, Bytes, bring, bring_all, complete, opened
from redirects import redirects_on

check = Checks()
work = scratch("cloud")
SIZE = 40 * MIB + 17  # several parts, the last one odd
data = os.urandom(SIZE)
digest = hashlib.sha512(data).hexdigest()


def keys(s3, bucket):
    """What the bucket holds: whole objects, and uploads that were begun."""
    objects = [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
    begun = [entry["Key"] for entry in s3.list_multipart_uploads(Bucket=bucket).get("Uploads", [])]
    return objects, begun


def put(server, image_id, pieces):
    return call(server.url, "PUT", f"/v2/images/{image_id}/file", pieces, OCTETS)


def cut(upto=SIZE):
    return (data[at:min(at + MIB, upto)] for at in range(0, upto, MIB))


def bytes_on(name, server, s3, bucket):
    image_id = create(server.url, name="parts")["id"]
    with check(f"{name}: an upload of several parts is one object with the image's SHA-512"):
        expect(put(server, image_id, cut()), 204)
        equal(show(server.url, image_id)["os_hash_value"], digest)
        (key,), begun = keys(s3, bucket)
        equal(hashlib.sha512(s3.get_object(Bucket=bucket, Key=key)["Body"].read()).hexdigest(), digest)
        equal(begun, [])
    with check(f"{name}: it downloads whole, and a range across two parts"):
        equal(expect(call(server.url, "GET", f"/v2/images/{image_id}/file"), 200).body == data, True)
        span = {"Range": f"bytes={8 * MIB - 5}-{8 * MIB + 4}"}
        part = expect(call(server.url, "GET", f"/v2/images/{image_id}/file", headers=span), 206)
        equal(part.body, data[8 * MIB - 5:8 * MIB + 5])
    with check(f"{name}: deleted, nothing is left in the bucket"):
        expect(call(server.url, "DELETE", f"/v2/images/{image_id}"), 204)
        wait_for("the bucket is empty", lambda: keys(s3, bucket) == ([], []), 60)


def crash_on(name, server, s3, bucket):
    image_id = create(server.url, name="killed")["id"]

    def cut_and_kill():
        yield from cut(32 * MIB)
        wait_for("parts were begun", lambda: keys(s3, bucket)[1], 60)
        server.kill()
        yield b"x" * MIB

    try:
        put(server, image_id, cut_and_kill())
    except (OSError, EOFError, Exception):
        pass  # a broken connection has many names
    server.start()
    with check(f"{name}: after kill -9 in the middle of an upload, the image takes a second one"):
        wait_for("the image is queued again", lambda: show(server.url, image_id)["status"] == "queued", 60)
        expect(put(server, image_id, cut()), 204)
        equal(show(server.url, image_id)["os_hash_value"], digest)
    with check(f"{name}: and the bucket holds that image's object and nothing else"):
        wait_for("one object, no upload", lambda: (len(keys(s3, bucket)[0]), keys(s3, bucket)[1]) == (1, []), 60)
        (key,) = keys(s3, bucket)[0]
        equal(hashlib.sha512(s3.get_object(Bucket=bucket, Key=key)["Body"].read()).hexdigest(), digest)
        expect(call(server.url, "DELETE", f"/v2/images/{image_id}"), 204)


def sessions_on(name, server, s3, bucket):
    """Parts by presigned URLs, which lead to the bucket's own server."""
    brought = Bytes()
    image_id = create(server.url, name="session")["id"]
    session = opened(server.url, image_id, SESSION_SIZE)

    def is_whole():
        seen = show(server.url, image_id)
        return seen["status"] == "active" and (seen["size"], seen["checksum"], seen["os_hash_value"])

    with check(f"{name}: parts brought by presigned URLs are no object before they are completed"):
        equal(bring(session["parts"][0] | {"size": 100}, brought.data).status, 403)
        bring_all(session, brought.data)
        objects, begun = keys(s3, bucket)
        equal((objects, [key.split("/")[0] for key in begun]), ([], [image_id]))
    with check(f"{name}: killed while it completes them, the image has the hashes of md5sum and sha512sum all the same"):
        completion = threading.Thread(target=quietly, args=(complete, server.url, session))
        completion.start()
        wait_for("completing has begun", lambda: keys(s3, bucket)[0] or show(server.url, image_id)["status"] == "active", 60)
        server.kill()
        completion.join()
        server.start()
        wait_for("the image is active", is_whole, 60)
        equal(is_whole(), (SESSION_SIZE, brought.md5, brought.sha512))
        equal(expect(call(server.url, "GET", f"/v2/images/{image_id}/file"), 200).body == brought.data, True)
    with check(f"{name}: the URLs bring nothing any more, and deleted, nothing is left in the bucket"):
        equal([bring(part, brought.data).status for part in session["parts"]], [404] * 3)
        expect(call(server.url, "DELETE", f"/v2/images/{image_id}"), 204)
        wait_for("the bucket is empty", lambda: keys(s3, bucket) == ([], []), 60)


def quietly(told, *arguments):
    """A call whose server dies meanwhile."""
    with contextlib.suppress(Exception):
        told(*arguments)


def clients_on(name, server):
    check.take(f"{name}: the clients' run", [ROOT / "tests/clients/run.sh"], f"  [{name}]", ENDPOINT=server.url)


def hold(name, table_url, store_url):
    s3 = engines.client("s3", store_url)
    table, bucket = f"glint-{name.lower()}", f"glint-{name.lower()}"
    engines.make_table(engines.client("dynamodb", table_url), table)
    engines.make_bucket(s3, bucket)
    server = Glint(work / name, table_adapter="dynamodb", table_name=table, table_endpoint=table_url,
                   table_region=engines.REGION, store_adapter="s3", store_bucket=bucket, store_endpoint=store_url,
                   store_region=engines.REGION, store_path_style="true", upload_lease_seconds=10, upload_session_part_mib=PART_MIB,
                   reaper_interval_seconds=1).start()
    bytes_on(name, server, s3, bucket)
    crash_on(name, server, s3, bucket)
    sessions_on(name, server, s3, bucket)
    redirects_on(check, name, server, store_url, work, checks_signatures=name == "LocalStack")
    clients_on(name, server)
    with check(f"{name}: when every image was deleted the bucket is empty"):
        wait_for("the bucket is empty", lambda: keys(s3, bucket) == ([], []), 60)
    with check(f"{name}: a stop ends it with 0"):
        equal(server.stop(), 0)


table_url = engines.ministack()
hold("MiniStack", table_url, table_url)
if python := os.environ.get("LOCALSTACK_PYTHON"):
    hold("LocalStack", table_url, engines.localstack(python))
else:
    check.skip("the bucket on LocalStack", "it needs Python 3.13, which is not here")
check.finish()
