"""A Keystone of the run's own: real, on a free port, its state in a scratch directory. It ends with the script that started it.

Needs $KEYSTONE_BIN, the programs of the environment that run.sh makes of keystone.txt. A deployment knows beforehand where its
Keystone will be: $KEYSTONE_PORT.
"""

import atexit
import json
import os
import pathlib
import socket
import subprocess
import sys
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "clients"))

from harness import CLEAN, scratch, wait_for  # noqa: E402

REGION = "RegionOne"
# Who there is: user, password, project, roles.
USERS = {
    "admin": ("adminpw", "admin", ("admin", "member", "reader")),
    "member": ("memberpw", "demo", ("member", "reader")),
    "reader": ("readerpw", "demo", ("reader",)),
    "stranger": ("strangerpw", "alt", ("member", "reader")),
    "glint": ("glintpw", "service", ("service", "admin")),
}

# One process, one thread: on SQLite two of its transactions at once end in "database is locked".
CONFIG = """[DEFAULT]
log_file = {state}/keystone.log
use_stderr = false
[database]
connection = sqlite:///{state}/keystone.db
[cache]
enabled = true
backend = oslo_cache.dict
[token]
expiration = {expiration}
[fernet_tokens]
key_repository = {state}/fernet
[credential]
key_repository = {state}/credential
[identity]
password_hash_rounds = 4
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Keystone:
    def __init__(self):
        self.bin = pathlib.Path(os.environ["KEYSTONE_BIN"])
        self.state, self.port, self.process = scratch("keystone"), int(os.environ.get("KEYSTONE_PORT") or free_port()), None
        self.url = f"http://127.0.0.1:{self.port}/v3"
        self.ids = {}
        atexit.register(self.stop)
        self.configure(expiration=86400)
        for name in ("fernet", "credential"):
            (self.state / name).mkdir(mode=0o700)
        user, group = subprocess.check_output(["id", "-un"], text=True).strip(), subprocess.check_output(["id", "-gn"], text=True).strip()
        self.manage("db_sync")
        for kind in ("fernet_setup", "credential_setup"):
            self.manage(kind, "--keystone-user", user, "--keystone-group", group)
        self.manage("bootstrap", "--bootstrap-password", USERS["admin"][0], "--bootstrap-region-id", REGION,
                    *(word for kind in ("admin", "internal", "public") for word in (f"--bootstrap-{kind}-url", self.url)))
        self.start()
        self.populate()

    def configure(self, expiration):
        """How long tokens last, in seconds, from the next start on."""
        (self.state / "keystone.conf").write_text(CONFIG.format(state=self.state, expiration=expiration))

    def manage(self, *told):
        done = subprocess.run([self.bin / "keystone-manage", "--config-file", self.state / "keystone.conf", *told],
                              env=CLEAN | {"PYTHONWARNINGS": "ignore"}, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"keystone-manage {told[0]}: {done.stderr[-2000:]}"

    def start(self):
        told = [self.bin / "uwsgi", "--http-socket", f"127.0.0.1:{self.port}", "--module", "keystone.wsgi.api:application",
                "--virtualenv", self.bin.parent, "--master", "--processes", "1", "--threads", "1", "--enable-threads", "--die-on-term",
                "--lazy-apps", "--need-app", "--add-header", "Connection: close", "--buffer-size", "65535", "--disable-logging"]
        environment = CLEAN | {"OS_KEYSTONE_CONFIG_DIR": str(self.state), "OS_KEYSTONE_CONFIG_FILES": "keystone.conf",
                               "PYTHONWARNINGS": "ignore"}
        with open(self.state / "uwsgi.log", "ab") as log:
            self.process = subprocess.Popen(told, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        wait_for("Keystone answers", self._answers, 90)
        return self

    def _answers(self):
        assert self.process.poll() is None, f"Keystone ended at once:\n{(self.state / 'uwsgi.log').read_text()[-2000:]}"
        try:
            with urllib.request.urlopen(self.url, timeout=5):
                return True
        except OSError:
            return False

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def call(self, method, path, body=None, token=None):
        """Headers and JSON of an answer that must be a success."""
        headers = {"Content-Type": "application/json"} | ({"X-Auth-Token": token} if token else {})
        request = urllib.request.Request(self.url + path, None if body is None else json.dumps(body).encode(), headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                said = answer.read()
                return answer.headers, json.loads(said) if said else None
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read()[:300]!r}") from error

    def token(self, name, scope=None):
        """A new token of one of the users, in their project."""
        password, project, _ = USERS[name]
        user = {"name": name, "domain": {"id": "default"}, "password": password}
        scope = scope or {"project": {"name": project, "domain": {"id": "default"}}}
        headers, _ = self.call("POST", "/auth/tokens", {"auth": {
            "identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}})
        return headers["X-Subject-Token"]

    def revoke(self, token):
        request = urllib.request.Request(f"{self.url}/auth/tokens", method="DELETE",
                                         headers={"X-Auth-Token": self.token("admin"), "X-Subject-Token": token})
        urllib.request.urlopen(request, timeout=60).close()

    def populate(self):
        """Projects, roles and users, each with its roles in its project."""
        root = self.token("admin", {"system": {"all": True}})

        def made(kind, name, **more):
            found = self.call("GET", f"/{kind}s?name={name}", token=root)[1][f"{kind}s"]
            return found[0]["id"] if found else self.call("POST", f"/{kind}s", {kind: {"name": name} | more}, root)[1][kind]["id"]

        roles = {name: made("role", name) for name in ("admin", "member", "reader", "service")}
        for name, (password, project, has) in USERS.items():
            user = made("user", name, domain_id="default", password=password)
            project = made("project", project, domain_id="default")
            self.ids[name] = (user, project)
            for role in has:
                self.call("PUT", f"/projects/{project}/users/{user}/roles/{roles[role]}", token=root)
        self.call("PUT", f"/system/users/{self.ids['glint'][0]}/roles/{roles['reader']}", token=root)
        self.service = made("service", "glance", type="image")

    def register(self, url, kind="image", region=REGION):
        """Names the endpoint of the image service, or of another kind, in a region, or moves it. Answers its id, which stays."""
        root = self.token("admin", {"system": {"all": True}})
        found = self.call("GET", f"/services?type={kind}", token=root)[1]["services"]
        made = {"service": {"name": f"glance-{kind}", "type": kind}}
        service = found[0]["id"] if found else self.call("POST", "/services", made, root)[1]["service"]["id"]
        if region not in {known["id"] for known in self.call("GET", "/regions", token=root)[1]["regions"]}:
            self.call("POST", "/regions", {"region": {"id": region}}, root)
        there = {old["interface"]: old["id"]
                 for old in self.call("GET", f"/endpoints?service_id={service}&region_id={region}", token=root)[1]["endpoints"]}
        for interface in ("admin", "internal", "public"):
            named = {"endpoint": {"service_id": service, "interface": interface, "url": url, "region_id": region}}
            if interface in there:
                self.call("PATCH", f"/endpoints/{there[interface]}", named, root)
            else:
                there[interface] = self.call("POST", "/endpoints", named, root)[1]["endpoint"]["id"]
        return there["public"]

    def limit(self, **limits):
        """Registers what every project may have of the image service's resources, until it gets a limit of its own."""
        root = self.token("admin", {"system": {"all": True}})
        registered = [{"service_id": self.service, "region_id": REGION, "resource_name": name, "default_limit": limit}
                      for name, limit in limits.items()]
        self.call("POST", "/registered_limits", {"registered_limits": registered}, root)

    def settings(self, **more):
        """What Glint is told, as a user with a password."""
        return {"identity_mode": "keystone", "identity_keystone_auth_url": self.url, "identity_keystone_username": "glint",
                "identity_keystone_password": USERS["glint"][0], "identity_keystone_project_name": USERS["glint"][1]} | more

    def environment(self, name):
        """What the openstack client is told, to be one of the users."""
        password, project, _ = USERS[name]
        return CLEAN | {"OS_AUTH_URL": self.url, "OS_USERNAME": name, "OS_PASSWORD": password, "OS_PROJECT_NAME": project,
                        "OS_USER_DOMAIN_ID": "default", "OS_PROJECT_DOMAIN_ID": "default", "OS_REGION_NAME": REGION,
                        "OS_IDENTITY_API_VERSION": "3", "PYTHONWARNINGS": "ignore"}
