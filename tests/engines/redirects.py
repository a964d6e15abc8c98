"""Downloads that `glint serve` answers with where the bucket has the data: what the bucket then says, and what unmodified clients
make of it. Used by cloud.py and, deployed, by tests/cloud.
"""

import hashlib
import pathlib
import subprocess
import urllib.error
import urllib.parse
import urllib.request

from harness import CLEAN, MIB, OCTETS, ROOT, call, create, equal, expect, random_file

NAME = 'We"b ü/1'
SAVED_AS = "attachment; filename=\"We_b __1\"; filename*=UTF-8''We%22b%20%C3%BC_1"


def follow(url, **headers):
    """What is at a URL, asked for as clients do that take their headers along."""
    told = {"X-Auth-Token": "somebody's", "Content-Type": OCTETS} | headers
    with urllib.request.urlopen(urllib.request.Request(url, headers=told), timeout=60) as answer:
        return answer.status, dict(answer.headers), answer.read()


def refusal(url):
    try:
        return follow(url)[0]
    except urllib.error.HTTPError as error:
        return error.code


def saved_by(client, url, image_id, path):
    """What an unmodified client makes of a download: the file it saved."""
    bin = subprocess.run([ROOT / "tests/clients/venv.sh", "clients", ROOT / "tests/clients/requirements.txt",
                          ROOT / "tests/clients/constraints.txt"], check=True, capture_output=True, text=True).stdout.strip()
    told = {"openstack": ["--os-auth-type", "none", "--os-endpoint", url, "image", "save", "--file"],
            "glance": ["--os-image-url", url, "--os-auth-token", "none", "image-download", "--file"]}[client]
    done = subprocess.run([f"{bin}/{client}", *told, path, image_id], env=CLEAN, capture_output=True, text=True, check=False)
    equal(done.returncode, 0, done.stderr[-500:])
    return path


def redirects_on(check, name, server, store_url, work, checks_signatures):
    host = urllib.parse.urlsplit(store_url).netloc
    path = pathlib.Path(work) / f"{name}.raw"
    digest = random_file(path, 12)
    image_id = create(server.url, name=NAME)["id"]
    file = f"/v2/images/{image_id}/file"
    expect(call(server.url, "PUT", file, path.read_bytes(), OCTETS), 204)

    def restart(**settings):
        server.stop()
        server.settings |= {f"GLINT_DOWNLOAD_{key.upper()}": value for key, value in settings.items()}
        server.start()

    restart(redirect="always", trusted_hosts="elsewhere.example.com")
    with check(f"{name}: a bucket whose host is not trusted is sent nobody, and the data comes all the same"):
        got = expect(call(server.url, "GET", file), 200)
        equal(hashlib.sha512(got.body).hexdigest(), digest)
    restart(trusted_hosts=host)
    with check(f"{name}: a download is sent to the bucket, which gives the data to who has the URL"):
        found = expect(call(server.url, "GET", file), 302)
        url = found.headers["Location"]
        equal([found.body, urllib.parse.urlsplit(url).netloc], [b"", host])
        status, headers, body = follow(url)
        equal([status, headers["Content-Type"], headers["Content-Disposition"]], [200, OCTETS, SAVED_AS])
        equal(hashlib.sha512(body).hexdigest(), digest)
        status, headers, body = follow(url, Range=f"bytes={5 * MIB}-{5 * MIB + 9}")
        equal([status, headers["Content-Range"]], [206, f"bytes {5 * MIB}-{5 * MIB + 9}/{12 * MIB}"])
    if checks_signatures:
        with check(f"{name}: and to nobody who has changed it"):
            equal(refusal(url.replace("response-content-type=application%2Foctet-stream", "response-content-type=text%2Fhtml")), 403)
    for client in ("openstack", "glance"):
        with check(f"{name}: {client} follows and has the image"):
            saved = saved_by(client, server.url, image_id, pathlib.Path(work) / f"{name}.{client}")
            equal(hashlib.sha512(saved.read_bytes()).hexdigest(), digest)
    expect(call(server.url, "DELETE", f"/v2/images/{image_id}"), 204)
    restart(redirect="never")
