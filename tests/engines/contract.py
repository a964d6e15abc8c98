"""Runs the suites of the object store, parts that clients bring by presigned URLs among them, on buckets of real servers, and on
containers of Swift and of Azurite.

Started by run.sh.
"""

import os
import re
import subprocess

import engines
from harness import ROOT, Checks

BUCKET = "glint-contract"


def suites(kind):
    """The command that runs them on a kind of server."""
    return ["cargo", "test", "--quiet", "--locked", "--workspace", "--features", f"tests/{kind}", "--test", kind, "--no-fail-fast"]


check = Checks()


def hold(name, url):
    s3 = engines.client("s3", url)
    engines.make_bucket(s3, BUCKET)
    run(name, "buckets", {"GLINT_TEST_S3_ENDPOINT": url, "GLINT_TEST_BUCKET": BUCKET})


def run(name, kind, environment):
    done = subprocess.run([*suites(kind), "--", "--format=pretty"], cwd=ROOT, env=os.environ | environment | {"RUST_BACKTRACE": "0"},
                          stdout=subprocess.PIPE, text=True, check=False)
    verdicts = dict(re.findall(r"^test (\S+) \.\.\. (ok|FAILED)$", done.stdout, re.M))
    with check(f"{name}: the suites of the object store run"):
        assert verdicts, done.stdout[-2000:]
    failed = [case for case, verdict in verdicts.items() if verdict != "ok"]
    for case in verdicts:
        with check(f"{name}: {case}"):
            assert case not in failed
    if failed:
        print(done.stdout[-12000:])


hold("MiniStack", engines.ministack())
if python := os.environ.get("LOCALSTACK_PYTHON"):
    hold("LocalStack", engines.localstack(python))
else:
    check.skip("the bucket on LocalStack", "it needs Python 3.13, which is not here")
if engines.has_swift():
    url = engines.swift()
    run("Swift", "containers", {"GLINT_TEST_SWIFT_AUTH_URL": f"{url}/auth/v1.0", "GLINT_TEST_SWIFT_USER": engines.SWIFT_USER,
                                "GLINT_TEST_SWIFT_KEY": engines.SWIFT_KEY})
else:
    check.skip("the container on Swift", engines.NO_SWIFT)
if program := engines.azurite_program():
    run("Azurite", "blobs", {"GLINT_TEST_AZURE_ENDPOINT": engines.azurite(program), "GLINT_TEST_AZURE_ACCOUNT": engines.AZURE_ACCOUNT,
                             "GLINT_TEST_AZURE_KEY": engines.AZURE_KEY, "GLINT_TEST_AZURE_SAS": engines.azure_signature()})
else:
    check.skip("the container on Azurite", engines.NO_AZURITE)
check.finish()
