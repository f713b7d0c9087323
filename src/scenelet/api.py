"""The whole way from Python, in four names: `Dataset`, `train`, `Bundle`, `evaluate`.

They are the verbs behind the commands of the same names, with the same rules: one preprocessing, a
test split is locked, every accuracy has its interval. Each is loaded when it is first asked for:
`import scenelet` takes no time, and `Bundle` needs neither torch nor any extra.
"""

import io
from pathlib import Path
from typing import Any

from PIL import Image

from scenelet.bundle.contract import Contract
from scenelet.bundle.figures import Figures
from scenelet.dataset.dataset import Dataset as Dataset
from scenelet.errors import UnreadableImageError
from scenelet.extras import needs_extra
from scenelet.progress import SILENT, Progress
from scenelet.runs.run import Run
from scenelet.serve.predictor import Prediction, Predictor

Picture = str | Path | bytes | Image.Image
_OF_PNG, _OF_TIFF = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"), ("CMYK", "YCbCr", "LAB", "I", "F")


class Bundle:
    """A trained classifier, ready to answer.

    Example:
        >>> from scenelet import Bundle
        >>> answer = Bundle.open().predict("photo.jpg")
        >>> answer.label
        'buildings'
        >>> 0 <= answer.probability <= 1
        True
    """

    def __init__(self, folder: str | Path) -> None:
        """Load it; `open` takes addresses, too.

        Raises:
            BundleError: It can't be trusted or read.
        """
        from scenelet.quiet import quiet

        self.folder = Path(folder)
        with quiet():
            self._predictor = Predictor(self.folder)

    @classmethod
    def open(cls, place: str | Path | None = None) -> "Bundle":
        """Open a bundle.

        Args:
            place: Folder, or `hub:OWNER/NAME`; None for the Intel scenes, which come along.

        Raises:
            BundleError: It can't be had, trusted or read.
        """
        from scenelet.shipped import default_bundle

        return cls(default_bundle() if place is None else _folder_of(place))

    @classmethod
    def export(
        cls,
        run: Run | str | Path,
        out: str | Path,
        progress: Progress = SILENT,
        name: str | None = None,
        **options: Any,
    ) -> "Bundle":
        """Write a run's bundle, proved and with its card, and open it. Needs the extra train.

        Example:
            >>> from scenelet import Bundle
            >>> Bundle.export(run, "bundles/tiny", licence="CC0-1.0").contract.licence
            'CC0-1.0'

        Args:
            run: That `train` gave, or the folder of one.
            out: Folder to write; an older bundle there is replaced.
            progress: Is told how it goes on.
            name: Of the bundle; None for that of the run.
            options: `licence`, `quantize`, `mirror`, `coverage` and the rest of `scenelet export`.

        Raises:
            MissingExtraError: The extra train is not installed.
            ConfigError: No such option or quantisation.
            ParityError: Checkpoint and files disagree; nothing is written.
            QuantisationError: It costs more accuracy than allowed; nothing is written.
        """
        with needs_extra("train"):
            from scenelet.export.steps import ExportOptions, export_bundle

        whole = run if isinstance(run, Run) else Run(Path(run))
        wished = ExportOptions(name or whole.name, **options)
        return cls(export_bundle(whole, Path(out), wished, progress).folder)

    @property
    def contract(self) -> Contract:
        """What `bundle.json` says: classes, preprocessing, thresholds, figures, training."""
        return self._predictor.model.contract

    @property
    def class_names(self) -> tuple[str, ...]:
        """Classes that can be answered."""
        return self.contract.class_names

    def predict(self, image: Picture) -> Prediction:
        """Classify one image. Safe to call from several threads.

        Args:
            image: Path of a file, the bytes of one, or a picture of Pillow's.

        Raises:
            ImageError: It can't be used, with the reason.
        """
        return self._predictor.predict(_content(image))


