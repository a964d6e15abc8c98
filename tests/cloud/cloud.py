"""The emulated cloud: `up` deploys infra/template.yaml and leaves it running, `down` ends it, `test` tries what is deployed.

Started by `cargo xtask cloud`, which makes the Python environments.
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "engines"))

import engines  # noqa: E402,F401  (cleans the environment of the user's own cloud)
import deploy  # noqa: E402
from gateway import started  # noqa: E402
from harness import CLEAN, TARGET, Checks, call, wait_for  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
STATE = TARGET / "cloud"
# The cloud whose callers a Keystone tells, and the one with a second store. They are there for their suites alone.
KNOWN, STORED = TARGET / "cloud-keystone", TARGET / "cloud-stores"


def noted(state, name):
    try:
        return json.loads((state / name).read_text())
    except (OSError, json.JSONDecodeError):
        return None


def running(state=STATE):
    """What `up` left, or None when it is not there any more."""
    found = noted(state, "up.json")
    return found if found and started(found["pid"]) == found["started"] else None


def up(state=STATE, parameters=lambda endpoint: {}):
    """Deploys with the parameters that are told once it is known where the cloud is."""
    if found := running(state):
        print("up already")
        return say(found)
    down(state)
    print("building the functions ...", flush=True)
    deploy.build()
    state.mkdir(parents=True)
    with open(state / "log", "wb") as log:
        process = subprocess.Popen([sys.executable, HERE / "gateway.py", state], cwd=state, env=CLEAN, stdin=subprocess.DEVNULL,
                                   stdout=log, stderr=subprocess.STDOUT, start_new_session=True)

    def serves():
        assert process.poll() is None, f"the cloud ended at once:\n{(state / 'log').read_text()[-2000:]}"
        return (state / "served.json").exists()

    try:
        wait_for("the cloud answers", serves, 90)
        served = json.loads((state / "served.json").read_text())
        print("deploying ...", flush=True)
        deployed = deploy.deploy(state, served["endpoint"], parameters(served["endpoint"]))
        (state / "api").write_text(deployed["api"])
        wait_for("the API answers", lambda: call(served["url"], "GET", "/healthcheck").status == 200, 60)
    except BaseException:
        process.terminate()
        process.wait()
        raise
    found = served | deployed | {"started": started(process.pid)}
    (state / "up.json").write_text(json.dumps(found, indent=1))
    return say(found)


def say(found):
    print(f"API   {found['url']}\ntry   openstack --os-auth-type none --os-endpoint {found['url']} image list", flush=True)
    return found


def down(state=STATE):
    """Ends what runs, or was left of it, and removes its state."""
    found = running(state)
    if found:
        os.kill(found["pid"], signal.SIGTERM)
        wait_for("the cloud has ended", lambda: started(found["pid"]) != found["started"], 30)
    served = noted(state, "served.json")
    if served and started(served["ministack"]) == served["ministack_started"]:
        os.killpg(served["ministack"], signal.SIGKILL)  # it and its functions; who should have ended it was killed
    shutil.rmtree(state, ignore_errors=True)
    return found


def test(names):
    import suites  # noqa: PLC0415  (only `test` needs it)

    check = Checks()
    suites.known_to_be(names)
    if chosen := suites.in_time(check, suites.chosen(suites.SUITES, names)):
        there = running()
        found = there or up()
        try:
            suites.run(found, check, chosen)
        finally:
            if not there:
                down()
    alone = ((STORED, suites.STORED, suites.stored_parameters, suites.run),
             (KNOWN, suites.KNOWN, suites.keystone_parameters, suites.run_known))
    for state, its, parameters, run in alone:
        if chosen := suites.in_time(check, suites.chosen(its, names)):
            down(state)
            try:
                run(up(state, parameters), check, chosen)
            finally:
                down(state)
    check.finish()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["up"]:
            up()
        case ["down"]:
            print("down" if down() else "was not up")
        case ["test", *names]:
            test(names)
        case told:
            sys.exit(f"cargo xtask cloud up | down | test [SUITE...], not {' '.join(told)!r}")
