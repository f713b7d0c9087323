"""AWS through boto3, with every refusal turned into one line and a next step.

Credentials by AWS's own chain, never by us.
"""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    InvalidRegionError,
    MissingDependencyException,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    ReadTimeoutError,
    WaiterError,
)
from botocore.parsers import ResponseParserError

from scenelet import __version__
from scenelet.errors import CloudError

TAG = {"Key": "made-by", "Value": "scenelet"}  # of what is ours: stacks and buckets
AGAIN = "Nothing is lost: run the same command again."
_CONFIG = Config(
    user_agent_extra=f"scenelet/{__version__}",
    retries={"mode": "standard", "max_attempts": 6},
    connect_timeout=10,
    read_timeout=60,
)
# of what may be missing: it is told without, rather than waited for
_IMPATIENT = Config(
    retries={"mode": "standard", "total_max_attempts": 1}, connect_timeout=3, read_timeout=5
)
_DENIED = (
    "not permitted: {message}. Ask for that permission, or use other credentials (AWS_PROFILE)."
)
_EXPIRED = "the credentials have expired. Log in again (aws login, or aws sso login)."
_CODES = {
    "AccessDenied": _DENIED,
    "AccessDeniedException": _DENIED,
    "UnauthorizedOperation": _DENIED,
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    "InvalidClientTokenId": (
        "the credentials are not known to AWS. Check AWS_PROFILE, or run: aws configure"
    ),
    "SignatureDoesNotMatch": "the secret key is wrong. Run: aws configure",
    "UnrecognizedClientException": (
        "the credentials are not known to AWS in this region. Check AWS_PROFILE and --region."
    ),
    "OperationAborted": (
        "a bucket of this name was deleted a moment ago, and AWS does not give the name back for up"
        " to an hour. Wait, or name another: --bucket NAME"
    ),
    "BucketAlreadyExists": "the bucket belongs to somebody else. Name another with --bucket.",
    "403": (
        "the bucket belongs to somebody else, or may not be read: {message}. Name another with"
        " --bucket."
    ),
    "LimitExceededException": (
        "a quota of the account is used up: {message}. Ask AWS for more, or destroy what is not"
        " needed."
    ),
    "TooManyRequestsException": f"AWS is throttling: {{message}}. {AGAIN}",
    "Throttling": f"AWS is throttling: {{message}}. {AGAIN}",
    "ThrottlingException": f"AWS is throttling: {{message}}. {AGAIN}",
    "SlowDown": f"AWS is throttling: {{message}}. {AGAIN}",
    "PreconditionFailedException": (
        "somebody else changed it in the meantime. Look with `scenelet status`, then run it again."
    ),
    "ResourceConflictException": f"another change is going on: {{message}}. {AGAIN}",
    "InsufficientCapabilitiesException": (
        "CloudFormation wants CAPABILITY_IAM; this is a fault of scenelet."
    ),
}

_NOT_THERE = ("ResourceNotFoundException", "NoSuchLifecycleConfiguration", "NoSuchKey", "404")
_Kinds = type[Exception] | tuple[type[Exception], ...]
_KINDS: tuple[tuple[_Kinds, str], ...] = (
    (
        (NoCredentialsError, PartialCredentialsError),
        "no credentials. Run `aws login`, `aws sso login` or `aws configure`, or set AWS_PROFILE.",
    ),
    (ProfileNotFound, "{error}. Look at `aws configure list-profiles`."),
    ((NoRegionError, InvalidRegionError), "{error}. Name a region: --region eu-central-1"),
    (
        MissingDependencyException,
        "the credentials of `aws login` need one more library: pip install 'scenelet[aws]', or log"
        " in another way (aws sso login).",
    ),
    (
        (EndpointConnectionError, ConnectTimeoutError, ReadTimeoutError, HTTPClientError),
        "AWS could not be reached: {error}. Check network and --region. {again}",
    ),
    (WaiterError, "{error}. Look with `scenelet status`. {again}"),
)


