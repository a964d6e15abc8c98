"""A restore as docs/operations.md tells it: the table from its backup, then the bytes that were removed since."""

import os
import subprocess
import sys

import engines
from consistency import sound
from harness import OCTETS, ROOT, call, create, equal, expect, show, wait_for


def uploaded(url, name, data):
    image_id = create(url, name=name)["id"]
    expect(call(url, "PUT", f"/v2/images/{image_id}/file", data, OCTETS), 204)
    return image_id


def bytes_back(deployment, *told):
    """infra/restore.py: its exit code, and what it said."""
    done = subprocess.run(
        [sys.executable, ROOT / "infra/restore.py", "--table", deployment.table, "--bucket", deployment.bucket, *told],
        env=os.environ | {"AWS_ENDPOINT_URL": deployment.endpoint, "AWS_DEFAULT_REGION": engines.REGION},
        capture_output=True, text=True, check=False)
    return done.returncode, (done.stdout or done.stderr).splitlines()


def table_back(deployment, backup):
    """The table as it was, under its own name: nothing that names it has to change."""
    dynamodb, table = deployment.dynamodb, deployment.table
    dynamodb.delete_table(TableName=table)
    dynamodb.get_waiter("table_not_exists").wait(TableName=table, WaiterConfig={"Delay": 1})
    dynamodb.restore_table_from_backup(TargetTableName=table, BackupArn=backup)
    wait_for("the table is there", lambda: dynamodb.describe_table(TableName=table)["Table"]["TableStatus"] == "ACTIVE", 60)


def run(deployment, check):
    url, data = deployment.url, os.urandom(100_000)
    kept, gone = uploaded(url, "kept", data[:50]), uploaded(url, "gone", data)
    deployment.quiet()
    backup = deployment.dynamodb.create_backup(TableName=deployment.table, BackupName="before")["BackupDetails"]["BackupArn"]
    rename = [{"op": "replace", "path": "/name", "value": "spoilt"}]
    expect(call(url, "PATCH", f"/v2/images/{kept}", rename, "application/openstack-images-v2.1-json-patch"), 200)
    expect(call(url, "DELETE", f"/v2/images/{gone}"), 204)
    deployment.quiet()
    deployment.reap()
    with deployment.no_schedule():
        with check("an image was deleted by mistake: its bytes are out of the bucket"):
            equal([key for key in deployment.objects() if key.startswith(gone)], [])
        table_back(deployment, backup)
        with check("the table restored from its backup has both images as they were, and one without its bytes"):
            equal((show(url, kept)["name"], show(url, gone)["status"]), ("kept", "active"))
            code, said = bytes_back(deployment)
            equal((code, said[-1]), (0, "1 objects there, 1 to be brought back, 0 lost"))
            equal([key for key in deployment.objects() if key.startswith(gone)], [])
        with check("infra/restore.py --apply brings them back, and twice is once"):
            equal(bytes_back(deployment, "--apply")[1][-1], "1 objects there, 1 brought back, 0 lost")
            equal(bytes_back(deployment, "--apply"), (0, ["2 objects there, 0 brought back, 0 lost"]))
            equal(expect(call(url, "GET", f"/v2/images/{gone}/file"), 200).body == data, True)
        with check("then table and bucket fit each other"):
            deployment.quiet()
            deployment.reap()
            sound(deployment)
    with check("bytes that no version holds any more are named, and the script fails"):
        (key,) = (key for key in deployment.objects() if key.startswith(kept))
        for version in deployment.s3.list_object_versions(Bucket=deployment.bucket, Prefix=key)["Versions"]:
            deployment.s3.delete_object(Bucket=deployment.bucket, Key=key, VersionId=version["VersionId"])
        equal(bytes_back(deployment, "--apply"),
              (1, [f"LOST {key}: image {kept} has no bytes", "1 objects there, 0 brought back, 1 lost"]))
