"""Leaves out of Amazon's SDK bundle what has nothing to do with S3.

Of its half gigabyte and 400,000 entries nineteen twentieths are clients of other services. Each JVM would read the
list of them at its start and keep it in memory, and each image would carry them. What stays, stays byte for byte.

usage: slim_bundle.py BUNDLE.jar SLIM.jar
"""

import re
import sys
import zipfile

# What S3 takes: itself, and the services that give it credentials and keys.
KEPT = {"s3", "sts", "kms", "sso", "ssooidc", "signin", "s3control", "securitytoken", "dynamodbv2"}
SERVICE = re.compile(r"^(?:software/amazon/awssdk|com/amazonaws)/services/([^/]+)/")


def wanted(path: str) -> bool:
    service = SERVICE.match(path)
    # models/: what the clients of version 1 were generated from.
    return not path.startswith("models/") and (service is None or service.group(1) in KEPT)


source, target = sys.argv[1:]
with zipfile.ZipFile(source) as bundle:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as slim:
        for entry in bundle.infolist():
            if wanted(entry.filename) and not entry.is_dir():
                slim.writestr(entry, bundle.read(entry), compresslevel=1)
