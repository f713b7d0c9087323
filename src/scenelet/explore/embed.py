"""Embeddings: what a bundle's network computes of a picture just before its last layer. Needs onnx and onnxruntime."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from scenelet.bundle.manifest import ONNX, read_manifest, verify_files
from scenelet.data.load import Advance, in_parallel, read, silent
from scenelet.data.manifest import Row
from scenelet.errors import BundleFormatError
from scenelet.images import to_input

_BATCH = 32


def embed(bundle: Path, root: Path, rows: Sequence[Row], advance: Advance = silent) -> np.ndarray:
    """Embed images from their bytes.

    Args:
        bundle: Folder of the bundle.
        root: The rows' paths are relative to this.
        rows: Images that can be decoded.
        advance: Called with 1 after each image.

    Returns:
        (n, features) float32.

    Raises:
        BundleError: The bundle can't be trusted, or its ONNX model ends in no linear layer.
    """
    import onnxruntime

    manifest = read_manifest(bundle)
    verify_files(bundle, manifest, only=(ONNX,))
    session = onnxruntime.InferenceSession(
        _ending_before_the_head((bundle / ONNX).read_bytes()), providers=["CPUExecutionProvider"]
    )
    inputs = in_parallel(lambda row: to_input(read(root / row.path), manifest.preprocess), rows, advance)
    parts, batch = [], []
    for pixels in inputs:
        batch.append(pixels)
        if len(batch) == _BATCH:
            parts.append(session.run(None, {"images": np.concatenate(batch)})[0])
            batch = []
    if batch:
        parts.append(session.run(None, {"images": np.concatenate(batch)})[0])
    return np.concatenate(parts).reshape(len(rows), -1).astype(np.float32)


def _ending_before_the_head(content: bytes) -> bytes:
    """The ONNX model cut at the input of its last matrix product."""
    import onnx

    model = onnx.load_from_string(content)
    head = next((node for node in reversed(model.graph.node) if node.op_type in ("Gemm", "MatMul")), None)
    if head is None:
        raise BundleFormatError(f"{ONNX}: no linear layer at its end, so no embedding. Take a bundle that `export` wrote.")
    del model.graph.output[:]
    model.graph.output.append(onnx.helper.make_empty_tensor_value_info(head.input[0]))
    return bytes(model.SerializeToString())
