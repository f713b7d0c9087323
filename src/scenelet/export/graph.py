"""Operators added at the end of a .tflite file's graph; what is before them stays as it is.

Knows nothing of bundles.
"""

from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools.flatbuffer_utils import read_model_from_bytearray

LOGITS, IDENTIFIER = "output_0", b"TFL3"


def with_float_outputs(content: bytes) -> bytes:
    """The file with its 8-bit outputs scaled back to float32: some runtimes take no others."""
    model = read_model_from_bytearray(content)
    graph, signature = model.subgraphs[0], model.signatureDefs[0]
    places = {place: as_floats(model, place) for place in graph.outputs}
    graph.outputs = [places[place] for place in graph.outputs]
    for output in signature.outputs:
        output.tensorIndex = places[output.tensorIndex]
    return packed(model)


def with_softmax(content: bytes, temperature: float) -> bytes:
    """A file of logits and features to one of probabilities alone, (1, classes) float32."""
    model = read_model_from_bytearray(content)
    graph, signature = model.subgraphs[0], model.signatureDefs[0]
    output = next(each for each in signature.outputs if each.name.decode() == LOGITS)
    logits = as_floats(model, output.tensorIndex)
    shape = graph.tensors[logits].shape
    inverse = np.array([1 / temperature], np.float32).tobytes()
    scale = _tensor(model, "inverse_temperature", [1], inverse)
    scaled = _tensor(model, "scaled_logits", shape)
    _operator(model, schema.BuiltinOperator.MUL, [logits, scale], scaled, schema.MulOptionsT())
    probabilities, softmax = _tensor(model, "probabilities", shape), schema.SoftmaxOptionsT()
    softmax.beta = 1.0
    _operator(model, schema.BuiltinOperator.SOFTMAX, [scaled], probabilities, softmax)
    graph.outputs = [probabilities]
    output.name, output.tensorIndex = b"probabilities", probabilities
    signature.outputs = [output]
    return packed(model)


def with_entry(content: bytes, name: bytes, entry: bytes) -> bytes:
    """The file with an entry more in its table of metadata."""
    model, told = read_model_from_bytearray(content), schema.MetadataT()
    told.name, told.buffer = name, _buffer(model, entry)
    model.metadata = [*(model.metadata or []), told]
    return packed(model)


def as_floats(model: Any, place: int) -> int:
    """Place of a tensor's values as float32: its own where it holds such."""
    tensor = model.subgraphs[0].tensors[place]
    if tensor.type == schema.TensorType.FLOAT32:
        return place
    name = f"{tensor.name.decode()}_as_floats"
    floats = _tensor(model, name, [int(each) for each in tensor.shape])
    _operator(model, schema.BuiltinOperator.DEQUANTIZE, [place], floats)
    return floats


def packed(model: Any) -> bytes:
    """The model's bytes."""
    model.buffers = [_Aligned(each.data) for each in model.buffers]
    return pack(model, IDENTIFIER)


def pack(described: Any, identifier: bytes) -> bytes:
    """Bytes of an object of generated code."""
    builder = flatbuffers.Builder(0)
    builder.Finish(described.Pack(builder), identifier)
    return bytes(builder.Output())


def _tensor(model: Any, name: str, shape: Any, content: bytes = b"") -> int:
    """Place of a new float32 tensor."""
    tensor = schema.TensorT()
    tensor.name, tensor.type = name.encode(), schema.TensorType.FLOAT32
    tensor.shape, tensor.buffer = shape, _buffer(model, content)
    model.subgraphs[0].tensors.append(tensor)
    return len(model.subgraphs[0].tensors) - 1


def _buffer(model: Any, content: bytes) -> int:
    """Place of a new buffer."""
    buffer = schema.BufferT()
    buffer.data = content or None
    model.buffers.append(buffer)
    return len(model.buffers) - 1


class _Aligned(schema.BufferT):
    """A buffer at a multiple of 16 bytes, as the schema wants it and Python's code forgets."""

    def __init__(self, data: bytes | np.ndarray | None) -> None:
        super().__init__()
        self.data = data if data is not None and len(data) else None

    def Pack(self, builder: Any) -> Any:  # noqa: N802  (the name of the generated code)
        """Write it, from its end to its beginning."""
        vector = None
        if self.data is not None:
            content = bytes(self.data)
            builder.StartVector(1, len(content), 16)
            builder.head -= len(content)
            builder.Bytes[builder.head : builder.head + len(content)] = content
            vector = builder.EndVector()
        schema.BufferStart(builder)
        if vector is not None:
            schema.BufferAddData(builder, vector)
        return schema.BufferEnd(builder)


def _operator(model: Any, code: int, inputs: list[int], output: int, options: Any = None) -> None:
    """Add an operator to the graph's end."""
    operator, kind = schema.OperatorT(), schema.OperatorCodeT()
    kind.builtinCode, kind.version = code, 1
    kind.deprecatedBuiltinCode = min(code, 127)
    model.operatorCodes.append(kind)
    operator.opcodeIndex = len(model.operatorCodes) - 1
    operator.inputs, operator.outputs = inputs, [output]
    if options is not None:
        operator.builtinOptions = options
        name = type(options).__name__.removesuffix("T")
        operator.builtinOptionsType = getattr(schema.BuiltinOptions, name)
    model.subgraphs[0].operators.append(operator)
