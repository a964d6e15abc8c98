"""The suites of tests/keystone on a deployment that asks a real Keystone, which each of them brings."""

import json

import consistency
import engines
from deploy import STACK
from harness import ROOT, call, equal

CACHE_SECONDS = "2"
# The user that Keystone is asked as: tests/keystone/keystone.py makes it.
CREDENTIALS = {"username": "glint", "password": "glintpw", "project_name": "service"}
PORT = engines.free_port()


def parameters(endpoint):
    """How an operator turns Keystone on: a secret, and its ARN among the parameters of the template."""
    secrets = engines.client("secretsmanager", endpoint)
    made = secrets.create_secret(Name="glint/keystone", SecretString=json.dumps(CREDENTIALS))
    return {"IdentityMode": "keystone", "KeystoneUrl": f"http://127.0.0.1:{PORT}/v3", "KeystoneSecretArn": made["ARN"],
            "KeystoneSecretVersion": made["VersionId"], "KeystoneCredential": "password", "KeystoneCacheSeconds": CACHE_SECONDS}


def empty(deployment):
    kept = consistency.Kept(deployment)
    live = {id: image.get("name") for id, image in kept.images.items() if image["status"] in consistency.LIVE}
    assert not live, live


def suite(deployment, check, name):
    check.take(f"tests/keystone/run.sh {name}", [ROOT / "tests/keystone/run.sh", name], ENDPOINT=deployment.url,
               KEYSTONE_PORT=str(PORT), CACHE_SECONDS=CACHE_SECONDS)


def roles(deployment, check):
    with check("while there is no Keystone nobody gets in: 503 with a token, 401 without, and discovery is open to all"):
        answers = [call(deployment.url, "GET", "/v2/images", headers=headers) for headers in ((), (("X-Auth-Token", "any"),))]
        equal([each.status for each in answers], [401, 503])
        equal(answers[0].headers["WWW-Authenticate"], f'Keystone uri="http://127.0.0.1:{PORT}/v3"')
        equal(call(deployment.url, "GET", "/versions").status, 200)
    with check("the API keeps nothing of what the authorizer said"):
        (authorizer,) = deployment.apis.get_authorizers(ApiId=deployment.api)["Items"]
        equal(authorizer["AuthorizerResultTtlInSeconds"], 0)
    with check("the password is in no template and among no parameters, and the authorizer alone is told it"):
        formation = engines.client("cloudformation", deployment.endpoint)
        said = [formation.get_template(StackName=STACK, TemplateStage=stage)["TemplateBody"] for stage in ("Original", "Processed")]
        said.append(formation.describe_stacks(StackName=STACK)["Stacks"][0]["Parameters"])
        assert "KeystoneSecretArn" in json.dumps(said) and CREDENTIALS["password"] not in json.dumps(said)
        told = [each["FunctionName"] for page in deployment.lambda_.get_paginator("list_functions").paginate()
                for each in page["Functions"] if CREDENTIALS["password"] in json.dumps(each.get("Environment"))]
        equal(told, [deployment.function("Authorizer")])
    suite(deployment, check, "roles")
    with check("the functions' logs name no token and no password"):
        logs = engines.client("logs", deployment.endpoint)
        groups = [each["logGroupName"] for each in logs.describe_log_groups(logGroupNamePrefix="/glint/")["logGroups"]]
        lines = [event["message"] for group in groups for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group)
                 for event in page["events"]]
        assert any("cannot tell who calls" in line for line in lines), f"{len(lines)} lines in {groups}"
        for secret in ("gAAAA", CREDENTIALS["password"]):
            assert not [line for line in lines if secret in line][:3], secret


def commands(deployment, check):
    suite(deployment, check, "commands")


def tempest(deployment, check):
    # It uploads noise as images of every format, as suite.py says.
    with deployment.configured("Uploads", GLINT_IMAGE_REQUIRE_FORMAT_MATCH="false"):
        suite(deployment, check, "tempest")
