"""What an account can do, looked up before anything is made.

Who, where, how many instances, which names, what is permitted: in seconds, in place of a stack
that is rolled back after minutes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from scenelet.deploy.aws.cloud import Cloud, message_of, told_of, translated
from scenelet.deploy.aws.policy import PASSED_TO_LAMBDA, Part, parts
from scenelet.deploy.aws.settings import Identity
from scenelet.errors import CloudError
from scenelet.text import listed

USUAL_CONCURRENCY = 5
KEPT_FREE = 100  # Lambda keeps so many for functions that reserve nothing; small accounts: all
_LOGINS = {
    "env": "keys in the environment",
    "shared-credentials-file": "keys of `aws configure`",
    "sso": "aws sso login",
    "login": "aws login",
    "assume-role": "a role of a profile",
    "assume-role-with-web-identity": "a role by OIDC",
    "container-role": "the container's role",
    "iam-role": "the machine's role",
}


@dataclass(frozen=True)
class Concurrency:
    """Instances that an account may have at once in a region.

    Attributes:
        limit: In all.
        unreserved: Of these, what no function has reserved.
    """

    limit: int
    unreserved: int

    def room(self, own: int = 0) -> int:
        """How many a function can reserve.

        Args:
            own: That it has reserved already.
        """
        return max(0, self.unreserved + own - min(KEPT_FREE, self.limit))


@dataclass(frozen=True)
class Finding:
    """One thing about an account.

    Attributes:
        name: Of it.
        ok: None where it could not be looked up.
        detail: What was found, and what to do where it is not ok.
    """

    name: str
    ok: bool | None
    detail: str


class Account:
    """What is behind the credentials."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud, self._lambda = cloud, cloud.client("lambda")

    def concurrency(self) -> Concurrency:
        """As Lambda tells it.

        Raises:
            CloudError: AWS refused.
        """
        with translated("account"):
            limit = self._lambda.get_account_settings()["AccountLimit"]
        return Concurrency(limit["ConcurrentExecutions"], limit["UnreservedConcurrentExecutions"])

    def is_paused(self, function: str) -> bool:
        """Whether a function may not run at all."""
        return self._reservation(function) == 0

    def reserved(self, function: str) -> int:
        """What a function has reserved; 0 where there is none."""
        return self._reservation(function) or 0

    def _reservation(self, function: str) -> int | None:
        with translated(f"function {function}"):
            found = told_of(self._lambda.get_function_concurrency, FunctionName=function)
        number = (found or {}).get("ReservedConcurrentExecutions")
        return None if number is None else int(number)

    def concurrency_for(self, function: str, wanted: int | None) -> tuple[int, str]:
        """How many instances to reserve.

        Args:
            function: That reserves them.
            wanted: As asked for; None: as many as usual, where that is possible.

        Returns:
            A number, 0 for none, and what to say about it.

        Raises:
            CloudError: More were asked for than the account can reserve.
        """
        if wanted == 0:
            return 0, "no instances are reserved: the account's limit is the only one"
        found = self.concurrency()
        room = found.room(self.reserved(function))
        if (wanted or USUAL_CONCURRENCY) <= room:
            return wanted or USUAL_CONCURRENCY, ""
        if wanted:
            raise CloudError(
                f"--concurrency: found {wanted}, this account can reserve {room} of its"
                f" {found.limit}. Deploy with --concurrency {room}, or ask AWS for more"
                " (Service Quotas: Concurrent executions)."
            )
        return 0, (
            f"this account may have {found.limit} instances in all and reserve {room} of them, so"
            f" none is reserved: its {found.limit} are the limit"
        )


def doctor(cloud: Cloud, identity: Identity) -> list[Finding]:
    """Everything that a deployment depends on, a line each; nothing is changed.

    Args:
        cloud: Account and region.
        identity: Of the stack that shall be deployed.
    """
    looks: dict[str, Callable[[Cloud, Identity], Finding]] = {
        "who": _who,
        "concurrency": _concurrency,
        "names": _names,
        "bucket": _bucket,
        "permissions": _permissions,
    }
    found = [Finding("region", True, cloud.region)]
    for name, look in looks.items():
        try:
            found.append(look(cloud, identity))
        except CloudError as error:
            found.append(Finding(name, False if name == "who" else None, str(error)))
            if name == "who":
                break
    return found


def _who(cloud: Cloud, _: Identity) -> Finding:
    arn = cloud.caller()
    method = cloud.login()
    login = _LOGINS.get(method, method)
    return Finding("who", True, f"account {cloud.account()}, {arn.rpartition(':')[2]}, by {login}")


