"""Which stack, and how it is deployed; what the service may do is `serve.settings.Settings`."""

import re
from dataclasses import dataclass, field

from scenelet.errors import ConfigError
from scenelet.serve.objects import bucket_and_prefix
from scenelet.serve.settings import Settings, setting

# Lambda takes 6 MB of JSON and base64 adds a third: larger bodies never arrive
ON_LAMBDA = Settings(max_body_bytes=4_400_000, max_images=4, max_seconds=15)
_BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^*?]*)?")
_FOLDER = re.compile(_BUCKET.pattern.removesuffix("(/[^*?]*)?") + "/[^*?]*[^*?/]/")
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
    """How a stack is deployed. Each field says what it means."""

    memory_mib: int | None = setting(
        None, "Memory in MiB; default: as it stands, else what is enough.", "memory"
    )
    force: bool = setting(False, "Deploy with less memory than is enough.")
    timeout_s: int = setting(20, "Seconds that an answer may take, 3 to 29.", "timeout")
    concurrency: int | None = setting(
        None, "Instances at most, reserved; 0: none are; default: 5, where the account can."
    )
    rate: int = setting(10, "Requests a second that the HTTP API lets through.")
    burst: int = setting(10, "Requests at once that the HTTP API lets through.")
    log_days: int = setting(30, "Days that logs are kept.")
    iam: bool = setting(False, "Requests must be signed with AWS credentials.")
    jwt_issuer: str = setting("", "Requests must carry a JWT of this issuer (https://...).")
    jwt_audience: tuple[str, ...] = setting((), "Audience of these JWTs.")
    function_url: bool = setting(False, "A Function URL in place of an HTTP API.")
    warm_up: bool = setting(False, "Ask every five minutes, so that an instance stays warm.")
    alarm_email: str = setting("", "Whom alarms are mailed to, once the first mail is confirmed.")
    budget_usd: int = setting(
        0, "Mail at 50 % and 100 % of so many dollars a month (needs --alarm-email).", "budget"
    )
    watch: str = setting("", "s3://bucket/prefix whose new pictures are answered beside them.")
    canary: float = setting(0.0, "Share of the requests that a new version gets first: 0 to 1.")
    canary_s: float = setting(300.0, "Seconds that it is watched with that share.")
    keep: int = setting(5, "Versions that were live and are kept, to go back to.")
    service: Settings = field(default=ON_LAMBDA)

    def __post_init__(self) -> None:
        faults = [message for wrong, message in self._faults() if wrong]
        if faults:
            raise ConfigError("; ".join(faults))

    @property
    def is_open(self) -> bool:
        """Whether everybody who knows the address may ask."""
        return not (self.iam or self.jwt_issuer or self.service.token_sha256)

    @property
    def authorization(self) -> str:
        """As an HTTP API calls it."""
        return "AWS_IAM" if self.iam else "JWT" if self.jwt_issuer else "NONE"

    @property
    def watched(self) -> tuple[str, str]:
        """Bucket and prefix whose new pictures are answered; both empty for none."""
        return bucket_and_prefix(self.watch)

    @property
    def uploaded(self) -> tuple[str, str]:
        """Bucket and prefix that large pictures are put into; both empty for none."""
        return bucket_and_prefix(self.service.uploads)

    @property
    def collected(self) -> tuple[str, str]:
        """Bucket and prefix that pictures are kept in, to be learned from; both empty for none."""
        return bucket_and_prefix(self.service.collect)

    def _faults(self) -> list[tuple[bool, str]]:
        closed = [self.iam, bool(self.jwt_issuer), bool(self.service.token_sha256)]
        return [
            (not 3 <= self.timeout_s <= 29, f"--timeout: found {self.timeout_s}, expected 3 to 29"),
            (not 0 <= self.canary < 1, f"--canary: found {self.canary:g}, expected 0 to 1"),
            (sum(closed) > 1, "--iam, --jwt-issuer, --token: one of them"),
            (
                bool(self.jwt_issuer) != bool(self.jwt_audience),
                "--jwt-issuer and --jwt-audience: both or none",
            ),
            (bool(self.jwt_issuer) and self.function_url, "--jwt-issuer: not with --function-url"),
            (bool(self.budget_usd) and not self.alarm_email, "--budget: needs --alarm-email"),
            *(
                (
                    bool(place) and not _BUCKET.fullmatch(place),
                    f"{flag}: found {place!r}, expected s3://bucket or s3://bucket/prefix",
                )
                for flag, place in (("--watch", self.watch), ("--uploads", self.service.uploads))
            ),
            *self._faults_of_collecting(),
        ]

    def _faults_of_collecting(self) -> list[tuple[bool, str]]:
        place, service = self.service.collect, self.service
        return [
            (
                bool(place) and not _FOLDER.fullmatch(place),
                f"--collect: found {place!r}, expected s3://bucket/prefix/, a prefix of its own:"
                " what lies below it is deleted after --collect-days",
            ),
            (
                bool(place)
                and any(_overlap(place, each) for each in (self.watch, service.uploads)),
                "--collect: lies in --watch or --uploads; expected a prefix of its own",
            ),
            (
                not 1 <= service.collect_percent <= 100,
                f"--collect-percent: found {service.collect_percent}, expected 1 to 100",
            ),
            (
                not 1 <= service.collect_days <= 365,
                f"--collect-days: found {service.collect_days}, expected 1 to 365",
            ),
        ]


def _overlap(one: str, other: str) -> bool:
    """Whether objects of one place lie in another one."""
    (bucket, prefix), (its_bucket, its_prefix) = map(bucket_and_prefix, (one, other))
    is_within = prefix.startswith(its_prefix) or its_prefix.startswith(prefix)
    return bool(bucket) and bucket == its_bucket and is_within
