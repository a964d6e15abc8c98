"""The suites of tests/clients against the deployed API: the public clients, and lists beside another client."""

import sys

from harness import ROOT

# What a function carries (shared::lambda::MAX_BYTES).
LARGEST = 4_500_000


def run(deployment, check):
    check.take("the clients' run", [ROOT / "tests/clients/run.sh"], ENDPOINT=deployment.url, LARGEST_BODY=str(LARGEST))
    check.take("the paging run", [sys.executable, ROOT / "tests/clients/paging.py"], ENDPOINT=deployment.url, COUNT="300")
