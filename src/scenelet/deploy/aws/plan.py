"""A deployment looked at beforehand, without an account: what would be made, what a month costs.

Asks nobody: what an account says to it, `Release.plan` tells.
"""

from dataclasses import dataclass

from botocore.exceptions import BotoCoreError
from botocore.session import Session

from scenelet.deploy.aws.account import USUAL_CONCURRENCY
from scenelet.deploy.aws.bill import ALARMS, Ceiling, ceiling, series_of
from scenelet.deploy.aws.price import LIST, SMALLEST_MIB, answers_usd, standing_usd_a_month
from scenelet.deploy.aws.settings import DeploySettings
from scenelet.deploy.target import Target

# in words, and the template's names of it
MADE = {
    "A function with the model in it, which runs when somebody asks and not otherwise.": (
        "Function",
        "Live",
    ),
    "An HTTPS address in front of it: a page for people, JSON for programs.": (
        "Api",
        "Integration",
        "EveryRoute",
        "Stage",
        "ApiMayInvoke",
    ),
    "A log of its own, and a role that may write this log and nothing else.": ("Logs", "Role"),
    "Alarms on errors, refusals, slow answers, strange and doubtful pictures, and a dashboard.": (
        "ErrorAlarm",
        "LatencyAlarm",
        "ThrottleAlarm",
        "ServerErrorAlarm",
        "StrangerAlarm",
        "AbstainAlarm",
        "Dashboard",
    ),
}
NO_LOGIN = "No AWS credentials"
BUCKET = "A private bucket for the packages, five at most."
_FAR = ("iam-role", "container-role")  # who asks these for credentials asks the network


@dataclass(frozen=True)
class Month:
    """What a month costs, in dollars, by list price.

    Attributes:
        answers_usd: Of the answers.
        standing_usd: Whether or not anybody asks.
        most: What it can come to where everything is used that is let through.
        prices: Whose, and of when.
    """

    answers_usd: float
    standing_usd: float
    most: Ceiling
    prices: str

    @property
    def usd(self) -> float:
        """In all."""
        return self.answers_usd + self.standing_usd


def month(answers: int, picture_bytes: int, warm_ms: float, classes: int) -> Month:
    """Of a service as `scenelet deploy` makes it unless told otherwise.

    Args:
        answers: In the month.
        picture_bytes: Of a picture.
        warm_ms: Of an answer, on a whole core.
        classes: Of the bundle.
    """
    settings, architecture = DeploySettings(), Target().architecture
    most = ceiling(settings, architecture, SMALLEST_MIB, USUAL_CONCURRENCY, LIST)
    return Month(
        answers_usd(answers, architecture, SMALLEST_MIB, warm_ms, picture_bytes),
        standing_usd_a_month(series_of(settings, classes), ALARMS),
        most,
        LIST.origin,
    )


def lacking() -> list[str]:
    """What this machine lacks to deploy, as far as its own files and variables tell."""
    session = Session()
    try:
        region = session.get_config_variable("region")
        providers = session.get_component("credential_provider")
        for each in _FAR:
            providers.remove(each)
        has_login = providers.load_credentials() is not None
    except BotoCoreError as error:  # of a profile that is not there, or a file that can't be read
        return [str(error)]
    told = {NO_LOGIN: has_login, "no region": bool(region)}
    return [what for what, is_there in told.items() if not is_there]
