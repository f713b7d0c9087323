"""What a network costs to serve.

Size and latency of its LiteRT model, measured once, remembered.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from scenelet.artefacts import write_json
from scenelet.bundle.contract import LITERT
from scenelet.bundle.latency import latencies_ms
from scenelet.bundle.runtime import LiteRTModel
from scenelet.errors import ConfigError
from scenelet.export.convert import ServingNetwork, to_litert
from scenelet.learn.networks import build_network
from scenelet.progress import SILENT, Progress
from scenelet.quiet import quiet

TIMED_CALLS = 60


@dataclass(frozen=True)
class Cost:
    """Of the float model.

    Attributes:
        size_mb: Megabytes (10^6 bytes) of the .tflite file.
        latency_ms: Median of one image on one thread.
    """

    size_mb: float
    latency_ms: float


def measure_cost(
    architecture: Mapping[str, Any], class_count: int, size: int, memory: Path
) -> Cost:
    """Convert the network with fresh weights and time it; a figure in `memory` is taken instead.

    Args:
        architecture: For `build_network`.
        class_count: Number of logits.
        size: Input width and height in pixels.
        memory: JSON file of costs measured before, so that a restarted search sees the same
            figures.
    """
    key = json.dumps([architecture, class_count, size], sort_keys=True)
    known = _known(memory)
    if key not in known:
        known[key] = asdict(_measure(architecture, class_count, size))
        write_json(memory, known)
    return Cost(**known[key])


def sizes_within(
    max_latency_ms: float,
    architecture: Mapping[str, Any],
    sizes: Sequence[int],
    memory: Path,
    progress: Progress = SILENT,
) -> tuple[int, ...]:
    """The input sizes at which a network answers in time here, one image on one thread.

    Args:
        max_latency_ms: Of the float model, without decoding.
        architecture: For `build_network`.
        sizes: To choose from, in pixels, the smallest first.
        memory: As `measure_cost` takes it.
        progress: Is told what was measured.

    Raises:
        ConfigError: The smallest takes longer.
    """
    found: list[int] = []
    for size in sizes:
        latency_ms = measure_cost(architecture, 2, size, memory).latency_ms
        progress.say(f"an answer at {size} px takes {latency_ms:.1f} ms here")
        if latency_ms > max_latency_ms:
            break
        found.append(size)
    if not found:
        raise ConfigError(
            f"--max-latency-ms {max_latency_ms:g}: at {size} px an answer takes {latency_ms:.1f} ms"
            " here. Allow that much, or take a smaller network (--recipe small)."
        )
    return tuple(found)


def _known(memory: Path) -> dict[str, Any]:
    if not memory.is_file():
        return {}
    return dict(json.loads(memory.read_text(encoding="utf-8")))


def _measure(architecture: Mapping[str, Any], class_count: int, size: int) -> Cost:
    with torch.random.fork_rng(devices=[]):
        content = to_litert(ServingNetwork(build_network(architecture, class_count)), size)
    with quiet():
        model = LiteRTModel(content, LITERT)
    (latency_ms,) = latencies_ms([model], TIMED_CALLS)
    return Cost(round(len(content) / 1e6, 3), latency_ms)
