"""The model card: what a person should know before using a bundle, from the contract's own figures."""

from collections.abc import Mapping

from scenelet.bundle.contract import Contract
from scenelet.bundle.figures import Figures, Interval
from scenelet.bundle.origin import Ancestor, Environment, History, Training


def model_card(contract: Contract, size_bytes: int) -> str:
    """Markdown text.

    Args:
        contract: Complete but for the checksums.
        size_bytes: Of model.tflite.
    """
    training, figures, spec = contract.training, contract.figures, contract.preprocess
    accuracy = figures.top1_accuracy
    return f"""# {contract.name}

An image classifier for {len(contract.class_names)} classes: {", ".join(contract.class_names)}. Made with scenelet
{contract.scenelet_version} on {contract.created[:10]}. Licence of the weights: {contract.licence}.

## How good it is

Measured on {figures.images:,} images held out of the training data, from their raw bytes, through `model.tflite`:

| | |
|---|---|
| top-1 accuracy | **{accuracy.value:.2%}** (95 % interval {accuracy.low:.2%} to {accuracy.high:.2%}) |
| balanced accuracy | {_with_interval(figures.balanced_accuracy)} |
| macro F1 | {_number(figures.macro_f1)} |
| log loss | {_number(figures.log_loss)} |
| expected calibration error | {figures.expected_calibration_error:.2%} |

{_per_class_table(figures)}

Rows are the true class, columns the answer:

{_confusion_table(contract.class_names, figures.confusion_matrix)}

**What these figures are.** They are validation figures: the epoch was chosen, and the temperature fitted, on these same
images, so they are a little kinder than those on unseen data would be. No test split was looked at.

{_promises(contract)}

## How it was trained

{_training_lines(training)}

## What goes in and out

`model.tflite`: uint8 (1, {spec.height}, {spec.width}, 3), RGB, 0-255; out come {len(contract.class_names)} logits.
Divide by the temperature ({contract.temperature}), then softmax. The whole picture is squeezed to {spec.width} x {spec.height}
with an antialiased {spec.resize} filter, after EXIF rotation and conversion to RGB. {size_bytes / 1e6:.2f} MB.
{_quantisation_line(contract)}
`model.onnx` is the same network for any number of images. Over {contract.parity.images} images the
probabilities of checkpoint, LiteRT and ONNX differ by at most {contract.parity.worst:.1e}.

## Limits

It has seen pictures like its training data only: other cameras, regions, seasons or drawings may do worse. A picture of none of
its classes is told as a stranger only as often as said above. Not for decisions that can harm people.
"""


def _promises(contract: Contract) -> str:
    held, strangers = contract.promises, contract.strangers[0]
    told = ", ".join(f"{kind} {share:.0%}" for kind, share in strangers.told.items())
    error = f"{held.expected_calibration_error:.2%}"
    return f"""**On images that the thresholds were not fitted on** (each tenth judged by what the other nine give):
calibration error {error}. {_abstaining(contract)}
Prediction sets promise to hold the true class for {held.wished.coverage:.0%} and do so for
{_with_interval(held.coverage)}, with {held.mean_set_size:.2f} classes on average.

**Pictures of none of the classes** are told by their {strangers.score}, over {strangers.threshold:.3g} (mean AUROC
{strangers.mean_auroc:.3f} on painted strangers; {strangers.false_alarms:.0%} of the validation images are over it, too).
Told: {told}."""


def _abstaining(contract: Contract) -> str:
    held = contract.promises
    wished = f"{held.wished.accuracy:.0%} of the answers right"
    if contract.abstain_below > 1:
        return (
            f"No probability is high enough for what was wished ({wished}), so it always"
            " abstains: treat each answer as a guess."
        )
    if not held.answered:
        kept = "it answers nothing."
    else:
        right = _with_interval(held.accuracy_answered)
        kept = f"it answers {held.answered:.1%} and is right in {right} of them."
    return f"Under a probability of {contract.abstain_below:.3f} it abstains (wished: {wished}): {kept}"


def _quantisation_line(contract: Contract) -> str:
    figures = contract.quantisation
    mirrored = "The graph averages the picture and its mirror image. " if contract.mirrored else ""
    if figures.mode == "none":
        return f"{mirrored}Not quantised: float32 weights."
    return (
        f"{mirrored}Quantised to {figures.mode}: accuracy {figures.accuracy:.2%} against"
        f" {figures.float_accuracy:.2%} as float, the same answer on {figures.agreement:.2%}"
        f" of the images, {figures.size_ratio:.2f} times the size and"
        f" {figures.latency_ratio:.2f} times the latency, measured in one run."
    )


def _per_class_table(figures: Figures) -> str:
    lines = ["| class | images | precision | recall | F1 |", "|---|---|---|---|---|"]
    for name, each in figures.per_class.items():
        precision, recall = _with_interval(each.precision), _with_interval(each.recall)
        lines.append(f"| {name} | {each.images:,} | {precision} | {recall} | {each.f1:.3f} |")
    return "\n".join(lines)


def _number(interval: Interval) -> str:
    return f"{interval.value:.4f} ({interval.low:.4f} to {interval.high:.4f})"


def _origin(history: History) -> str:
    """Where the weights began and who taught them, and the same of those, as far back as it was recorded."""
    if history.init:
        begun = f"Started from {_ancestor(history.init)}"
    else:
        begun = "From scratch, no pretrained weights"
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
    return f"{ancestor.origin} (weights `{ancestor.weights}`{before})"


def _with_interval(interval: Interval) -> str:
    if interval.value is None:
        return "none"
    return f"{interval.value:.1%} ({interval.low:.1%} to {interval.high:.1%})"


def _confusion_table(names: tuple[str, ...], matrix: list[list[int]]) -> str:
    lines = ["| | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    lines += [
        f"| **{name}** | " + " | ".join(map(str, row)) + " |"
        for name, row in zip(names, matrix, strict=True)
    ]
    return "\n".join(lines)


def _training_lines(training: Training) -> str:
    layers = {key: value for key, value in training.network.items() if key != "config"}
    recipe = {
        key: value for key, value in training.recipe.items() if key not in layers and value != ""
    }
    outcome, environment = training.outcome, training.environment
    lines = (
        (
            f"Data: {training.count('train'):,} training and {training.count('val'):,} validation"
            f" images ({training.excluded} left out as unusable), split by picture, stratified by"
            f" class; fingerprint `{training.fingerprint}`."
        ),
        "Which pictures were seen is listed by pixel hash in `training-data.csv`.",
        (
            f"{_origin(training.history)}: {outcome.parameters:,} parameters, {outcome.epochs}"
            f" epochs, best epoch {outcome.best_epoch} by validation log loss,"
            f" {outcome.training_s / 60:.0f} minutes on {_machine(environment)}."
        ),
        f"Command: `{' '.join(environment.command)}`",
        f"Layers: {_listed(layers)}.",
        f"Recipe: {_listed(recipe)}.",
        f"Versions: {_listed(environment.versions)}.",
    )
    return "\n".join(f"- {line}" for line in lines)


def _machine(environment: Environment) -> str:
    return f"{environment.device} ({environment.precision}, threads: {environment.threads})"


def _listed(values: Mapping[str, object]) -> str:
    return ", ".join(f"{key} {value}" for key, value in values.items())