def _concurrency(cloud: Cloud, identity: Identity) -> Finding:
    account = Account(cloud)
    number, remark = account.concurrency_for(identity.stack, None)
    found = account.concurrency()
    told = remark or f"{found.limit} instances in all, {number} of them would be reserved"
    return Finding("concurrency", True, told)


def _names(cloud: Cloud, identity: Identity) -> Finding:
    """Whether the names that a new stack needs are free."""
    name = identity.stack
    state = _stack_of(cloud, name)
    if state == "ours":
        return Finding("names", True, f"stack {name} stands, and is ours")
    if state:
        told = f"stack {name} is somebody else's. Name another: --stack NAME"
        return Finding("names", False, told)
    taken = [what for what, is_taken in _taken(cloud, name).items() if is_taken]
    if taken:
        told = f"{' and '.join(taken)} exist already. Name another: --stack NAME"
        return Finding("names", False, told)
    return Finding("names", True, f"stack, function and log group {name} are free")


def _stack_of(cloud: Cloud, name: str) -> str:
    from scenelet.deploy.aws.stack import Stack

    state = Stack(cloud, name).state()
    return "" if state is None else "ours" if state.ours else "foreign"


def _taken(cloud: Cloud, name: str) -> dict[str, bool]:
    group = f"/aws/lambda/{name}"
    with translated("names"):
        groups = cloud.client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]
        ask = cloud.client("lambda").get_function_configuration
        return {
            f"function {name}": told_of(ask, FunctionName=name) is not None,
            f"log group {group}": any(each["logGroupName"] == group for each in groups),
        }


def _bucket(cloud: Cloud, identity: Identity) -> Finding:
    from scenelet.deploy.aws.store import Store

    store = Store(cloud, identity.stack, identity.bucket)
    where = store.region()
    if where is None:
        return Finding("bucket", True, f"{store.bucket} would be made")
    if where != cloud.region:
        told = f"{store.bucket} is in {where}, and Lambda takes packages of its own region alone"
        return Finding("bucket", False, f"{told}. Name another: --bucket NAME")
    return Finding("bucket", True, f"{store.bucket} is there")


def _permissions(cloud: Cloud, identity: Identity) -> Finding:
    """By IAM's own simulation: it does not see what an organisation forbids."""
    arn = _principal(cloud.caller())
    if arn.endswith(":root"):
        return Finding("permissions", True, "the root user may do all; better use a role")
    denied: dict[str, str] = {}
    every = parts(identity, cloud.account(), cloud.region, arn.split(":")[1])
    with translated("permissions"):
        try:
            for part, resources in every:
                denied |= dict.fromkeys(_denied(cloud, arn, part, resources), part.wanted_by)
        except ClientError as error:
            return Finding("permissions", None, f"not known: {message_of(error)}")
    needed = [action for action, wanted_by in denied.items() if not wanted_by]
    if needed:
        told = f"not permitted: {listed(needed, 4)}. What is needed: scenelet deploy --policy"
        return Finding("permissions", False, told)
    if denied:
        told = f"not permitted: {listed(list(denied), 4)}, which a deployment does without"
        return Finding("permissions", None, f"{told} (wanted by {', '.join(set(denied.values()))})")
    return Finding("permissions", True, "all that a deployment needs")


def _denied(cloud: Cloud, arn: str, part: Part, resources: list[str]) -> list[str]:
    """Of the actions of a part, which IAM refuses on every one of its resources.

    On the resources themselves: a policy that names some is refused on "*". IAM simulates full
    names alone.
    """
    wanted = [f"{part.service}:{each}" for each in part.actions.split() if "*" not in each]
    given = [
        {"ContextKeyName": name, "ContextKeyValues": [value], "ContextKeyType": "string"}
        for name, value in PASSED_TO_LAMBDA.items()
    ]
    allowed: set[str] = set()
    for resource in resources:
        found = cloud.client("iam").simulate_principal_policy(
            PolicySourceArn=arn,
            ActionNames=wanted,
            ResourceArns=[resource if resource == "*" else resource.replace("*", "x")],
            ContextEntries=given,
        )
        allowed |= _allowed(found["EvaluationResults"])
    return [action for action in wanted if action not in allowed]


def _allowed(results: list[dict[str, Any]]) -> set[str]:
    """The actions that IAM allows."""
    return {each["EvalActionName"] for each in results if each["EvalDecision"] == "allowed"}


def _principal(arn: str) -> str:
    """A session's role is what has policies: arn:aws:sts::1:assumed-role/ROLE/SESSION."""
    head, found, rest = arn.partition(":assumed-role/")
    if not found:
        return arn
    return f"{head.replace(':sts:', ':iam:')}:role/{rest.partition('/')[0]}"
