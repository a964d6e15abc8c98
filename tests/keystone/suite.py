"""Runs Tempest's suite of the Image API with a real Keystone, on two `glint serve` of one table and one set of stores, or on $ENDPOINT.
Started by run.sh.
usage: suite.py [REGEX]   env: FORMATS=enforced HASHES=believed

The table and both writable stores are MiniStack's; beside them is a store of what lies at URLs. Some tests stage by one of the two and
import, or delete, by the other. What is imported by URL comes from a server of the run's own.

Of $ENDPOINT, $ALT_ENDPOINT is the other one (tests that want one are left out without it), and $SOURCE_PORT a port of 127.0.0.1 that the
deployment may fetch from (without it, nothing is fetched).

Tempest uploads noise as images of every format to list them, so Glint takes it with a warning; with FORMATS=enforced it does not,
and Tempest leaves those tests out.

With HASHES=believed, nothing that is registered is hashed, and Tempest expects it so.

Ends with the counts. target/tempest keeps the log, and what failed, class by class.
"""

import collections
import functools
import http.server
import json
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "engines"))

import engines  # noqa: E402
from keystone import REGION, USERS, Keystone  # noqa: E402
from harness import MIB, TARGET, Glint, call, expect, scratch  # noqa: E402

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
http_image = {sources}/image.raw
http_qcow2_image = {sources}/image.qcow2
{remote}
disk_formats = qcow2,raw,ami,ari,aki,vhd,vmdk,vdi,iso,vhdx,ploop,gpt,luks
[image-feature-enabled]
import_image = true
os_glance_reserved = true
manage_locations = {shown}
http_store_enabled = {web}
do_secure_hash = {hashed}
store_weight_enabled = {weights}
image_format_enforcement = {enforced}
image_conversion = false
[validation]
run_validation = false
"""




class Sources(http.server.ThreadingHTTPServer):
    """A directory, served on a port of 127.0.0.1: the one that is named, or any."""

    def __init__(self, directory, port):
        super().__init__(("127.0.0.1", port), functools.partial(Quiet, directory=directory))
        self.daemon_threads = True
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()


    def handle_error(self, *_):
        """Whoever looks at the beginning of an image alone leaves before its end."""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def qcow2():
    """An empty disk of 1 MiB: the header, one table and one block of reference counts, and a table of clusters that has none."""
    cluster = 1 << 16
    header = struct.pack(">4sIQIIQIIQQIIQ", b"QFI\xfb", 2, 0, 0, 16, MIB, 0, 1, 3 * cluster, cluster, 1, 0, 0)
    counted = struct.pack(">4H", 1, 1, 1, 1)
    return b"".join(part.ljust(cluster, b"\0") for part in (header, struct.pack(">Q", 2 * cluster), counted, b""))


def served(work):
    """The server of what is fetched; there is none for a deployment that does not say from which port it may."""
    port = int(os.environ.get("SOURCE_PORT", "0"))
    if os.environ.get("ENDPOINT") and not port:
        return None
    directory = work / "sources"
    directory.mkdir()
    (directory / "image.raw").write_bytes(os.urandom(MIB))
    (directory / "image.qcow2").write_bytes(qcow2())
    return Sources(directory, port)


def started(keystone, endpoint, sources, enforced, hashed):
    """Two processes that share a table and stores, and nothing else: their URLs."""
    # Limits are changed by tests that expect it to matter at once.
    keystone.limit(image_count_total=1000, image_size_total=1000, image_stage_total=1000, image_count_uploading=1000)
    ministack = engines.ministack()
    engines.make_table(engines.client("dynamodb", ministack), "glint-tempest")
    s3 = engines.client("s3", ministack)
    for bucket in ("glint-first", "glint-second"):
        engines.make_bucket(s3, bucket)
    # Tempest waits for stores in the order of their names, and wants them in that of their weights: neither is that of the configuration.
    stores = {
        "first": {"adapter": "s3", "bucket": "glint-first", "endpoint": ministack, "region": engines.REGION, "path_style": True,
                  "weight": 10},
        "web": {"adapter": "http"},
    }
    settings = keystone.settings(
        identity_keystone_endpoint_id=endpoint, identity_keystone_cache_seconds=0, image_require_format_match=str(enforced).lower(),
        table_adapter="dynamodb", table_name="glint-tempest", table_endpoint=ministack, table_region=engines.REGION,
        store_id="second", store_adapter="s3", store_bucket="glint-second", store_endpoint=ministack, store_region=engines.REGION,
        store_path_style="true", store_weight=5, stores=json.dumps(stores),
        locations_show_multiple_locations="true", locations_do_secure_hash=str(hashed).lower(),
        egress_allowed_networks=",".join(networks()),
        # One of the tests serves what it registers from a port that nobody knows before.
        egress_allowed_ports="",
        import_methods="glance-direct,web-download,copy-image,glance-download", import_token_key=os.urandom(32).hex())
    data = scratch("tempest")
    return [Glint(data / name, **settings).start().url for name in ("one", "other")]


def networks():
    """Where the run's own sources are: this machine, by the address that Tempest gives out for it, too, if there is one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Nothing is sent: only a route is chosen.
            probe.connect(("1.1.1.1", 80))
        except OSError:
            return ["127.0.0.0/8"]
        return ["127.0.0.0/8", f"{probe.getsockname()[0]}/32"]


