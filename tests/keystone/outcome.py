"""What became of each test of a stream of subunit, as JSON: status and the last line of why, by its id. Run by suite.py.
usage: outcome.py STREAM
"""

import json
import sys

import subunit
from testtools import StreamToDict

found = {}


def take(test):
    if test["status"] in ("exists", "inprogress"):
        return
    reason = "".join(detail.as_text() for name, detail in test["details"].items() if name == "reason" or "traceback" in name)
    found[test["id"]] = (test["status"], (reason.strip().splitlines() or [""])[-1][:300])


result = StreamToDict(take)
result.startTestRun()
with open(sys.argv[1], "rb") as file:
    subunit.ByteStreamToStreamResult(file, non_subunit_name="stdout").run(result)
result.stopTestRun()
json.dump(found, sys.stdout)
