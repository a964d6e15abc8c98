"""Proves that Glint knows its callers by a real Keystone: by role and project, for as long as a token is good, and that nobody
gets in when Keystone cannot be asked. Started by run.sh.

On $ENDPOINT, which is told to believe a token for $CACHE_SECONDS, what needs a Glint told otherwise is left to `glint serve`.
"""

import json
import os
import pathlib
import subprocess

from keystone import USERS, Keystone
from harness import Checks, Glint, call, equal, expect, random_file, scratch, wait_for

CACHE_SECONDS = int(os.environ.get("CACHE_SECONDS", "2"))
check, work, clients = Checks(), scratch("roles"), pathlib.Path(os.environ["CLIENTS_BIN"])
keystone = Keystone()
url, glint = os.environ.get("ENDPOINT"), None
if not url:
    glint = Glint(work / "data", **keystone.settings(identity_keystone_cache_seconds=CACHE_SECONDS)).start()
    url = glint.url
keystone.register(url)


def openstack(who, *told):
    """What the openstack client prints; nothing when it fails, as it must say itself."""
    done = subprocess.run([clients / "openstack", *told], env=keystone.environment(who), capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else None


def ids(who):
    return {image["ID"] for image in json.loads(openstack(who, "image", "list", "-f", "json"))}


def status(token=None, service=None, path="/v2/images", method="GET", on=None):
    headers = {name: value for name, value in (("X-Auth-Token", token), ("X-Service-Token", service)) if value}
    return call(on.url if on else url, method, path, headers=headers.items()).status


def told_otherwise():
    with check("Glint asks by an application credential as well"):
        user, project = keystone.ids["glint"]
        body = {"application_credential": {"name": "glint", "roles": [{"name": "service"}, {"name": "admin"}]}}
        _, made = keystone.call("POST", f"/users/{user}/application_credentials", body, keystone.token("glint"))
        other = Glint(work / "other", identity_mode="keystone", identity_keystone_auth_url=keystone.url.removesuffix("/v3"),
                      identity_keystone_application_credential_id=made["application_credential"]["id"],
                      identity_keystone_application_credential_secret=made["application_credential"]["secret"]).start()
        equal([status(keystone.token("member"), on=other), status("nonsense", on=other)], [200, 401])
        other.stop()

    with check("with credentials that Keystone does not take, Glint answers 503 and says why in its log alone"):
        other = Glint(work / "other", **keystone.settings(identity_keystone_password="wrong-one")).start()
        answer = call(other.url, "GET", "/v2/images", headers=[("X-Auth-Token", keystone.token("member"))])
        equal([answer.status, answer.headers["Retry-After"]], [503, "2"])
        other.stop()
        log = other.log.read_text()
        assert "does not accept the credentials of this service" in log and "wrong-one" not in log, log[-2000:]


with check("the openstack client makes and fills an image as a member"):
    random_file(work / "bytes", 1)
    made = json.loads(openstack("member", "image", "create", "web", "--private", "--file", work / "bytes", "-f", "json"))
    equal([made["status"], made["owner"]], ["active", keystone.ids["member"][1]])
    image = made["id"]

with check("its project and an administrator see it, and nobody else"):
    equal({who: image in ids(who) for who in ("member", "reader", "admin", "stranger")},
          {"member": True, "reader": True, "admin": True, "stranger": False})
    assert openstack("stranger", "image", "show", image) is None

with check("a member downloads it, a reader and a stranger do not"):
    for who, taken in (("member", True), ("reader", False), ("stranger", False)):
        equal(openstack(who, "image", "save", image, "--file", work / f"by-{who}") is not None, taken, who)
    equal((work / "by-member").read_bytes(), (work / "bytes").read_bytes())

with check("a reader changes nothing and makes nothing, a stranger nothing either"):
    for who in ("reader", "stranger"):
        assert openstack(who, "image", "set", image, "--name", "theirs") is None, who
        assert openstack(who, "image", "delete", image) is None, who
    assert openstack("reader", "image", "create", "mine") is None

with check("publishing is the administrator's"):
    assert openstack("member", "image", "set", image, "--public") is None
    assert openstack("admin", "image", "set", image, "--public") is not None
    assert image in ids("stranger")

with check("without a token, or with one that is none, 401 says where to authenticate; discovery needs none"):
    for token in (None, "", "nonsense", "gAAAA" + "x" * 200):
        answer = call(url, "GET", "/v2/images", headers=[("X-Auth-Token", token)] if token is not None else [])
        equal([answer.status, answer.headers["WWW-Authenticate"]], [401, f'Keystone uri="{keystone.url}"'], repr(token))
    equal([status(path=path) for path in ("/", "/versions", "/healthcheck", "/v1/images")], [300, 200, 200, 300])

with check("a revoked token opens nothing once its cache time is over"):
    token = keystone.token("member")
    equal(status(token), 200)
    keystone.revoke(token)
    wait_for("401", lambda: status(token) == 401, CACHE_SECONDS + 5)

with check("a service's token has to be one"):
    token, service = keystone.token("member"), keystone.token("glint")
    equal([status(token, service), status(token, "nonsense"), status("nonsense", service)], [200, 401, 401])

with check("a token of a domain, of the system or of nothing is no project's"):
    for scope in ({"system": {"all": True}}, "unscoped"):
        token = keystone.token("admin", scope)
        assert status(token, path="/v2/images", method="POST") in (400, 403), scope

if glint:
    told_otherwise()

with check("an expired token is good for a trusted service and for nobody else"):
    keystone.stop()
    keystone.configure(expiration=4)
    keystone.start()
    token = keystone.token("member")
    equal(status(token), 200)
    wait_for("401", lambda: status(token) == 401, 15)
    equal([status(token, keystone.token("glint")), status(token, keystone.token("stranger")), status(token)], [200, 401, 401])
    keystone.stop()
    keystone.configure(expiration=86400)
    keystone.start()

with check("while Keystone is stopped nobody gets in: 503, but for discovery; when it is back, so is everybody"):
    token, fresh = keystone.token("member"), keystone.token("reader")
    equal(status(token), 200)
    keystone.stop()
    equal(status(fresh), 503)
    wait_for("503", lambda: status(token) == 503, CACHE_SECONDS + 5)
    equal([status(path=path) for path in ("/", "/versions", "/healthcheck")], [300, 200, 200])
    keystone.start()
    wait_for("200", lambda: status(token) == 200, 5)

with check("the openstack client deletes it, as its member"):
    assert openstack("member", "image", "delete", image) is not None
    assert image not in ids("admin")

if glint:
    with check("the log names no token and no password"):
        equal(glint.stop(), 0)
        log = glint.log.read_text()
        for secret in ("gAAAA", *(password for password, _, _ in USERS.values())):
            assert secret not in log, secret

check.finish()
