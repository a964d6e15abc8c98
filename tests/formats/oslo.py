"""What oslo.utils, which Glance inspects by, finds in files: a line of JSON each."""

import json
import sys

from oslo_utils.imageutils import format_inspector as oslo


def found(path):
    with open(path, "rb") as file:
        wrapper = oslo.InspectWrapper(file)
        while wrapper.read(65536):
            pass
        wrapper.close()
    formats = {}
    for inspector in wrapper.formats:
        try:
            inspector.safety_check()
            failures = []
        except oslo.SafetyCheckFailed as failed:
            failures = sorted(failed.failures)
        except oslo.ImageFormatError as error:
            failures = [str(error)]
        try:
            size = inspector.virtual_size
        except Exception:  # a descriptor alone has no header to read the size from
            size = 0
        formats[str(inspector)] = {"virtual_size": size, "failures": failures}
    return formats


for path in sys.argv[1:]:
    print(json.dumps(found(path)))
