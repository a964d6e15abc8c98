"""Proves that the openstack client's commands do for each role what its project's token allows. Started by run.sh."""

import json
import os
import pathlib
import subprocess

from keystone import Keystone
from harness import Checks, Glint, equal, random_file, scratch

WHO = ("admin", "member", "reader", "stranger")
check, work, clients = Checks(), scratch("commands"), pathlib.Path(os.environ["CLIENTS_BIN"])
keystone = Keystone()
keystone.register(os.environ.get("ENDPOINT") or Glint(work / "data", **keystone.settings()).start().url)
random_file(work / "bytes", 1)
images = {}


def run(who, *told):
    """Whether a command of `openstack image` succeeds, and what it prints."""
    done = subprocess.run([clients / "openstack", "image", *told], env=keystone.environment(who), capture_output=True, text=True, check=False)
    assert "HTTP 5" not in done.stderr, done.stderr
    return done.returncode == 0, done.stdout


def told(who, *command):
    """The JSON that a command prints, which has to succeed."""
    succeeded, said = run(who, *command, "-f", "json")
    assert succeeded, f"{who}: {' '.join(map(str, command))}"
    return json.loads(said)


def names(who, *filters):
    return [image["Name"] for image in told(who, "list", *filters)]


def allowed(*command, to):
    """Holds a command, done by each in turn, to those who may."""
    equal([who for who in WHO if run(who, *command)[0]], list(to), " ".join(map(str, command)))


with check("image create: members, and nobody who only reads"):
    for who, name, words in (("member", "web", ("--shared", "--tag", "lts", "--property", "os_distro=debian")),
                             ("admin", "base", ("--public",)), ("stranger", "theirs", ("--private",))):
        made = told(who, "create", name, "--disk-format", "raw", "--container-format", "bare", "--file", work / "bytes", *words)
        equal([made["status"], made["name"]], ["active", name])
        images[name] = made["id"]
    equal(run("reader", "create", "mine")[0], False)

with check("image list: each sees the project's images and public ones, an administrator all"):
    seen = {who: sorted(names(who)) for who in WHO}
    equal(seen, {"admin": ["base", "theirs", "web"], "member": ["base", "web"], "reader": ["base", "web"], "stranger": ["base", "theirs"]})

with check("image list --long --tag --name --status --sort --limit --marker"):
    filters = ("--long", "--tag", "lts", "--name", "web", "--status", "active", "--sort", "name:asc", "--limit", "10")
    equal({who: names(who, *filters) for who in WHO}, {"admin": ["web"], "member": ["web"], "reader": ["web"], "stranger": []})
    long = told("reader", "list", *filters)[0]
    equal([long["Size"], long["Visibility"], long["Tags"], long["Project"]], [(work / "bytes").stat().st_size, "shared", ["lts"], keystone.ids["member"][1]])
    # The client sorts what it was sent: of a page, the service's newest images.
    equal(names("admin", "--sort", "name:desc", "--limit", "2"), ["theirs", "base"])
    equal(names("admin", "--sort", "name:asc", "--limit", "2", "--marker", images["theirs"]), ["base", "web"])
    equal(names("admin", "--sort", "name:asc"), ["base", "theirs", "web"])
    equal(names("admin", "--sort", "name:desc"), ["web", "theirs", "base"])

with check("image show: whoever sees it"):
    allowed("show", images["web"], to=("admin", "member", "reader"))
    allowed("show", images["theirs"], to=("admin", "stranger"))
    allowed("show", images["base"], to=WHO)

with check("image set and unset: members of the owner's project, and administrators"):
    allowed("set", images["web"], "--property", "os_version=13", "--tag", "new", to=("admin", "member"))
    shown = told("member", "show", images["web"])
    equal([shown["properties"]["os_version"], sorted(shown["tags"])], ["13", ["lts", "new"]])
    for who in ("reader", "stranger"):
        equal(run(who, "unset", images["web"], "--tag", "new", "--property", "os_version")[0], False, who)
    told_nothing = run("member", "unset", images["web"], "--tag", "new", "--property", "os_version")
    equal(told_nothing, (True, ""))
    shown = told("reader", "show", images["web"])
    equal(["os_version" in shown["properties"], shown["tags"]], [False, ["lts"]])

with check("image add project: the owner's members; the project takes it, and sees it in its list"):
    project = keystone.ids["stranger"][1]
    for who in ("reader", "stranger"):
        equal(run(who, "add", "project", images["web"], project)[0], False, who)
    assert run("member", "add", "project", images["web"], project)[0]
    member = {"Image ID": images["web"], "Member ID": project, "Status": "pending"}
    equal({who: told(who, "member", "list", images["web"]) for who in WHO}, dict.fromkeys(WHO, [member]))
    equal(names("stranger", "--name", "web"), [])
    equal(run("member", "set", images["web"], "--accept", "--project", project)[0], False)
    assert run("stranger", "set", images["web"], "--accept", "--project", project)[0]
    equal([names("stranger", "--name", "web"), names("stranger", "--shared", "--member-status", "accepted")], [["web"], ["web"]])
    allowed("set", images["web"], "--name", "mine", to=("admin", "member"))
    assert run("member", "set", images["web"], "--name", "web")[0]

with check("image remove project: the owner's members, and it is gone from the project's list"):
    for who in ("reader", "stranger"):
        equal(run(who, "remove", "project", images["web"], project)[0], False, who)
    assert run("member", "remove", "project", images["web"], project)[0]
    equal([told("member", "member", "list", images["web"]), names("stranger", "--name", "web")], [[], []])

with check("image delete: members of the owner's project, and administrators"):
    for who in ("reader", "stranger"):
        equal(run(who, "delete", images["web"])[0], False, who)
    assert run("member", "delete", images["web"])[0]
    equal(run("member", "delete", images["theirs"])[0], False)
    assert run("admin", "delete", images["theirs"], images["base"])[0]
    equal({who: names(who) for who in WHO}, dict.fromkeys(WHO, []))

check.finish()
