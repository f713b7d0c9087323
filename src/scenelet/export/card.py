"""The model card: what a person should know before using a bundle, from the manifest's own figures."""

from typing import Any

from scenelet.bundle.manifest import Manifest


def model_card(manifest: Manifest, size_bytes: int) -> str:
    """Markdown text.

    Args:
        manifest: Complete but for the checksums.
        size_bytes: Of model.tflite.
    """
    training, metrics, spec = manifest.training, manifest.metrics, manifest.preprocess
    accuracy = metrics["top1_accuracy"]
    worst_difference = max(value for key, value in manifest.parity.items() if key != "images")
    return f"""# {manifest.name}

An image classifier for {len(manifest.class_names)} classes: {", ".join(manifest.class_names)}. Made with scenelet
{manifest.scenelet_version} on {manifest.created[:10]}. Licence of the weights: {manifest.licence}.

## How good it is

Measured on {metrics["images"]:,} images held out of the training data, from their raw bytes, through `model.tflite`:

| | |
|---|---|
| top-1 accuracy | **{accuracy["value"]:.2%}** (95 % interval {accuracy["low"]:.2%} to {accuracy["high"]:.2%}) |
| macro F1 | {metrics["macro_f1"]:.4f} |
| log loss | {metrics["log_loss"]:.4f} |
| expected calibration error | {metrics["expected_calibration_error"]:.2%} |

{_per_class_table(metrics)}

Rows are the true class, columns the answer:

{_confusion_table(manifest.class_names, metrics["confusion_matrix"])}

**What these figures are.** They are validation figures: the epoch was chosen, and the temperature fitted, on these same
images, so they are a little kinder than those on unseen data would be. No test split was looked at.

## How it was trained

{_training_lines(training)}

## What goes in and out

`model.tflite`: uint8 (1, {spec.height}, {spec.width}, 3), RGB, 0-255; out come {len(manifest.class_names)} logits.
Divide by the temperature ({manifest.temperature}), then softmax. The whole picture is squeezed to {spec.width} x {spec.height}
with an antialiased {spec.resize} filter, after EXIF rotation and conversion to RGB. {size_bytes / 1e6:.2f} MB.
{_quantisation_line(manifest.quantisation)}
`model.onnx` is the same network for any number of images. Over {manifest.parity["images"]} images the
probabilities of checkpoint, LiteRT and ONNX differ by at most {worst_difference:.1e}.

## Limits

It always answers with one of its classes, also for a picture of none of them. It has seen pictures like its training data
only: other cameras, regions, seasons or drawings may do worse. Not for decisions that can harm people.
"""


def _quantisation_line(figures: dict[str, Any]) -> str:
    if figures["mode"] == "none":
        return "Not quantised: float32 weights."
    return (
        f"Quantised to {figures['mode']}: accuracy {figures['accuracy']:.2%} against {figures['float_accuracy']:.2%} as float, "
        f"the same answer on {figures['agreement']:.2%} of the images, {figures['size_ratio']:.2f} times the size and "
        f"{figures['latency_ratio']:.2f} times the latency, measured in one run."
    )


def _per_class_table(metrics: dict[str, Any]) -> str:
    lines = ["| class | images | precision | recall | F1 |", "|---|---|---|---|---|"]
    for name, figures in metrics["per_class"].items():
        precision, recall = (_with_interval(figures[key]) for key in ("precision", "recall"))
        lines.append(f"| {name} | {figures['images']:,} | {precision} | {recall} | {figures['f1']:.3f} |")
    return "\n".join(lines)


def _with_interval(interval: dict[str, float | None]) -> str:
    if interval["value"] is None:
        return "none"
    return f"{interval['value']:.1%} ({interval['low']:.1%} to {interval['high']:.1%})"


def _confusion_table(names: tuple[str, ...], matrix: list[list[int]]) -> str:
    lines = ["| | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    lines += [f"| **{name}** | " + " | ".join(map(str, row)) + " |" for name, row in zip(names, matrix, strict=True)]
    return "\n".join(lines)


def _training_lines(training: dict[str, Any]) -> str:
    images, result, environment = training["images"], training["result"], training["environment"]
    versions = (f"{name} {environment[name]}" for name in ("python", "torch", "lightning", "transformers", "numpy", "pillow"))
    train_count, val_count = (sum(images[split].values()) for split in ("train", "val"))
    lines = (
        f"Data: {train_count:,} training and {val_count:,} validation images ({training['excluded']} left out as unusable), "
        f"split by picture, stratified by class; fingerprint `{training['fingerprint']}`.",
        "Which pictures were seen is listed by pixel hash in `training-data.csv`.",
        f"From scratch, no pretrained weights: {result['parameters']:,} parameters, {result['epochs']} epochs, "
        f"best epoch {result['best_epoch']} by validation log loss, {result['training_s'] / 60:.0f} minutes on "
        f"{environment['device']} ({environment['precision']}, threads: {environment['threads']}).",
        f"Command: `{' '.join(environment['command'])}`",
        f"Recipe: {', '.join(f'{key} {value}' for key, value in training['recipe'].items())}.",
        f"Versions: {', '.join(versions)}.",
    )
    return "\n".join(f"- {line}" for line in lines)
