"""Runs Tempest's suite of the Image API with a real Keystone, on `glint serve` or on $ENDPOINT. Started by run.sh.
usage: suite.py [REGEX]   env: FORMATS=enforced

Tempest uploads noise as images of every format to list them, so Glint takes it with a warning; with FORMATS=enforced it does not,
and Tempest leaves those tests out.

Ends with the counts. target/tempest keeps the log, and what failed, class by class.
"""

import collections
import os
import pathlib
import shutil
import subprocess
import sys

import subunit
import tempest
from testtools import StreamToDict

from keystone import REGION, USERS, Keystone
from harness import TARGET, Glint, scratch

CONFIG = """[DEFAULT]
log_file = {work}/tempest.log
debug = true
[oslo_concurrency]
lock_path = {work}/lock
[auth]
use_dynamic_credentials = true
admin_username = admin
admin_password = {password}
admin_project_name = admin
admin_domain_name = Default
admin_system = all
create_isolated_networks = false
default_credentials_domain_name = Default
[identity]
uri_v3 = {url}
auth_version = v3
region = {region}
v3_endpoint_type = public
[identity-feature-enabled]
api_v2 = false
api_v3 = true
[enforce_scope]
glance = true
keystone = true
[service_available]
cinder = false
neutron = false
nova = false
swift = false
horizon = false
glance = true
[image]
endpoint_type = public
region = {region}
build_interval = 1
build_timeout = 60
image_caching_enabled = false
disk_formats = qcow2,raw,ami,ari,aki,vhd,vmdk,vdi,iso,vhdx,ploop,gpt,luks
[image-feature-enabled]
import_image = false
os_glance_reserved = true
manage_locations = false
image_format_enforcement = {enforced}
image_conversion = false
[validation]
run_validation = false
"""


def outcome(stream):
    """Status and reason of each test, by its id."""
    found = {}

    def take(test):
        if test["status"] in ("exists", "inprogress"):
            return
        reason = "".join(detail.as_text() for name, detail in test["details"].items() if name == "reason" or "traceback" in name)
        found[test["id"]] = (test["status"], (reason.strip().splitlines() or [""])[-1][:300])

    result = StreamToDict(take)
    result.startTestRun()
    with open(stream, "rb") as file:
        subunit.ByteStreamToStreamResult(file, non_subunit_name="stdout").run(result)
    result.stopTestRun()
    return found


work = TARGET / "tempest"
shutil.rmtree(work, ignore_errors=True)
(work / "lock").mkdir(parents=True)
keystone = Keystone()
url = os.environ.get("ENDPOINT")
enforced = os.environ.get("FORMATS") == "enforced"
endpoint = keystone.register(url or "http://127.0.0.1:9")
if not url:
    # Limits are changed by tests that expect it to matter at once.
    keystone.limit(image_count_total=1000, image_size_total=1000, image_stage_total=1000, image_count_uploading=1000)
    settings = keystone.settings(identity_keystone_endpoint_id=endpoint, identity_keystone_cache_seconds=0,
                                 image_require_format_match=str(enforced).lower())
    keystone.register(Glint(scratch("tempest") / "data", **settings).start().url)
(work / "tempest.conf").write_text(CONFIG.format(work=work, password=USERS["admin"][0], url=keystone.url, region=REGION,
                                                   enforced=str(enforced).lower()))
(work / "tempest.log").touch()
top = pathlib.Path(tempest.__file__).parents[1]
(work / ".stestr.conf").write_text(
    f"[DEFAULT]\ntest_path={top}/tempest/test_discover\ntop_dir={top}\ngroup_regex=([^\\.]*\\.)*\n")
programs = pathlib.Path(os.environ["TEMPEST_BIN"])
environment = os.environ | {"TEMPEST_CONFIG": str(work / "tempest.conf"), "TEMPEST_CONFIG_DIR": str(work), "PYTHONWARNINGS": "ignore",
                            "PATH": f"{programs}:{os.environ['PATH']}"}
exclude = pathlib.Path(__file__).with_name("exclude.txt")
with open(work / "subunit", "wb") as stream:
    subprocess.run([programs / "stestr", "run", "--concurrency", "2", "--subunit", "--exclude-list", exclude,
                    *(sys.argv[1:] or [r"^tempest\.(api\.image|scenario\.test_unified_limits)\."])],
                   cwd=work, env=environment, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT, check=False)
found = outcome(work / "subunit")
kinds = {"success": "passed", "xfail": "passed", "skip": "skipped"}
counts, failed = collections.Counter(), []
for name, (status, reason) in sorted(found.items()):
    kind = kinds.get(status, "failed")
    counts[kind] += 1
    if kind != "passed":
        print(f"{kind:8} {name}\n         {reason}")
    if kind == "failed":
        failed.append(f"{name}\n    {reason}")
(work / "failed.txt").write_text("\n".join(failed) + "\n")
print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
sys.exit(1 if counts["failed"] or not counts["passed"] else 0)
