"""Where the things lie that come with scenelet: the shipped bundle and the recipes."""

from pathlib import Path

DEFAULT_BUNDLE = "intel-scenes"


def shipped_folder(name: str) -> Path:
    """A folder that comes with scenelet ("models" or "recipes").

    An installed wheel carries it inside the package; a checkout has it at its root.
    """
    package = Path(__file__).resolve().parent
    inside = package / name
    return inside if inside.is_dir() else package.parents[1] / name


def default_bundle() -> Path:
    """The bundle that is used when none is named."""
    return shipped_folder("models") / DEFAULT_BUNDLE
