"""The training recipe: one frozen dataclass; flag > YAML > default.

All faults are reported at once, naming the flag. Knows nothing of torch.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scenelet.errors import ConfigError
from scenelet.runs.dial import checked, dial
from scenelet.shipped import shipped_folder
from scenelet.text import with_commas

if TYPE_CHECKING:
    from scenelet.images import PreprocessSpec

SEARCH = "search"
NO_START = "none"
SIZES = (16, 1024)


@dataclass(frozen=True)
class TrainConfig:
    """Every dial of a training: default, meaning, bounds, each written here alone.

    What is not here is derived and printed. `dials_of(TrainConfig)` reads them.
    """

    epochs: int = dial(
        30, "Passes over the training part; 0: a linear head alone.", 0, 100_000, flag=True
    )
    train_sizes: tuple[int, ...] = dial(
        (64, 96, 128),
        "Sizes of the training crops in pixels, each used for an equal share of the epochs.",
        *SIZES,
    )
    input_size: int = dial(
        128, "Width and height of the model input, in pixels.", *SIZES, flag=True
    )
    storage_size: int = dial(
        150,
        "Width and height in pixels at which training images are kept; crops are cut from these.",
        *SIZES,
    )
    network: str = dial(
        "residual",
        "residual (ResNet's basic blocks), or to compare with: plain (a chain of convolutions),"
        " depthwise (of depthwise-separable ones), lite0, lite1, lite2 (EfficientNet-Lite).",
        choices=("residual", "plain", "depthwise", "lite0", "lite1", "lite2"),
    )
    widths: tuple[int, ...] = dial(
        (32, 64, 128, 192), "Channels of each stage of the network.", 1, 65_536
    )
    depths: tuple[int, ...] = dial(
        (2, 2, 2, 1), "Blocks (or, plain, convolutions) of each stage.", 1, 1024
    )
    stem: str = dial(
        "3x3",
        "3x3 (two convolutions, stride 2, then max-pooling) or 7x7 (ResNet's own).",
        choices=("3x3", "7x7"),
    )
    batch_size: int = dial(64, "Images a step.", 2, 65_536, flag=True)
    learning_rate: float = dial(2e-3, "Peak of the one-cycle schedule.", 1e-7, 10, flag=True)
    weight_decay: float = dial(0.05, "AdamW's, on weight matrices only.", 0, 10)
    label_smoothing: float = dial(0.1, "Part of the target spread over all classes.", 0, 0.9)
    min_crop_area: float = dial(
        0.35, "Smallest part of the picture that a random crop keeps.", 0.01, 1
    )
    colour_jitter: float = dial(
        0.3, "Largest change of brightness, contrast and saturation, as a fraction.", 0, 0.9
    )
    distortion: float = dial(
        0.0,
        "Strength (0-1) of random turns, shears, gamma, tint, blur, greyness and erasing.",
        0,
        1,
    )
    flip: str = dial(
        "horizontal",
        "Mirror half of the training pictures: none, horizontal or both (upside down too).",
        choices=("none", "horizontal", "both"),
        flag=True,
    )
    turn: str = dial(
        "none",
        "Turn training pictures by a random number of quarters (90), or none.",
        choices=("none", "90"),
        flag=True,
    )
    fit: str = dial(
        "squash",
        "How a picture becomes a square: squash, pad (grey beside it) or crop (its middle).",
        choices=("squash", "pad", "crop"),
        flag=True,
    )
    balance: str = dial(
        "none",
        "Weight of a picture: none (all alike), full (all classes alike) or sqrt, between; the"
        " epoch is chosen by a log loss that is weighted so.",
        choices=("none", "sqrt", "full"),
        flag=True,
    )
    mix_probability: float = dial(
        0.0, "Share of the steps that use mixup or cutmix (half each).", 0, 1
    )
    init: str = dial(
        "",
        "Start from lite0, lite1, lite2 (pretrained on ImageNet), shipped, a run, a bundle, a model"
        " folder or hub:NAME, whose layers then count; fresh weights if empty or none.",
        flag=True,
    )
    head: str = dial(
        "fresh",
        "Of a start without the classes: fresh (random) or linear (logistic regression on its"
        " features, computed once).",
        choices=("fresh", "linear"),
    )
    head_epochs: int = dial(
        0, "First epochs that train only the head of a network started from init.", 0, 100_000
    )
    held_part: float = dial(
        0.0,
        "First part of such a network's layers that is never trained; saves time, not accuracy,"
        " where the start knows photos.",
        0,
        0.95,
    )
    batch_norm: str = dial(
        "trained",
        "Batch statistics of such a network: trained, or held as the start has them, which few"
        " pictures a batch disturb.",
        choices=("trained", "held"),
    )
    early_rate: float = dial(
        1.0,
        "Learning rate of the first layers of such a network as a part of the head's.",
        0.0001,
        1,
    )
    teacher: str = dial(
        "",
        "Run, bundle or backbone whose answers are learned from (distillation); several are"
        " averaged.",
        flag=True,
        repeated=True,
    )
    teacher_answers: str = dial(
        "each step",
        "each step (to the very crop that the student sees) or once (to the whole picture; a"
        " backbone then answers through a linear head, out of fold).",
        choices=("each step", "once"),
    )
    teacher_size: int = dial(
        0,
        "Width and height of what a backbone sees once as a teacher, in pixels; 0: input_size.",
        0,
        1024,
    )
    teacher_weight: float = dial(
        0.7, "Part of the target that is the teachers' answer; the rest is the label.", 0, 1
    )
    ema_decay: float = dial(
        0.998, "Of the moving average of the weights that is evaluated and exported.", 0, 0.999999
    )
    val_fraction: float = dial(
        0.1, "Part of each class held out for validation, 0-1.", 0.01, 0.9, flag=True
    )
    folds: int = dial(
        0,
        "Networks that hold another part out each, so that every picture is judged by one that did"
        " not see it, before a final one learns from all; 1: a single validation part; 0: 5 where"
        " that would be under 100 pictures.",
        0,
        100,
        flag=True,
    )
    group_by: str = dial(
        "",
        "Column of the manifest, or regular expression in the path, that names the writer, patient"
        " or place of a picture; each stays on one side of the split.",
        flag=True,
    )
    min_label_quality: float = dial(
        0.0,
        "Training images whose label an audit's manifest finds less likely than this are left"
        " out; validation keeps all of its images.",
        0,
        1,
    )
    patience_epochs: int = dial(
        0,
        "Stop after this many epochs without a better validation log loss; 0 never stops early.",
        0,
        100_000,
    )
    seed: int = dial(
        0, "Of split, initial weights, order and augmentation.", 0, 2**31 - 1, flag=True
    )
    device: str = dial(
        "auto", "auto, cpu, cuda or mps.", choices=("auto", "cpu", "cuda", "mps"), flag=True
    )
    devices: int = dial(
        1, "GPUs (on a CPU, processes) that share each batch; 0 for all GPUs.", 0, 1024, flag=True
    )
    precision: str = dial(
        "auto",
        "auto (bf16 where the device computes in it, else fp32), fp32, bf16 or fp16.",
        choices=("auto", "fp32", "bf16", "fp16"),
        flag=True,
    )
    threads: int = dial(0, "CPU threads; 0 for all cores.", 0, 1024, flag=True)
    memory_gib: float = dial(
        4.0,
        "Most memory for decoded images; what is beyond it lies in files in the run folder.",
        0,
        100_000,
    )

    def train_size_at(self, epoch: int) -> int:
        """Size of the training crops in pixels in an epoch (from 0)."""
        share = epoch * len(self.train_sizes) // max(1, self.epochs)
        return self.train_sizes[min(len(self.train_sizes) - 1, share)]

    @property
    def preprocess(self) -> "PreprocessSpec":
        """How a picture becomes model input."""
        from scenelet.images import PreprocessSpec  # needs Pillow, which `--help` does without

        return PreprocessSpec(self.input_size, self.input_size, fit=self.fit)  # type: ignore[arg-type]

    @property
    def start(self) -> str:
        """What training starts from; empty for fresh weights."""
        return "" if self.init == NO_START else self.init

    @property
    def asks_once(self) -> bool:
        """Whether teachers are asked before the training, about whole pictures."""
        return self.teacher_answers == "once"

    @property
    def teachers(self) -> list[str]:
        """The teachers, one by one."""
        return with_commas(self.teacher)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for YAML and JSON."""
        values = asdict(self)
        return {
            key: list(value) if isinstance(value, tuple) else value for key, value in values.items()
        }


