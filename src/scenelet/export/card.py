"""The model card: what a person should know before using a bundle, from the contract's own figures."""

from typing import Any

from scenelet.bundle.contract import Contract


def model_card(contract: Contract, size_bytes: int) -> str:
    """Markdown text.

    Args:
        contract: Complete but for the checksums.
        size_bytes: Of model.tflite.
    """
    training, metrics, spec = contract.training, contract.metrics, contract.preprocess
    accuracy = metrics["top1_accuracy"]
    worst_difference = max(value for key, value in contract.parity.items() if key != "images")
    return f"""# {contract.name}

An image classifier for {len(contract.class_names)} classes: {", ".join(contract.class_names)}. Made with scenelet
{contract.scenelet_version} on {contract.created[:10]}. Licence of the weights: {contract.licence}.

## How good it is

Measured on {metrics["images"]:,} images held out of the training data, from their raw bytes, through `model.tflite`:

| | |
|---|---|
| top-1 accuracy | **{accuracy["value"]:.2%}** (95 % interval {accuracy["low"]:.2%} to {accuracy["high"]:.2%}) |
| balanced accuracy | {_with_interval(metrics["balanced_accuracy"])} |
| macro F1 | {_number(metrics["macro_f1"])} |
| log loss | {_number(metrics["log_loss"])} |
| expected calibration error | {metrics["expected_calibration_error"]:.2%} |

{_per_class_table(metrics)}

Rows are the true class, columns the answer:

{_confusion_table(contract.class_names, metrics["confusion_matrix"])}

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
`model.onnx` is the same network for any number of images. Over {contract.parity["images"]} images the
probabilities of checkpoint, LiteRT and ONNX differ by at most {worst_difference:.1e}.

## Limits

It has seen pictures like its training data only: other cameras, regions, seasons or drawings may do worse. A picture of none of
its classes is told as a stranger only as often as said above. Not for decisions that can harm people.
"""


def _promises(contract: Contract) -> str:
    held, strangers = contract.thresholds["held_out"], contract.thresholds["strangers"][0]
    told = ", ".join(f"{kind} {share:.0%}" for kind, share in strangers["told"].items())
    error = f"{held['expected_calibration_error']:.2%}"
    return f"""**On images that the thresholds were not fitted on** (each tenth judged by what the other nine give):
calibration error {error}. {_abstaining(contract)}
Prediction sets promise to hold the true class for {held["promised_coverage"]:.0%} and do so for
{_with_interval(held["coverage"])}, with {held["mean_set_size"]:.2f} classes on average.

**Pictures of none of the classes** are told by their {strangers["score"]}, over {strangers["threshold"]:.3g} (mean AUROC
{strangers["mean_auroc"]:.3f} on painted strangers; {strangers["false_alarms"]:.0%} of the validation images are over it, too).
Told: {told}."""


def _abstaining(contract: Contract) -> str:
    held = contract.thresholds["held_out"]
    wished = f"{held['wished_accuracy']:.0%} of the answers right"
    if contract.abstain_below > 1:
        return (
            f"No probability is high enough for what was wished ({wished}), so it always"
            " abstains: treat each answer as a guess."
        )
    if not held["answered"]:
        kept = "it answers nothing."
    else:
        right = _with_interval(held["accuracy_answered"])
        kept = f"it answers {held['answered']:.1%} and is right in {right} of them."
    return f"Under a probability of {contract.abstain_below:.3f} it abstains (wished: {wished}): {kept}"


def _quantisation_line(contract: Contract) -> str:
    figures = contract.quantisation
    mirrored = "The graph averages the picture and its mirror image. " if contract.mirrored else ""
    if figures["mode"] == "none":
        return f"{mirrored}Not quantised: float32 weights."
    return (
        f"{mirrored}Quantised to {figures['mode']}: accuracy {figures['accuracy']:.2%} against"
        f" {figures['float_accuracy']:.2%} as float, the same answer on {figures['agreement']:.2%}"
        f" of the images, {figures['size_ratio']:.2f} times the size and"
        f" {figures['latency_ratio']:.2f} times the latency, measured in one run."
    )


def _per_class_table(metrics: dict[str, Any]) -> str:
    lines = ["| class | images | precision | recall | F1 |", "|---|---|---|---|---|"]
    for name, figures in metrics["per_class"].items():
        precision, recall = (_with_interval(figures[key]) for key in ("precision", "recall"))
        lines.append(
            f"| {name} | {figures['images']:,} | {precision} | {recall} | {figures['f1']:.3f} |"
        )
    return "\n".join(lines)


def _number(interval: dict[str, float]) -> str:
    return f"{interval['value']:.4f} ({interval['low']:.4f} to {interval['high']:.4f})"


def _origin(training: dict[str, Any]) -> str:
    """Where the weights began and who taught them, and the same of those, as far back as it was recorded."""
    init, teachers = training.get("init"), training.get("teachers") or []
    begun = f"Started from {_ancestor(init)}" if init else "From scratch, no pretrained weights"
    names = ", ".join(map(_ancestor, teachers))
    return f"{begun}, taught by {names} besides the labels" if teachers else begun


def _ancestor(described: dict[str, Any]) -> str:
    history = described.get("history") or {}
    source = history.get("learned_from")
    if source:
        return (
            f"{source['name']}, pretrained on {source['data']}, weights under {source['licence']}"
            f" (`{described['weights']}`)"
        )
    told = f"; {_origin(history)[0].lower()}{_origin(history)[1:]}" if history else ""
    return f"{described['origin']} (weights `{described['weights']}`{told})"


def _with_interval(interval: dict[str, float | None]) -> str:
    if interval["value"] is None:
        return "none"
    return f"{interval['value']:.1%} ({interval['low']:.1%} to {interval['high']:.1%})"


def _confusion_table(names: tuple[str, ...], matrix: list[list[int]]) -> str:
    lines = ["| | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    lines += [
        f"| **{name}** | " + " | ".join(map(str, row)) + " |"
        for name, row in zip(names, matrix, strict=True)
    ]
    return "\n".join(lines)


def _training_lines(training: dict[str, Any]) -> str:
    layers = {
        key: value for key, value in training["network"].items() if key != "config"
    }  # the config of a hub model is long
    recipe = {
        key: value for key, value in training["recipe"].items() if key not in layers and value != ""
    }
    images, result, environment = training["images"], training["result"], training["environment"]
    versions = (
        f"{name} {environment[name]}"
        for name in ("python", "torch", "lightning", "transformers", "numpy", "pillow")
    )
    train_count, val_count = (sum(images[split].values()) for split in ("train", "val"))
    lines = (
        (
            f"Data: {train_count:,} training and {val_count:,} validation images"
            f" ({training['excluded']} left out as unusable), split by picture, stratified by"
            f" class; fingerprint `{training['fingerprint']}`."
        ),
        "Which pictures were seen is listed by pixel hash in `training-data.csv`.",
        (
            f"{_origin(training)}: {result['parameters']:,} parameters, {result['epochs']} epochs,"
            f" best epoch {result['best_epoch']} by validation log loss,"
            f" {result['training_s'] / 60:.0f} minutes on {environment['device']}"
            f" ({environment['precision']}, threads: {environment['threads']})."
        ),
        f"Command: `{' '.join(environment['command'])}`",
        f"Layers: {', '.join(f'{key} {value}' for key, value in layers.items())}.",
        f"Recipe: {', '.join(f'{key} {value}' for key, value in recipe.items())}.",
        f"Versions: {', '.join(versions)}.",
    )
    return "\n".join(f"- {line}" for line in lines)
