"""Deploys infra/template.yaml to the emulated cloud by sam, and makes good what the emulator leaves out (README.md)."""

import json
import os
import pathlib
import platform
import re
import shutil
import subprocess
import tomllib

import engines
from harness import ROOT, TARGET

STACK = "glint-dev"
BUILT = TARGET / "lambda"
ARCHITECTURE = {"x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}[platform.machine()]
# Where clients are sent with larger images. Nothing listens there: the suites ask only that it is named.
DATA_PLANE = "https://data.example.com"
# What `dev` is deployed with, on this machine's processor, and with a bucket that keeps versions as production's does.
DEV = tomllib.loads((ROOT / "samconfig.toml").read_text())["dev"]["global"]["parameters"]["parameter_overrides"]
PARAMETERS = dict(each.split("=", 1) for each in DEV.split()) | {
    "Architecture": ARCHITECTURE, "DataPlaneEndpoint": DATA_PLANE, "KeepDeletedDays": "7"}


def tools(name):
    """The folder of a Python environment's programs, which xtask made: LAMBDA_BIN, SAM_BIN."""
    return pathlib.Path(os.environ[f"{name}_BIN"])


def build():
    """All functions, by the command that builds them for a release. Cargo skips what is fresh."""
    told = ["cargo", "lambda", "build", "--quiet", "--locked", "--release", "--lambda-dir", BUILT]
    subprocess.run(told, cwd=ROOT, env=os.environ | {"PATH": f"{tools('LAMBDA')}:{os.environ['PATH']}"}, check=True)


def sam(state, parameters, command, *told, **environment):
    """sam as it is configured for `dev`, but for its parameters."""
    parameters = " ".join(f"{name}={value}".replace('"', r'\"') for name, value in parameters.items())
    told = [tools("SAM") / "sam", command, "--config-file", ROOT / "samconfig.toml", "--config-env", "dev",
            "--parameter-overrides", parameters, *told]
    environment = os.environ | {"AWS_DEFAULT_REGION": engines.REGION, "SAM_CLI_TELEMETRY": "0",
                                "__SAM_CLI_APP_DIR": str(state / "sam")} | environment
    with open(state / "sam.log", "ab") as log:
        done = subprocess.run(told, cwd=state, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                              check=False)
    assert done.returncode == 0, f"sam {command} failed:\n{(state / 'sam.log').read_text()[-4000:]}"


def sam_build(state, parameters):
    """`sam build`, with a cargo that has built every function already: README.md says why."""
    shim = state / "bin" / "cargo"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\n[ "$1 $2" = "lambda build" ] || exec {shutil.which("cargo")} "$@"\n')
    shim.chmod(0o755)
    sam(state, parameters, "build", "--template-file", ROOT / "infra/template.yaml", "--no-cached", "--build-dir", state / "build",
        PATH=f"{shim.parent}:{tools('LAMBDA')}:{os.environ['PATH']}", CARGO_TARGET_DIR=str(TARGET))


def sam_deploy(state, parameters, endpoint):
    sam(state, parameters, "deploy", "--template-file", state / "build" / "template.yaml", "--stack-name", STACK, "--no-progressbar",
        AWS_ENDPOINT_URL=endpoint)


class Stack:
    """What was deployed: physical names by their logical ones, and the template after its transform."""

    def __init__(self, endpoint, parameters):
        self.endpoint = endpoint
        cloudformation = self.client("cloudformation")
        resources = cloudformation.describe_stack_resources(StackName=STACK)["StackResources"]
        self.names = {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in resources}
        body = cloudformation.get_template(StackName=STACK, TemplateStage="Processed")["TemplateBody"]
        template = json.loads(body) if isinstance(body, str) else body
        self.resources, self.conditions = template["Resources"], template.get("Conditions", {})
        self.parameters = {name: str(each.get("Default", "")) for name, each in template["Parameters"].items()} | parameters

    def client(self, kind):
        return engines.client(kind, self.endpoint)

    def of(self, kind):
        """Resources of a type: logical name and properties."""
        return [(name, each["Properties"]) for name, each in self.resources.items() if each["Type"] == kind]

    def value(self, node):
        """What a node of the template stands for, as far as API, roles and bucket need it: Ref, If."""
        if isinstance(node, list):
            return [value for value in map(self.value, node) if value is not None]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            (function, of), = node.items()
            if function == "Ref":
                return None if of == "AWS::NoValue" else self.names.get(of) or self.parameters[of]
            if function == "Fn::If":
                return self.value(of[1] if self.holds(self.conditions[of[0]]) else of[2])
        return {name: value for name, value in ((name, self.value(each)) for name, each in node.items()) if value is not None}

    def holds(self, condition):
        (function, of), = condition.items()
        if function == "Condition":
            return self.holds(self.conditions[of])
        if function == "Fn::Not":
            return not self.holds(of[0])
        if function in ("Fn::And", "Fn::Or"):
            return (all if function == "Fn::And" else any)(map(self.holds, of))
        assert function == "Fn::Equals", condition
        return str(self.value(of[0])) == str(self.value(of[1]))

    def function_named_in(self, uri):
        """The name of the function that an integration or authorizer URI leads to."""
        logical = next(name for name, _ in self.of("AWS::Lambda::Function") if re.search(rf'\W{name}\W', json.dumps(uri)))
        return self.names[logical]


def import_api(stack):
    """Routes, integrations and authorizers of the OpenAPI body that the API was made from. Answers the API's id."""
    gateway, functions = stack.client("apigatewayv2"), stack.client("lambda")
    ((logical, properties),) = stack.of("AWS::ApiGatewayV2::Api")
    api, body = stack.names[logical], properties["Body"]

    def invocation(uri):
        arn = functions.get_function(FunctionName=stack.function_named_in(uri))["Configuration"]["FunctionArn"]
        return f"arn:aws:apigateway:{engines.REGION}:lambda:path/2015-03-31/functions/{arn}/invocations"

    authorizers = {}
    for name, scheme in body.get("components", {}).get("securitySchemes", {}).items():
        said = stack.value(scheme["x-amazon-apigateway-authorizer"])
        made = gateway.create_authorizer(
            ApiId=api, Name=name, AuthorizerType=said["type"].upper(), AuthorizerUri=invocation(said["authorizerUri"]),
            AuthorizerPayloadFormatVersion=said["authorizerPayloadFormatVersion"], IdentitySource=said["identitySource"],
            EnableSimpleResponses=said["enableSimpleResponses"],
            AuthorizerResultTtlInSeconds=int(said["authorizerResultTtlInSeconds"]))
        authorizers[name] = made["AuthorizerId"]
    integrations = {}
    for path, methods in body["paths"].items():
        for method, said in methods.items():
            integration = said["x-amazon-apigateway-integration"]
            uri = invocation(integration["uri"])
            if uri not in integrations:
                integrations[uri] = gateway.create_integration(
                    ApiId=api, IntegrationType="AWS_PROXY", IntegrationUri=uri,
                    PayloadFormatVersion=integration["payloadFormatVersion"])["IntegrationId"]
            (who,) = (name for need in said.get("security", [{"NONE": []}]) for name in need)
            security = {} if who == "NONE" else {"AuthorizationType": "CUSTOM", "AuthorizerId": authorizers[who]}
            verb = "ANY" if method == "x-amazon-apigateway-any-method" else method.upper()
            key = "$default" if said.get("isDefaultRoute") else f"{verb} {path}"
            gateway.create_route(ApiId=api, RouteKey=key, Target=f"integrations/{integrations[uri]}", **security)
    return api


def bound_roles(stack):
    """The boundary of each role that has one."""
    iam = stack.client("iam")
    for name, properties in stack.of("AWS::IAM::Role"):
        if boundary := stack.value(properties.get("PermissionsBoundary")):
            iam.put_role_permissions_boundary(RoleName=stack.names[name], PermissionsBoundary=boundary)


def deploy(state, endpoint, more):
    """Deploys with `more` parameters. Answers what the tests need to know of it."""
    parameters = PARAMETERS | more
    sam_build(state, parameters)
    sam_deploy(state, parameters, endpoint)
    stack = Stack(endpoint, parameters)
    bound_roles(stack)
    return {"api": import_api(stack), "names": stack.names}
