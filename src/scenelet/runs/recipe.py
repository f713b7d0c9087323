"""The training recipe: one frozen dataclass; flag > YAML > default; all faults reported at once, naming the flag."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from scenelet.errors import ConfigError
from scenelet.shipped import shipped_folder

DEVICES = ("auto", "cpu", "cuda", "mps")
SEARCH = "search"
NETWORKS = ("residual", "plain", "depthwise")
PRECISIONS = ("auto", "fp32", "bf16", "fp16")


@dataclass(frozen=True)
class TrainConfig:
    """Every dial of a training. What is not here is derived and printed.

    Attributes:
        epochs: Passes over the training part.
        train_sizes: Sizes of the training crops in pixels, each used for an equal share of the epochs (progressive resizing).
        input_size: Width and height in pixels of evaluation, export and serving.
        storage_size: Width and height in pixels at which training images are kept in memory; crops are cut from these.
        network: "residual" (ResNet's basic blocks), or to compare with: "plain" (a simple chain of convolutions) or
            "depthwise" (the same of depthwise-separable ones).
        widths: Channels of each stage of the network.
        depths: Blocks (or, plain, convolutions) of each stage.
        stem: "3x3" (two 3x3 convolutions, stride 2, then max-pooling) or "7x7" (ResNet's own).
        batch_size: Images a step.
        learning_rate: Peak of the one-cycle schedule.
        weight_decay: AdamW's, on weight matrices only.
        label_smoothing: Part of the target spread over all classes.
        min_crop_area: Smallest part of the picture that a random crop keeps.
        colour_jitter: Largest change of brightness, contrast and saturation, as a fraction.
        distortion: Strength (0-1) of random turns, shears, gamma, tint, blur, greyness and erasing.
        mix_probability: Share of the steps that use mixup or cutmix (half each).
        init: Run, bundle, model folder or hub:NAME to start from, whose layers then count; fresh weights if empty.
        head_epochs: First epochs that train only the head of a network started from `init`.
        early_rate: Learning rate of the first layers of such a network as a part of the head's.
        teacher: Runs or bundles (comma between them) whose averaged answers are learned from; none if empty.
        teacher_weight: Part of the target that is the teachers' answer; the rest is the label.
        ema_decay: Of the exponential moving average of the weights that is evaluated and exported.
        val_fraction: Part of each class held out for validation.
        min_label_quality: Training images whose label an audit's manifest finds less likely than this are left out; validation
            keeps all of its images.
        patience_epochs: Stop after this many epochs without a better validation log loss; 0 never stops early.
        seed: Of the split, the initial weights, the order and the augmentation.
        devices: GPUs (or, on a CPU, processes) that share each batch; 0 for all GPUs.
        device: "auto", "cpu", "cuda" or "mps".
        precision: "auto" (bf16 where the device computes in it, else fp32), "fp32", "bf16" or "fp16".
        threads: CPU threads; 0 for as many as there are cores.
        memory_gib: Most memory for decoded training images; beyond it they lie in a file in the run folder.
    """

    epochs: int = 30
    train_sizes: tuple[int, ...] = (64, 96, 128)
    input_size: int = 128
    storage_size: int = 150
    network: str = "residual"
    widths: tuple[int, ...] = (32, 64, 128, 192)
    depths: tuple[int, ...] = (2, 2, 2, 1)
    stem: str = "3x3"
    batch_size: int = 64
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    label_smoothing: float = 0.1
    min_crop_area: float = 0.35
    colour_jitter: float = 0.3
    distortion: float = 0.0
    mix_probability: float = 0.0
    init: str = ""
    head_epochs: int = 0
    early_rate: float = 1.0
    teacher: str = ""
    teacher_weight: float = 0.7
    ema_decay: float = 0.998
    val_fraction: float = 0.1
    min_label_quality: float = 0.0
    patience_epochs: int = 0
    seed: int = 0
    device: str = "auto"
    devices: int = 1
    precision: str = "auto"
    threads: int = 0
    memory_gib: float = 4.0

    def train_size_at(self, epoch: int) -> int:
        """Size of the training crops in pixels in an epoch (from 0)."""
        return self.train_sizes[min(len(self.train_sizes) - 1, epoch * len(self.train_sizes) // self.epochs)]

    @property
    def teachers(self) -> list[str]:
        """The teachers, one by one."""
        return [source.strip() for source in self.teacher.split(",") if source.strip()]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for YAML and JSON."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}


def resolve(recipe: str | None, flags: Mapping[str, Any]) -> TrainConfig:
    """Make a config from a recipe and flags.

    Args:
        recipe: Name of a recipe that comes with scenelet, or path of a YAML file; None for the defaults.
        flags: Dials given on the command line; None values are passed over.

    Raises:
        ConfigError: No such recipe, or anything wrong in it; all faults in one message.
    """
    values = {} if recipe is None else read_recipe(recipe)
    values.pop(SEARCH, None)  # what `tune` may vary; no dial
    values |= {key: value for key, value in flags.items() if value is not None}
    return from_values(values, origin=recipe or "the command line")


def from_values(values: Mapping[str, Any], origin: str) -> TrainConfig:
    """Check plain values and build the config.

    Raises:
        ConfigError: Unknown keys, wrong types, values out of range; all in one message.
    """
    kinds = {field.name: type(field.default) for field in fields(TrainConfig)}
    faults = [f"{key}: unknown key (known: {', '.join(kinds)})" for key in values if key not in kinds]
    known: dict[str, Any] = {}
    for key, value in values.items():
        if key in kinds:
            try:
                known[key] = _as_kind(value, kinds[key])
            except (TypeError, ValueError):
                faults.append(f"{flag_of(key)}: found {value!r}, expected {_KIND_NAMES[kinds[key]]}")
    config = TrainConfig(**known)
    faults += _out_of_range(config)
    if faults:
        raise ConfigError(f"{origin}: " + "; ".join(faults))
    return config


def read_recipe(recipe: str) -> dict[str, Any]:
    """Plain values of a recipe by name or path.

    Raises:
        ConfigError: No such recipe, or not a YAML mapping.
    """
    path = Path(recipe)
    if path.suffix not in (".yaml", ".yml"):
        path = shipped_folder("recipes") / f"{recipe}.yaml"
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"recipe {recipe}: not found; give one of {', '.join(recipe_names())} or a .yaml file") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"recipe {recipe}: not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict):
        raise ConfigError(f"recipe {recipe}: found {type(values).__name__}, expected a mapping of dials to values")
    return {str(key): value for key, value in values.items()}


def recipe_names() -> list[str]:
    """Recipes that come with scenelet."""
    return sorted(path.stem for path in shipped_folder("recipes").glob("*.yaml"))


def flag_of(key: str) -> str:
    """The command line's name of a dial."""
    return "--" + key.replace("_", "-")


_KIND_NAMES = {int: "a whole number", float: "a number", str: "a word", tuple: "a list of whole numbers"}


def _as_kind(value: Any, kind: type) -> Any:
    if kind is tuple:
        parts = value.split(",") if isinstance(value, str) else value
        return tuple(_as_kind(part, int) for part in parts)
    if isinstance(value, bool) or (kind is str and not isinstance(value, str)):
        raise TypeError(value)
    if kind is int and isinstance(value, float) and not value.is_integer():
        raise ValueError(value)
    return kind(value)


def _out_of_range(config: TrainConfig) -> list[str]:
    size = (16, 1024)
    ranges: dict[str, tuple[float, float]] = {
        "epochs": (1, 100_000),
        "input_size": size,
        "storage_size": size,
        "batch_size": (2, 65_536),
        "learning_rate": (1e-7, 10),
        "weight_decay": (0, 10),
        "label_smoothing": (0, 0.9),
        "min_crop_area": (0.01, 1),
        "colour_jitter": (0, 0.9),
        "distortion": (0, 1),
        "mix_probability": (0, 1),
        "min_label_quality": (0, 1),
        "head_epochs": (0, 100_000),
        "early_rate": (0.0001, 1),
        "teacher_weight": (0, 1),
        "ema_decay": (0, 0.999999),
        "val_fraction": (0.01, 0.9),
        "patience_epochs": (0, 100_000),
        "seed": (0, 2**31 - 1),
        "devices": (0, 1024),
        "threads": (0, 1024),
        "memory_gib": (0, 100_000),
    }
    faults = [
        f"{flag_of(key)}: found {getattr(config, key)}, expected {low:g} to {high:g}"
        for key, (low, high) in ranges.items()
        if not low <= getattr(config, key) <= high
    ]
    choices = {"network": NETWORKS, "device": DEVICES, "precision": PRECISIONS, "stem": ("3x3", "7x7")}
    faults += [
        f"{flag_of(key)}: found {getattr(config, key)!r}, expected {', '.join(allowed)}"
        for key, allowed in choices.items()
        if getattr(config, key) not in allowed
    ]
    if not config.train_sizes or any(not size[0] <= value <= size[1] for value in config.train_sizes):
        faults.append(f"--train-sizes: found {config.train_sizes}, expected sizes from {size[0]} to {size[1]} pixels")
    if not config.widths or len(config.widths) != len(config.depths) or min(config.widths + config.depths) < 1:
        faults.append(
            f"--widths {config.widths}, --depths {config.depths}: expected as many of one as of the other, all 1 or more"
        )
    return faults
