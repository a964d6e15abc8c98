#!/usr/bin/env python3
"""Proves that a full paged list meets every image exactly once, newest first, while another client creates and deletes.

1,000 images, then the list by following `next`, with a limit of 25, of 7 and none.
Needs: cargo build --release; Python 3.11. env: COUNT=1000, ENDPOINT=URL of a server that runs already and is empty.
"""

import concurrent.futures
import os
import threading

from harness import Checks, Glint, call, create, equal, expect, scratch, wait_for

COUNT = int(os.environ.get("COUNT", "1000"))
check = Checks()
url = os.environ.get("ENDPOINT") or Glint(scratch("paging") / "data").start().url


class Neighbour(threading.Thread):
    """Another client that creates and deletes until told to stop."""

    def __init__(self):
        super().__init__(daemon=True)
        self.done, self.ids, self.error = threading.Event(), set(), None

    def run(self):
        try:
            while not self.done.is_set():
                mine = [create(url, name="neighbour")["id"] for _ in range(3)]
                self.ids.update(mine)
                for image_id in mine[:2]:
                    expect(call(url, "DELETE", f"/v2/images/{image_id}"), 204)
        except Exception as error:
            self.error = error

    def __enter__(self):
        self.start()
        wait_for("the neighbour is at work", lambda: self.ids or self.error)
        return self

    def __exit__(self, *_):
        self.done.set()
        self.join(60)


def walk(path):
    """Every image of a list, page by page, as its client meets them."""
    seen, pages = [], 0
    while path:
        page = expect(call(url, "GET", path), 200).json()
        assert len(page["images"]) <= 1000 and pages <= 3 * COUNT, "the list does not end"
        seen, pages, path = seen + page["images"], pages + 1, page.get("next")
    return seen, pages


def holds(seen, neighbour):
    ids = [image["id"] for image in seen if image["id"] in made]
    equal(len(ids), len(set(ids)), "an image met twice")
    equal(set(ids), made, "images met")
    strangers = [image for image in seen if image["id"] not in made]
    equal({image["name"] for image in strangers} - {"neighbour"}, set(), "of nobody")
    equal(len({image["id"] for image in strangers}), len(strangers), "a neighbour's image met twice")
    times = [image["created_at"] for image in seen]
    equal(times, sorted(times, reverse=True), "newest first")


with concurrent.futures.ThreadPoolExecutor(8) as clients, check(f"{COUNT} images are created by 8 clients"):
    made = set(clients.map(lambda n: create(url, name=f"image-{n}")["id"], range(COUNT)))
    equal(len(made), COUNT)

for query, name in (("?limit=25", "25 a page"), ("", "the default page"), ("?limit=7", "7 a page"), ("?limit=1000", "one page")):
    with check(f"a full list, {name}, meets every image once, newest first, beside another client"), Neighbour() as other:
        seen, pages = walk(f"/v2/images{query}")
        holds(seen, other)
        assert pages >= {"": COUNT / 25, "?limit=25": COUNT / 25, "?limit=7": COUNT / 7}.get(query, 1), pages
    with check("and the other client was answered"):
        assert other.error is None, other.error

with check("a list with a marker goes on behind it"):
    first = expect(call(url, "GET", "/v2/images?limit=2"), 200).json()["images"]
    after = expect(call(url, "GET", f"/v2/images?limit=1&marker={first[0]['id']}"), 200).json()["images"]
    equal(after[0]["id"], first[1]["id"])

check.finish()
