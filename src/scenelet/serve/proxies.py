"""HTTP as AWS hands it to a function: API Gateway (v1, v2), Function URL, load balancer.

An event to a `Request`, a `Response` to what the same door takes. Whatever is missing or malformed
in an event is empty. Knows no model.
"""

from typing import Any
from urllib.parse import urlencode

from scenelet.serve.requests import Request, picture_of
from scenelet.serve.service import Response


def is_proxy(event: dict[str, Any]) -> bool:
    """Whether an event is HTTP."""
    return "requestContext" in event or "httpMethod" in event


def request_of(event: dict[str, Any]) -> Request:
    """A proxy event of any kind as a request.

    Raises:
        RequestError: The body is not the base64 that it is said to be.
    """
    http = _mapping(_mapping(event.get("requestContext")).get("http"))
    method = http.get("method") or event.get("httpMethod") or event.get("method") or "POST"
    return Request(str(method), _path(event), _query(event), _headers(event), _body(event))


def answer_for(event: dict[str, Any], response: Response) -> dict[str, Any]:
    """A response as the event's door takes it.

    A load balancer that sends multi-value headers takes none but these.
    """
    is_multi = isinstance(event.get("multiValueHeaders"), dict) and not event.get("headers")
    many = {name: [value] for name, value in response.headers.items()}
    return {
        "statusCode": response.status,
        **({"multiValueHeaders": many} if is_multi else {"headers": response.headers}),
        "body": response.body,
        "isBase64Encoded": False,
    }


def _path(event: dict[str, Any]) -> str:
    """Below a custom domain's mapping and a stage; where the API says its route, that one."""
    if route := _route(event):
        return route
    if isinstance(rest := _mapping(event.get("pathParameters")).get("proxy"), str):
        return f"/{rest}"
    return _without_stage(event)


def _route(event: dict[str, Any]) -> str:
    """As the API was told it, where it holds no parameter; "" where it does, or there is none."""
    for route in (event.get("resource"), str(event.get("routeKey", "")).partition(" ")[2]):
        if isinstance(route, str) and route.startswith("/") and "{" not in route:
            return route
    return ""


def _without_stage(event: dict[str, Any]) -> str:
    context = _mapping(event.get("requestContext"))
    http, stage = _mapping(context.get("http")), context.get("stage")
    path = str(event.get("rawPath") or http.get("path") or event.get("path") or "/")
    if "rawPath" in event and stage != "$default" and path.startswith(f"/{stage}/"):
        return path[len(f"/{stage}") :]
    return path


def _query(event: dict[str, Any]) -> str:
    if isinstance(raw := event.get("rawQueryString"), str) and raw:
        return raw
    many = _mapping(event.get("multiValueQueryStringParameters"))
    found = many or _mapping(event.get("queryStringParameters"))
    is_escaped = "elb" in _mapping(event.get("requestContext"))  # a load balancer hands it on as is
    return urlencode(found, doseq=True, safe="%+" if is_escaped else "")


def _headers(event: dict[str, Any]) -> dict[str, str]:
    """By name in lower case; of several values the last, as a dictionary would keep."""
    many = _mapping(event.get("multiValueHeaders")) | _mapping(event.get("headers"))
    return {str(name).lower(): str(_last(value)) for name, value in many.items()}


def _last(value: Any) -> Any:
    return (value or [""])[-1] if isinstance(value, list) else value


def _body(event: dict[str, Any]) -> bytes:
    body = event.get("body")
    if not isinstance(body, str):
        return b""
    if event.get("isBase64Encoded"):
        return picture_of(body, "body")
    return body.encode("utf-8", "surrogatepass")


def _mapping(value: Any) -> dict[Any, Any]:
    return value if isinstance(value, dict) else {}
