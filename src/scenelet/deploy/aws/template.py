"""The stack's template, with the service's variables in their place."""

import json
from collections.abc import Mapping
from pathlib import Path

TEMPLATE = Path(__file__).parent / "template.yaml"
BUNDLE = {"SCENELET_BUNDLE": "/var/task/bundle"}
_PLACE = "Variables: {SCENELET_BUNDLE: /var/task/bundle}"


def template_with(variables: Mapping[str, str]) -> str:
    """CloudFormation's template of a stack.

    Args:
        variables: Of the function's environment, as `Settings.to_environment` gives them.
    """
    text = TEMPLATE.read_text(encoding="utf-8")
    every = json.dumps(variables_with(variables), sort_keys=True)
    return text.replace(_PLACE, f"Variables: {every}")


def variables_with(variables: Mapping[str, str]) -> dict[str, str]:
    """Every variable of the function; empty ones mean the default, so they are left out."""
    return {**BUNDLE, **{name: value for name, value in variables.items() if value}}
