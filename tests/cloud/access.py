"""Each function is held to its own policy: what it holds opens nothing else, and one right less fails it whole."""

import contextlib
import json

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

import engines
from consistency import settled, sound
from harness import call, create, equal, expect, show, wait_for
from kills import delete, of, put, uploaded
from presigned import bring, complete, opened


def run(deployment, check):
    with deployment.no_schedule():
        credentials(deployment, check)
        transport(deployment, check)
        images(deployment, check)
        uploads(deployment, check)
        sessions_of(deployment, check)
        reaper(deployment, check)
        arrivals(deployment, check)
        importer(deployment, check)


def clients(deployment, name):
    """Clients with the credentials that a function's own process has."""
    held = next(iter(deployment.processes(name).values()))
    keys = {"aws_access_key_id": held["AWS_ACCESS_KEY_ID"], "aws_secret_access_key": held["AWS_SECRET_ACCESS_KEY"],
            "aws_session_token": held["AWS_SESSION_TOKEN"]}
    settings = Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1})
    return lambda kind: boto3.client(kind, endpoint_url=deployment.endpoint, region_name=engines.REGION, config=settings, **keys)


def credentials(deployment, check):
    """Every call below, with every function's credentials: those it needs work, the others are refused."""
    table, bucket, key = deployment.table, deployment.bucket, {"PK": {"S": "image#none"}, "SK": {"S": "none"}}
    url = {name: deployment.names[name] for name in ("JobQueue", "ImportQueue", "BucketEvents")}
    calls = {
        "dynamodb:GetItem": lambda of: of("dynamodb").get_item(TableName=table, Key=key),
        "dynamodb:Query": lambda of: of("dynamodb").query(TableName=table, KeyConditionExpression="PK = :p",
                                                          ExpressionAttributeValues={":p": {"S": "none"}}),
        "dynamodb:PutItem": lambda of: of("dynamodb").transact_write_items(TransactItems=[{"Put": {
            "TableName": table, "Item": key, "ConditionExpression": "attribute_exists(PK)"}}]),
        "dynamodb:DeleteItem": lambda of: of("dynamodb").transact_write_items(TransactItems=[{"Delete": {
            "TableName": table, "Key": key}}]),
        "dynamodb:Scan": lambda of: of("dynamodb").scan(TableName=table, Limit=1),
        "dynamodb:DeleteTable": lambda of: of("dynamodb").delete_table(TableName=table),
        "s3:GetObject": lambda of: of("s3").get_object(Bucket=bucket, Key="none"),
        "s3:PutObject": lambda of: of("s3").put_object(Bucket=bucket, Key="none/none", Body=b""),
        "s3:DeleteObject": lambda of: of("s3").delete_object(Bucket=bucket, Key="none/none"),
        "s3:ListMultipartUploadParts": lambda of: of("s3").list_parts(Bucket=bucket, Key="none/none", UploadId="none"),
        "s3:ListBucket": lambda of: of("s3").list_objects_v2(Bucket=bucket),
        "s3:ListBucketMultipartUploads": lambda of: of("s3").list_multipart_uploads(Bucket=bucket),
        "sqs:SendMessage": lambda of: of("sqs").send_message(QueueUrl=url["JobQueue"], MessageBody='{"job":"reap"}'),
        "sqs:SendMessage (imports)": lambda of: of("sqs").send_message(QueueUrl=url["ImportQueue"], MessageBody='{"job":"reap"}'),
        "sqs:ReceiveMessage (jobs)": lambda of: of("sqs").receive_message(QueueUrl=url["JobQueue"]),
        "sqs:ReceiveMessage (imports)": lambda of: of("sqs").receive_message(QueueUrl=url["ImportQueue"]),
        "sqs:ReceiveMessage (events)": lambda of: of("sqs").receive_message(QueueUrl=url["BucketEvents"]),
        "iam:ListRoles": lambda of: of("iam").list_roles(),
    }
    # What the template grants; nothing else may work.
    granted = {
        "Authorizer": set(),
        "Discovery": set(),
        "Images": {"dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem", "dynamodb:DeleteItem", "sqs:SendMessage"},
        "Uploads": {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem", "s3:GetObject", "s3:PutObject",
                    "s3:DeleteObject", "s3:ListMultipartUploadParts", "s3:ListBucket", "s3:ListBucketMultipartUploads",
                    "sqs:SendMessage"},
        "Tasks": {"dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem", "dynamodb:DeleteItem", "sqs:SendMessage (imports)"},
        "Reaper": {"dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem", "dynamodb:DeleteItem", "s3:GetObject", "s3:PutObject",
                   "s3:DeleteObject", "s3:ListMultipartUploadParts", "s3:ListBucket", "s3:ListBucketMultipartUploads",
                   "sqs:SendMessage (imports)", "sqs:ReceiveMessage (jobs)"},
        "Importer": {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem", "s3:GetObject", "s3:PutObject",
                     "s3:DeleteObject", "s3:ListMultipartUploadParts", "s3:ListBucket", "s3:ListBucketMultipartUploads",
                     "sqs:SendMessage", "sqs:SendMessage (imports)", "sqs:ReceiveMessage (imports)"},
        "UploadCompleted": {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem", "s3:GetObject", "s3:PutObject",
                            "s3:DeleteObject", "s3:ListMultipartUploadParts", "s3:ListBucket", "s3:ListBucketMultipartUploads",
                            "sqs:ReceiveMessage (events)"},
    }
    uploaded(deployment.url, b"warm")  # so that each function has a process
    expect(call(deployment.url, "GET", "/healthcheck"), 200)
    expect(call(deployment.url, "GET", "/v2/tasks"), 200)
    deployment.invoke("Importer", {"Records": []})
    deployment.quiet()
    deployment.reap()
    for name, wanted in granted.items():
        with check(f"what {name}Function holds opens {', '.join(sorted(wanted)) or 'nothing'} and no more"):
            of_function = clients(deployment, name)
            equal({what for what, told in calls.items() if allowed(told, of_function)}, wanted)
    deployment.s3.delete_object(Bucket=deployment.bucket, Key="none/none")


