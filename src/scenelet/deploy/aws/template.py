"""The stack's template, with the service's variables in their place."""

import json
from collections.abc import Mapping
from pathlib import Path

from scenelet.image_formats import SUFFIXES

TEMPLATE = Path(__file__).parent / "template.yaml"
BUNDLE = {"SCENELET_BUNDLE": "/var/task/bundle"}
_PLACE = "Variables: {SCENELET_BUNDLE: /var/task/bundle}"
_WILDCARD = "              - wildcard: !Sub ${WatchPrefix}*.jpg # deploy puts every suffix here"


def template_with(variables: Mapping[str, str]) -> str:
    """CloudFormation's template of a stack.

    Args:
        variables: Of the function's environment, as `Settings.to_environment` gives them.
    """
    text = TEMPLATE.read_text(encoding="utf-8")
    every = json.dumps(variables_with(variables), sort_keys=True)
    return text.replace(_PLACE, f"Variables: {every}").replace(_WILDCARD, _wildcards())


def _wildcards() -> str:
    """Names of pictures, as cameras write them too: EventBridge tells .JPG from .jpg."""
    suffixes = [each for suffix in sorted(SUFFIXES) for each in (suffix, suffix.upper())]
    line = _WILDCARD.partition(" #")[0]
    return "\n".join(line.replace(".jpg", suffix) for suffix in suffixes)


def variables_with(variables: Mapping[str, str]) -> dict[str, str]:
    """Every variable of the function; empty ones mean the default, so they are left out."""
    return {**BUNDLE, **{name: value for name, value in variables.items() if value}}
