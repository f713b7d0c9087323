"""Deploy, go back, look, remove: one stack and its versions.

A deployment changes the function's code, publishes it as a version, asks that version for the
golden pictures before any user meets it, moves the alias there (all at once, or a share first),
and asks again through the address. Wrong answers take it back, and the version is removed.
"""

from dataclasses import dataclass, replace

from scenelet.deploy.aws.account import Account
from scenelet.deploy.aws.canary import LOOK_S, Canary
from scenelet.deploy.aws.cloud import Cloud, translated
from scenelet.deploy.aws.policy import on_buckets, policy_json
from scenelet.deploy.aws.settings import DeploySettings, Identity
from scenelet.deploy.aws.stack import Stack
from scenelet.deploy.aws.store import Store
from scenelet.deploy.aws.template import template_with, variables_with
from scenelet.deploy.aws.versions import LATEST, Versions
from scenelet.deploy.described import Packed
from scenelet.deploy.smoke import PATIENCE_S, Address, prove
from scenelet.errors import CloudError, SmokeError
from scenelet.progress import SILENT, Progress
from scenelet.serve.client import Endpoint


@dataclass(frozen=True)
class Deployed:
    """How a deployment ended.

    Attributes:
        endpoint: Address.
        version: That answers now.
        changed: Whether anything was.
        difference: Largest difference of probability in the smoke test.
    """

    endpoint: str
    version: str
    changed: bool
    difference: float


