"""Proof before it matters: the golden pictures against the recorded answers, whoever is asked."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from scenelet.bundle.contract import Contract
from scenelet.errors import FetchError, SmokeError
from scenelet.progress import SILENT, Progress
from scenelet.serve.aws_lambda import VERSION_HEADER
from scenelet.serve.client import TOLERANCE, Endpoint, Reply, largest_difference

PATIENCE_S = 60.0
PAUSE_S = 1.0

Ask = Callable[[bytes], Mapping[str, Any]]


def prove(ask: Ask, contract: Contract, pictures: Mapping[str, bytes]) -> float:
    """Ask for every golden picture; returns the largest difference of probability.

    Args:
        ask: From a picture to an answer.
        contract: Of the bundle that must answer.
        pictures: By their path in the bundle.

    Raises:
        SmokeError: It fails, answers differently, or is another bundle.
    """
    worst = 0.0
    for golden in contract.golden:
        answer = ask(pictures[golden.file])
        if "probabilities" not in answer:
            raise SmokeError(f"{golden.file}: {answer.get('error', answer)}")
        if answer.get("bundle_created") != contract.created:
            raise SmokeError(f"{golden.file}: {_other(answer, contract)}")
        difference = largest_difference(golden.probabilities, answer["probabilities"])
        if difference > TOLERANCE:
            raise SmokeError(
                f"{golden.file}: probabilities differ by {difference:.1e} from the recorded ones,"
                f" at most {TOLERANCE:g} allowed"
            )
        worst = max(worst, difference)
    return worst


def _other(answer: Mapping[str, Any], contract: Contract) -> str:
    return (
        f"found answers of {answer.get('bundle')} of {answer.get('bundle_created')}, expected"
        f" {contract.name} of {contract.created}"
    )


class Address:
    """Asks through an address, with patience: for a while the version before may still answer."""

    def __init__(
        self,
        endpoint: Endpoint,
        version: str,
        patience_s: float = PATIENCE_S,
        progress: Progress = SILENT,
    ) -> None:
        """Begin to be patient.

        Args:
            endpoint: To ask.
            version: That must answer.
            patience_s: How long another may answer, or none.
            progress: Told of tries.
        """
        self._endpoint, self._version, self._progress = endpoint, version, progress
        self._end_s = time.monotonic() + patience_s

    def __call__(self, picture: bytes) -> Mapping[str, Any]:
        """An answer of that version.

        Raises:
            SmokeError: There was none until the end.
        """
        while True:
            try:
                reply = self._endpoint.ask_about(picture)
                if (trouble := self._wrong_version(reply)) == "":
                    return dict(reply.body)
            except FetchError as error:
                trouble = str(error)
            self._wait(trouble)

    def require_closed(self, by_service: bool) -> None:
        """That who shows nothing is told 401.

        Args:
            by_service: Whether the service says so itself, and with it which version it is.

        Raises:
            SmokeError: It was not until the end.
        """
        while True:
            try:
                reply = self._endpoint.ask("/health")
                wrong = self._wrong_version(reply) if by_service else ""
                trouble = f"found status {reply.status}, expected 401" + (wrong and f"; {wrong}")
                if reply.status == 401 and not wrong:
                    return
            except FetchError as error:
                trouble = str(error)
            self._wait(trouble)

    def _wrong_version(self, reply: Reply) -> str:
        found = reply.headers.get(VERSION_HEADER, "before")
        return "" if found == self._version else f"version {found} still answers"

    def _wait(self, trouble: str) -> None:
        if time.monotonic() > self._end_s:
            raise SmokeError(trouble)
        self._progress.say(f"  not yet: {trouble}")
        time.sleep(PAUSE_S)
