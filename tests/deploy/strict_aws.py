"""A strict layer in front of moto's server: what AWS would refuse, it refuses, in AWS's own words.

It lies in moto's process, as the application that is asked first. Tests set its rules and read
what it saw by HTTP:

    POST /strict/reset            the rules of an ordinary account again, nothing seen
    POST /strict/rules {...}      other rules: fields of `Rules`
    GET  /strict/calls            every call so far: [service, operation, resource]
    GET  /strict/state            what the gateway must know of each function
"""

import io
import json
import threading
import time
import urllib.request
from dataclasses import asdict, dataclass
from urllib.parse import parse_qs, unquote

from deploy.moto_with_types import COUNTED, GATEWAY_URL, PERMISSIONS, teach_types
from deploy.strict_calls import call_of
from deploy.strict_stacks import FAILED_VALIDATIONS, RULES, USED, teach_refusals

PRICES = {
    "AWS-Lambda-Duration": 0.0000166667,
    "AWS-Lambda-Duration-ARM": 0.0000133334,
    "AWS-Lambda-Requests": 0.0000002,
    "ApiGatewayHttpApi": 0.000001,
}
XML, JSON = ("Content-Type", "text/xml"), ("Content-Type", "application/json")
ACCOUNT = "123456789012"


@dataclass
class Rules:
    """What this account is like.

    Attributes:
        concurrency: Of the account; a new one has 10, and nothing to reserve.
        bucket_quiet_s: A deleted bucket's name is not free again for so long.
        early_validation: Whether names that are taken are found before anything is made.
        denied: Actions that the credentials are not permitted.
        documented_policy_alone: Whether they have what `deploy --policy` prints, and no more.
        price_factor: Of the price list, over that of us-east-1; 0: it can't be asked.
    """

    concurrency: int = 1000
    bucket_quiet_s: float = 2.0
    early_validation: bool = True
    denied: tuple[str, ...] = ()
    documented_policy_alone: bool = False
    price_factor: float = 0