class Release:
    """A stack's function and its versions."""

    def __init__(
        self,
        cloud: Cloud,
        identity: Identity,
        poll_s: float = 2.0,
        patience_s: float = PATIENCE_S,
        look_s: float = LOOK_S,
    ) -> None:
        self.cloud, self.identity = cloud, identity
        self.stack = Stack(cloud, identity.stack, poll_s)
        self.versions = Versions(cloud, identity.stack)
        self.store = Store(cloud, identity.stack, identity.bucket)
        self._account, self._lambda = Account(cloud), cloud.client("lambda")
        self._patience_s, self._look_s = patience_s, look_s

    def parameters(
        self, packed: Packed, settings: DeploySettings, memory_mib: int
    ) -> dict[str, str]:
        """Of the template, for a package."""
        described = packed.description
        return {
            "CodeBucket": self.store.bucket,
            "CodeKey": self.store.key(packed),
            "BundleName": described.bundle.name,
            "Runtime": described.runtime,
            "Architecture": described.architecture,
            "MemoryMib": str(memory_mib),
            "TimeoutS": str(settings.timeout_s),
            "LiveVersion": self.versions.live() or LATEST,
            "Concurrency": str(settings.concurrency or 0),
            "RateLimit": str(settings.rate),
            "BurstLimit": str(settings.burst),
            "LogDays": str(settings.log_days),
            "CorsOrigins": ",".join(settings.service.cors_origins),
            "Authorization": settings.authorization,
            "JwtIssuer": settings.jwt_issuer,
            "JwtAudience": ",".join(settings.jwt_audience),
            "AlarmEmail": settings.alarm_email,
            "BudgetUsd": str(settings.budget_usd),
            "WatchBucket": settings.watched[0],
            "WatchPrefix": settings.watched[1],
            "UploadBucket": settings.uploaded[0],
            "UploadPrefix": settings.uploaded[1],
            "CollectBucket": settings.collected[0],
            "CollectPrefix": settings.collected[1],
            "Door": "function-url" if settings.function_url else "http-api",
            "WarmUp": str(settings.warm_up).lower(),
        }

    def plan(self, packed: Packed, settings: DeploySettings, memory_mib: int) -> list[str]:
        """What a deployment would change; nothing is."""
        wanted = self.wanted(packed, self._settled(settings, SILENT), memory_mib)
        return [] if self.stack.is_as(*wanted, but="LiveVersion") else self.stack.plan(*wanted)

    def deploy(
        self,
        packed: Packed,
        settings: DeploySettings,
        memory_mib: int,
        progress: Progress = SILENT,
    ) -> Deployed:
        """Deploy a package.

        Args:
            packed: The package.
            settings: How.
            memory_mib: Of the function.
            progress: Told each step.

        Raises:
            CloudError: AWS refused.
            SmokeError: The new version answers wrongly; the one before it goes on.
        """
        self._require_awake()
        settings = self._settled(settings, progress)
        self.stack.settled(progress)
        self.store.put(packed, progress)
        if settings.service.collect:  # before the first picture comes
            self.store.expire(*settings.collected, settings.service.collect_days)
        before, history = self.versions.live(), self.versions.history()
        changed = self._apply(packed, settings, memory_mib, progress)
        self._mend(packed, settings, memory_mib, progress)
        if settings.watch:
            self.store.announce(settings.watched[0])
        bundle = packed.description.bundle
        version = self.versions.publish(packed.sha256, f"{bundle.name} of {bundle.created}")
        move = Move(packed, before, version, history)
        difference = self._moved(move, settings, progress)
        self.store.keep_only([packed.sha256, *self.versions.prune(settings.keep)])
        return Deployed(self.endpoint(), version, changed or version != before, difference)

    def rollback(self, to: str | None = None, progress: Progress = SILENT) -> str:
        """Send requests to an earlier version, once it has answered its golden pictures.

        Returns:
            Its number.

        Raises:
            CloudError: There is none.
            SmokeError: It does not answer as recorded; nothing was changed.
        """
        to = to or self.versions.earlier()
        self.versions.require(to)
        history = self.versions.history()
        kept = history[: history.index(to)] if to in history else history
        packed = self.store.get(self.versions.code_of(to))
        progress.say(f"version {to}: {packed.description.bundle.name}, asked for golden pictures")
        self._prove(packed, to)
        self.versions.move(to, [*kept, to])
        return to

    def pause(self) -> None:
        """Let nothing run: requests are refused, nothing is billed for compute."""
        with translated(f"function {self.identity.stack}"):
            self._lambda.put_function_concurrency(
                FunctionName=self.identity.stack, ReservedConcurrentExecutions=0
            )

    def resume(self) -> None:
        """Let it run as it was deployed.

        Raises:
            CloudError: There is no such stack.
        """
        self.endpoint()
        state = self.stack.state()
        reserved = int(state.parameters.get("Concurrency", "0")) if state else 0
        name = self.identity.stack
        with translated(f"function {name}"):
            if reserved:
                self._lambda.put_function_concurrency(
                    FunctionName=name, ReservedConcurrentExecutions=reserved
                )
            else:
                self._lambda.delete_function_concurrency(FunctionName=name)

    def is_paused(self) -> bool:
        """Whether nothing may run."""
        return self._account.is_paused(self.identity.stack)

    def standing_memory_mib(self) -> int | None:
        """Memory that the stack was made with; None where there is none."""
        state = self.stack.state()
        return int(state.parameters["MemoryMib"]) if state and state.ours else None

    def standing_token(self) -> str:
        """SHA-256 of the token that requests must carry now; empty where they need none."""
        return self.versions.variables().get("SCENELET_TOKEN_SHA256", "")

    def collected(self) -> str:
        """Where the service keeps pictures to be learned from; empty where it keeps none."""
        return self.versions.variables().get("SCENELET_COLLECT", "")

    def policy(self, settings: DeploySettings) -> str:
        """The IAM policy that deploying this stack needs."""
        partition = self.cloud.caller().split(":")[1]
        account, region = self.cloud.account(), self.cloud.region
        besides = on_buckets(settings.watched, settings.collected, partition)
        return policy_json(self.identity, account, region, partition, besides)

    def endpoint(self) -> str:
        """Address of the service.

        Raises:
            CloudError: There is no such stack.
        """
        state, name = self.stack.state(), self.identity.stack
        if state is None:
            raise CloudError(
                f"stack {name}: there is none. Make it: scenelet deploy --stack {name}"
            )
        if "Endpoint" not in state.outputs:
            raise CloudError(
                f"stack {name}: {state.status}, and it has no address. Run: scenelet deploy"
            )
        return state.outputs["Endpoint"].rstrip("/")

    def remnants(self) -> list[str]:
        """What `destroy` would remove, a line each.

        Raises:
            CloudError: The stack is not ours.
        """
        store = self._standing_store()
        resources = [
            f"{logical}: {physical}"
            for logical, physical in self.stack.resources().items()
            if physical
        ]
        return [*resources, *(f"s3://{store.bucket}/{key}" for key in store.listed())]

    def destroy(self, bucket_too: bool = False, progress: Progress = SILENT) -> None:
        """Remove the stack and its packages, and nothing else.

        Args:
            bucket_too: The bucket of packages as well, if it is ours and then empty.
            progress: Told each step.

        Raises:
            CloudError: Something can't be removed.
        """
        store = self._standing_store()
        self.stack.delete(progress)
        store.remove(bucket_too)

    def _standing_store(self) -> Store:
        """Where the packages of the stack that stands lie, whatever bucket is named now."""
        state = self.stack.require_ours(self.stack.state())
        if state is None or self.identity.bucket:
            return self.store
        return Store(self.cloud, self.identity.stack, state.parameters.get("CodeBucket"))

    def _settled(self, settings: DeploySettings, progress: Progress) -> DeploySettings:
        """With as many instances as the account can reserve."""
        number, remark = self._account.concurrency_for(self.identity.stack, settings.concurrency)
        if remark:
            progress.say(remark)
        return replace(settings, concurrency=number)

    def _require_awake(self) -> None:
        if self.is_paused():
            name = self.identity.stack
            raise CloudError(f"stack {name}: is paused. Run: scenelet resume --stack {name}")

    def wanted(
        self, packed: Packed, settings: DeploySettings, memory_mib: int
    ) -> tuple[str, dict[str, str]]:
        """Template and parameters of the stack."""
        return (
            template_with(settings.service.to_environment()),
            self.parameters(packed, settings, memory_mib),
        )

    def _apply(
        self, packed: Packed, settings: DeploySettings, memory_mib: int, progress: Progress
    ) -> bool:
        wanted = self.wanted(packed, settings, memory_mib)
        if self.stack.is_as(*wanted, but="LiveVersion"):
            return False
        return self.stack.apply(*wanted, progress)

    def _mend(
        self, packed: Packed, settings: DeploySettings, memory_mib: int, progress: Progress
    ) -> None:
        """CloudFormation does not see what was changed by hand, so it is looked for."""
        code = {"S3Bucket": self.store.bucket, "S3Key": self.store.key(packed)}
        wanted = {
            "MemorySize": memory_mib,
            "Timeout": settings.timeout_s,
            "Handler": packed.description.handler,
            "Runtime": packed.description.runtime,
            "Environment": {"Variables": variables_with(settings.service.to_environment())},
        }
        if mended := self.versions.mend(packed.sha256, code, wanted):
            progress.say(f"changed by somebody, put back: {', '.join(mended)}")

    def _moved(self, move: "Move", settings: DeploySettings, progress: Progress) -> float:
        """Prove a version, send requests there, and prove the address; or take it all back."""
        contract, said = move.packed.contract(), f"version {move.version}"
        try:
            if move.is_new:
                progress.say(f"{said}: {len(contract.golden)} golden pictures, before anybody else")
                self._prove(move.packed, move.version)
                self._canary(move, settings, progress)
                progress.say(f"{said} of {contract.name}: the alias live goes there")
                self.versions.move(move.version, [*move.history, move.version])
            return self._through_address(move, settings, progress)
        except SmokeError as error:
            raise SmokeError(f"smoke test: {error}. {self._taken_back(move)}") from error

    def _through_address(self, move: "Move", settings: DeploySettings, progress: Progress) -> float:
        endpoint = self.endpoint()
        asked = Address(
            Endpoint(endpoint, tries=2, token=""), move.version, self._patience_s, progress
        )
        if settings.is_open or settings.iam:
            progress.say(f"smoke test: the same through {endpoint}")
            return prove(asked, move.packed.contract(), move.packed.golden_pictures())
        progress.say(f"smoke test: {endpoint} lets nobody in without what is asked for")
        asked.require_closed(by_service=not settings.jwt_issuer)
        return self._prove(move.packed, move.version)

    def _prove(self, packed: Packed, version: str) -> float:
        return prove(
            lambda picture: self.versions.answer(version, picture),
            packed.contract(),
            packed.golden_pictures(),
        )

    def _canary(self, move: "Move", settings: DeploySettings, progress: Progress) -> None:
        if settings.canary and move.before not in (None, LATEST):
            canary = Canary(self.cloud, self.stack, self.versions, self._look_s)
            canary.fly(move.version, settings.canary, settings.canary_s, progress)

    def _taken_back(self, move: "Move") -> str:
        if move.before in (None, LATEST) or not move.is_new:
            return (
                "There is no version before it to go back to: mend it and deploy again, or run"
                " `scenelet destroy`."
            )
        self.versions.move(str(move.before), move.history)
        self.versions.remove(move.version)
        return f"Version {move.before} goes on."


@dataclass(frozen=True)
class Move:
    """From one version to another.

    Attributes:
        packed: The package of the new one.
        before: Version that is live; None or "$LATEST" the first time.
        version: That shall be.
        history: That were live, oldest first.
    """

    packed: Packed
    before: str | None
    version: str
    history: list[str]

    @property
    def is_new(self) -> bool:
        """Whether requests go elsewhere now."""
        return self.version != self.before
