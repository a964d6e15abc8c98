"""Holds infra/ to its linters, to the code and to itself: what is built is deployed, what is deployed is watched, what cannot be
is refused. Started by run.sh.

Parameters and rules are tried on MiniStack, which refuses a change set by them as CloudFormation does.
"""

import json
import os
import re
import subprocess
import tomllib

import yaml
from botocore.exceptions import ClientError

import engines
from harness import ROOT, Checks, equal, scratch

check = Checks()
work = scratch("template")
path, data_plane, container = ROOT / "infra/template.yaml", ROOT / "infra/container/service.yaml", ROOT / "infra/container"


class Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short functions, each read as its name and its own text."""


Loader.add_multi_constructor("!", lambda loader, tag, node: (tag, loader.construct_scalar(node) if isinstance(
    node, yaml.ScalarNode) else loader.construct_sequence(node, deep=True)))
template = yaml.load(path.read_text(), Loader)
resources, beside = template["Resources"], yaml.load(data_plane.read_text(), Loader)["Resources"]
settings = set(re.findall(r"^\| `[\w.]+` \| `(GLINT_\w+)` \|", (ROOT / "docs/configuration.md").read_text(), re.M))


def of(kind):
    """Resources of a type: their names and properties."""
    return {name: each["Properties"] for name, each in resources.items() if each["Type"] == kind}


functions, queues, alarms = of("AWS::Serverless::Function"), of("AWS::SQS::Queue"), of("AWS::CloudWatch::Alarm")
mappings = of("AWS::Lambda::EventSourceMapping")


def crate(function):
    return functions[function]["CodeUri"].removeprefix("../functions/")


def alarm(metric, **dimension):
    """The one alarm on a metric, of one resource when a dimension names it."""
    ((name, value),) = dimension.items()
    (found,) = [each for each in alarms.values() if each["MetricName"] == metric and each["Dimensions"] == [{"Name": name, "Value": value}]]
    return found


def run(*command, **environment):
    done = subprocess.run(command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout


with check("cfn-lint has nothing to say of the templates"):
    equal(run("cfn-lint", path, data_plane), "")

for stage in ("dev", "prod"):
    with check(f"sam has nothing to say of the template and of samconfig.toml for {stage}"):
        said = run("sam", "validate", "--config-env", stage, AWS_DEFAULT_REGION=engines.REGION,
                   SAM_CLI_TELEMETRY="0", HOME=str(work))
        assert said.strip() == f"{path} is a valid SAM Template", said

with check("the table deployed is infra/table.json"):
    table, wanted = resources["Table"]["Properties"], json.loads((ROOT / "infra/table.json").read_text())
    for name in ("BillingMode", "AttributeDefinitions", "KeySchema", "LocalSecondaryIndexes"):
        equal(table[name], wanted[name], name)
    equal(table["StreamSpecification"]["StreamViewType"], wanted["StreamSpecification"]["StreamViewType"])

with check("the bucket deployed is infra/bucket, with what it keeps a parameter's to say"):
    bucket = resources["Bucket"]["Properties"]
    said = {each.stem: json.loads(each.read_text()) for each in (ROOT / "infra/bucket").glob("*.json")}
    equal(set(said), {"cors", "encryption", "lifecycle", "public-access-block", "versioning"})
    equal(bucket["PublicAccessBlockConfiguration"], said["public-access-block"])
    equal(bucket["VersioningConfiguration"], ("If", ["KeepsDeleted", said["versioning"], ("Ref", "AWS::NoValue")]))
    (abort, forget), (wanted_abort, wanted_forget) = bucket["LifecycleConfiguration"]["Rules"], said["lifecycle"]["Rules"]
    for deployed, wanted in ((abort, wanted_abort), (forget, wanted_forget)):
        equal([deployed["Id"], deployed["Status"]], [wanted["ID"], wanted["Status"]])
    equal(abort["AbortIncompleteMultipartUpload"], wanted_abort["AbortIncompleteMultipartUpload"])
    equal(forget["NoncurrentVersionExpiration"], {"NoncurrentDays": ("If", ["KeepsDeleted", ("Ref", "KeepDeletedDays"), 1])})
    equal(wanted_forget["NoncurrentVersionExpiration"], {"NoncurrentDays": template["Parameters"]["KeepDeletedDays"]["Default"]})
    equal({"ExpiredObjectDeleteMarker": forget["ExpiredObjectDeleteMarker"]}, wanted_forget["Expiration"])
    asked, rules, nothing = bucket["CorsConfiguration"][1]
    equal([asked, nothing], ["AnswersScripts", ("Ref", "AWS::NoValue")])
    (deployed,), (wanted,) = rules["CorsRules"], said["cors"]["CORSRules"]
    equal([deployed[name] for name in ("AllowedMethods", "AllowedHeaders", "ExposedHeaders", "MaxAge")],
          [wanted[name] for name in ("AllowedMethods", "AllowedHeaders", "ExposeHeaders", "MaxAgeSeconds")])
    equal([deployed["AllowedOrigins"], wanted["AllowedOrigins"]], [("Ref", "CorsOrigins"), ["*"]])
    equal(bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"][0]["ServerSideEncryptionByDefault"],
          said["encryption"]["Rules"][0]["ApplyServerSideEncryptionByDefault"])

with check("every function is deployed under its name, and no other"):
    # The gateway is a process, not a function.
    equal({crate(name) for name in functions}, {each.parent.parent.name for each in ROOT.glob("functions/*/src/main.rs")})
    for name in functions:
        equal(name, "".join(map(str.capitalize, crate(name).split("_"))) + "Function")
        equal(resources[name]["Metadata"]["BuildProperties"]["Binary"], crate(name))

with check("every route of events/ is one the template has, and all but what needs no caller ask the authorizer"):
    events = [each["Properties"] for properties in functions.values() for each in properties.get("Events", {}).values()
              if each["Type"] == "HttpApi"]
    routes = {each["Path"] if each["Path"] == "$default" else f"{each['Method']} {each['Path']}": each.get("Auth") for each in events}
    equal(len(routes), len(events), "routes of their own")
    for each in ROOT.glob("events/apigw/*.json"):
        event = json.loads(each.read_text())
        route = event.get("routeKey") or f"ANY {event['resource']}"
        assert route in routes, f"{each.name}: {route}"
        equal((event.get("requestContext") or {}).get("routeKey", route), route)
    opened = {route for route, auth in routes.items() if auth == {"Authorizer": "NONE"}}
    equal(opened, {f"ANY {path}" for path in ("/", "/versions", "/versions/", "/healthcheck", "/openapi.json")})
    equal({route for route, auth in routes.items() if auth is not None}, opened)
    guard = resources["HttpApi"]["Properties"]["Auth"]
    equal(guard["Authorizers"][guard["DefaultAuthorizer"]]["FunctionArn"], ("GetAtt", "AuthorizerFunction.Arn"))

with check("the API lets the same origins ask as the bucket and the data plane, and tells scripts what glint serve tells them"):
    cors, code = resources["HttpApi"]["Properties"]["CorsConfiguration"], (ROOT / "shared/src/http/cors.rs").read_text()
    equal(cors["AllowOrigins"], ("If", ["AnswersScripts", ("Ref", "CorsOrigins"), ["https://nobody.invalid"]]))
    methods, exposed = (re.search(rf'{name}: HeaderValue =\s+HeaderValue::from_static\(\s*"(.+?)",?\s*\)', code, re.S)[1]
                        for name in ("METHODS", "EXPOSED"))
    equal(cors["AllowMethods"], methods.split(", "))
    equal(cors["ExposeHeaders"], re.sub(r"\\\n\s*", "", exposed).split(", "))
    equal(resources["DataPlaneStack"]["Properties"]["Parameters"]["CorsOrigins"], ("Join", [",", ("Ref", "CorsOrigins")]))

with check("every function is watched: an alarm for errors, one for throttles, and each tells somebody"):
    for name in functions:
        for metric in ("Errors", "Throttles"):
            equal(alarm(metric, FunctionName=("Ref", name))["TreatMissingData"], "notBreaching")
    equal(alarm("5xx", ApiId=("Ref", "HttpApi"))["Namespace"], "AWS/ApiGateway")
    equal(alarm("OldestDueAge", Stage=("Ref", "Stage"))["TreatMissingData"], "breaching")
    alarms = alarms | {name: each["Properties"] for name, each in beside.items() if each["Type"] == "AWS::CloudWatch::Alarm"}
    told = ("If", ["HasAlarmTopic", [("Ref", "AlarmTopicArn")], ("Ref", "AWS::NoValue")])
    for name, each in alarms.items():
        equal([each["AlarmActions"], each["OKActions"]], [told, told], name)
    equal(len({each["AlarmName"] for each in alarms.values()}), len(alarms), "names of their own")

with check("every function and the API have a log group that forgets"):
    groups = of("AWS::Logs::LogGroup")
    for name in functions:
        (group,) = functions[name]["LoggingConfig"].values()
        equal(groups[group[1]]["LogGroupName"], ("Sub", f"/glint/${{Stage}}/{crate(name)}"))
    equal(resources["HttpApi"]["Properties"]["AccessLogSettings"]["DestinationArn"], ("GetAtt", "ApiLogs.Arn"))
    equal({each["RetentionInDays"] for each in (*groups.values(), beside["Logs"]["Properties"])}, {("Ref", "LogDays")})
    equal(set(groups), {name.replace("Function", "Logs") for name in functions} | {"ApiLogs"})

with check("the access log is JSON and says what is asked of it"):
    logged = json.loads(resources["HttpApi"]["Properties"]["AccessLogSettings"]["Format"])
    wanted = {f"$context.{name}" for name in ("requestId", "routeKey", "status", "responseLatency", "authorizer.error", "identity.sourceIp")}
    equal(wanted - set(logged.values()), set())

with check("every queue that is consumed gives up in the end, and what it gave up on is kept and watched"):
    consumed = {each["EventSourceArn"][1].removesuffix(".Arn"): each["FunctionName"][1] for each in mappings.values()}
    equal(set(consumed.values()), {"ReaperFunction", "ImporterFunction", "UploadCompletedFunction"})
    for queue, function in consumed.items():
        assert queues[queue]["VisibilityTimeout"] >= 6 * functions[function]["Timeout"], queue
        assert queues[queue]["RedrivePolicy"]["maxReceiveCount"] > 1, queue
    dead = {each["RedrivePolicy"]["deadLetterTargetArn"][1] for each in queues.values() if "RedrivePolicy" in each}
    dead.add(functions["ReaperFunction"]["Events"]["Due"]["Properties"]["DeadLetterConfig"]["Arn"][1])
    dead.add(functions["ReaperFunction"]["EventInvokeConfig"]["DestinationConfig"]["OnFailure"]["Destination"][1])
    letters = {arn.removesuffix(".Arn") for arn in dead}
    equal(letters | set(consumed), set(queues))
    for name in letters:
        equal(queues[name]["MessageRetentionPeriod"], 14 * 24 * 3600, name)
        equal(alarm("ApproximateNumberOfMessagesVisible", QueueName=("GetAtt", f"{name}.QueueName"))["Threshold"], 0)
    equal({each["SqsManagedSseEnabled"] for each in queues.values()}, {True})

with check("no function may do more than is written down: no action or resource is everything, and a boundary is around all"):
    statements = [each for properties in functions.values() for policy in properties.get("Policies", []) for each in policy["Statement"]]
    for each in statements:
        for name in ("Action", "Resource"):
            for value in each[name] if isinstance(each[name], list) else [each[name]]:
                assert value != "*" and not str(value).endswith(":*"), each["Sid"]
    equal(template["Globals"]["Function"]["PermissionsBoundary"], ("Ref", "FunctionsBoundary"))

with check("the data plane may do what the functions may with the table and the bucket"):
    def granted(statements):
        actions = {each for one in statements for each in (one["Action"] if isinstance(one["Action"], list) else [one["Action"]])}
        return {each for each in actions if not each.startswith("sqs:")}

    (policy,) = beside["Role"]["Properties"]["Policies"]
    equal(granted(policy["PolicyDocument"]["Statement"]), granted(statements))

with check("the functions and the data plane may do the same in other buckets as in this one, and only where there are some"):
    for each in (resources, beside):
        policy = each["StoreBucketsPolicy"]
        equal(policy["Condition"], "HasStoreBuckets")
        equal(granted(policy["Properties"]["PolicyDocument"]["Statement"]),
              {action for action in granted(statements) if action.startswith("s3:")})
    movers = [name for name, properties in functions.items() if "MoveBytes" in str(properties) or "CompleteUploads" in str(properties)]
    equal(set(resources["StoreBucketsPolicy"]["Properties"]["Roles"]), {("Ref", f"{name}Role") for name in movers})

with check("no secret is in the template: what is secret to Glint is a reference to Secrets Manager"):
    secret = {"GLINT_IDENTITY_KEYSTONE_APPLICATION_CREDENTIAL_SECRET", "GLINT_IDENTITY_KEYSTONE_PASSWORD"}
    seen = set()
    for name, properties in functions.items():
        for variable, value in properties["Environment"]["Variables"].items():
            if re.search("SECRET|PASSWORD|TOKEN_KEY", variable):
                seen.add((name, variable))
                assert re.fullmatch(r"\{\{resolve:secretsmanager:\$\{KeystoneSecretArn\}:SecretString:\w+::\$\{KeystoneSecretVersion\}\}\}",
                                    value[1][1][1]), variable
    sealed = {(name, "GLINT_IMPORT_TOKEN_KEY") for name in ("TasksFunction", "ImporterFunction")}
    equal(seen, {("AuthorizerFunction", variable) for variable in secret} | sealed, "who is told a secret")
    (container_of,) = beside["Task"]["Properties"]["ContainerDefinitions"]
    equal([each["Name"] for each in container_of["Environment"] if re.search("SECRET|PASSWORD|TOKEN_KEY", each["Name"])], [])
    for each in (path, data_plane):
        equal([name for name, said in yaml.load(each.read_text(), Loader)["Parameters"].items()
               if re.search("Password|Secret$", name)], [], each.name)

with check("who answers clients says where to authenticate, and with Keystone the API keeps no answer of the authorizer's"):
    uri = "GLINT_IDENTITY_KEYSTONE_WWW_AUTHENTICATE_URI"
    equal({name for name, properties in functions.items() if uri in properties["Environment"]["Variables"]},
          {name for name, properties in functions.items() if any(each["Type"] == "HttpApi" for each in properties.get("Events", {}).values())})
    equal(guard["Authorizers"][guard["DefaultAuthorizer"]]["Identity"]["ReauthorizeEvery"],
          ("If", ["AsksEachTime", 0, ("If", ["AsksEachMinute", 60, 300])]))
    equal(template["Conditions"]["AsksEachTime"],
          ("Or", [("Condition", "AsksKeystone"), ("Equals", [("Ref", "AuthorizerCacheSeconds"), 0])]))

with check("the authorizer calls Keystone and nobody else, and nobody calls it by a network"):
    authorizer = functions["AuthorizerFunction"]
    equal(authorizer.get("Policies"), None)
    group = resources["AuthorizerGroup"]["Properties"]
    equal(set(group), {"GroupDescription", "VpcId", "SecurityGroupEgress"})
    equal({(each["IpProtocol"], each["FromPort"]) for each in group["SecurityGroupEgress"]},
          {("tcp", ("Ref", "KeystonePort")), ("tcp", 53), ("udp", 53)})

with check("every setting that is named is one that exists"):
    for each in (path, data_plane, container / "Dockerfile", container / "README.md"):
        equal(set(re.findall(r"GLINT_[A-Z_]+", each.read_text())) - settings, set(), each.name)

with check("the dashboard is JSON and shows every function and queue"):
    body = json.loads(resources["Dashboard"]["Properties"]["DashboardBody"][1])
    shown = json.dumps(body)
    for name in [f"${{{name}}}" for name in (*functions, "HttpApi", "Table", "Bucket")] + [f"${{{name}.QueueName}}" for name in queues]:
        assert name in shown, name

with check("every parameter is explained and used"):
    text = path.read_text()
    for name, said in template["Parameters"].items():
        assert said.get("Description"), name
        assert re.search(rf"!Ref {name}\b|\$\{{{name}\}}", text), name
    passed = resources["DataPlaneStack"]["Properties"]["Parameters"]
    equal(set(passed), set(yaml.load(data_plane.read_text(), Loader)["Parameters"]))


class Refusals:
    """What CloudFormation says to a deployment with these parameters before anything is made; nothing when it takes them."""

    def __init__(self):
        self.endpoint = engines.ministack()
        self.formation = engines.client("cloudformation", self.endpoint)
        storage = engines.client("s3", self.endpoint)
        storage.create_bucket(Bucket="templates")
        text = re.sub(r"CodeUri: \.\./functions/\w+", "CodeUri: s3://templates/code", path.read_text())
        storage.put_object(Bucket="templates", Key="template.yaml", Body=text.encode())
        self.asked = 0

    def __call__(self, **parameters):
        self.asked += 1
        try:
            self.formation.create_change_set(
                StackName=f"glint-{self.asked}", ChangeSetName="try", ChangeSetType="CREATE",
                TemplateURL=f"{self.endpoint}/templates/template.yaml", Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
                Parameters=[{"ParameterKey": name, "ParameterValue": str(value)} for name, value in parameters.items()])
        except ClientError as error:
            return error.response["Error"]["Message"]
        return None

    def admitted(self, networks):
        """What the security group of the load balancer lets in, deployed by itself."""
        self.asked += 1
        text, stack = data_plane.read_text(), f"groups-{self.asked}"
        told = {"Stage": "dev", "Name": "x", "Architecture": "arm64", "Image": "x", "Vpc": "vpc-0a1b2c3d", "Subnets": SUBNETS,
                "Networks": ",".join(networks), "Tasks": 2, "TableName": "x", "TableArn": "x", "BucketName": "x", "BucketArn": "x",
                "IdentityMode": "none", "Project": "x", "KeystoneSecretArn": "x", "LogLevel": "info", "LogDays": 1,
                "ImageCountTotal": -1, "ImageSizeTotal": -1, "ImageCountUploading": -1}
        self.formation.create_stack(
            StackName=stack, TemplateBody=text[:text.index("  TaskIngress:")],
            Parameters=[{"ParameterKey": name, "ParameterValue": str(value)} for name, value in told.items()])
        self.formation.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig={"Delay": 0.1, "MaxAttempts": 100})
        group = self.formation.describe_stack_resource(StackName=stack, LogicalResourceId="BalancerGroup")["StackResourceDetail"]
        (found,) = engines.client("ec2", self.endpoint).describe_security_groups(
            GroupIds=[group["PhysicalResourceId"]])["SecurityGroups"]
        equal({(each["FromPort"], each["ToPort"]) for each in found["IpPermissions"]}, {(80, 80)})
        return [each["CidrIp"] for rule in found["IpPermissions"] for each in rule["IpRanges"]]


refusal = Refusals()
TOPIC = "arn:aws:sns:eu-central-1:123456789012:alarms"
CERTIFICATE = "arn:aws:acm:eu-central-1:123456789012:certificate/0b0f1d3e-2f4a-4c5b-8d6e-7f8091a2b3c4"
SUBNETS = "subnet-0a1b2c3d4e5f60718,subnet-0a1b2c3d"
PROD = {"Stage": "prod", "AlarmTopicArn": TOPIC}
FARGATE = {"DataPlane": "fargate", "DataPlaneImage": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/glint:0.1.0",
           "DataPlaneVpc": "vpc-0a1b2c3d4e5f60718", "DataPlaneSubnets": SUBNETS}
HTTPS = {"DataPlaneCertificate": CERTIFICATE, "DataPlaneEndpoint": "https://data.example.com"}

SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:glint/keystone-a1B2c3"
KEYSTONE = {"IdentityMode": "keystone", "KeystoneUrl": "https://keystone.example.com/v3", "KeystoneSecretArn": SECRET}
ENDPOINT = "6a7c5e2f4b1d4f0e9c3a8b7d6e5f4a3b"
PRIVATE = {"KeystoneVpc": "vpc-0a1b2c3d4e5f60718", "KeystoneSubnets": SUBNETS, "KeystonePort": "5000"}

# A rule; what it refuses; what it takes, as near to that as can be.
RULES = [
    ("ProductionTellsSomebody", {"Stage": "prod"}, PROD),
    ("ProductionTellsSomebody", {"Stage": "prod"}, {"Stage": "dev"}),
    ("ProductionIsNotForEverybody", PROD | {"CallerNetworks": "10.0.0.0/8,0.0.0.0/0"}, PROD | {"CallerNetworks": "10.0.0.0/8,192.0.2.7/32"}),
    ("ProductionIsNotForEverybody", PROD | {"CallerNetworks": "0.0.0.0/0"}, {"CallerNetworks": "0.0.0.0/0"}),
    ("ProductionIsNotForEverybody", PROD | {"CallerNetworks": "0.0.0.0/0"}, PROD | KEYSTONE | {"CallerNetworks": "0.0.0.0/0"}),
    ("KeystoneIsWhole", {"IdentityMode": "keystone"}, KEYSTONE),
    ("KeystoneIsWhole", KEYSTONE | {"KeystoneUrl": ""}, KEYSTONE | {"KeystoneCredential": "password"}),
    ("KeystoneIsWhole", KEYSTONE | {"KeystoneSecretArn": ""}, KEYSTONE | PROD),
    ("KeystoneIsAsked", KEYSTONE | {"IdentityMode": "none"}, KEYSTONE),
    ("KeystoneIsAsked", {"KeystoneUrl": KEYSTONE["KeystoneUrl"]}, {}),
    ("KeystoneIsAsked", {"KeystoneSecretArn": SECRET}, {}),
    ("KeystoneIsAsked", {"KeystoneEndpoint": ENDPOINT}, {}),
    ("DownloadsAreInSomebodysName", {"GlanceDownload": "true"}, KEYSTONE | {"GlanceDownload": "true"}),
    ("DownloadsAreInSomebodysName", KEYSTONE | {"GlanceDownload": "true", "ImportMethods": ""}, KEYSTONE | {"ImportMethods": ""}),
    ("KeystoneTellsLimits", KEYSTONE | {"KeystoneEndpoint": ENDPOINT}, KEYSTONE | {"KeystoneEndpoint": ENDPOINT, "KeystoneCredential": "password"}),
    ("KeystoneNetworkIsWhole", KEYSTONE | {"KeystoneVpc": PRIVATE["KeystoneVpc"]}, KEYSTONE | PRIVATE),
    ("KeystoneNetworkIsWhole", KEYSTONE | {"KeystoneSubnets": SUBNETS}, KEYSTONE | PRIVATE | FARGATE),
    ("DataPlaneIsWhole", {"DataPlane": "fargate"}, FARGATE),
    ("DataPlaneIsWhole", FARGATE | {"DataPlaneImage": ""}, FARGATE | {"DataPlane": "none", "DataPlaneImage": ""}),
    ("DataPlaneIsWhole", FARGATE | {"DataPlaneVpc": ""}, FARGATE | {"DataPlane": "none", "DataPlaneVpc": ""}),
    ("DataPlaneIsWhole", FARGATE | {"DataPlaneSubnets": ""}, FARGATE | {"DataPlane": "none", "DataPlaneSubnets": ""}),
    ("CertificateHasAName", FARGATE | HTTPS | {"DataPlaneEndpoint": ""}, FARGATE | HTTPS),
    ("PublicIsEncrypted", FARGATE | {"DataPlanePublicSubnets": SUBNETS}, FARGATE | HTTPS | {"DataPlanePublicSubnets": SUBNETS}),
]
for number, (rule, refused, taken) in enumerate(RULES, 1):
    with check(f"rule {rule} refuses what it should and no more ({number} of {len(RULES)})"):
        said, texts = refusal(**refused) or "", [each["AssertDescription"] for each in template["Rules"][rule]["Assertions"]]
        assert f"rule {rule} failed" in said and any(text in said for text in texts), said
        equal(refusal(**taken), None)

with check("every rule was tried"):
    equal({rule for rule, _, _ in RULES}, set(template["Rules"]))

# A parameter; values it refuses; values it takes.
VALUES = {
    "Stage": (["test", ""], []),
    "Architecture": (["arm"], ["x86_64"]),
    "LogLevel": (["", "INFO", "info, debug"], ["warn", "info,shared=debug,hyper=off"]),
    "LogDays": ([2], [365]),
    "IdentityMode": (["ldap"], []),
    "CallerNetworks": (["", "10.0.0.0", "10.0.0.0/4", "10.0.0.0/33", "10.0.0.256/24", "1.2.3.4/0", "10.0.0.0/8,x", "2001:db8::/32"],
                       ["192.0.2.7/32", "10.0.0.0/8,172.16.0.0/12,198.51.100.0/24", "0.0.0.0/0"]),
    "Project": ([""], ["p"]),
    "ImageCountTotal": ([-2], [0]),
    "ImageSizeTotal": ([-2], [2048]),
    "ImageCountUploading": ([-2], [1]),
    "ProjectLimits": (["p1", "p1: images", "p1: image_count_total=many"],
                      ["p1: image_count_total=10, image_size_total=-1; p:2: image_count_uploading=1", "p1:image_count_total=0"]),
    "PolicyRules": (["x" * 2049], ['{"publicize_image": "role:publisher"}']),
    "PropertyProtections": (["x" * 2049], ["[^x_owner_.*]\\ncreate = admin\\nread = admin\\nupdate = admin\\ndelete = admin"]),
    "PropertyProtectionsFormat": (["groups"], ["policies"]),
    "ImageSchema": (["x" * 2049], ['{"os_distro": {"type": "string"}}']),
    "DiskFormats": (["raw qcow2", "raw,"], ["raw,qcow2", "iso"]),
    "ContainerFormats": (["", "bare;ova"], ["bare"]),
    "RequireFormatMatch": (["yes"], ["false"]),
    "FormatChecksAllowed": (["mbr, gptmbr", "MBR"], ["mbr,gptmbr"]),
    "SessionPartMib": ([4, 5121], [5, 5120]),
    "SessionSeconds": ([59, 604801], [60]),
    "SessionUrlSeconds": ([59, 604801], [604800]),
    "HashRunMib": ([0, 1048577], [1]),
    "DoSecureHash": (["yes"], ["false"]),
    "ShowMultipleLocations": (["yes"], ["true"]),
    "ShowImageDirectUrl": (["yes"], ["true"]),
    "CorsOrigins": (["console.example.com", "https://console.example.com/", "https://Console.example.com", "https://a,b"],
                    ["*", "https://console.example.com,http://localhost:3000"]),
    "DownloadRedirect": (["yes"], ["functions", "always"]),
    "DownloadTrustedHosts": (["https://store.example.com", "a, b", "a/b"], ["store.example.com,10.0.0.1:9000,[::1]:9000"]),
    "Stores": (["far", "[]", '{"a": ' + "1" * 1024 + "}"], ['{"far":{"adapter":"s3","bucket":"images"},"web":{"adapter":"http"}}']),
    "StoreBuckets": (["images", "arn:aws:s3:::images/*", "arn:aws:s3:::*", "arn:aws:s3:::a,b"],
                     ["arn:aws:s3:::images", "arn:aws-cn:s3:::images,arn:aws-cn:s3:::more.images"]),
    "EgressSchemes": (["ftp", "http, https"], ["https", ""]),
    "EgressHosts": (["a, b", "https://a", "a/b"], ["mirror.example.com,192.0.2.7,[2001:db8::1]"]),
    "EgressHostsRefused": (["a, b"], ["example.com"]),
    "EgressPorts": (["http", "80, 443", "100000"], ["443", ""]),
    "EgressNetworks": (["10.0.0.0", "10.0.0.0/8, 172.16.0.0/12"], ["10.20.0.0/16,fd00::/8"]),
    "EgressTransferSeconds": ([59, 604801], [60]),
    "ImportMethods": (["glance-direct, copy-image", "copy_image"], ["glance-direct", "web-download,copy-image", ""]),
    "GlanceDownload": (["yes"], []),
    "ImportPlugins": (["image_conversion;", "image-conversion"], ["inject_image_metadata,image_decompression,image_conversion"]),
    "ImportInject": (["x" * 1025], ["hw_disk_bus:scsi,os_distro:debian"]),
    "ImportOutputFormat": (["vmdk"], ["qcow2"]),
    "BarbicanUrl": (["barbican.example.com", "http://barbican.example.com", "https://b/?x"], ["https://barbican.example.com:9311/"]),
    "AuthorizerCacheSeconds": ([30], [0, 300]),
    "KeystoneUrl": (["keystone.example.com", "https://", "https://k/v3?x"], []),
    "KeystonePublicUrl": (["keystone.example.com"], ["https://keystone.example.com:5000/v3"]),
    "KeystoneSecretArn": (["hush", "glint/keystone", SECRET.removesuffix("-a1B2c3"), SECRET + ":password"], []),
    "KeystoneSecretVersion": (["2"], ["01234567-89ab-cdef-0123-456789abcdef"]),
    "KeystoneCredential": (["token"], ["password"]),
    "KeystoneUserDomain": ([""], ["services"]),
    "KeystoneProjectDomain": ([""], ["services"]),
    "KeystoneServiceRoles": ([], ["service,nova"]),
    "KeystoneCacheSeconds": ([-1, 3601], [0, 3600]),
    "KeystoneEndpoint": (["https://images.example.com", "x" * 65], []),
    "KeystoneCaLayer": (["/etc/ssl/ca.pem"], ["arn:aws:lambda:eu-central-1:123456789012:layer:keystone-ca:3"]),
    "KeystoneVpc": (["vpc-x"], []),
    "KeystoneSubnets": (["subnet-0a1b2c3d"], []),
    "KeystonePort": ([0, 65536], [5000]),
    "RequestsPerSecond": ([0, 10001], [1]),
    "RequestBurst": ([0, 5001], [5000]),
    "PublicEndpoint": (["images.example.com", "https://", "https://h/?x"], ["https://images.example.com", "http://h:9292/image"]),
    "DataPlaneEndpoint": (["data.example.com", "https://h/#x"], ["https://data.example.com"]),
    "KeepDeletedDays": ([-1, 366], [0, 365]),
    "AlarmTopicArn": (["alarms", TOPIC + " "], [TOPIC]),
    "DueAgeAlarmSeconds": ([59, 86401], [60]),
    "DataPlane": (["ec2"], []),
    "DataPlaneImage": (["glint image", "-x"], ["registry.example.com:5000/glint@sha256:0a1b"]),
    "DataPlaneVpc": (["vpc-x"], ["vpc-0a1b2c3d"]),
    "DataPlaneSubnets": (["subnet-0a1b2c3d", "subnet-0a1b2c3d, subnet-0a1b2c3e"], [SUBNETS]),
    "DataPlanePublicSubnets": (["subnet-0a1b2c3d"], []),
    "DataPlaneCertificate": (["certificate"], []),
    "DataPlaneTasks": ([1, 101], [2]),
}
for name, (refused, taken) in VALUES.items():
    with check(f"parameter {name} refuses what it cannot be, by its own name"):
        for value in refused:
            said = refusal(**{name: value}) or ""
            assert name in said and "rule" not in said, f"{value!r}: {said or 'taken'}"
        for value in taken:
            equal(refusal(**{name: value}), None, repr(value))

with check("every parameter was tried"):
    equal(set(VALUES), set(template["Parameters"]))

with check("the load balancer of the data plane admits the callers' networks, the first five, and nobody else"):
    equal(resources["DataPlaneStack"]["Properties"]["Parameters"]["Networks"],
          ("Join", [",", [("Join", [",", ("Ref", "CallerNetworks")]), "-", "-", "-", "-"]]))
    all_of_them = [f"10.{number}.0.0/16" for number in range(6)]
    for count in (1, 2, 5, 6):
        equal(refusal.admitted(all_of_them[:count] + ["-"] * 4), all_of_them[:min(count, 5)])

with check("samconfig.toml deploys dev as it is, and prod once it is told of whom to tell"):
    samconfig = tomllib.loads((ROOT / "samconfig.toml").read_text())
    for stage, more in (("dev", {}), ("prod", {"AlarmTopicArn": TOPIC})):
        given = dict(pair.split("=", 1) for pair in samconfig[stage]["global"]["parameters"]["parameter_overrides"].split())
        equal(given["Stage"], stage)
        equal(set(given) - set(template["Parameters"]), set())
        equal(refusal(**given | more), None)

with check("hadolint has nothing to say of the container"):
    equal(run("hadolint", container / "Dockerfile"), "")

with check("the container is built by the toolchain and the command of every other build, from all that is needed"):
    text = (container / "Dockerfile").read_text()
    version = tomllib.loads((ROOT / "rust-toolchain.toml").read_text())["toolchain"]["channel"]
    equal(set(re.findall(r"(?:FROM rust:|RUSTUP_TOOLCHAIN=)([\d.]+)", text)), {version})
    (options,) = re.findall(r"cargo build ([^&\n]+) &&", text)
    equal(set(options.split()), set(re.search(r"step build cargo build ([^;]+);", (ROOT / ".ci/run").read_text())[1].split()))
    equal(re.findall(r"^COPY (?!--from)(.+)$", text, re.M), [". ."])
    left_out = [each for each in (container / "Dockerfile.dockerignore").read_text().split("\n") if each and not each.startswith("#")]
    tracked = run("git", "ls-files", "-z").split("\0")[:-1]
    equal([each for each in tracked if each.split("/")[0] in left_out], [], "sources that the build would not see")

check.finish()