def allowed(told, of_function):
    try:
        told(of_function)
    except ClientError as error:
        return error.response["Error"]["Code"] not in ("AccessDenied", "AccessDeniedException", "403")
    return True


def transport(deployment, check):
    """The bucket takes nothing that comes without TLS: here, past the line that stands for it."""
    image_id = create(deployment.url)["id"]
    with check("bytes that come without TLS are refused by the bucket, and the upload is given up whole"):
        with deployment.configured("Uploads", GLINT_STORE_ENDPOINT=deployment.plain):
            failed(put(deployment.url, image_id, b"data"))
        equal(show(deployment.url, image_id)["status"], "queued")
        made_good(deployment)


@contextlib.contextmanager
def without(deployment, name, action):
    """A function's role with one right less."""
    role = deployment.names[f"{name}FunctionRole"]
    (policy,) = [each for each in deployment.iam.list_role_policies(RoleName=role)["PolicyNames"] if each.endswith("RolePolicy0")]
    before = deployment.iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
    statements = []
    for each in before["Statement"]:
        actions = [each["Action"]] if isinstance(each["Action"], str) else each["Action"]
        if kept := [kept for kept in actions if kept != action]:
            statements.append(each | {"Action": kept})
    assert statements != before["Statement"], f"{name} has no right {action} to take away"
    change = {"RoleName": role, "PolicyName": policy}
    deployment.iam.put_role_policy(**change, PolicyDocument=json.dumps(before | {"Statement": statements}))
    try:
        yield
    finally:
        deployment.iam.put_role_policy(**change, PolicyDocument=json.dumps(before))


def failed(answer):
    """A fault of ours: it says so, and nothing of the cloud's own words."""
    assert answer.status in (500, 503), f"{answer.status}: {answer.body[:300]!r}"
    text = answer.body.decode()
    assert "AccessDenied" not in text and "arn:" not in text, text


def made_good(deployment):
    """Nothing is half done; and once the reaper may, nothing is left."""
    sound(deployment)
    settled(deployment)


def images(deployment, check):
    url = deployment.url
    image_id = uploaded(url, b"data")
    calls = {
        "dynamodb:GetItem": lambda: call(url, "GET", f"/v2/images/{image_id}"),
        "dynamodb:Query": lambda: call(url, "GET", "/v2/images"),
        "dynamodb:PutItem": lambda: call(url, "POST", "/v2/images", {"name": "never"}),
        "dynamodb:UpdateItem": lambda: call(url, "POST", "/v2/images", {"name": "never"}),
        "dynamodb:DeleteItem": lambda: delete(url, image_id),
    }
    for action, told in calls.items():
        with check(f"without {action} the function of records fails whole"):
            with without(deployment, "Images", action):
                failed(told())
            equal(show(url, image_id)["status"], "active")
            equal(expect(call(url, "GET", "/v2/images?name=never"), 200).json()["images"], [])
            made_good(deployment)
    with check("without sqs:SendMessage a deletion is done, and waits for the schedule"):
        with without(deployment, "Images", "sqs:SendMessage"):
            expect(delete(url, image_id), 204)
        equal(len(of(image_id, deployment)), 1)
        made_good(deployment)


