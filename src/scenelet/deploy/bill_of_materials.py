"""What is in a package, as CycloneDX 1.6 says it.

Without a serial number or date, which would differ.

Source: the CycloneDX 1.6 specification.
"""

from collections.abc import Sequence
from typing import Any

from scenelet import __version__
from scenelet.bundle.contract import LITERT, Contract
from scenelet.deploy.wheels import Wheel


def bill_of_materials(wheels: Sequence[Wheel], contract: Contract) -> dict[str, Any]:
    """Of the wheels that something was taken from, and of the model."""
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {"type": "application", "name": "scenelet", "version": __version__}
        },
        "components": [*map(_library, wheels), _model(contract)],
    }


def _library(wheel: Wheel) -> dict[str, Any]:
    address = f"pkg:pypi/{wheel.name}@{wheel.version}"
    changed = {"pedigree": {"notes": wheel.changes.strip()}} if wheel.changes else {}
    return {
        **changed,
        "type": "library",
        "bom-ref": address,
        "name": wheel.name,
        "version": wheel.version,
        "purl": address,
        **_proof(wheel.sha256, wheel.licence),
    }


def _model(contract: Contract) -> dict[str, Any]:
    return {
        "type": "machine-learning-model",
        "bom-ref": f"bundle/{contract.name}",
        "name": contract.name,
        "version": contract.created,
        **_proof(contract.sha256[LITERT], contract.licence),
    }


def _proof(sha256: str, licence: str) -> dict[str, Any]:
    return {
        "hashes": [{"alg": "SHA-256", "content": sha256}],
        "licenses": [{"license": {"name": licence}}],
    }
