"""The suite tests/api of the workspace against the deployed API, its callers told apart by tokens that are believed."""

import contextlib
import io
import os
import re
import subprocess
import zipfile

import engines
from harness import ROOT, TARGET

IMAGE_SIZE_BYTES = "1048576"


def bootstrap(path):
    """A program as the code of a function."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w", zipfile.ZIP_DEFLATED) as archive:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o755 << 16
        archive.writestr(entry, path.read_bytes())
    return code.getvalue()


def believing_authorizer():
    """Built with the features of the whole workspace, as its tests are: little is compiled twice."""
    told = ["cargo", "build", "--quiet", "--locked", "--workspace", "--bin", "believing_authorizer"]
    subprocess.run(told, cwd=ROOT, check=True)
    stripped = TARGET / "cloud" / "believing_authorizer"
    subprocess.run(["strip", "-o", stripped, TARGET / "debug" / "believing_authorizer"], check=True)
    return bootstrap(stripped)


@contextlib.contextmanager
def believing(deployment):
    """The authorizer's code replaced by one that takes a token at its word, and asked each time."""
    (authorizer,) = deployment.apis.get_authorizers(ApiId=deployment.api)["Items"]

    def kept(seconds):
        deployment.apis.update_authorizer(ApiId=deployment.api, AuthorizerId=authorizer["AuthorizerId"],
                                          AuthorizerResultTtlInSeconds=seconds)

    code = TARGET / "cloud" / "build" / "AuthorizerFunction" / "bootstrap"
    deployment.lambda_.update_function_code(FunctionName=deployment.function("Authorizer"), ZipFile=believing_authorizer())
    kept(0)
    try:
        yield
    finally:
        deployment.lambda_.update_function_code(FunctionName=deployment.function("Authorizer"), ZipFile=bootstrap(code))
        kept(authorizer["AuthorizerResultTtlInSeconds"])


def run(deployment, check):
    told = ["cargo", "test", "--quiet", "--locked", "--workspace", "--test", "api", "--no-fail-fast"]
    environment = {"GLINT_TEST_ENDPOINT": deployment.url, "GLINT_TEST_TABLE": deployment.table,
                   "GLINT_TEST_BUCKET": deployment.bucket, "AWS_ENDPOINT_URL": deployment.endpoint, "AWS_REGION": engines.REGION,
                   "INSTA_UPDATE": "no", "RUST_BACKTRACE": "0"}
    with believing(deployment), contextlib.ExitStack() as stack:
        for name in ("Images", "Uploads"):
            stack.enter_context(deployment.configured(name, GLINT_LIMITS_IMAGE_SIZE_BYTES=IMAGE_SIZE_BYTES))
        done = subprocess.run(told, cwd=ROOT, env=os.environ | environment, stdout=subprocess.PIPE, text=True, check=False)
    counts = re.search(r"^test result: \S+ (\d+) passed; (\d+) failed; (\d+) ignored", done.stdout, re.M)
    if counts is None or done.returncode and counts[2] == "0":
        with check("tests/api over HTTP ends with its counts"):
            raise AssertionError(done.stdout[-2000:])
        return
    check.passed += int(counts[1])
    check.failed += int(counts[2])
    check.skipped += int(counts[3])
    print(f"{'ok     ' if counts[2] == '0' else 'FAILED '} tests/api over HTTP: {counts[1]} passed, {counts[2]} failed")
    if counts[2] != "0":
        print("\n".join(f"        {line}" for line in done.stdout[-12000:].splitlines()))