class Strict:
    """A WSGI application around moto's."""

    def __init__(self, moto):
        self.moto, self.lock = moto, threading.Lock()
        self.reset()

    def reset(self):
        self.rules, self.calls, self.deleted_buckets = Rules(), [], {}
        self.announced, self.looked_at = [], set()
        PERMISSIONS.clear()
        COUNTED.clear()
        FAILED_VALIDATIONS.clear()
        USED.clear()
        RULES.clear()
        RULES.update(asdict(self.rules))

    def __call__(self, environ, start_response):
        path = environ["PATH_INFO"]
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        if path.startswith("/strict/"):
            return _send(start_response, "200 OK", JSON, json.dumps(self.control(path, body)))
        call = call_of(environ, body)
        if call is None:
            return self.moto(environ, start_response)
        service, operation, resource = call
        if " scenelet/" in environ.get("HTTP_USER_AGENT", ""):  # not the tests' own
            with self.lock:
                self.calls.append(call)
                if operation == "GetFunctionConfiguration":
                    self.looked_at.add(resource)
        if f"{service}:{operation}" in self.rules.denied:
            return _denied(start_response, service, operation, resource)
        own = getattr(self, f"{service}_{operation}".replace("-", "_"), None)
        answer = own(environ, body, resource) if own else None
        if answer is None:
            return self.moto(environ, start_response)
        failed = [("X-Amz-Function-Error", "Unhandled")] if answer[3:] == (True,) else []
        return _send(start_response, *answer[:3], *failed)

    def control(self, path, body):
        with self.lock:
            if path == "/strict/reset":
                self.reset()
            elif path == "/strict/rules":
                self.rules = Rules(**(asdict(self.rules) | json.loads(body)))
                RULES.update(asdict(self.rules))
            elif path == "/strict/calls":
                return self.calls
            elif path == "/strict/state":
                return _state() | {"announced": self.announced}
        return asdict(self.rules)

    def s3_DeleteBucket(self, environ, body, resource):  # noqa: N802
        self.deleted_buckets[resource] = time.monotonic()

    def apigateway_UpdateStage(self, environ, body, resource):  # noqa: N802
        """moto's quick create makes no stage, and it can't change one: it is made here."""
        path, _, name = environ["PATH_INFO"].rpartition("/")
        told = json.dumps({"stageName": unquote(name), **json.loads(body)}).encode()
        environ |= {"REQUEST_METHOD": "POST", "PATH_INFO": path, "RAW_URI": path}
        environ |= {"REQUEST_URI": path, "CONTENT_LENGTH": str(len(told))}
        environ["wsgi.input"] = io.BytesIO(told)

    def s3_PutBucketNotification(self, environ, body, resource):  # noqa: N802
        """moto forgets that EventBridge is told."""
        if b"EventBridgeConfiguration" in body:
            self.announced.append(resource.rpartition(":")[2])

    def s3_CreateBucket(self, environ, body, resource):  # noqa: N802
        gone_s = time.monotonic() - self.deleted_buckets.get(resource, -1e9)
        if gone_s >= self.rules.bucket_quiet_s:
            return None
        text = (
            "A conflicting conditional operation is currently in progress against this resource."
            " Please try again."
        )
        return "409 Conflict", XML, _s3_error("OperationAborted", text)

    def lambda_GetAccountSettings(self, environ, body, resource):  # noqa: N802
        reserved = sum(int(each.reserved_concurrency or 0) for each in _functions())
        limit = {
            "ConcurrentExecutions": self.rules.concurrency,
            "UnreservedConcurrentExecutions": self.rules.concurrency - reserved,
            "TotalCodeSize": 80530636800,
            "CodeSizeUnzipped": 262144000,
            "CodeSizeZipped": 52428800,
        }
        usage = {"TotalCodeSize": 0, "FunctionCount": len(_functions())}
        return "200 OK", JSON, json.dumps({"AccountLimit": limit, "AccountUsage": usage})

    def lambda_PutFunctionConcurrency(self, environ, body, resource):  # noqa: N802
        wanted = json.loads(body)["ReservedConcurrentExecutions"]
        name = resource.split(":")[6]
        if wanted == 0 or _may_reserve(name, wanted):
            return None
        text = (
            "Specified ReservedConcurrentExecutions for function decreases account's"
            " UnreservedConcurrentExecution below its minimum value of"
            f" [{min(100, self.rules.concurrency)}]."
        )
        return "400 Bad Request", JSON, json.dumps({"Type": "User", "message": text})

    def lambda_Invoke(self, environ, body, resource):  # noqa: N802
        """What runs is the gateway's business: it has awslambdaric."""
        name, _, qualifier = resource.split("function:")[1].partition(":")
        if qualifier.isdecimal() and resource not in self.looked_at:
            text = (
                "The operation cannot be performed at this time. The function is currently in the"
                " following state: Pending"
            )
            return "409 Conflict", JSON, json.dumps({"Type": "User", "message": text})
        url = f"{GATEWAY_URL}/strict-invoke/{name}/{qualifier or '$LATEST'}"
        with urllib.request.urlopen(url, data=body, timeout=60) as answer:
            told = answer.read().decode()
        return "200 OK", JSON, told, "errorType" in json.loads(told)

    def cloudformation_GetTemplate(self, environ, body, resource):  # noqa: N802
        """Nobody promises that lines end as they were sent."""
        told = []
        content = b"".join(self.moto(environ, lambda status, headers: told.append(status)))
        return told[0], XML, content.decode().replace("\n", "&#13;\n")

    def cloudformation_DescribeEvents(self, environ, body, resource):  # noqa: N802
        asked = parse_qs(body.decode())
        name = (asked.get("StackName") or asked.get("ChangeSetName"))[0]
        found = [event for key, event in FAILED_VALIDATIONS.items() if key and key in name]
        members = "".join(
            f"<member>{''.join(f'<{key}>{value}</{key}>' for key, value in event.items())}</member>"
            for event in found
        )
        return (
            "200 OK",
            XML,
            '<DescribeEventsResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/">'
            f"<DescribeEventsResult><OperationEvents>{members}</OperationEvents>"
            "</DescribeEventsResult></DescribeEventsResponse>",
        )

    def pricing_GetProducts(self, environ, body, resource):  # noqa: N802
        """In the shape of AWS's price list: a JSON text a product, with tiers and a free one."""
        if not self.rules.price_factor:
            text = json.dumps({"__type": "InternalErrorException", "message": "not today"})
            return "400 Bad Request", JSON, text
        asked = {each["Field"]: each["Value"] for each in json.loads(body)["Filters"]}
        usd = self.rules.price_factor * PRICES[asked.get("group") or asked["operation"]]
        tiers = [
            {"beginRange": "0", "endRange": "300", "pricePerUnit": {"USD": f"{usd:.14f}"}},
            {"beginRange": "300", "endRange": "Inf", "pricePerUnit": {"USD": f"{usd * 0.9:.12f}"}},
            {"beginRange": "0", "endRange": "Inf", "pricePerUnit": {"USD": "0.0000000000"}},
        ]
        dimensions = {f"SKU.TERM.{number}": tier for number, tier in enumerate(tiers)}
        product = {"terms": {"OnDemand": {"SKU.TERM": {"priceDimensions": dimensions}}}}
        return "200 OK", JSON, json.dumps({"PriceList": [json.dumps(product)]})

    def iam_SimulatePrincipalPolicy(self, environ, body, resource):  # noqa: N802
        """By action and resource: a policy that names resources allows nothing on "*"."""
        from deploy.strict_policy import may

        asked = parse_qs(body.decode())
        names = [value[0] for key, value in asked.items() if key.startswith("ActionNames.member")]
        on = asked.get("ResourceArns.member.1", ["*"])[0]
        given = {value[0] for key, value in asked.items() if key.endswith("ContextKeyName")}

        def decided(name):
            permitted = name not in self.rules.denied
            if self.rules.documented_policy_alone:
                permitted = permitted and may(name, on, given)
            return "allowed" if permitted else "implicitDeny"

        members = "".join(
            f"<member><EvalActionName>{name}</EvalActionName>"
            f"<EvalDecision>{decided(name)}</EvalDecision></member>"
            for name in names
        )
        return (
            "200 OK",
            XML,
            '<SimulatePrincipalPolicyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">'
            f"<SimulatePrincipalPolicyResult><IsTruncated>false</IsTruncated><EvaluationResults>"
            f"{members}</EvaluationResults></SimulatePrincipalPolicyResult>"
            "</SimulatePrincipalPolicyResponse>",
        )


