"""Make an exported model smaller: half-precision weights, or 8-bit weights and activations.

Knows nothing of bundles.
"""

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from scenelet.quiet import quiet


def litert_to_fp16(content: bytes) -> bytes:
    """A float .tflite file with its weights in half precision.

    Computes in float32, as fast as before.
    """
    with quiet("quantising"):
        from ai_edge_quantizer import qtyping, quantizer
        from ai_edge_quantizer.algorithm_manager import AlgorithmName

        weights = qtyping.TensorQuantizationConfig(num_bits=16, dtype=qtyping.TensorDataType.FLOAT)
        converter = quantizer.Quantizer(content)
        converter.update_quantization_recipe(
            regex=".*",
            operation_name=qtyping.TFLOperationName.ALL_SUPPORTED,
            op_config=qtyping.OpQuantizationConfig(
                weight_tensor_config=weights,
                compute_precision=qtyping.ComputePrecision.FLOAT,
                explicit_dequantize=True,
            ),
            algorithm_key=AlgorithmName.FLOAT_CASTING,
        )
        return bytes(converter.quantize().quantized_model)


def litert_to_int8(content: bytes, calibration: Sequence[np.ndarray]) -> bytes:
    """A float .tflite file with 8-bit weights (per channel) and activations.

    Args:
        content: Of the float model.
        calibration: (1, height, width, 3) uint8 training images that show the range of the
            activations.
    """
    with quiet("quantising"):
        from ai_edge_litert.interpreter import Interpreter
        from ai_edge_quantizer import quantizer, recipe

        name, signature = next(
            iter(Interpreter(model_content=content).get_signature_list().items())
        )
        converter = quantizer.Quantizer(content, recipe.static_wi8_ai8())
        ranges = converter.calibrate(
            {name: [{signature["inputs"][0]: pixels} for pixels in calibration]}
        )
        return bytes(converter.quantize(ranges).quantized_model)


def onnx_to_fp16(content: bytes) -> bytes:
    """A float .onnx file with its large weights stored in half precision.

    ONNX Runtime widens them once when it loads.
    """
    model = onnx.load_from_string(content)
    graph = model.graph
    casts = []
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype == np.float32 and values.size > 1024:
            stored = f"{tensor.name}.fp16"
            casts.append(helper.make_node("Cast", [stored], [tensor.name], to=TensorProto.FLOAT))
            tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), stored))
    described = [
        value for value in graph.value_info if value.name not in {cast.output[0] for cast in casts}
    ]
    nodes = [*casts, *graph.node]
    del graph.node[:], graph.value_info[:]
    graph.node.extend(nodes)
    graph.value_info.extend(described)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())
