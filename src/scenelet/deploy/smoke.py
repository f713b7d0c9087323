"""Proof before it matters: the golden pictures, through the new version's own address, against the recorded answers."""

import time
from collections.abc import Mapping
from typing import Any

from scenelet.bundle.contract import Contract
from scenelet.errors import FetchError, SmokeError
from scenelet.progress import SILENT, Progress
from scenelet.serve.client import TOLERANCE, Endpoint, largest_difference

PATIENCE_S = 60.0
PAUSE_S = 1.0


def smoke(
    endpoint: Endpoint,
    contract: Contract,
    pictures: Mapping[str, bytes],
    patience_s: float = PATIENCE_S,
    progress: Progress = SILENT,
) -> float:
    """Ask for every golden picture; returns the largest difference of probability.

    Args:
        endpoint: To ask.
        contract: Of the bundle that must answer.
        pictures: By their path in the bundle.
        patience_s: How long the version before it may still answer.
        progress: Told of tries.

    Raises:
        SmokeError: It fails, answers differently, or is another bundle.
    """
    end_s, worst = time.monotonic() + patience_s, 0.0
    for golden in contract.golden:
        answer = _ask(endpoint, contract, golden.file, pictures[golden.file], end_s, progress)
        difference = largest_difference(golden.probabilities, answer["probabilities"])
        if difference > TOLERANCE:
            raise SmokeError(
                f"{golden.file}: probabilities differ by {difference:.1e} from the recorded ones,"
                f" at most {TOLERANCE:g} allowed"
            )
        worst = max(worst, difference)
    return worst


def _ask(
    endpoint: Endpoint,
    contract: Contract,
    name: str,
    picture: bytes,
    end_s: float,
    progress: Progress,
) -> dict[str, Any]:
    """An answer of the bundle that is expected; until then it is asked again, for a while."""
    while True:
        try:
            answer = endpoint.predict(picture)
            if answer.get("bundle_created") == contract.created:
                return answer
            trouble = (
                f"found answers of {answer.get('bundle')} of {answer.get('bundle_created')}, "
                f"expected {contract.name} of {contract.created}"
            )
        except FetchError as error:
            trouble = str(error)
        if time.monotonic() > end_s:
            raise SmokeError(f"{name}: {trouble}")
        progress.say(f"  not yet: {trouble}")
        time.sleep(PAUSE_S)
