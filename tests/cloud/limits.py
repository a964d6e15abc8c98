"""Bodies around what a function and a gateway carry, and the way round: `glint serve` on the same table and bucket."""

import os

import engines
import harness
from clients import LARGEST
from deploy import BUILT, DATA_PLANE
from harness import MIB, Glint, call, create, equal, expect, scratch, show, wait_for
from kills import of, put


def run(deployment, check):
    requests(deployment, check)
    beside(deployment, check)


def requests(deployment, check):
    url, data = deployment.url, os.urandom(LARGEST)
    image_id = create(url)["id"]
    with check("a body of more than a function carries is 413, and the answer says where to send it"):
        body = expect(put(url, image_id, data + b"x"), 413).body.decode()
        assert str(LARGEST) in body and f"{DATA_PLANE}/v2/images/{image_id}/file" in body, body
    with check("so is one that is announced to come"):
        body = expect(put(url, image_id, b"x", {"x-openstack-image-size": str(1 << 40)}), 413).body.decode()
        assert f"{DATA_PLANE}/v2/images/{image_id}/file" in body, body
    with check("a body of more than a message, or than the gateway takes, is the gateway's own 413"):
        for size in (5 * MIB, 11 * MIB):
            for body in (bytes(size), iter([bytes(MIB)] * (size // MIB))):
                equal(expect(put(url, image_id, body), 413).json(), {"message": "Request Entity Too Large"})
    with check("the image is queued all the same, and takes the largest body there may be"):
        equal(show(url, image_id)["status"], "queued")
        expect(put(url, image_id, data), 204)
        equal(expect(call(url, "GET", f"/v2/images/{image_id}/file"), 200).body == data, True)


def beside(deployment, check):
    harness.PROGRAM = BUILT / "glint" / "bootstrap"
    environment = {"table_adapter": "dynamodb", "table_name": deployment.table, "table_endpoint": deployment.endpoint,
                   "table_region": engines.REGION, "store_adapter": "s3", "store_bucket": deployment.bucket,
                   "store_endpoint": deployment.endpoint, "store_region": engines.REGION}
    server = Glint(scratch("beside"), **environment).start()
    size = 40 * MIB + 17
    data = os.urandom(size)
    image_id = create(deployment.url)["id"]
    file = f"/v2/images/{image_id}/file"
    with check("glint serve on the same table and bucket takes 40 MiB for an image that the API created"):
        expect(put(server.url, image_id, (data[at:at + MIB] for at in range(0, size, MIB))), 204)
        seen = show(deployment.url, image_id)
        equal((seen["status"], seen["size"]), ("active", size))
    with check("the API answers 413 to a download of it, and says where to get it"):
        body = expect(call(deployment.url, "GET", file), 413).body.decode()
        assert f"{DATA_PLANE}{file}" in body and "ranges" in body, body
    with check("and a range of it, across two parts"):
        span = {"Range": f"bytes={8 * MIB - 1000}-{8 * MIB + 999}"}
        equal(expect(call(deployment.url, "GET", file, headers=span), 206).body, data[8 * MIB - 1000:8 * MIB + 1000])
    with check("glint serve gives it back whole"):
        equal(expect(call(server.url, "GET", file), 200).body == data, True)
    with check("deleted by the API, its object goes soon: the job queue tells the reaper"):
        expect(call(deployment.url, "DELETE", f"/v2/images/{image_id}"), 204)
        wait_for("the object is gone", lambda: not of(image_id, deployment), 30)
    server.stop()
