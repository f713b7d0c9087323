"""Ask a deployed endpoint: retries with jitter, time-outs, signed when it asks for it.

Standard library; botocore to sign.
"""

import json
import os
import random
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from scenelet import __version__
from scenelet.errors import CloudError, ConfigError, FetchError
from scenelet.image_formats import format_of
from scenelet.serve.token import HEADER

TOLERANCE = 1e-3  # between the probabilities of one bundle, wherever it answers
TRIES = 5
TIMEOUT_S = 30.0
FIRST_WAIT_S, LONGEST_WAIT_S = 0.3, 8.0
_AGAIN = (429, 500, 502, 503, 504)


@dataclass(frozen=True)
class Reply:
    """What came back: status, the JSON body, and headers by their names in lower case."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)


class Endpoint:
    """A deployed service, by its address."""

    def __init__(self, url: str, timeout_s: float = TIMEOUT_S, tries: int = TRIES) -> None:
        """Take an address, with or without /predict.

        Raises:
            ConfigError: Not an address.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError(f"--endpoint: found {url!r}, expected https://...")
        self.url = url.rstrip("/").removesuffix("/predict")
        self._host, self._timeout_s, self._tries = parts.hostname, timeout_s, tries
        self._signs = False

    def predict(self, picture: bytes | str) -> dict[str, Any]:
        """The answer for a picture's bytes, or for a URL that the service is to fetch.

        Raises:
            FetchError: The endpoint can't be reached, or refused; with its own words.
        """
        return dict(self.ask_about(picture).body)

    def ask_about(self, picture: bytes | str) -> Reply:
        """`predict` with its headers; raises the same."""
        if isinstance(picture, str):
            reply = self.ask("/predict", json.dumps({"url": picture}).encode(), "application/json")
        else:
            kind = format_of(picture)
            mime = kind.mime if kind else "application/octet-stream"
            reply = self.ask("/predict", picture, mime)
        if reply.status != 200 or not isinstance(reply.body, dict):
            raise FetchError(f"{self.url}: {reply.status}: {_detail(reply.body)}")
        return reply

    def ask(self, path: str, body: bytes | None = None, content_type: str | None = None) -> Reply:
        """Send a request; try again, after a while that grows and varies, what may pass.

        Raises:
            FetchError: It can't be reached, after all tries.
            CloudError: It wants a signature, and there are no credentials.
        """
        headers = {
            "user-agent": f"scenelet/{__version__}",
            **({"content-type": content_type} if content_type else {}),
            **({HEADER: token} if (token := os.environ.get("SCENELET_TOKEN", "")) else {}),
        }
        for turn in range(1, self._tries + 1):
            wait_s = random.uniform(0, min(LONGEST_WAIT_S, FIRST_WAIT_S * 2**turn))  # noqa: S311  (full jitter, no secret)
            try:
                status, answered, content = self._send(path, body, headers)
            except (urllib.error.URLError, OSError) as error:
                if turn == self._tries:
                    reason = getattr(error, "reason", None) or error
                    raise FetchError(
                        f"{self.url}: can't be reached: {reason}, after {turn} tries"
                    ) from error
            else:
                ours = answered.get("content-type", "").startswith("application/problem+json")
                if status == 403 and not ours and not self._signs:
                    self._signs = (
                        True  # API Gateway's and Function URLs' way to say that they want IAM
                    )
                    continue
                passing = status in _AGAIN and (not ours or status in (429, 503))
                if not passing or turn == self._tries:
                    return Reply(status, _parsed(content), answered)
                wait_s = max(wait_s, float(answered.get("retry-after") or 0))
            time.sleep(wait_s)
        return Reply(403, {"detail": "it wants a signature, and refuses ours"})

    def _send(
        self, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, Mapping[str, str], bytes]:
        request = urllib.request.Request(self.url + path, body, dict(headers))  # noqa: S310  (http or https, checked)
        if self._signs:
            _sign(request, self._host)
        try:
            with urllib.request.urlopen(request, timeout=self._timeout_s) as response:  # noqa: S310
                return (
                    response.status,
                    {k.lower(): v for k, v in response.headers.items()},
                    response.read(),
                )
        except urllib.error.HTTPError as error:
            with error:
                return error.code, {k.lower(): v for k, v in error.headers.items()}, error.read()


def largest_difference(expected: dict[str, float], found: dict[str, float]) -> float:
    """Between two answers' probabilities; 1 where the classes differ."""
    if expected.keys() != found.keys():
        return 1.0
    return max(abs(expected[name] - found[name]) for name in expected)


def _sign(request: urllib.request.Request, host: str) -> None:
    """AWS Signature Version 4, for API Gateway or a Function URL."""
    try:
        import botocore.session
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
    except ImportError as error:
        raise CloudError("the endpoint wants a signature: pip install 'scenelet[aws]'") from error
    session = botocore.session.get_session()
    credentials = session.get_credentials()
    if credentials is None:
        raise CloudError(
            "the endpoint wants a signature, and there are no credentials. Run `aws configure` or"
            " `aws sso login`."
        )
    labels = host.split(".")
    service = "lambda" if "lambda-url" in labels else "execute-api"
    in_name = len(labels) > 3 and (
        labels[-2:] == ["amazonaws", "com"] or labels[-2:] == ["on", "aws"]
    )
    region = labels[2] if in_name else session.get_config_variable("region")
    signed = AWSRequest(
        request.get_method(), request.full_url, dict(request.header_items()), request.data
    )
    SigV4Auth(credentials, service, region or "us-east-1").add_auth(signed)
    for name, value in signed.headers.items():
        request.add_header(name, value)


def _parsed(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return {"detail": content[:200].decode("utf-8", "replace")}


def _detail(body: Any) -> str:
    return (
        str(body.get("detail") or body.get("message") or body)
        if isinstance(body, dict)
        else str(body)
    )
