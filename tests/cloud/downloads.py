"""Downloads that functions answer with where the bucket has the data, by the name that clients reach the bucket by.

That name is a line of its own, `store.public_endpoint`: what passes there are clients, and functions go on by theirs.
"""

import contextlib
import hashlib
import urllib.parse

from forward import Answer, Forwarder
from gateway import Line
from harness import MIB, call, create, equal, expect, scratch, show
from presigned import Bytes, bring, complete, opened
from redirects import saved_by

SIZE = 12 * MIB + 17  # more than a function carries
WORDS = 64 << 10


class Public(Line):
    """The bucket by its public name: which requests came, and how many bytes they brought and were given."""

    def __init__(self, deployment):
        super().__init__(deployment.endpoint.removeprefix("http://"))
        self.passed = []
        self.begin()

    @property
    def host(self):
        return urllib.parse.urlsplit(self.url).netloc

    def answer(self, request):
        body = b"".join(request.body)
        request.body = [body] if body else []
        got = self.forward(request)
        given = b"".join(got.body)
        self.passed.append((request.method, request.path, len(body), len(given)))
        return Answer(got.status, got.headers, given)

    def given(self):
        """Bytes that were given to who had a URL, since this was last asked."""
        passed, self.passed = self.passed, []
        assert all("X-Amz-Signature=" in path for _, path, _, _ in passed), passed
        return sum(size for method, _, _, size in passed if method == "GET")


class Api(Forwarder):
    """The API, and how many bytes it has answered with."""

    def __init__(self, deployment):
        super().__init__(deployment.url.removeprefix("http://"))
        self.told = 0
        self.begin()

    def answer(self, request):
        request.body = [body] if (body := b"".join(request.body)) else []
        got = self.forward(request)
        given = b"".join(got.body)
        self.told += len(given)
        return Answer(got.status, got.headers, given)


def run(deployment, check):
    public, api = Public(deployment), Api(deployment)
    try:
        with contextlib.ExitStack() as stack:
            named = {"GLINT_STORE_PUBLIC_ENDPOINT": public.url, "GLINT_DOWNLOAD_REDIRECT": "functions"}
            stack.enter_context(deployment.configured("Uploads", **named, GLINT_DOWNLOAD_TRUSTED_HOSTS="bucket.example.com"))
            image_id, data = brought(deployment, check, public, api)
            not_trusted(check, public, api, image_id)
            stack.enter_context(deployment.configured("Uploads", GLINT_DOWNLOAD_TRUSTED_HOSTS=public.host))
            trusted(check, public, api, image_id, data)
    finally:
        public.shutdown()
        api.shutdown()


def brought(deployment, check, public, api):
    data = Bytes(SIZE)
    image_id = create(api.url)["id"]
    with check("parts are brought to the bucket by its public name, and functions go by their own"):
        session = opened(api.url, image_id, SIZE)
        for part in session["parts"]:
            equal(urllib.parse.urlsplit(part["url"]).netloc, public.host)
            expect(bring(part, data.data), 200)
        equal(expect(complete(api.url, session), 200).json()["status"], "complete")
        equal(show(api.url, image_id)["os_hash_value"], data.sha512)
        equal(sum(size for _, _, size, _ in public.passed), SIZE)
        equal(public.given() < WORDS, True)
    return image_id, data


def not_trusted(check, public, api, image_id):
    with check("nobody is sent to a host that is not trusted: 413, and where to go instead"):
        expect(call(api.url, "GET", f"/v2/images/{image_id}/file"), 413)
        equal(public.passed, [])


def trusted(check, public, api, image_id, data):
    file = f"/v2/images/{image_id}/file"
    with check("a download is 302 to the bucket's public name, which keeps the image's name and takes ranges"):
        found = expect(call(api.url, "GET", file), 302)
        place = urllib.parse.urlsplit(found.headers["Location"])
        equal((place.netloc, found.body, found.headers["Cache-Control"]), (public.host, b"", "no-store"))
        span = {"Range": f"bytes={MIB - 100}-{MIB + 99}"}
        got = expect(call(f"http://{place.netloc}", "GET", f"{place.path}?{place.query}", headers=span), 206)
        equal(got.body, data.data[MIB - 100:MIB + 100])
    api.told = 0
    for client in ("openstack", "glance"):
        with check(f"{client} follows through the deployed gateway and has the image; functions carried none of it"):
            public.passed.clear()
            saved = saved_by(client, api.url, image_id, scratch("saved") / client)
            equal(hashlib.sha512(saved.read_bytes()).hexdigest(), data.sha512)
            given = public.given()
            print(f"        of {SIZE} bytes the bucket gave {given}, the API {api.told}", flush=True)
            assert api.told < WORDS and given == SIZE
            api.told = 0
