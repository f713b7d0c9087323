"""What a person must bear in mind with a bundle, in sentences.

Said once, for card, commands, reports and pages.
"""

from scenelet.bundle.contract import Contract
from scenelet.text import listed

FEW_IMAGES = 10
NAMED = 6  # classes in a sentence
WEAK_STRANGERS = 0.6  # told of painted strangers, on average


def cautions(contract: Contract) -> list[str]:
    """Sentences, the gravest first; none for a sound bundle."""
    found = (
        _abstaining(contract),
        _sets(contract),
        _weak_classes(contract),
        _few_images(contract),
        _weak_strangers(contract),
    )
    return [sentence for sentence in found if sentence]


def _abstaining(contract: Contract) -> str:
    held = contract.promises
    if contract.abstain_below <= 1:
        return ""
    return (
        f"It can't promise {held.wished.accuracy:.0%} right answers from {held.images:,} held-out"
        " images at any probability, so it always abstains: treat each answer as a guess."
    )


def _sets(contract: Contract) -> str:
    sets = contract.prediction_sets
    if sets.why_none:
        return f"No prediction sets: {sets.why_none}."
    if not sets.pooled:
        return ""
    classes = contract.class_names
    whose = "all classes" if len(sets.pooled) == len(classes) else listed(sets.pooled, NAMED)
    return (
        f"Prediction sets promise {contract.promises.wished.coverage:.0%} of {whose} together, not"
        " of each: too few held-out images."
    )


def _few_images(contract: Contract) -> str:
    few = [name for name, each in contract.figures.per_class.items() if each.images < FEW_IMAGES]
    if not few:
        return ""
    whose = "any class" if len(few) == len(contract.class_names) else listed(few, NAMED)
    return f"Fewer than {FEW_IMAGES} held-out images of {whose}: little is known of them."


def _weak_classes(contract: Contract) -> str:
    """Classes that are found less often than chance among the classes would."""
    classes = contract.figures.per_class
    missed = [
        name
        for name, each in classes.items()
        if each.images and (each.recall.value or 0) < 1 / len(classes)
    ]
    return f"Hardly ever found: {listed(missed, NAMED)}." if missed else ""


def _weak_strangers(contract: Contract) -> str:
    told = contract.strangers[0].told.values()
    mean = sum(told) / len(told)
    if mean >= WEAK_STRANGERS:
        return ""
    return f"Only {mean:.0%} of painted pictures of none of the classes are told as strangers."
