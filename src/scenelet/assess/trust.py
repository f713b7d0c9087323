"""How far a bundle is to be trusted, as a hundred pictures."""

from scenelet.bundle.contract import Contract
from scenelet.bundle.figures import Promise
from scenelet.report.dots import Hundred, hundred


def trust(contract: Contract, promise: Promise | None = None) -> Hundred:
    """What becomes of a hundred pictures by a bundle's threshold.

    Args:
        contract: Of the bundle.
        promise: What the threshold keeps; None: what the bundle says of itself.
    """
    held = promise or contract.promises
    always_abstains = contract.abstain_below > 1  # whatever some tenth of its images promised
    return hundred(0.0 if always_abstains else held.answered, held.accuracy_answered)
