"""Holds infra/template.yaml to cfn-lint, to infra/table.json and infra/bucket, and to the code: each function that is built is
deployed, each route of events/ exists. Started by run.sh."""

import json
import pathlib
import subprocess
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "clients"))

from harness import Checks, equal  # noqa: E402

check = Checks()
path = ROOT / "infra/template.yaml"


class Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short functions, each read as its own text."""


Loader.add_multi_constructor("!", lambda loader, tag, node: (tag, loader.construct_scalar(node) if isinstance(
    node, yaml.ScalarNode) else loader.construct_sequence(node, deep=True)))
resources = yaml.load(path.read_text(), Loader)["Resources"]
functions = {name: each["Properties"] for name, each in resources.items() if each["Type"] == "AWS::Serverless::Function"}
table, bucket = resources["Table"]["Properties"], resources["Bucket"]["Properties"]

with check("cfn-lint has nothing to say of the template"):
    subprocess.run([pathlib.Path(sys.executable).parent / "cfn-lint", path], check=True)

with check("the table deployed is infra/table.json"):
    wanted = json.loads((ROOT / "infra/table.json").read_text())
    for name in ("BillingMode", "AttributeDefinitions", "KeySchema", "LocalSecondaryIndexes"):
        equal(table[name], wanted[name], name)
    equal(table["StreamSpecification"]["StreamViewType"], wanted["StreamSpecification"]["StreamViewType"])

with check("the bucket deployed is infra/bucket"):
    def said(name):
        return json.loads((ROOT / f"infra/bucket/{name}.json").read_text())

    equal(bucket["PublicAccessBlockConfiguration"], said("public-access-block"))
    equal(bucket["LifecycleConfiguration"]["Rules"][0]["AbortIncompleteMultipartUpload"], said("lifecycle")["Rules"][0]["AbortIncompleteMultipartUpload"])
    (deployed,), (wanted,) = bucket["CorsConfiguration"]["CorsRules"], said("cors")["CORSRules"]
    equal([deployed[name] for name in ("AllowedOrigins", "AllowedMethods", "AllowedHeaders", "ExposedHeaders", "MaxAge")],
          [wanted[name] for name in ("AllowedOrigins", "AllowedMethods", "AllowedHeaders", "ExposeHeaders", "MaxAgeSeconds")])
    equal(bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"][0]["ServerSideEncryptionByDefault"],
          said("encryption")["Rules"][0]["ApplyServerSideEncryptionByDefault"])

with check("every function is deployed under its name, and no other"):
    # The gateway is a process, not a function.
    crates = {each.parent.parent.name for each in ROOT.glob("functions/*/src/main.rs")}
    equal({properties["CodeUri"].removeprefix("../functions/") for properties in functions.values()}, crates)
    for name, properties in functions.items():
        crate = properties["CodeUri"].removeprefix("../functions/")
        equal(name, "".join(map(str.capitalize, crate.split("_"))) + "Function")
        equal(resources[name]["Metadata"]["BuildProperties"]["Binary"], crate)

with check("every route of events/ is one the template has"):
    events = [each["Properties"] for properties in functions.values() for each in properties["Events"].values() if each["Type"] == "HttpApi"]
    routes = {f"{each['Method']} {each['Path']}" for each in events}
    for each in ROOT.glob("events/apigw/*.json"):
        event = json.loads(each.read_text())
        route = event.get("routeKey") or f"ANY {event['resource']}"
        assert route in routes, f"{each.name}: {route}"
        equal((event.get("requestContext") or {}).get("routeKey", route), route)

check.finish()
