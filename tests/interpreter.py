"""LiteRT's own Python interpreter, to compare with."""

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from scenelet.bundle.runtime import OUTPUTS


def interpreted(content, pixels):
    """What LiteRT's own Python interpreter answers."""
    interpreter = Interpreter(model_content=content, num_threads=1)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], pixels)
    interpreter.invoke()
    by_name = {
        name: detail for name in OUTPUTS for detail in interpreter.get_output_details() if name in detail["name"]
    }  # fmt: skip
    values = [
        interpreter.get_tensor(by_name[name]["index"])[0].astype(np.float64) for name in OUTPUTS
    ]
    scales = [by_name[name]["quantization"] for name in OUTPUTS]
    return [
        (value - zero) * scale if scale else value
        for value, (scale, zero) in zip(values, scales, strict=True)
    ]
