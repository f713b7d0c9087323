"""Pick the device and the arithmetic. Knows nothing of data or networks."""

import os
import platform
import sys
from typing import Any

import torch

from scenelet import __version__
from scenelet.errors import ConfigError

_LIGHTNING_PRECISION = {"fp32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}


def pick_device(wanted: str) -> str:
    """Resolve "auto" to "cuda", "mps" or "cpu".

    Raises:
        ConfigError: The wanted device is not here.
    """
    here = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if wanted == "auto":
        return next(device for device, present in here.items() if present)
    if not here[wanted]:
        raise ConfigError(f"--device: {wanted} is not available here; give auto or cpu")
    return wanted


def pick_precision(wanted: str, device: str) -> str:
    """Resolve "auto" to bf16 where the device computes in it natively, else fp32."""
    if wanted != "auto":
        return wanted
    if device == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    capabilities = torch.cpu.get_capabilities() if device == "cpu" else {}
    return "bf16" if capabilities.get("avx512_bf16") or capabilities.get("amx_bf16") else "fp32"


def peak_memory_mib() -> int | None:
    """Most memory that this process has had; None where the system does not say (Windows)."""
    try:
        import resource
    except ImportError:
        return None
    unit = 2**20 if sys.platform == "darwin" else 2**10  # macOS counts bytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // unit


def lightning_precision(precision: str) -> Any:
    """Lightning's name for a precision."""
    return _LIGHTNING_PRECISION[precision]


def describe_environment(device: str, precision: str) -> dict[str, Any]:
    """What a run was computed with: versions, machine, threads, command."""
    from importlib.metadata import version

    return {
        "scenelet": __version__,
        "python": platform.python_version(),
        **{
            name: version(name)
            for name in ("torch", "lightning", "transformers", "numpy", "pillow")
        },
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name() if device == "cuda" else device,
        "precision": precision,
        "command": ["scenelet", *sys.argv[1:]],
    }
