"""Proves that images of another region are imported in the name of who asks, by a real Keystone and two `glint serve`, each a region of its own:
as the openstack client asks for it, with tokens that are revoked meanwhile, and with none in what is kept. Started by run.sh."""

import json
import os
import pathlib
import subprocess

from keystone import REGION, Keystone
from harness import CLEAN, MIB, PROGRAM, Checks, Glint, call, equal, expect, random_file, scratch, wait_for

OTHER = "RegionTwo"
METHOD = "glance-download"
check, work, clients = Checks(), scratch("abroad"), pathlib.Path(os.environ["CLIENTS_BIN"])
keystone = Keystone()
here = Glint(work / "here", **keystone.settings(
    import_methods=f"glance-direct,{METHOD}", import_token_key=os.urandom(32).hex(), import_lease_seconds=5, reaper_interval_seconds=1,
    egress_allowed_ports="", egress_allowed_networks="127.0.0.0/8")).start()
there = Glint(work / "there", **keystone.settings()).start()
keystone.register(here.url)
keystone.register(there.url, region=OTHER)
admin = keystone.token("admin")
random_file(work / "bytes", 20)


def openstack(who, *told, region=REGION):
    """What the openstack client prints, which has to succeed."""
    environment = keystone.environment(who) | {"OS_REGION_NAME": region}
    done = subprocess.run([clients / "openstack", "image", *told], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{who}: {told}: {done.stderr[-2000:]}"
    return done.stdout


def queued(token, **properties):
    """An image without data, which the client makes of a terminal alone."""
    body = {"disk_format": "iso", "container_format": "ovf"} | properties
    return expect(call(here.url, "POST", "/v2/images", body, headers=[("X-Auth-Token", token)]), 201).json()["id"]


def asked(token, image, remote):
    body = {"method": {"name": METHOD, "glance_region": OTHER, "glance_image_id": remote}}
    expect(call(here.url, "POST", f"/v2/images/{image}/import", body, headers=[("X-Auth-Token", token)]), 202)


def shown(image, path=""):
    return expect(call(here.url, "GET", f"/v2/images/{image}{path}", headers=[("X-Auth-Token", admin)]), 200).json()


def ended(image):
    """Status and message of the image's task, once it has ended."""
    def last():
        (task,) = shown(image, "/tasks")["tasks"]
        return task["status"] in ("success", "failure") and (task["status"], task["message"])
    return wait_for("the import ends", last, 60)


def kept():
    """Everything that lies in the directory of this region's data, and what it has logged."""
    files = [file for file in (work / "here").rglob("*") if file.is_file() and file.stat().st_size < 8 * MIB]
    return b"".join(file.read_bytes() for file in [*files, here.log])


with check("the openstack client imports an image of another region, with its data, formats and chosen properties"):
    told = ("create", "source", "--disk-format", "raw", "--container-format", "bare", "--private", "-f", "json")
    told += ("--file", work / "bytes", "--property", "os_distro=debian", "--property", "speed=88")
    source = json.loads(openstack("member", *told, region=OTHER))["id"]
    target = queued(keystone.token("member"), os_distro="other")
    # The client sends region and image along with the interface alone, lets stores fail unless it is told not to, and does not say that it
    # was refused.
    remote = ("--remote-region", OTHER, "--remote-image", source, "--remote-service-interface", "public", "--disallow-failure")
    openstack("member", "import", target, "--method", METHOD, *remote)
    equal(ended(target), ("success", ""))
    image = shown(target)
    equal([image[name] for name in ("status", "size", "disk_format", "os_distro")], ["active", 20 * MIB, "raw", "debian"])
    equal("speed" in image, False)
    openstack("member", "save", target, "--file", work / "back")
    equal((work / "back").read_bytes() == (work / "bytes").read_bytes(), True)

with check("an image that the other region does not show to who asks is not imported, nor is one of no region"):
    token = keystone.token("stranger")
    target = queued(token)
    asked(token, target, source)
    why = f"default: image {source} of region '{OTHER}': it is not there, or not for who asks"
    equal(ended(target), ("failure", why))
    equal(shown(target)["status"], "queued")

with check("who takes over when the process was killed goes on by the token that is kept, unless it was revoked; and nothing shows one"):
    there.stop()
    tokens = [keystone.token("member") for _ in range(2)]
    targets = [queued(token) for token in tokens]
    for token, target in zip(tokens, targets):
        asked(token, target, source)
    wait_for("both are begun", lambda: all(shown(target)["status"] == "importing" for target in targets))
    here.kill()
    equal([token.encode() in kept() for token in tokens], [False, False])
    keystone.revoke(tokens[0])
    there.start()
    keystone.register(there.url, region=OTHER)
    here.start()
    equal(ended(targets[0]), ("failure", "default: the token has expired: Keystone knows it no longer"))
    equal(ended(targets[1]), ("success", ""))
    equal([shown(target)["status"] for target in targets], ["queued", "active"])
    equal([token.encode() in kept() for token in tokens], [False, False])

with check("without a Keystone, or a key, it is refused at the start, and said why"):
    for told, why in (({"identity_mode": "none"}, "identity.mode keystone"), (keystone.settings(), "import.token_key")):
        settings = CLEAN | {f"GLINT_{name.upper()}": value for name, value in told.items()} | {"GLINT_IMPORT_METHODS": METHOD}
        command = [PROGRAM, "serve", "--listen", "127.0.0.1:0", "--data", work / "refused"]
        done = subprocess.run(command, env=settings, capture_output=True, text=True, check=False, timeout=30)
        assert done.returncode != 0 and why in done.stderr, done

check.finish()
