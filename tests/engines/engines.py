"""Starts the servers Glint's adapters are held to, each on a free port with its state in a scratch directory.

MiniStack speaks DynamoDB and S3; LocalStack, without containers, S3 alone; Swift and Azurite their own. All end with the script that
started them.
"""

import atexit
import base64
import hmac
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
REGION = "us-east-1"
# What an emulator takes for credentials, and nothing of the user's own cloud.
os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_REGION=REGION, AWS_EC2_METADATA_DISABLED="true")
for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION"):
    os.environ.pop(name, None)
os.environ.update(AWS_CONFIG_FILE=os.devnull, AWS_SHARED_CREDENTIALS_FILE=os.devnull)

sys.path.insert(0, str(ROOT / "tests" / "clients"))

import boto3  # noqa: E402
from botocore.config import Config  # noqa: E402

from harness import TARGET, scratch, wait_for  # noqa: E402


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def server(name, command, health, environment, state=None):
    """Starts a program and waits until `health` answers. It ends with this script. `state` is a directory it may fill."""
    state = state or scratch(name)
    process = background(name, command, environment, state)

    def healthy():
        assert process.poll() is None, f"{name} ended at once:\n{(state / 'log').read_text()[-2000:]}"
        try:
            with urllib.request.urlopen(health, timeout=2) as answer:
                return answer.status == 200
        except OSError:
            return False

    wait_for(f"{name} answers", healthy, 90)
    return process


def background(name, command, environment=None, state=None):
    """Starts a program, which ends with this script."""
    state = state or scratch(name)
    (state / "run").mkdir(parents=True)
    with open(state / "log", "wb") as log:
        process = subprocess.Popen(command, cwd=state / "run", env=os.environ | (environment or {}), stdin=subprocess.DEVNULL,
                                   stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
    atexit.register(end, process)
    return process


def end(process):
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def ministack():
    return ministack_process()[0]


def ministack_process(state=None, **options):
    """Its URL and its process. `options` are more of its variables: `AUTH="true"`."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    process = server("ministack", [pathlib.Path(sys.executable).parent / "ministack"], f"{url}/_ministack/health", {
        "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "MINISTACK_HOST": "127.0.0.1", "LAMBDA_EXECUTOR": "local",
        "IOT_MTLS_ENABLED": "0"} | options, state)
    return url, process


def localstack(python):
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    state = scratch("localstack-files")
    # The default server ignores the address it is given and listens on all of them: hypercorn does not.
    server("localstack", [python, "-m", "localstack.runtime.main"], f"{url}/_localstack/health", {
        "GATEWAY_LISTEN": f"127.0.0.1:{port}", "GATEWAY_SERVER": "hypercorn", "LOCALSTACK_HOST": f"127.0.0.1:{port}",
        "DISABLE_EVENTS": "1", "SKIP_SSL_CERT_DOWNLOAD": "1", "DNS_ADDRESS": "0", "EAGER_SERVICE_LOADING": "0",
        "S3_SKIP_SIGNATURE_VALIDATION": "0", "SERVICES": "s3", "FILESYSTEM_ROOT": str(state / "fs"),
        "LOCALSTACK_VOLUME_DIR": str(state / "volume")})
    return url


SWIFT = ("memcached", "swift-ring-builder", "swift-account-server", "swift-container-server", "swift-object-server", "swift-proxy-server")


# Why there is none, where there is none.
NO_SWIFT = "its packages are not here, and only root installs them"


def has_swift():
    """Whether its programs are here: they are Debian's, and read what its hashes begin with from /etc/swift/swift.conf."""
    return all(map(shutil.which, SWIFT)) and pathlib.Path("/etc/swift/swift.conf").exists()


SWIFT_USER, SWIFT_KEY = "test:tester", "testing"


def swift():
    """Swift on one disk, with tokens of its own for its user. Its URL."""
    etc, user = scratch("swift"), subprocess.check_output(["id", "-un"], text=True).strip()
    (etc / "srv/d1").mkdir(parents=True)
    shutil.copy("/etc/swift/swift.conf", etc)
    kept = etc / "cache"
    kept.mkdir()
    common = f"bind_ip = 127.0.0.1\nworkers = 0\nuser = {user}\nswift_dir = {etc}\n"
    memcached = free_port()
    background("swift-memcached", ["memcached", "-l", "127.0.0.1", "-p", str(memcached), "-m", "32", "-U", "0", "-u", user])
    ports = {kind: free_port() for kind in ("object", "container", "account")}
    for kind, port in ports.items():
        for told in (["create", "4", "1", "0"], ["add", f"r1z1-127.0.0.1:{port}/d1", "1"], ["rebalance"]):
            # To rebalance once is said to be too little, by a status.
            subprocess.run(["swift-ring-builder", f"{kind}.builder", *told], cwd=etc, stdout=subprocess.DEVNULL, check=told[0] != "rebalance")
        recon = f"recon_cache_path = {kept}\n" if kind == "object" else ""
        (etc / f"{kind}-server.conf").write_text(
            f"[DEFAULT]\nbind_port = {port}\ndevices = {etc}/srv\nmount_check = false\ndisable_fallocate = true\n{common}"
            f"[pipeline:main]\npipeline = {kind}-server\n[app:{kind}-server]\nuse = egg:swift#{kind}\n{recon}")
        background(f"swift-{kind}", [f"swift-{kind}-server", etc / f"{kind}-server.conf"])
    port = free_port()
    filters = ("healthcheck", "tempurl", "slo")
    (etc / "proxy-server.conf").write_text(
        f"[DEFAULT]\nbind_port = {port}\n{common}"
        "[pipeline:main]\npipeline = healthcheck cache tempurl tempauth slo proxy-server\n"
        "[app:proxy-server]\nuse = egg:swift#proxy\naccount_autocreate = true\n"
        f"[filter:cache]\nuse = egg:swift#memcache\nmemcache_servers = 127.0.0.1:{memcached}\n"
        "[filter:tempauth]\nuse = egg:swift#tempauth\nuser_test_tester = testing .admin\nstorage_url_scheme = http\n"
        + "".join(f"[filter:{name}]\nuse = egg:swift#{name}\n" for name in filters))
    for each in ports.values():
        wait_for("Swift's servers listen", lambda each=each: listens(each), 60)
    url = f"http://127.0.0.1:{port}"
    server("swift-proxy", ["swift-proxy-server", etc / "proxy-server.conf"], f"{url}/healthcheck", {})
    return url


AZURITE = "azurite@3.35.0"
NO_AZURITE = "npm is not here, or cannot install it"
# What every emulator of Azure's storage is asked by: no secret.
AZURE_ACCOUNT = "devstoreaccount1"
AZURE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


def azurite_program():
    """Its program, which npm has installed under target/; nothing where there is no npm, or it cannot have it."""
    if not (shutil.which("npm") and shutil.which("node")):
        return None
    here = TARGET / "azurite"
    program = here / "node_modules/.bin/azurite-blob"
    known = here / "version"
    if not program.exists() or not known.exists() or known.read_text() != AZURITE:
        here.mkdir(parents=True, exist_ok=True)
        told = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", here, AZURITE]
        if subprocess.run(told, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode or not program.exists():
            return None
        known.write_text(AZURITE)
    return program


def azurite(program):
    """Azurite's blobs in memory. The URL of its account."""
    port = free_port()
    background("azurite", [program, "--blobHost", "127.0.0.1", "--blobPort", str(port), "--inMemoryPersistence", "--silent",
                           "--disableTelemetry", "--skipApiVersionCheck"])
    wait_for("Azurite listens", lambda: listens(port), 60)
    return f"http://127.0.0.1:{port}/{AZURE_ACCOUNT}"


def azure_signature():
    """A shared access signature of the account with every leave, for a day."""
    version, until = "2021-12-02", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 86400))
    leave, services, kinds = "rwdlacup", "b", "sco"
    said = "\n".join([AZURE_ACCOUNT, leave, services, kinds, "", until, "", "", version, "", ""])
    signature = base64.b64encode(hmac.digest(base64.b64decode(AZURE_KEY), said.encode(), "sha256")).decode()
    return urllib.parse.urlencode({"sv": version, "ss": services, "srt": kinds, "sp": leave, "se": until, "sig": signature})


