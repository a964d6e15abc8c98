#!/usr/bin/env python3
"""Brings bytes back to where a restored table says they are: the second half of a restore (docs/operations.md).

A table that was restored to an earlier time names objects that were removed since. The bucket keeps their versions for
KeepDeletedDays: this finds the objects the table's images have, and takes away what hides one (its delete markers).
Says what it would do, and does it with --apply. Running it twice changes nothing more. Nothing is ever deleted but markers.

usage: restore.py --table NAME --bucket NAME [--prefix PREFIX] [--apply]
Ends with 1 when bytes are lost: each image is named, and its record still says `active`.
Needs: boto3; rights to scan the table, and to list and delete versions of the bucket's objects.
"""

import argparse
import sys

import boto3


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--table", required=True, help="the restored table")
    parser.add_argument("--bucket", required=True)
    parser.add_argument("--prefix", default="", help="what every key in the bucket begins with (store.prefix)")
    parser.add_argument("--apply", action="store_true", help="do it, and not only say it")
    return parser.parse_args()


def owned(table):
    """The object of each image that has one, and its size in bytes."""
    pages = boto3.client("dynamodb").get_paginator("scan").paginate(
        TableName=table, ConsistentRead=True, FilterExpression="SK = :record AND attribute_exists(#location)",
        ExpressionAttributeNames={"#location": "location"}, ExpressionAttributeValues={":record": {"S": "record"}})
    for page in pages:
        for row in page["Items"]:
            if row["status"]["S"] in ("active", "deactivated") and "M" in row["location"]:
                yield row["location"]["M"]["key"]["S"], int(row["size"]["N"])


def kept(s3, bucket, prefix):
    """What the bucket holds under each key: the size of what a reader gets, the markers, the sizes of what they hide."""
    found = {}
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
        for version in page.get("Versions", []):
            entry = found.setdefault(version["Key"], {"size": None, "hidden": [], "markers": []})
            if version["IsLatest"]:
                entry["size"] = version["Size"]
            else:
                entry["hidden"].append(version["Size"])
        for marker in page.get("DeleteMarkers", []):
            entry = found.setdefault(marker["Key"], {"size": None, "hidden": [], "markers": []})
            entry["markers"].append(marker["VersionId"])
    return found


def main():
    told = arguments()
    s3 = boto3.client("s3")
    found = kept(s3, told.bucket, told.prefix)
    there, back, lost = 0, [], []
    for key, size in owned(told.table):
        entry = found.get(told.prefix + key, {"size": None, "hidden": [], "markers": []})
        if entry["size"] == size:
            there += 1
        elif entry["size"] is None and size in entry["hidden"]:
            back.append((key, entry["markers"]))
        else:
            lost.append(key)
    for key, markers in back:
        print(f"{'brought back' if told.apply else 'to be brought back'} {key}")
        for version in markers if told.apply else ():
            s3.delete_object(Bucket=told.bucket, Key=told.prefix + key, VersionId=version)
    for key in lost:
        print(f"LOST {key}: image {key.split('/')[0]} has no bytes")
    print(f"{there} objects there, {len(back)} {'brought back' if told.apply else 'to be brought back'}, {len(lost)} lost")
    sys.exit(1 if lost else 0)


if __name__ == "__main__":
    main()