def uploads(deployment, check):
    url, data = deployment.url, b"data"
    active = uploaded(url, data)
    for action in ("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "s3:PutObject"):
        image_id = create(url)["id"]
        with check(f"without {action} an upload fails whole, and the image takes the next"):
            with without(deployment, "Uploads", action):
                failed(put(url, image_id, data))
            made_good(deployment)
            expect(put(url, image_id, data), 204)
    with check("without s3:GetObject a download fails"):
        with without(deployment, "Uploads", "s3:GetObject"):
            failed(call(url, "GET", f"/v2/images/{active}/file"))
        equal(expect(call(url, "GET", f"/v2/images/{active}/file"), 200).body, data)
    for action in ("s3:DeleteObject", "s3:ListBucketMultipartUploads"):
        image_id = create(url)["id"]
        with check(f"without {action} an upload that is refused leaves its object to the reaper"):
            with without(deployment, "Uploads", action):
                expect(put(url, image_id, iter([data]), {"x-openstack-image-size": "5"}), 400)
            equal(show(url, image_id)["status"], "queued")
            made_good(deployment)


def sessions_of(deployment, check):
    url, data = deployment.url, b"data"
    image_id = create(url)["id"]
    with check("without s3:PutObject a session cannot be opened, and the image takes the next"):
        with without(deployment, "Uploads", "s3:PutObject"):
            failed(call(url, "POST", f"/v2/images/{image_id}/uploads", {"size": len(data)}))
        made_good(deployment)
        session = opened(url, image_id, len(data))
    with check("a part whose URL was signed without the right to put objects is refused by the bucket"):
        with without(deployment, "Uploads", "s3:PutObject"):
            equal(bring(session["parts"][0], data).status, 403)
        expect(bring(session["parts"][0], data), 200)
    with check("without s3:ListMultipartUploadParts a session cannot be completed, and can be after"):
        with without(deployment, "Uploads", "s3:ListMultipartUploadParts"):
            failed(complete(url, session))
        equal(show(url, image_id)["status"], "saving")
        expect(complete(url, session), 200)
        equal(expect(call(url, "GET", f"/v2/images/{image_id}/file"), 200).body, data)
        made_good(deployment)


def reaper(deployment, check):
    url = deployment.url
    for action in ("dynamodb:Query", "dynamodb:GetItem", "dynamodb:DeleteItem", "s3:DeleteObject",
                   "s3:ListBucketMultipartUploads"):
        with check(f"without {action} the reaper says that it failed, and loses nothing"):
            with deployment.unmapped("ReaperJobs"):
                image_id = uploaded(url, b"data")
                expect(delete(url, image_id), 204)
                with without(deployment, "Reaper", action):
                    report, error = deployment.invoke("Reaper")
                    assert error or report["failed"] == 1, report
                sound(deployment)
            settled(deployment)
            equal(of(image_id, deployment), [])


def arrivals(deployment, check):
    with deployment.seen_again_after("BucketEvents", 1):
        image_id = uploaded(deployment.url, b"data")
        (key,) = of(image_id, deployment)
        expect(delete(deployment.url, image_id), 204)
        deployment.quiet()
        for action in ("dynamodb:GetItem", "dynamodb:PutItem"):
            with check(f"without {action} an event of an object comes again until it can be looked at"):
                with without(deployment, "UploadCompleted", action):
                    deployment.s3.put_object(Bucket=deployment.bucket, Key=key, Body=b"late")
                    wait_for("the event comes again", lambda: came_again(deployment))
                settled(deployment)
                equal(of(image_id, deployment), [])


def importer(deployment, check):
    """The bytes are staged before; what the importer may not do then fails the import, or leaves it to the next worker."""
    url, data = deployment.url, b"data"

    def asked(action):
        image_id = create(url)["id"]
        expect(call(url, "PUT", f"/v2/images/{image_id}/stage", data, "application/octet-stream"), 204)
        with without(deployment, "Importer", action):
            said = call(url, "POST", f"/v2/images/{image_id}/import", {"method": {"name": "glance-direct"}})
            expect(said, 202)
            yield image_id

    once = contextlib.contextmanager(asked)
    for action in ("s3:GetObject", "s3:PutObject"):
        with check(f"without {action} an import fails, in words of its own, and the image takes the next"):
            with once(action) as image_id:
                seen = wait_for("the import is over", lambda: (seen := show(url, image_id))["status"] == "queued" and seen, 60)
                assert seen["os_glance_failed_import"] and "AccessDenied" not in seen["os_glance_failed_import_message"], seen
            deployment.quiet()  # what was staged is being removed, and table and bucket are not read at one time
            made_good(deployment)
            expect(put(url, image_id, data), 204)
    for action in ("dynamodb:GetItem", "dynamodb:PutItem"):
        with check(f"without {action} an import waits, and the schedule has it done once the importer may"):
            with once(action) as image_id:
                deployment.quiet()
                equal(show(url, image_id)["status"], "importing")
                sound(deployment)
            made_good(deployment)
            equal(expect(call(url, "GET", f"/v2/images/{image_id}/file"), 200).body, data)


def came_again(deployment):
    mapping = deployment.lambda_.get_event_source_mapping(UUID=deployment.names["UploadCompletedEvents"])
    return "partial failures" in mapping["LastProcessingResult"]
