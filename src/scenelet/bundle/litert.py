"""LiteRT's C API by ctypes: a .tflite file's bytes to its outputs, without numpy.

Knows nothing of bundles.

LiteRT's Python interpreter imports numpy, which is most of a cold start and of a package; its C
library does the same alone.

Source: the C headers of google-ai-edge/LiteRT (litert/c), version 2.3; see
docs/decisions/0012-serving-without-numpy.md.
"""

from __future__ import annotations

import ctypes
import functools
import queue
from array import array
from ctypes import (
    POINTER,
    Structure,
    byref,
    c_char_p,
    c_float,
    c_int,
    c_int32,
    c_int64,
    c_size_t,
    c_uint32,
    c_void_p,
)
from importlib.util import find_spec
from pathlib import Path
from typing import Any

LIBRARIES = ("libLiteRt.so", "libLiteRt.dylib", "libLiteRt.dll")
_FLOAT32, _UINT8, _INT8 = 1, 3, 9  # LiteRtElementType
_CODES = {_FLOAT32: "f", _UINT8: "B", _INT8: "b"}
_CPU, _PER_TENSOR, _INT = 1, 1, 2  # LiteRtHwAccelerators, LiteRtQuantizationTypeId, LiteRtAnyType
_AUTO_REGISTER, _LOG_SEVERITY, _ERROR = (
    24,
    25,
    4,
)  # LiteRtEnvOptionTag, and of its second the least that is told
_MOST_DIMENSIONS = 8


class LiteRTError(Exception):
    """A call of the C API failed; for callers to say of which file."""


class _Layout(Structure):
    _fields_ = (
        ("rank", c_uint32, 7),
        ("has_strides", c_uint32, 1),
        ("sizes", c_int32 * _MOST_DIMENSIONS),
        ("strides", c_uint32 * _MOST_DIMENSIONS),
    )


class _TensorType(Structure):
    _fields_ = (("element", c_int32), ("layout", _Layout))


class _Quantisation(Structure):
    _fields_ = (("scale", c_float), ("zero", c_int64))


class _Value(Structure):
    _fields_ = (("kind", c_int), ("number", c_int64))


class _Option(Structure):
    _fields_ = (("tag", c_int), ("value", _Value))


class Tensor:
    """An input or output: its name, shape and element code (of `array`)."""

    def __init__(self, handle: c_void_p, name: str) -> None:
        kind, quantisation, mode = _TensorType(), _Quantisation(1.0, 0), c_int()
        _call("LiteRtGetRankedTensorType", handle, byref(kind))
        _call("LiteRtGetQuantizationTypeId", handle, byref(mode))
        if mode.value == _PER_TENSOR:
            _call("LiteRtGetPerTensorQuantization", handle, byref(quantisation))
        if kind.element not in _CODES:
            raise LiteRTError(f"{name}: elements of LiteRT's type {kind.element}")
        self.name, self.kind, self.code = name, kind, _CODES[kind.element]
        self.shape = tuple(kind.layout.sizes[: kind.layout.rank])
        self._floats: list[float] = []  # of each byte, where the tensor is quantised
        if mode.value == _PER_TENSOR:
            stored = array(self.code, bytes(range(256)))
            self._floats = [(value - quantisation.zero) * quantisation.scale for value in stored]

    def values(self, content: bytes) -> array[float]:
        """Its bytes as floats; quantised ones are scaled back."""
        return (
            array("f", map(self._floats.__getitem__, content))
            if self._floats
            else array(self.code, content)
        )


