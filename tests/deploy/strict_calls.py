"""Which operation of which service a request to AWS is, and on which resource: for the IAM check.

By botocore's own service models, as boto3 made the request.
"""

import functools
import re
from urllib.parse import parse_qs, unquote

import botocore.session

# by the name that a request is signed for: botocore's name of the service
MODELS = {
    "lambda": "lambda",
    "s3": "s3",
    "cloudformation": "cloudformation",
    "sts": "sts",
    "apigateway": "apigatewayv2",
    "logs": "logs",
    "monitoring": "cloudwatch",
    "iam": "iam",
    "budgets": "budgets",
    "events": "events",
    "sqs": "sqs",
    "sns": "sns",
    "pricing": "pricing",
    "ce": "ce",
    "ecr": "ecr",
}
PREFIXES = {"monitoring": "cloudwatch"}  # as IAM calls what is signed otherwise
TOLD_BY_HEADERS = ("CopyObject", "UploadPartCopy")  # else a put of an object looks like them
ACTIONS = {
    "s3:HeadBucket": "s3:ListBucket",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "s3:DeleteObjects": "s3:DeleteObject",
    "s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "s3:GetBucketNotificationConfiguration": "s3:GetBucketNotification",
    "s3:PutBucketNotificationConfiguration": "s3:PutBucketNotification",
    "s3:GetBucketLifecycle": "s3:GetLifecycleConfiguration",  # their older names
    "s3:PutBucketLifecycle": "s3:PutLifecycleConfiguration",
    "lambda:Invoke": "lambda:InvokeFunction",
}


def call_of(environ, body):
    """(service, operation, resource), or None where it is not signed or not known."""
    found = re.search(
        r"Credential=[^/]+/\d+/([^/]+)/([^/]+)/", environ.get("HTTP_AUTHORIZATION", "")
    )
    if not found or found[2] not in MODELS:
        return None
    region, signed = found[1], found[2]
    form = parse_qs(body.decode("latin-1")) if b"Action=" in body[:4000] else {}
    operation = _named(environ, form) or _matched(signed, environ)
    if operation is None:
        return None
    service = PREFIXES.get(signed, signed)
    return [service, operation, _resource(service, region, environ, form)]


def action_of(service, operation):
    """As a policy calls it."""
    if service == "apigateway":
        return "apigateway:GET" if operation.startswith("Get") else "apigateway:POST"
    return ACTIONS.get(f"{service}:{operation}", f"{service}:{operation}")


def _named(environ, form):
    if "Action" in form:
        return form["Action"][0]
    if target := environ.get("HTTP_X_AMZ_TARGET"):
        return target.rpartition(".")[2]
    path = environ["PATH_INFO"]
    return path.rpartition("/operation/")[2] if "/operation/" in path else None


@functools.cache
def _patterns(signed):
    """(method, pattern of the path, query that must be there, operation), the longest path first."""
    model = botocore.session.get_session().get_service_model(MODELS[signed])
    found = []
    for name in model.operation_names:
        if name in TOLD_BY_HEADERS:
            continue
        http = model.operation_model(name).http
        path, _, query = http["requestUri"].partition("?")
        pattern = re.sub(r"\\\{\w+\\\+\\\}", "(.+)", re.escape(path))
        pattern = re.sub(r"\\\{\w+\\\}", "([^/]+)", pattern)
        needed = frozenset(part.partition("=")[0] for part in query.split("&") if part)
        found.append((http["method"], re.compile(pattern.rstrip("/") + "/?"), needed, name))
    return sorted(found, key=lambda each: (-len(each[2]), each[1].pattern.count("("), each[3]))


def _matched(signed, environ):
    asked = set(parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True))
    path = environ.get("RAW_URI", environ["PATH_INFO"]).partition("?")[0] or "/"
    for method, pattern, needed, name in _patterns(signed):
        if environ["REQUEST_METHOD"] == method and needed <= asked and pattern.fullmatch(path):
            return name
    return None


def _resource(service, region, environ, form):
    where = f"arn:aws:{service}:{region}:123456789012:"
    path = unquote(environ["PATH_INFO"])
    if service == "s3":
        return f"arn:aws:s3:::{path.strip('/')}"
    if service == "lambda":
        found = re.search(r"/functions/([^/]+)", path)
        if not found:
            return "*"
        name = found[1].rpartition("function:")[2] or found[1]
        qualifier = parse_qs(environ.get("QUERY_STRING", "")).get("Qualifier", [""])[0]
        return f"{where}function:{name}{':' + qualifier if qualifier else ''}"
    if service == "cloudformation":
        name = form.get("StackName", form.get("ChangeSetName", ["*"]))[0]
        return name if name.startswith("arn:") else f"{where}stack/{name}/id"
    return "*"
