"""The model card.

What a person should know before using a bundle, from the contract's own figures.
"""

from collections.abc import Iterable, Mapping, Sequence

from scenelet.assess.trust import trust
from scenelet.bundle.cautions import cautions
from scenelet.bundle.contract import TRUST, Contract
from scenelet.bundle.figures import ClassFigures, Figures, Quantisation
from scenelet.bundle.origin import Ancestor, Environment, History, Training
from scenelet.export.formats import FORMATS, SERVED
from scenelet.text import code, counted, markdown, shell

MOST_CLASSES = 30  # over this, tables show the worst alone


def model_card(contract: Contract, size_bytes: Mapping[str, int]) -> str:
    """Markdown text.

    Args:
        contract: Complete but for the checksums.
        size_bytes: Of each format's file.
    """
    sections = (
        _head(contract),
        _quality(contract),
        _promises(contract),
        _strangers(contract),
        f"## How it was trained\n\n{_training_lines(contract.training)}",
        _files(contract, size_bytes),
        _limits(),
    )
    return "\n\n".join(sections) + "\n"


def _head(contract: Contract) -> str:
    names = contract.class_names
    listed = ", ".join(map(markdown, names[:MOST_CLASSES]))
    if len(names) > MOST_CLASSES:
        listed += f" and {len(names) - MOST_CLASSES:,} more (all are in `bundle.json`)"
    shown = trust(contract).words
    return f"""# {markdown(contract.name)}

An image classifier for {len(names):,} classes: {listed}. Made with scenelet
{contract.scenelet_version} on {contract.created[:10]}. Licence of the weights: {markdown(contract.licence)}.

![Filled: right; crossed out: wrong; ring: not answered]({TRUST})

{shown}{_mind(contract)}"""


def _mind(contract: Contract) -> str:
    lines = "".join(f"\n- {markdown(line)}" for line in cautions(contract))
    return f"\n\n**Mind:**\n{lines}" if lines else ""


def _quality(contract: Contract) -> str:
    figures = contract.figures
    return f"""## How good it is

Measured on {figures.images:,} images held out of the training data, from their raw bytes, through `{SERVED.file}`:

| | |
|---|---|
| top-1 accuracy | **{figures.top1_accuracy.percent}**, 95 % interval |
| balanced accuracy | {figures.balanced_accuracy.percent} |
| macro F1 | {figures.macro_f1.number} |
| log loss | {figures.log_loss.number} |
| expected calibration error | {figures.calibration} |

{_per_class_table(figures)}

{_confusions(figures)}

**What these figures are.** {_meant(contract.training)} No test split was looked at."""


def _meant(training: Training) -> str:
    """Which images the figures are of, and how kind that is."""
    if training.folds == 1:
        return (
            "They are validation figures: the epoch was chosen, and the temperature fitted, on these"
            " same\nimages, so they are a little kinder than those on unseen data would be."
        )
    return (
        f"They are out of fold: each image was answered by one of {training.folds} networks that had"
        " not seen it,\nand the model in this bundle learned from all of them, so it should do a"
        " little better. Temperature and\nthresholds are fitted on these answers."
    )


def _promises(contract: Contract) -> str:
    held = contract.promises
    return f"""**On images that the thresholds were not fitted on** (each tenth judged by what the other nine give):
calibration error {held.calibration}. {_abstaining(contract)}
{_sets(contract)}"""


def _sets(contract: Contract) -> str:
    held, sets = contract.promises, contract.promises.sets
    if sets is None:
        return f"No prediction sets: {contract.prediction_sets.why_none}."
    return (
        f"Prediction sets promise to hold the true class for {held.wished.coverage:.0%} and do so"
        f" for {sets.coverage.percent}, with {sets.mean_set_size:.1f} classes on average."
    )


def _abstaining(contract: Contract) -> str:
    held = contract.promises
    wished = f"{held.wished.accuracy:.0%} of the answers right"
    if contract.abstain_below > 1:
        return (
            f"No probability is high enough for what was wished ({wished}), so it always"
            " abstains: treat each answer as a guess."
        )
    kept = "it answers nothing."
    if held.answered:
        right = held.accuracy_answered.percent
        kept = f"it answers {held.answered:.0%} and is right in {right} of them."
    return f"Under a probability of {contract.abstain_below:.3f} it abstains (wished: {wished}): {kept}"


def _strangers(contract: Contract) -> str:
    strangers = contract.strangers[0]
    told = ", ".join(f"{kind} {share:.0%}" for kind, share in strangers.told.items())
    real = "not measured: it takes three classes"
    if strangers.left_out is not None:
        real = f"{strangers.left_out:.2f}"
    return f"""**Pictures of none of the classes** are told by their {strangers.score}, over {strangers.threshold:.3g}
({strangers.false_alarms:.0%} of the validation images are over it, too). Mean AUROC: {strangers.mean_auroc:.2f} on painted strangers;
{real} on photographs of one class as if nobody had known it. Told of the painted ones: {told}. Blank pictures and noise are told at the door."""


_FITS = {
    "squash": "squeezed whole to",
    "pad": "brought whole, its aspect kept, onto a grey",
    "crop": "cut in its middle, its aspect kept, to",
}


def _files(contract: Contract, size_bytes: Mapping[str, int]) -> str:
    spec = contract.preprocess
    files = "\n".join(
        f"- `{each.file}` ({each.name}, {size_bytes[each.file] / 1e6:.2f} MB): {each.about}."
        for each in FORMATS
    )
    return f"""## What goes in and out

{files}

In: uint8 (1, {spec.height}, {spec.width}, 3), RGB, 0-255. Out: {len(contract.class_names):,} logits; divide by the temperature
({contract.temperature}), then softmax. The picture is {_FITS[spec.fit]} {spec.width} x {spec.height}
with an antialiased {spec.resize} filter, after EXIF rotation and conversion to RGB.
{_quantisation_line(contract.quantisation, contract.mirrored)}
{_parity_line(contract)}"""


