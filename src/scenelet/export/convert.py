"""Convert a trained network to LiteRT and ONNX with the pixel scaling inside the graph.

Knows nothing of bundles.
"""

import copy
import tempfile
from pathlib import Path

import torch
from torch import Tensor, nn

from scenelet.bundle.numeric import FeatureSpace
from scenelet.learn.networks import head_name, normalise
from scenelet.quiet import quiet

ONNX_OPSET = 20
ONNX_IR = 10  # the version of the file itself that goes with it


class ServingNetwork(nn.Module):
    """What is exported: uint8 (n, height, width, 3) in.

    Logits (n, classes) and the features (n, f) behind them out.
    """

    def __init__(self, network: nn.Module, mirror: bool = False) -> None:
        """Args.

        The trained network, and whether to average the features of the picture and of its mirror
        image.
        """
        super().__init__()
        self.mirror = mirror
        # channels_last weights make litert-torch 0.10 write wrong files without a word
        self.network = (
            copy.deepcopy(network).to(memory_format=torch.contiguous_format).float().eval()
        )
        name = head_name(self.network)
        self.head = self.network.get_submodule(name)
        self.network.set_submodule(name, nn.Identity())

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Scale, reorder, compute features, classify."""
        pixels = normalise(images).permute(0, 3, 1, 2)
        features = self.network(pixels)
        if self.mirror:
            features = (features + self.network(pixels.flip(-1))) / 2
        return self.head(features), features


def to_litert(network: ServingNetwork, size: int) -> bytes:
    """A .tflite file of the network for one image of size x size pixels."""
    return _litert(network, _example(1, size))


class _Distance(nn.Module):
    """`FeatureSpace.distances` as a graph."""

    def __init__(self, space: FeatureSpace) -> None:
        super().__init__()
        self.mean, self.whitening = (
            nn.Buffer(torch.tensor(each)) for each in (space.mean, space.whitening)
        )

    def forward(self, features: Tensor) -> Tensor:
        """(1, features) to (1,)."""
        return nn.functional.linear(features - self.mean, self.whitening).square().mean(1).sqrt()


def distance_to_litert(space: FeatureSpace) -> bytes:
    """A .tflite file: (1, features) in, their distance out."""
    return _litert(_Distance(space), torch.zeros(1, len(space.mean)))


def to_onnx(network: ServingNetwork, size: int) -> bytes:
    """A .onnx file of the network for any number of images of size x size pixels."""
    with quiet("converting to ONNX"), tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        torch.onnx.export(
            network,
            (
                _example(2, size),
            ),  # traced with two: with one, torch.export takes the batch size for a constant
            str(path),
            input_names=["images"],
            output_names=["logits", "features"],
            dynamic_shapes=({0: "batch"},),
            external_data=False,
            dynamo=True,
            opset_version=ONNX_OPSET,
            optimize=False,  # keeps each weight's name; ONNX Runtime optimises when it loads
            verbose=False,
        )
        return _without_remarks(path)


def _litert(network: nn.Module, example: Tensor) -> bytes:
    with quiet("converting to LiteRT"), tempfile.TemporaryDirectory() as folder:
        import litert_torch

        path = Path(folder) / "model.tflite"
        litert_torch.convert(network.eval(), (example,)).export(str(path))
        return path.read_bytes()


def _without_remarks(path: Path) -> bytes:
    """An ONNX file without the exporter's notes on its nodes, which are a fifth of it."""
    import onnx

    model = onnx.load(path)
    graph = model.graph
    for part in (graph, *graph.node, *graph.value_info, *graph.input, *graph.output):
        del part.metadata_props[:]
    for node in graph.node:
        node.doc_string = ""
    return bytes(model.SerializeToString())


def _example(count: int, size: int) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (count, size, size, 3), dtype=torch.uint8, generator=generator)
