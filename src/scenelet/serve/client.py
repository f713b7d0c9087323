"""Ask a deployed endpoint: retries with jitter, time-outs, signed when it asks for it.

Standard library; botocore to sign.
"""

import io
import json
import os
import random
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from typing import Any
from urllib.parse import urlsplit

from scenelet import __version__
from scenelet.errors import CloudError, ConfigError, FetchError, ImageError
from scenelet.image_formats import format_of
from scenelet.serve.token import HEADER

TOLERANCE = 1e-3  # between the probabilities of one bundle, wherever it answers
TRIES = 5
TIMEOUT_S = 30.0
FIRST_WAIT_S, LONGEST_WAIT_S = 0.3, 8.0
LARGE_BYTES, ENOUGH_PX = 1_000_000, 1024
DIRECT_BYTES = 4_400_000  # larger requests never arrive at Lambda
_AWS_HOSTS = (".amazonaws.com", ".amazonaws.com.cn", ".on.aws", ".api.aws")
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_AGAIN = (429, 500, 502, 503, 504)


@dataclass(frozen=True)
class Reply:
    """What came back: status, the JSON body, and headers by their names in lower case."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_ours(self) -> bool:
        """Whether a refusal is the service's own, and not of what stands before it."""
        return self.headers.get("content-type", "").startswith("application/problem+json")

    @property
    def may_pass(self) -> bool:
        """Whether the same request may be answered in a while."""
        return self.status in _AGAIN and (not self.is_ours or self.status in (429, 503))