def offered(url, keystone):
    """The stores that take data there, and those that are only read."""
    answer = expect(call(url, "GET", "/v2/info/stores", headers={"X-Auth-Token": keystone.token("admin")}), 200)
    stores = answer.json()["stores"]
    read = [store["id"] for store in stores if store.get("read-only") == "true"]
    return [store["id"] for store in stores if store["id"] not in read], read


work = TARGET / "tempest"
shutil.rmtree(work, ignore_errors=True)
(work / "lock").mkdir(parents=True)
keystone = Keystone()
url, other = os.environ.get("ENDPOINT"), os.environ.get("ALT_ENDPOINT")
enforced = os.environ.get("FORMATS") == "enforced"
hashed = os.environ.get("HASHES") != "believed"
sources = served(work)
endpoint = keystone.register(url or "http://127.0.0.1:9")
shown = not url
if not url:
    url, other = started(keystone, endpoint, sources, enforced, hashed)
    keystone.register(url)
if other:
    keystone.register(other, "image_remote")
written, read = offered(url, keystone)
left_out = [r"test_image_web_download_import\["] if not sources else []
# It waits for copies where there is no other store.
left_out += [r"test_image_copy_image_import\["] if len(written) < 2 else []
flags = {"enforced": enforced, "hashed": hashed, "weights": len(written) > 1, "shown": shown, "web": bool(sources and read)}
(work / "tempest.conf").write_text(CONFIG.format(
    work=work, password=USERS["admin"][0], url=keystone.url, region=REGION, **{name: str(flag).lower() for name, flag in flags.items()},
    sources=f"http://127.0.0.1:{sources.port if sources else 9}", remote="alternate_image_endpoint = image_remote" if other else ""))
(work / "tempest.log").touch()
programs = pathlib.Path(os.environ["TEMPEST_BIN"])
top = next((programs.parent / "lib").glob("python3*/site-packages"))
(work / ".stestr.conf").write_text(
    f"[DEFAULT]\ntest_path={top}/tempest/test_discover\ntop_dir={top}\ngroup_regex=([^\\.]*\\.)*\n")
environment = os.environ | {"TEMPEST_CONFIG": str(work / "tempest.conf"), "TEMPEST_CONFIG_DIR": str(work), "PYTHONWARNINGS": "ignore",
                            "PATH": f"{programs}:{os.environ['PATH']}"}
exclude = pathlib.Path(__file__).with_name("exclude.txt")
(work / "exclude.txt").write_text("\n".join((exclude.read_text(), *left_out)) + "\n")
with open(work / "subunit", "wb") as stream:
    subprocess.run([programs / "stestr", "run", "--concurrency", "2", "--subunit", "--exclude-list", work / "exclude.txt",
                    *(sys.argv[1:] or [r"^tempest\.(api\.image|scenario\.test_unified_limits)\."])],
                   cwd=work, env=environment, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT, check=False)
found = json.loads(subprocess.check_output([programs / "python", pathlib.Path(__file__).with_name("outcome.py"), work / "subunit"]))
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