class Model:
    """A loaded .tflite file with one input, on one thread.

    Not to be called from two threads at once.
    """

    def __init__(self, content: bytes) -> None:
        """Load and compile.

        Raises:
            LiteRTError: Not a .tflite file, or one that does not run here.
        """
        self._compiled, self._model = c_void_p(), c_void_p()
        self._buffers: list[c_void_p] = []
        self._content = content  # the model reads from it as long as it lives
        environment = _environment()
        _call(
            "LiteRtCreateModelFromBuffer",
            environment,
            c_char_p(content),
            c_size_t(len(content)),
            byref(self._model),
        )
        self.inputs, self.outputs = self._tensors("Input"), self._tensors("Output")
        options = c_void_p()
        _call("LiteRtCreateOptions", byref(options))
        try:
            _call("LiteRtSetOptionsHardwareAccelerators", options, c_int(_CPU))
            _call(
                "LiteRtCreateCompiledModel",
                environment,
                self._model,
                options,
                byref(self._compiled),
            )
        finally:
            _library().LiteRtDestroyOptions(options)
        if len(self.inputs) != 1:
            raise LiteRTError(f"found {len(self.inputs)} inputs, expected one")
        self._in, self._out = (
            self._memory("Input", self.inputs),
            self._memory("Output", self.outputs),
        )
        self._handles = [
            (c_size_t(len(side)), (c_void_p * len(side))(*(each[0] for each in side)))
            for side in (self._in, self._out)
        ]

    def run(self, content: bytes) -> list[array[float]]:
        """Compute.

        Args:
            content: Of the input, row by row.

        Returns:
            Each output's values in the order of `outputs`, as floats; quantised ones scaled back.

        Raises:
            LiteRTError: Not as many bytes as the input takes, or the computation failed.
        """
        _, memory, size = self._in[0]
        if len(content) != size:
            raise LiteRTError(f"found {len(content):,} bytes of input, expected {size:,}")
        ctypes.memmove(memory, content, size)
        _call(
            "LiteRtRunCompiledModel",
            self._compiled,
            c_size_t(0),
            *self._handles[0],
            *self._handles[1],
        )
        return [
            tensor.values(ctypes.string_at(memory, size))
            for tensor, (_, memory, size) in zip(self.outputs, self._out, strict=True)
        ]

    def __del__(self) -> None:
        for handle in self._buffers:
            _library().LiteRtDestroyTensorBuffer(handle)
        if self._compiled:
            _library().LiteRtDestroyCompiledModel(self._compiled)
        if self._model:
            _library().LiteRtDestroyModel(self._model)

    def _tensors(self, kind: str) -> list[Tensor]:
        signature, count = c_void_p(), c_size_t()
        _call("LiteRtGetModelSignature", self._model, c_size_t(0), byref(signature))
        _call(f"LiteRtGetNumSignature{kind}s", signature, byref(count))
        found = []
        for place in range(count.value):
            tensor, name = c_void_p(), c_char_p()
            _call(
                f"LiteRtGetSignature{kind}TensorByIndex", signature, c_size_t(place), byref(tensor)
            )
            _call(f"LiteRtGetSignature{kind}Name", signature, c_size_t(place), byref(name))
            found.append(Tensor(tensor, (name.value or b"").decode("utf-8", "replace")))
        return found

    def _memory(self, kind: str, tensors: list[Tensor]) -> list[tuple[c_void_p, c_void_p, int]]:
        """Each tensor's buffer, its address and its size in bytes."""
        found = []
        for place, tensor in enumerate(tensors):
            wanted, handle, memory, size = c_void_p(), c_void_p(), c_void_p(), c_size_t()
            place_and_wanted = (c_size_t(0), c_size_t(place), byref(wanted))
            _call(
                f"LiteRtGetCompiledModel{kind}BufferRequirements", self._compiled, *place_and_wanted
            )
            made = (_environment(), byref(tensor.kind), wanted, byref(handle))
            _call("LiteRtCreateManagedTensorBufferFromRequirements", *made)
            self._buffers.append(handle)
            _call("LiteRtGetTensorBufferPackedSize", handle, byref(size))
            _call("LiteRtGetTensorBufferHostMemory", handle, byref(memory))
            found.append((handle, memory, size.value))
        return found


class Pool:
    """Copies of one model.

    Safe to call from several threads, of which as many compute at once as there are copies.
    """

    def __init__(self, content: bytes, copies: int = 1) -> None:
        """Load; raises as `Model`."""
        models = [Model(content) for _ in range(copies)]
        self.inputs, self.outputs = models[0].inputs, models[0].outputs
        self._free: queue.LifoQueue[Model] = queue.LifoQueue()
        for model in models:
            self._free.put(model)

    def run(self, content: bytes) -> list[array[float]]:
        """Compute on the next copy that is free; as `Model.run`."""
        model = self._free.get()
        try:
            return model.run(content)
        finally:
            self._free.put(model)


def library_path() -> Path:
    """Of LiteRT's C library, in the installed `ai_edge_litert`, which is not imported.

    That would import numpy.

    Raises:
        LiteRTError: It is not there.
    """
    found = find_spec("ai_edge_litert")
    folders = [Path(folder) for folder in found.submodule_search_locations or ()] if found else []
    for path in (folder / name for folder in folders for name in LIBRARIES):
        if path.is_file():
            return path
    raise LiteRTError(
        f"LiteRT's C library ({LIBRARIES[0]}) is not installed; pip install"
        " 'ai-edge-litert>=2.3,<2.4'"
    )


@functools.cache
def _library() -> ctypes.CDLL:
    return ctypes.CDLL(str(library_path()))


@functools.cache
def _environment() -> c_void_p:
    """One for the process: on the CPU alone, so that no driver of a GPU is looked for."""
    options = (_Option * 2)(
        _Option(_AUTO_REGISTER, _Value(_INT, _CPU)), _Option(_LOG_SEVERITY, _Value(_INT, _ERROR))
    )
    environment = c_void_p()
    _call(
        "LiteRtCreateEnvironment",
        c_int(len(options)),
        ctypes.cast(options, POINTER(_Option)),
        byref(environment),
    )
    return environment


def _call(name: str, *arguments: Any) -> None:
    status = getattr(_library(), name)(*arguments)
    if status:
        raise LiteRTError(f"{name} failed with status {status}")