def _quantisation_line(cost: Quantisation, mirrored: bool) -> str:
    told = "The graph averages the picture and its mirror image. " if mirrored else ""
    if cost.mode == "none":
        return f"{told}Not quantised: float32 weights."
    return (
        f"{told}Quantised to {cost.mode}: accuracy {cost.accuracy:.2%} against"
        f" {cost.float_accuracy:.2%} as float, the same answer on {cost.agreement:.2%}"
        f" of the images, {cost.size_ratio:.2f} times the size and"
        f" {cost.latency_ratio:.2f} times the latency, measured in one run."
    )


def _parity_line(contract: Contract) -> str:
    pairs = contract.parity.differences.items()
    told = "; ".join(f"{pair} {difference:.1e}" for pair, difference in pairs)
    return (
        f"Largest difference of any probability over {contract.parity.images:,} images, from"
        f" their bytes: {told}."
    )


def _limits() -> str:
    return """## Limits

It has seen pictures like its training data only: other cameras, regions, seasons or drawings may do worse. A picture of none of
its classes is told as a stranger only as often as said above. Not for decisions that can harm people."""


def _per_class_table(figures: Figures) -> str:
    shown = list(figures.per_class.items())
    told = ""
    if len(shown) > MOST_CLASSES:
        shown = sorted(shown, key=_by_f1)[:MOST_CLASSES]
        told = f"The {MOST_CLASSES} weakest of {len(figures.per_class):,} classes:\n\n"
    rows = [(markdown(name), *_cells(each)) for name, each in shown]
    return told + _table(("class", "images", "precision", "recall", "F1"), rows)


def _cells(figures: ClassFigures) -> tuple[str, ...]:
    precision, recall = figures.precision.percent, figures.recall.percent
    return f"{figures.images:,}", precision, recall, f"{figures.f1:.2f}"


def _by_f1(named: tuple[str, ClassFigures]) -> float:
    return named[1].f1


def _confusions(figures: Figures) -> str:
    names = figures.class_names
    if len(names) > MOST_CLASSES:
        rows = [
            (markdown(true), markdown(answer), str(count))
            for true, answer, count in figures.errors[:MOST_CLASSES]
        ]
        heading = f"The {len(rows)} most frequent confusions:\n\n" if rows else "No confusion."
        return heading + (_table(("true class", "answer", "images"), rows) if rows else "")
    return f"Rows are the true class, columns the answer:\n\n{_matrix(figures)}"


def _matrix(figures: Figures) -> str:
    names = list(map(markdown, figures.class_names))
    pairs = zip(names, figures.confusion_matrix, strict=True)
    return _table(("", *names), [(f"**{name}**", *map(str, row)) for name, row in pairs])


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [" | ".join(head), "|".join(["---"] * len(head)), *(" | ".join(row) for row in rows)]
    return "\n".join(f"| {line} |" for line in lines)


def _training_lines(training: Training) -> str:
    layers = {key: value for key, value in training.network.items() if key != "config"}
    recipe = {
        key: value for key, value in training.recipe.items() if key not in layers and value != ""
    }
    lines = (
        (
            f"Data: {_parts(training)} ({training.excluded} left out as unusable), split by"
            f" picture, stratified by class; fingerprint `{training.fingerprint}`."
        ),
        "Which pictures were seen is listed by hashes in `training-data.csv`.",
        _course(training),
        f"Command: {code(shell(*training.environment.command))}",
        f"Layers: {_listed(layers)}.",
        f"Recipe: {_listed(recipe)}.",
        f"Versions: {_listed(training.environment.versions)}.",
    )
    return "\n".join(f"- {line}" for line in lines)


def _parts(training: Training) -> str:
    if training.folds > 1:
        return f"{training.count('train'):,} training images, judged in {training.folds} folds"
    return f"{training.count('train'):,} training and {training.count('val'):,} validation images"


def _course(training: Training) -> str:
    outcome = training.outcome
    return (
        f"{_origin(training.history)}: {outcome.parameters:,} parameters, {_epochs(training)},"
        f" {outcome.training_s / 60:.0f} minutes on {_machine(training.environment)}."
    )


def _epochs(training: Training) -> str:
    if training.recipe.get("epochs") == 0:
        return "the linear head alone trained"
    outcome = training.outcome
    kept = f"epoch {outcome.best_epoch} kept by validation log loss"
    return f"{counted(outcome.epochs, 'epoch')}, {kept}"


def _machine(environment: Environment) -> str:
    return f"{environment.device} ({environment.precision}, threads: {environment.threads})"


def _origin(history: History) -> str:
    """Where the weights began and who taught them, as far back as it was recorded."""
    begun = "From scratch, no pretrained weights"
    if history.init:
        begun = f"Started from {_ancestor(history.init)}"
    names = ", ".join(map(_ancestor, history.teachers))
    return f"{begun}, taught by {names} besides the labels" if names else begun


def _ancestor(ancestor: Ancestor) -> str:
    source = ancestor.history.learned_from if ancestor.history else None
    if source:
        return (
            f"{source.name}, pretrained on {source.data}, weights under {source.licence}"
            f" (`{ancestor.weights}`)"
        )
    told = _origin(ancestor.history) if ancestor.history else ""
    before = f"; {told[0].lower()}{told[1:]}" if told else ""
    return f"{markdown(ancestor.origin)} (weights `{ancestor.weights}`{before})"


def _listed(values: Mapping[str, object]) -> str:
    return ", ".join(f"{key} {markdown(str(value))}" for key, value in values.items())
