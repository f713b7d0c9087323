"""Which stack, and how it is deployed. What the service itself may do is `serve.settings.Settings`."""

import re
from dataclasses import dataclass, field

from scenelet.errors import ConfigError
from scenelet.serve.settings import Settings

# Lambda takes 6 MB of JSON and base64 adds a third: larger bodies never arrive
ON_LAMBDA = Settings(max_body_bytes=4_400_000, max_images=4)
_NAME = re.compile(r"[A-Za-z][-A-Za-z0-9]{0,63}")


@dataclass(frozen=True)
class Identity:
    """Which stack is meant.

    Attributes:
        stack: Name of the stack, and of the function.
        region: Of AWS; None: as AWS's own tools take it.
        bucket: For packages; None for one of ours.
    """

    stack: str = "scenelet"
    region: str | None = None
    bucket: str | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.stack):
            raise ConfigError(
                f"--stack: found {self.stack!r}, expected a letter, then letters, digits and"
                " hyphens, 64 at most"
            )


@dataclass(frozen=True)
class DeploySettings:
    """How a stack is deployed.

    Attributes:
        memory_mib: Of the function; None: as it stands, or what is enough.
        timeout_s: Of an answer.
        concurrency: Instances at most (reserved); 0 reserves none; None: five, where the account
            can reserve them.
        rate: Requests a second that the HTTP API lets through.
        burst: Requests at once that it lets through.
        log_days: Logs are kept for.
        iam: Whether requests must be signed.
        function_url: A Function URL in place of an HTTP API.
        warm_up: Whether to ask every five minutes.
        service: What the service may do.
    """

    memory_mib: int | None = None
    timeout_s: int = 20
    concurrency: int | None = None
    rate: int = 10
    burst: int = 10
    log_days: int = 30
    iam: bool = False
    function_url: bool = False
    warm_up: bool = False
    service: Settings = field(default=ON_LAMBDA)
