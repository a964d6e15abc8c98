"""A store of each kind: how Glint is told of it, and what lies there. Used by imports.py."""

import pathlib
import re
import urllib.parse
import urllib.request

import engines

NAME = "glint-imports"


class Directory:
    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.settings = {"adapter": "file", "directory": str(path)}

    def names(self):
        """Of objects, and of what is written; the store's own key lies beside them."""
        return [str(path.relative_to(self.path)) for path in self.path.glob("*/**/*") if path.is_file()]


class Bucket:
    def __init__(self, url):
        self.s3 = engines.client("s3", url)
        engines.make_bucket(self.s3, NAME)
        self.settings = {"adapter": "s3", "bucket": NAME, "endpoint": url, "region": engines.REGION, "path_style": True}

    def names(self):
        """Of objects, and of those of which parts alone have come."""
        whole = self.s3.list_objects_v2(Bucket=NAME).get("Contents", [])
        begun = self.s3.list_multipart_uploads(Bucket=NAME).get("Uploads", [])
        return [each["Key"] for each in [*whole, *begun]]


class Swift:
    def __init__(self, url):
        self.auth_url = f"{url}/auth/v1.0"
        self.settings = {"adapter": "swift", "container": NAME, "create_container": True, "auth_url": self.auth_url, "auth_version": "1",
                         "username": engines.SWIFT_USER, "password": engines.SWIFT_KEY}

    def names(self):
        """Of objects, segments and marks."""
        asked = urllib.request.Request(self.auth_url, headers={"X-Storage-User": engines.SWIFT_USER, "X-Storage-Pass": engines.SWIFT_KEY})
        with urllib.request.urlopen(asked, timeout=30) as answer:
            account, token = answer.headers["X-Storage-Url"], answer.headers["X-Auth-Token"]
        return read(urllib.request.Request(f"{account}/{NAME}", headers={"X-Auth-Token": token})).splitlines()


class Azure:
    def __init__(self, url):
        self.url = url
        self.settings = {"adapter": "azblob", "account_name": engines.AZURE_ACCOUNT, "account_key": engines.AZURE_KEY,
                         "container": NAME, "create_container": True, "endpoint": url}

    def names(self):
        """Of blobs, marks, and blobs of which blocks alone have come."""
        query = urllib.parse.urlencode({"restype": "container", "comp": "list", "include": "uncommittedblobs"})
        return re.findall("<Name>(.*?)</Name>", read(f"{self.url}/{NAME}?{query}&{engines.azure_signature()}"))


def read(asked):
    with urllib.request.urlopen(asked, timeout=30) as answer:
        return answer.read().decode()


def every_kind(check, work):
    """A store of each kind that can be started here, by its id. What cannot is skipped."""
    places = {"far": Directory(work / "far"), "bucket": Bucket(engines.ministack())}
    if engines.has_swift():
        places["swift"] = Swift(engines.swift())
    else:
        check.skip("imports into Swift", engines.NO_SWIFT)
    if program := engines.azurite_program():
        places["azure"] = Azure(engines.azurite(program))
    else:
        check.skip("imports into Azurite", engines.NO_AZURITE)
    return places