def train(
    folder: str | Path,
    recipe: str | None = None,
    name: str | None = None,
    runs: str | Path = "runs",
    progress: Progress = SILENT,
    **dials: Any,
) -> Run:
    """Train a classifier; the same call again goes on where it was stopped. Needs the extra train.

    Example:
        >>> from scenelet import train
        >>> run = train("photos", recipe="quick", name="tiny", epochs=1)
        >>> run.result().epochs
        1

    Args:
        folder: Data set: class folders, a table, a zip, an address.
        recipe: By name, or a YAML file; None chooses by what the pictures show.
        name: Of the run; None for that of data and recipe.
        runs: Folder that holds the runs.
        progress: Is told how it goes on.
        dials: Of the recipe, as `scenelet train --dials` lists them.

    Raises:
        MissingExtraError: The extra train is not installed.
        DataError: The folder can't be trained on.
        ConfigError: A dial makes no sense, or the run folder holds another training.
        ArtefactError: The run folder can't be written.
    """
    with needs_extra("train"):
        from scenelet.learn.train import train as run_training
        from scenelet.runs.recipe import resolve
    from scenelet.dataset.sources import source_of
    from scenelet.runs.run import run_name

    run = Run(Path(runs) / (name or run_name(Path(folder), recipe)))
    given = None if recipe else dials
    run_training(source_of(folder), resolve(recipe, dials), run, progress, given=given)
    return run


def evaluate(
    bundle: Bundle | str | Path,
    folder: str | Path,
    part: str = "auto",
    ledger: str | Path = "runs/test-ledger.jsonl",
    progress: Progress = SILENT,
) -> Figures:
    """Measure a bundle on labelled images that it has not seen; looks at a test split are counted.

    Example:
        >>> from scenelet import Bundle, evaluate
        >>> accuracy = evaluate(Bundle.open("bundles/tiny"), "photos").top1_accuracy
        >>> accuracy.low <= accuracy.value <= accuracy.high
        True

    Args:
        bundle: To be measured, or its folder or `hub:OWNER/NAME`.
        folder: Data set.
        part: auto, all, val, train or test.
        ledger: Where looks at test splits are recorded.
        progress: Is told how it goes on.

    Raises:
        DataError: Nothing there that may be measured on.
    """
    from scenelet.assess.evaluate import evaluate_bundle
    from scenelet.dataset.sources import source_of

    measured = bundle.folder if isinstance(bundle, Bundle) else _folder_of(bundle)
    return evaluate_bundle(measured, source_of(folder), part, Path(ledger), progress).figures


def _folder_of(bundle: str | Path) -> Path:
    """Where a bundle lies on this machine, fetched if it is of the hub."""
    from scenelet.bundle.hub import HUB, fetch_bundle

    return fetch_bundle(str(bundle)) if str(bundle).startswith(HUB) else Path(bundle)


def _content(image: Picture) -> bytes:
    from scenelet.images import read

    if isinstance(image, bytes):
        return image
    return _encoded(image) if isinstance(image, Image.Image) else read(Path(image))


def _encoded(image: Image.Image) -> bytes:
    """A picture as a file without loss, so that it goes the road of all files: turned as it says.

    Raises:
        UnreadableImageError: Its own file can't be read, or it has no pixels.
    """
    from scenelet.images import ORIENTATION, orientation_of

    exif, file = Image.Exif(), io.BytesIO()
    try:
        image.load()  # a TIFF is turned by Pillow now, and no longer says that it shall be
        exif[ORIENTATION] = orientation_of(image)
        kind = "PNG" if image.mode in _OF_PNG else "TIFF"
        kept = image if image.mode in (*_OF_PNG, *_OF_TIFF) else image.convert("RGBA")
        kept.save(file, kind if kept is image else "PNG", exif=exif, compress_level=1)
    except Exception as error:  # Pillow raises many types
        raise UnreadableImageError(f"this picture can't be read: {error}") from error
    return file.getvalue()