def resolve(recipe: str | None, flags: Mapping[str, Any]) -> TrainConfig:
    """Make a config from a recipe and flags.

    Args:
        recipe: Name of a recipe that comes with scenelet, or path of a YAML file; None for the
            defaults.
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
    taken, faults = checked(TrainConfig, values)
    config = TrainConfig(**taken)
    faults += _contradictions(config)
    if faults:
        raise ConfigError(f"{origin}: " + "; ".join(faults))
    return config


def read_recipe(recipe: str) -> dict[str, Any]:
    """Plain values of a recipe by name or path.

    Raises:
        ConfigError: No such recipe, or not a YAML mapping.
    """
    import yaml

    path = Path(recipe)
    if path.suffix not in (".yaml", ".yml"):
        path = shipped_folder("recipes") / f"{recipe}.yaml"
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        known = f"give one of {', '.join(recipe_names())} or a .yaml file"
        raise ConfigError(f"recipe {recipe}: not found; {known}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"recipe {recipe}: not valid YAML: {_fault(error)}") from error
    if not isinstance(values, dict):
        found = "nothing" if values is None else type(values).__name__
        raise ConfigError(f"recipe {recipe}: found {found}, expected a mapping of dials to values")
    return {str(key): value for key, value in values.items()}


def _fault(error: Exception) -> str:
    """Where a YAML file is wrong, and how, in a line."""
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return " ".join(str(error).split())
    return f"line {mark.line + 1}, column {mark.column + 1}: {getattr(error, 'problem', '')}"


def recipe_names() -> list[str]:
    """Recipes that come with scenelet."""
    return sorted(path.stem for path in shipped_folder("recipes").glob("*.yaml"))


def _contradictions(config: TrainConfig) -> list[str]:
    """Dials that do not fit one another."""
    if len(config.widths) == len(config.depths):
        return []
    return [f"--widths {config.widths}, --depths {config.depths}: expected as many of each"]
