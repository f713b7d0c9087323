"""Where in a picture the answer comes from.

Occlusion through the LiteRT model, Grad-CAM through the network in torch.
"""

from itertools import product
from pathlib import Path

import numpy as np
from PIL import Image

from scenelet.bundle.numeric import softmax
from scenelet.bundle.runtime import BundleModel

GRID = 8
FAINT = 0.02  # that the answer falls by where a part is covered: hardly
HEAT = ((255, 255, 255, 0), (255, 200, 0, 110), (220, 30, 30, 190))


def occlusion_map(bundle: BundleModel, pixels: np.ndarray, target: int) -> np.ndarray:
    """(GRID, GRID): how much the target's probability falls when a patch is greyed out.

    Below 0 where that helps it.

    Args:
        bundle: That answers; nothing but its LiteRT model is asked.
        pixels: (1, height, width, 3) uint8 model input.
        target: Class index.

    Source: Zeiler and Fergus 2014; patches are twice as wide as their distance, so that neighbours
    overlap.
    """
    temperature = bundle.contract.temperature
    whole = softmax(bundle.logits(pixels), temperature)[target]
    mean = pixels.mean((1, 2), keepdims=True).astype(np.uint8)
    height, width = pixels.shape[1:3]
    fall, weight = np.zeros((height, width)), np.zeros((height, width))
    for box in product(_patches(height), _patches(width)):
        hidden = pixels.copy()
        hidden[0][box] = mean[0]
        fall[box] += whole - softmax(bundle.logits(hidden), temperature)[target]
        weight[box] += 1
    return _on_grid(fall / np.maximum(weight, 1))


def _patches(length: int) -> list[slice]:
    """GRID of them along a side, each twice as long as their distance."""
    starts = np.linspace(-length / GRID / 2, length - 1.5 * length / GRID, GRID)
    return [slice(max(0, int(at)), int(at + 2 * length / GRID)) for at in starts]


def _on_grid(values: np.ndarray) -> np.ndarray:
    """Means on the grid, where its cells are of whole pixels."""
    height, width = values.shape
    if height % GRID or width % GRID:
        return values
    return np.asarray(values.reshape(GRID, height // GRID, GRID, -1).mean((1, 3)))


class GradCam:
    """Grad-CAM of a bundle's own network, rebuilt in torch from the weights in its ONNX file.

    Needs torch and captum.
    """

    def __init__(self, bundle: Path) -> None:
        """Rebuild the network.

        Raises:
            BundleError: The bundle can't be trusted, or says nothing of its layers.
        """
        from captum.attr import LayerGradCam
        from torch import nn

        from scenelet.learn.pretrained import open_pretrained

        self.network = open_pretrained(str(bundle), "BUNDLE").network.eval()
        modules = list(self.network.modules())
        pools = [module for module in modules if isinstance(module, nn.AdaptiveAvgPool2d)]
        self.before = bool(
            pools
        )  # what is averaged over the picture; without such a layer, the last convolution
        self.method = LayerGradCam(
            self.network, (pools or [m for m in modules if isinstance(m, nn.Conv2d)])[-1]
        )

    def heat(self, pixels: np.ndarray, target: int) -> np.ndarray:
        """(h, w), 0 or more: where the target class is seen (Selvaraju et al. 2017, by captum).

        Args:
            pixels: (1, height, width, 3) uint8 model input.
            target: Class index.
        """
        import torch

        from scenelet.learn.networks import normalise

        images = normalise(torch.from_numpy(pixels.copy()).permute(0, 3, 1, 2))
        values = self.method.attribute(
            images, target=target, relu_attributions=True, attribute_to_layer_input=self.before
        )
        return np.asarray(values[0, 0].detach().numpy())


def overlay(pixels: np.ndarray, heat: np.ndarray, hottest: float = 1.0) -> Image.Image:
    """The picture with the heat laid over it, from clear over yellow to red.

    Args:
        pixels: (1, height, width, 3) uint8.
        heat: (h, w); under `FAINT` of `hottest` it does not show.
        hottest: Heat that is shown in full red; of an occlusion map 1: the answer falls to nothing.
    """
    picture = Image.fromarray(pixels[0])
    share = np.clip(heat / max(hottest, 1e-9), 0, 1)
    share[share < FAINT] = 0
    smooth = Image.fromarray((255 * share).astype(np.uint8)).resize(
        picture.size, Image.Resampling.BICUBIC
    )
    at = np.asarray(smooth, np.float32)[..., None] / 255
    clear, middle, full = (np.array(colour, np.float32) for colour in HEAT)
    layer = np.where(
        at < 0.5, clear + (middle - clear) * at * 2, middle + (full - middle) * (at - 0.5) * 2
    )
    grey = picture.convert("L").convert("RGBA")
    return Image.alpha_composite(grey, Image.fromarray(layer.astype(np.uint8))).convert("RGB")
