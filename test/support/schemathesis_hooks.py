"""What schemathesis calls around each request of test/cluster/keys-fuzz.test.ts.

Most of what it makes up ends at the first check: the namespace is not there, the key is of another store. So most
requests get a part that is right, which part depends on nothing but the request itself. Each request has the next of
many users, since each user may ask only so often. What was asked and answered is written down, a line of JSON each.
"""

import json
import os
import re
import zlib

import schemathesis

FUZZ = json.loads(os.environ["FUZZ"])
LOG = open(FUZZ["log"], "a", encoding="utf-8")
users = 0

# Texts that are made up are mostly empty; these are some that somebody may have overlooked.
PLANTED = FUZZ["value"]
VALUES = [
    PLANTED,
    f"{PLANTED} \u00fcn\u00efcode \u2713 \U0001d54f",
    f"{PLANTED}\nline\r\n",
    f"{PLANTED}\x00\x1b",
    f"{PLANTED}\ud800",
    PLANTED + "x" * (131_072 - len(PLANTED)),
    PLANTED + "x" * (131_073 - len(PLANTED)),
    "\ufeff\u2028" + PLANTED,
]


def digits(case):
    """A number that is the same for the same request."""
    parts = [case.method, case.path_parameters, case.query, case.body]
    number = zlib.crc32(json.dumps(parts, default=repr, sort_keys=True).encode())

    def choose(count):
        nonlocal number
        number, choice = divmod(number, count)
        return choice

    return choose


def key_name(choose, method, name):
    """Of the key that was there before, of one of a few others, or of one whose end was made up."""
    some = f"fuzz-{choose(5)}"
    made_up = re.sub(r"[^-._a-zA-Z0-9]", "", str(name))[:40]
    ends = [FUZZ["key"], FUZZ["key"] if method == "GET" else some, some, made_up]
    return f"kubernetes:{FUZZ['domain']}:{ends[choose(4)]}"


def fit_key(choose, body, name):
    for field in ("apiVersion", "kind"):
        body.pop(field, None)
    metadata = body.get("metadata")
    if isinstance(metadata, dict):
        for field in ("namespace", "uid", "resourceVersion", "generateName"):
            metadata.pop(field, None)
    body["metadata"] = {**(metadata if isinstance(metadata, dict) else {}), "name": name}
    spec = body.get("spec")
    if isinstance(spec, dict):
        if choose(2):
            spec.pop("secret", None)
    elif choose(2):
        spec = body["spec"] = {}
    if isinstance(spec, dict) and choose(4):
        spec["value"] = VALUES[choose(len(VALUES))]


def fit_test(choose, body):
    for field in ("apiVersion", "kind", "metadata"):
        body.pop(field, None)
    if choose(2):
        spec = {"integrationRef": {"name": FUZZ["integration"]}}
        old = body.get("spec")
        if choose(2) and isinstance(old, dict):
            spec.update({key: old[key] for key in ("path", "namespace") if key in old})
        body["spec"] = spec
    elif isinstance(body.get("spec"), dict) and isinstance(body["spec"].get("integration"), dict):
        spec = body["spec"] = {"integration": {**body["spec"]["integration"], "host": FUZZ["host"]}}
        if choose(2):
            spec["integration"]["path"] = FUZZ["path"]


def fit_deletion(choose, body):
    if choose(4):
        for field in ("apiVersion", "kind", "preconditions"):
            body.pop(field, None)


@schemathesis.hook
def before_call(ctx, case, kwargs):
    global users
    users += 1
    case.headers["Impersonate-User"] = f"{FUZZ['user']}{users % FUZZ['users']}"
    case.headers["Impersonate-Group"] = FUZZ["group"]
    choose = digits(case)
    if choose(8) == 0:
        return
    name = None
    if case.path_parameters.get("namespace") is not None:
        case.path_parameters["namespace"] = FUZZ["namespace"]
    if case.path_parameters.get("name") is not None and choose(4):
        case.path_parameters["name"] = name = key_name(choose, case.method, case.path_parameters["name"])
    if isinstance(case.body, dict):
        if case.method == "DELETE":
            fit_deletion(choose, case.body)
        elif "connectiontests" in case.operation.path:
            fit_test(choose, case.body)
        elif case.method in ("POST", "PUT"):
            if case.method == "PUT":
                name = case.path_parameters.get("name")
            fit_key(choose, case.body, name or key_name(choose, case.method, case.body.get("metadata")))


@schemathesis.hook
def after_call(ctx, case, response):
    sent = response.request.body or b""
    line = {
        "method": response.request.method,
        "operation": case.operation.path,
        "url": response.request.url,
        "status": response.status_code,
        "sent": (sent if isinstance(sent, str) else sent.decode("utf-8", "replace"))[:200_000],
        "answer": response.content.decode("utf-8", "replace")[:20_000],
    }
    LOG.write(json.dumps(line) + "\n")
    LOG.flush()