class Endpoint:
    """A deployed service, by its address."""

    def __init__(
        self,
        url: str,
        timeout_s: float = TIMEOUT_S,
        tries: int = TRIES,
        token: str | None = None,
        signs: bool | None = None,
    ) -> None:
        """Take an address, with or without /predict.

        Args:
            url: Of the service.
            timeout_s: Of one try.
            tries: At most.
            token: That the service asks for; None: what SCENELET_TOKEN holds.
            signs: Whether it may be signed for; None: where the host is one of AWS's, so that no
                other sees who we are.

        Raises:
            ConfigError: Not an address.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError(f"--endpoint: found {url!r}, expected https://...")
        self.url = url.rstrip("/").removesuffix("/predict")
        self._host, self._timeout_s, self._tries = parts.hostname, timeout_s, tries
        is_private = parts.scheme == "https" or parts.hostname in _LOOPBACK
        named = os.environ.get("SCENELET_TOKEN", "") if token is None else token
        self._token = named if is_private else ""
        is_aws = parts.hostname.endswith(_AWS_HOSTS) or parts.hostname in _LOOPBACK
        self._may_sign = is_private and (is_aws if signs is None else signs)
        self._signs = self._was_reached = False

    def predict(self, picture: bytes | str, original: bool = False) -> dict[str, Any]:
        """The answer for a picture's bytes, or for a URL that the service is to fetch.

        Args:
            picture: A whole image file, or a URL.
            original: Whether a large picture is sent as it is; else no larger than a model needs,
                as Lambda takes 4.4 MB and an HTTP API bills every half megabyte.

        Raises:
            FetchError: The endpoint can't be reached, or refused; with its own words.
        """
        if isinstance(picture, bytes):
            picture = picture if original else shrunk(picture)
            if len(picture) > DIRECT_BYTES and (name := self._uploaded(picture)):
                return dict(self._about({"upload": name}).body)
        return dict(self.ask_about(picture).body)

    def ask_about(self, picture: bytes | str) -> Reply:
        """`predict` with its headers; raises the same."""
        if isinstance(picture, str):
            return self._about({"url": picture})
        kind = format_of(picture)
        mime = kind.mime if kind else "application/octet-stream"
        return self._answered(self.ask("/predict", picture, mime))

    def _about(self, named: dict[str, str]) -> Reply:
        return self._answered(self.ask("/predict", json.dumps(named).encode(), "application/json"))

    def _answered(self, reply: Reply) -> Reply:
        if reply.status != 200 or not isinstance(reply.body, dict):
            raise FetchError(f"{self.url}: {reply.status}: {_detail(reply.body)}")
        return reply

    def _uploaded(self, picture: bytes) -> str:
        """Put it where the service says; its name, or nothing where the service takes none."""
        asked = json.dumps({"bytes": len(picture)}).encode()
        reply = self.ask("/upload", asked, "application/json")
        if reply.status != 200 or not isinstance(reply.body, dict):
            return ""
        url, name = str(reply.body.get("put")), str(reply.body.get("upload"))
        parts = urlsplit(url)
        if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
            raise FetchError(f"{self.url}: names {url[:80]} to put a picture at, expected https://")
        request = urllib.request.Request(url, picture, method="PUT")  # noqa: S310  (checked)
        request.add_header("content-type", "application/octet-stream")
        try:
            with urllib.request.urlopen(request, timeout=self._timeout_s):  # noqa: S310
                return name
        except (urllib.error.URLError, OSError) as error:
            raise FetchError(
                f"{parts.hostname}: the picture can't be put there: {error}"
            ) from error

    def ask(self, path: str, body: bytes | None = None, content_type: str | None = None) -> Reply:
        """Send a request; try again, after a while that grows and varies, what may pass.

        Raises:
            FetchError: It can't be reached, after all tries.
            CloudError: It wants a signature, and there are no credentials.
        """
        headers = self._headers(content_type)
        for turn in range(1, self._tries + 1):
            wait_s = random.uniform(0, min(LONGEST_WAIT_S, FIRST_WAIT_S * 2**turn))  # noqa: S311  (full jitter, no secret)
            try:
                reply = self._send(path, body, headers)
            except (urllib.error.URLError, OSError) as error:
                if turn >= self._tries:
                    if not self._was_reached:
                        self._tries = 1  # further requests don't wait for who never answered
                    reason = getattr(error, "reason", None) or error
                    tried = f", after {turn} tries" if turn > 1 else ""
                    raise FetchError(f"{self.url}: can't be reached: {reason}{tried}") from error
            else:
                self._was_reached = True
                if self._is_asked_to_sign(reply):
                    self._signs = True
                    continue
                if not reply.may_pass or turn == self._tries:
                    return reply
                wait_s = max(wait_s, float(reply.headers.get("retry-after") or 0))
            time.sleep(wait_s)
        return Reply(403, {"detail": "it wants a signature, and refuses ours"})

    def _headers(self, content_type: str | None) -> dict[str, str]:
        headers = {"user-agent": f"scenelet/{__version__}"}
        if content_type:
            headers["content-type"] = content_type
        if self._token:
            headers[HEADER] = self._token
        return headers

    def _is_asked_to_sign(self, reply: Reply) -> bool:
        """Whether it is API Gateway's or a Function URL's way to say that they want IAM."""
        wants = reply.status == 403 and not reply.is_ours
        return wants and self._may_sign and not self._signs

    def _send(self, path: str, body: bytes | None, headers: Mapping[str, str]) -> Reply:
        request = urllib.request.Request(self.url + path, body, dict(headers))  # noqa: S310  (http or https, checked)
        if self._signs:
            _sign(request, self._host)
        try:
            with urllib.request.urlopen(request, timeout=self._timeout_s) as response:  # noqa: S310
                return _reply(response.status, response.headers, response.read())
        except urllib.error.HTTPError as error:
            with error:
                return _reply(error.code, error.headers, error.read())


def _reply(status: int, headers: Message, content: bytes) -> Reply:
    return Reply(status, _parsed(content), {k.lower(): v for k, v in headers.items()})


def shrunk(picture: bytes) -> bytes:
    """A JPEG that is large enough for any model, in place of a file over a megabyte.

    What can't be decoded here is left as it is: the service says why.
    """
    if len(picture) <= LARGE_BYTES:
        return picture
    from scenelet.images import thumbnail

    buffer = io.BytesIO()
    try:
        thumbnail(picture, ENOUGH_PX).save(buffer, "JPEG", quality=92)
    except ImageError:
        return picture
    return buffer.getvalue()


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
        from botocore.exceptions import BotoCoreError
    except ImportError as error:
        raise CloudError("the endpoint wants a signature: pip install 'scenelet[aws]'") from error
    session = botocore.session.get_session()
    try:
        credentials = session.get_credentials()
        frozen = credentials and credentials.get_frozen_credentials()
    except BotoCoreError as error:  # expired, or of `aws login` without what that needs
        reason = " ".join(str(error).split()).rstrip(".")
        raise CloudError(
            f"the endpoint wants a signature: {reason}. pip install 'scenelet[aws]', or log in"
            " again"
        ) from error
    if frozen is None:
        raise CloudError(
            "the endpoint wants a signature, and there are no credentials. Run `aws login`, `aws"
            " sso login` or `aws configure`."
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
    SigV4Auth(frozen, service, region or "us-east-1").add_auth(signed)
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