def _send(start_response, status, kind, text, *more):
    content = text.encode()
    start_response(status, [kind, ("Content-Length", str(len(content))), *more])
    return [content]


def _denied(start_response, service, operation, resource):
    text = (
        f"User: arn:aws:iam::{ACCOUNT}:user/tester is not authorized to perform:"
        f" {service}:{operation} on resource: {resource} because no identity-based policy allows"
        f" the {service}:{operation} action"
    )
    if service in ("lambda", "apigateway", "logs"):
        body = json.dumps({"__type": "AccessDeniedException", "message": text})
        headers = [JSON, ("x-amzn-ErrorType", "AccessDeniedException")]
        start_response("403 Forbidden", [*headers, ("Content-Length", str(len(body.encode())))])
        return [body.encode()]
    body = (
        _s3_error("AccessDenied", text)
        if service == "s3"
        else f"<ErrorResponse><Error><Type>Sender</Type>{_code('AccessDenied', text)}</Error>"
        "</ErrorResponse>"
    )
    return _send(start_response, "403 Forbidden", XML, body)


def _code(code, text):
    return f"<Code>{code}</Code><Message>{text}</Message>"


def _s3_error(code, text):
    return f'<?xml version="1.0" encoding="UTF-8"?><Error>{_code(code, text)}</Error>'


def _functions():
    from moto.awslambda.models import lambda_backends

    backends = lambda_backends[ACCOUNT].values()
    return [each for backend in backends for each in backend.list_functions()]


def _may_reserve(name, wanted):
    others = sum(
        int(each.reserved_concurrency or 0) for each in _functions() if each.function_name != name
    )
    return RULES["concurrency"] - others - wanted >= min(100, RULES["concurrency"])


def _state():
    """Of each function: reserved concurrency, statements of its policy; stages and routes."""
    from moto.apigatewayv2.models import apigatewayv2_backends

    stages = {
        api.name: {
            key[0].lower() + key[1:]: value
            for key, value in api.stages["$default"].default_route_settings.items()
        }
        for backend in apigatewayv2_backends[ACCOUNT].values()
        for api in backend.apis.values()
        if "$default" in api.stages
    }
    routes = {
        api.name: [each.route_key for each in api.routes.values()]
        for backend in apigatewayv2_backends[ACCOUNT].values()
        for api in backend.apis.values()
    }
    functions = {
        each.function_name: {
            "reserved": each.reserved_concurrency,
            "timeout": each.timeout,
            "permissions": PERMISSIONS.get(each.function_name, []),
            "url": each.url_config.config if each.url_config else None,
        }
        for each in _functions()
    }
    return {"stages": stages, "routes": routes, "functions": functions, "others": COUNTED}


def serve(port):
    from moto.moto_server.werkzeug_app import (
        DomainDispatcherApplication,
        MotoRequestHandler,
        create_backend_app,
    )
    from werkzeug.serving import run_simple

    teach_types()
    teach_refusals(_may_reserve)
    application = Strict(DomainDispatcherApplication(create_backend_app))
    run_simple("127.0.0.1", port, application, threaded=True, request_handler=MotoRequestHandler)
