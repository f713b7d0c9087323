"""Cells that hold several labels, as other programs write them. Knows nothing of tables."""

import json
from collections.abc import Collection
from contextlib import suppress

_BETWEEN = ",;|"


def labels_of(text: str, known: Collection[str]) -> list[str]:
    """The labels that a cell holds: itself alone, where nothing says that they are several.

    Args:
        text: A label; a list as JSON or Python writes it; or labels with a mark between them.
        known: Every cell of the column: `cat,dog` is two labels where `cat` and `dog` are there
            too, and else a name.
    """
    if text.startswith("[") and text.endswith("]"):
        with suppress(ValueError):
            return [str(each) for each in json.loads(text.replace("'", '"'))]
    for mark in _BETWEEN:
        parts = [part.strip() for part in text.split(mark)]
        if len(parts) > 1 and all(part in known for part in parts):
            return parts
    return [text]
