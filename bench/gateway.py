#!/usr/bin/env python3
"""A warm show beside a warm hello, both as clients get them: through the API of the emulated cloud and its authorizer.

Needs: `cargo xtask cloud up`, bench/functions.py run before (it builds the hello).  env: CALLS=150
"""

import io
import json
import os
import pathlib
import sys
import zipfile

from bench import ROOT, TARGET, call, clocked, create, expect, median, table

sys.path[:0] = [str(ROOT / "tests" / "engines"), str(ROOT / "tests" / "cloud")]

import build  # noqa: E402
import engines  # noqa: E402
from deployment import Deployment  # noqa: E402

CALLS = int(os.environ.get("CALLS", "150"))


def packed(path: pathlib.Path):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o755 << 16
        zipped.writestr(entry, path.read_bytes())
    return archive.getvalue()


cloud = Deployment(json.loads((TARGET / "cloud" / "up.json").read_text()))
role = cloud.lambda_.get_function_configuration(FunctionName=cloud.function("Discovery"))["Role"]
arn = cloud.lambda_.create_function(FunctionName="hello", Runtime="provided.al2023", Handler="bootstrap", Role=role, Timeout=29,
                                    MemorySize=256, Code={"ZipFile": packed(build.binary("hello"))})["FunctionArn"]
routes = {each["RouteKey"]: each for each in cloud.apis.get_routes(ApiId=cloud.api, MaxResults="100")["Items"]}
shown = routes["ANY /{version}/images/{image_id}"]
integration = cloud.apis.create_integration(
    ApiId=cloud.api, IntegrationType="AWS_PROXY", PayloadFormatVersion="2.0",
    IntegrationUri=f"arn:aws:apigateway:{engines.REGION}:lambda:path/2015-03-31/functions/{arn}/invocations")["IntegrationId"]
route = cloud.apis.create_route(ApiId=cloud.api, RouteKey="GET /hello", Target=f"integrations/{integration}",
                                AuthorizationType=shown["AuthorizationType"], AuthorizerId=shown["AuthorizerId"])["RouteId"]
image_id = create(cloud.url)["id"]
try:
    paths = {"hello": "/hello", "show": f"/v2/images/{image_id}"}
    seconds = {name: [] for name in paths}
    for turn in range(-5, CALLS):
        for name, path in paths.items():
            took, answer = clocked(lambda path=path: call(cloud.url, "GET", path))
            expect(answer, 200)
            if turn >= 0:
                seconds[name].append(took)
finally:
    expect(call(cloud.url, "DELETE", f"/v2/images/{image_id}"), 204)
    cloud.apis.delete_route(ApiId=cloud.api, RouteId=route)
    cloud.apis.delete_integration(ApiId=cloud.api, IntegrationId=integration)
    cloud.lambda_.delete_function(FunctionName="hello")
base = median(seconds["hello"])
table(f"Warm, through the emulated API, median of {CALLS}", ("request", "ms", "of hello"), [
    (name, f"{1000 * median(seen):.1f}", f"{median(seen) / base:.2f}") for name, seen in seconds.items()])
