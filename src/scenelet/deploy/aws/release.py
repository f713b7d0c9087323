"""Deploy, go back, look, remove: one stack and its versions.

A deployment changes the function's code, publishes it as a version, moves the alias there, sends
the golden pictures through the address, and moves the alias back if they are not answered as
recorded. Versions before it stay, so going back is one call.
"""

from dataclasses import dataclass

from scenelet.deploy.aws.cloud import Cloud
from scenelet.deploy.aws.settings import DeploySettings, Identity
from scenelet.deploy.aws.stack import Stack
from scenelet.deploy.aws.store import Store
from scenelet.deploy.aws.template import template_with
from scenelet.deploy.aws.versions import LATEST, Versions
from scenelet.deploy.described import Packed
from scenelet.deploy.smoke import PATIENCE_S, smoke
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
    ) -> None:
        self.cloud, self.identity = cloud, identity
        self.stack = Stack(cloud, identity.stack, poll_s)
        self.versions = Versions(cloud, identity.stack)
        self.store = Store(cloud, identity.stack, identity.bucket)
        self._patience_s = patience_s

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
            "Concurrency": str(5 if settings.concurrency is None else settings.concurrency),
            "RateLimit": str(settings.rate),
            "BurstLimit": str(settings.burst),
            "LogDays": str(settings.log_days),
            "CorsOrigins": ",".join(settings.service.cors_origins),
            "Authorization": "AWS_IAM" if settings.iam else "NONE",
            "Door": "function-url" if settings.function_url else "http-api",
            "WarmUp": str(settings.warm_up).lower(),
        }

    def plan(self, packed: Packed, settings: DeploySettings, memory_mib: int) -> list[str]:
        """What a deployment would change; nothing is."""
        wanted = self._wanted(packed, settings, memory_mib)
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
            SmokeError: The new version answers wrongly; the one before it answers again.
        """
        self.stack.settled(progress)
        self.store.put(packed, progress)
        before, history = self.versions.live(), self.versions.history()
        changed = self._apply(packed, settings, memory_mib, progress)
        bundle = packed.description.bundle
        version = self.versions.publish(packed.sha256, f"{bundle.name} of {bundle.created}")
        if version != before:
            progress.say(f"version {version} of {bundle.name}: the alias live goes there")
            self.versions.move(version, [*history, version])
        difference = self._smoke(packed, before, version, history, progress)
        return Deployed(self.endpoint(), version, changed or version != before, difference)

    def rollback(self, to: str | None = None) -> str:
        """Send requests to an earlier version; returns its number.

        Raises:
            CloudError: There is none.
        """
        if to is None:
            to = self.versions.earlier()
        self.versions.require(to)
        history = self.versions.history()
        kept = history[: history.index(to)] if to in history else history
        self.versions.move(to, [*kept, to])
        return to

    def standing_memory_mib(self) -> int | None:
        """Memory that the stack was made with; None where there is none."""
        state = self.stack.state()
        return int(state.parameters["MemoryMib"]) if state and state.ours else None

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
        self.stack.require_ours(self.stack.state())
        resources = [
            f"{logical}: {physical}"
            for logical, physical in self.stack.resources().items()
            if physical
        ]
        return [*resources, *(f"s3://{self.store.bucket}/{key}" for key in self.store.listed())]

    def destroy(self, progress: Progress = SILENT) -> None:
        """Remove the stack and its packages, and nothing else.

        Raises:
            CloudError: Something can't be removed.
        """
        self.stack.delete(progress)
        self.store.remove()

    def _wanted(
        self, packed: Packed, settings: DeploySettings, memory_mib: int
    ) -> tuple[str, dict[str, str]]:
        return (
            template_with(settings.service.to_environment()),
            self.parameters(packed, settings, memory_mib),
        )

    def _apply(
        self, packed: Packed, settings: DeploySettings, memory_mib: int, progress: Progress
    ) -> bool:
        wanted = self._wanted(packed, settings, memory_mib)
        if self.stack.is_as(*wanted, but="LiveVersion"):
            return False
        return self.stack.apply(*wanted, progress)

    def _smoke(
        self,
        packed: Packed,
        before: str | None,
        version: str,
        history: list[str],
        progress: Progress,
    ) -> float:
        endpoint, contract = self.endpoint(), packed.contract()
        progress.say(f"smoke test: {len(contract.golden)} golden pictures through {endpoint}")
        try:
            return smoke(
                Endpoint(endpoint, tries=2),
                contract,
                packed.golden_pictures(),
                self._patience_s,
                progress,
            )
        except SmokeError as error:
            back = self._go_back(before, version, history)
            raise SmokeError(f"smoke test: {error}. {back}") from error

    def _go_back(self, before: str | None, version: str, history: list[str]) -> str:
        if before in (None, LATEST, version):
            return (
                "There is no version before it to go back to: mend it and deploy again, or run"
                " `scenelet destroy`."
            )
        self.versions.move(str(before), history)
        self.versions.remove(version)
        return f"Version {before} answers again."