def client(kind, url):
    settings = Config(s3={"addressing_style": "path"}, retries={"max_attempts": 2})
    return boto3.client(kind, endpoint_url=url, region_name=REGION, config=settings)


def make_table(dynamodb, name):
    """The table of infra/table.json under another name."""
    definition = json.loads((ROOT / "infra/table.json").read_text())
    dynamodb.create_table(**definition | {"TableName": name})
    wait_for("the table is active", lambda: dynamodb.describe_table(TableName=name)["Table"]["TableStatus"] == "ACTIVE")


def make_bucket(s3, name):
    """A bucket with what each file of infra/bucket says of it."""
    s3.create_bucket(Bucket=name)
    for path in sorted((ROOT / "infra/bucket").glob("*.json")):
        put = getattr(s3, BUCKET_CALLS[path.stem][0])
        put(**{"Bucket": name, BUCKET_CALLS[path.stem][1]: json.loads(path.read_text())})


# A file that is not named here fails the run: nothing of a bucket goes untried.
BUCKET_CALLS = {
    "cors": ("put_bucket_cors", "CORSConfiguration"),
    "encryption": ("put_bucket_encryption", "ServerSideEncryptionConfiguration"),
    "lifecycle": ("put_bucket_lifecycle_configuration", "LifecycleConfiguration"),
    "ownership": ("put_bucket_ownership_controls", "OwnershipControls"),
    "public-access-block": ("put_public_access_block", "PublicAccessBlockConfiguration"),
    "versioning": ("put_bucket_versioning", "VersioningConfiguration"),
}