class Cloud:
    """One account in one region."""

    def __init__(self, region: str | None = None) -> None:
        """Open a session; nothing is asked of AWS yet.

        Raises:
            CloudError: No region, or a profile that is not there.
        """
        with translated("AWS"):
            session = boto3.Session(region_name=region)
        if session.region_name is None:
            raise CloudError(
                "no region. Name one: --region eu-central-1, or set AWS_DEFAULT_REGION."
            )
        if not os.environ.get("AWS_ENDPOINT_URL") and session.region_name not in _regions(session):
            raise CloudError(
                f"--region: found {session.region_name!r}, no region that boto3"
                f" {boto3.__version__} knows. For example: eu-central-1; for a newer one: pip"
                " install -U boto3"
            )
        self.region = session.region_name
        self._session = session
        self._clients: dict[str, Any] = {}
        self._caller = ""

    def client(self, service: str, region: str | None = None, patient: bool = True) -> Any:
        """A boto3 client, made once.

        Args:
            service: As boto3 names it.
            region: Where a service is in one alone.
            patient: Whether it tries again and again.
        """
        if service not in self._clients:
            with translated("AWS"):
                self._clients[service] = self._session.client(
                    service,
                    region_name=region or self.region,
                    config=_CONFIG if patient else _CONFIG.merge(_IMPATIENT),
                )
        return self._clients[service]

    def account(self) -> str:
        """Number of the account that the credentials are of.

        Raises:
            CloudError: No credentials, or wrong ones.
        """
        return self.caller().split(":")[4]

    def caller(self) -> str:
        """ARN of who the credentials are of; asked once.

        Raises:
            CloudError: No credentials, or wrong ones.
        """
        if not self._caller:
            with translated("AWS"):
                self._caller = str(self.client("sts").get_caller_identity()["Arn"])
        return self._caller

    def login(self) -> str:
        """Where boto3 found the credentials: "env", "sso", "login", "assume-role" ..."""
        with translated("AWS"):
            found = self._session.get_credentials()
        return str(found.method) if found else "nothing"


def _regions(session: Any) -> set[str]:
    return {
        name
        for partition in session.get_available_partitions()
        for name in session.get_available_regions("lambda", partition)
    }


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn boto3's exceptions into one line about `what`.

    Raises:
        CloudError: In place of any of them.
    """
    try:
        yield
    except ClientError as error:
        raise CloudError(f"{what}: {_told(error)}") from error
    except (BotoCoreError, ResponseParserError) as error:
        raise CloudError(f"{what}: {_told_of_ours(error)}") from error


def _told_of_ours(error: Exception) -> str:
    """What to do about an error on this side of the wire."""
    fits = (text for kinds, text in _KINDS if isinstance(error, kinds))
    return next(fits, "{error}. {again}").format(error=one_line(error), again=AGAIN)


def told_of(ask: Callable[..., dict[str, Any]], **which: Any) -> dict[str, Any] | None:
    """What AWS tells of one thing; None where there is none."""
    try:
        return ask(**which)
    except ClientError as error:
        if code_of(error) in _NOT_THERE:
            return None
        raise


def code_of(error: ClientError) -> str:
    """Of AWS: "ValidationError", "404" ..."""
    return str(error.response.get("Error", {}).get("Code", ""))


def message_of(error: ClientError) -> str:
    """Of AWS, on one line."""
    return " ".join(str(error.response.get("Error", {}).get("Message", error)).split()).rstrip(".")


def known_reason(message: str) -> str:
    """What to do about a refusal, as ClientError or as a stack's event; empty if unknown."""
    if "UnreservedConcurrentExecution" in message:
        return (
            "the account is too small to reserve concurrency. Deploy with --concurrency 0, or ask"
            " AWS for more."
        )
    return ""


def one_line(error: BaseException) -> str:
    """An exception's text."""
    return " ".join(str(error).split()).rstrip(".")


def _told(error: ClientError) -> str:
    code, message = code_of(error), message_of(error)
    if reason := known_reason(message):
        return reason
    if code in _CODES:
        return _CODES[code].format(message=message)
    if re.fullmatch(
        r"5\d\d|Internal.*|ServiceUnavailable.*|ServiceException|InternalFailure", code
    ):
        return f"AWS failed ({code}: {message}). {AGAIN}"
    return f"AWS refused ({code}): {message}"
