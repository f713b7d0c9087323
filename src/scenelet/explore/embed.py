"""Embeddings: what a bundle's network computes of a picture just before its last layer.

Needs onnxruntime.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from scenelet.bundle.contract import ONNX, read_contract, verify_files
from scenelet.dataset.row import Row
from scenelet.errors import BundleFormatError
from scenelet.images import read, to_input
from scenelet.parallel import Advance, in_parallel, silent

_BATCH = 32


def embed(bundle: Path, root: Path, rows: Sequence[Row], advance: Advance = silent) -> np.ndarray:
    """Embed images from their bytes.

    Args:
        bundle: Folder of the bundle.
        root: The rows' paths are relative to this.
        rows: Images that can be decoded.
        advance: Called after each image.

    Returns:
        (n, features) float32.

    Raises:
        BundleError: The bundle can't be trusted, or its ONNX model gives no features.
    """
    import onnxruntime

    contract = read_contract(bundle)
    verify_files(bundle, contract, only=(ONNX,))
    session = onnxruntime.InferenceSession(
        (bundle / ONNX).read_bytes(), providers=["CPUExecutionProvider"]
    )
    if "features" not in {output.name for output in session.get_outputs()}:
        raise BundleFormatError(
            f"{bundle / ONNX}: gives no features. Take a bundle that `export` wrote."
        )
    inputs = in_parallel(
        lambda row: to_input(read(root / row.path), contract.preprocess), rows, advance
    )
    parts, batch = [], []
    for pixels in inputs:
        batch.append(pixels)
        if len(batch) == _BATCH:
            parts.append(session.run(["features"], {"images": np.concatenate(batch)})[0])
            batch = []
    if batch:
        parts.append(session.run(["features"], {"images": np.concatenate(batch)})[0])
    return np.concatenate(parts).reshape(len(rows), -1).astype(np.float32)
