"""A bundle as one .tflite file that phones understand: probabilities out, and metadata inside.

MediaPipe Tasks (Android, iOS, web, Python) and ML Kit read labels and normalisation from the file
itself and take one output of scores. The bundle's own file has two, logits and features, and leaves
temperature and softmax to `bundle.task`; here both are operators at the graph's end.
"""

import io
import signal
import threading
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from scenelet.artefacts import whole_folder, write_bytes, write_text
from scenelet.bundle.contract import LITERT, Contract, read_contract, verify_files
from scenelet.bundle.task import SINGLE_LABEL
from scenelet.errors import ParityError
from scenelet.export.graph import pack, with_entry, with_softmax
from scenelet.images import decode_for, preprocess
from scenelet.text import one_line

MODEL, LABELS = "model-phone.tflite", "labels.txt"
TOLERANCE = 1e-3  # of any probability, from the same pixels


@dataclass(frozen=True)
class Phone:
    """What was written.

    Attributes:
        folder: That holds it.
        size_bytes: Of the model.
        difference: Largest of any probability, MediaPipe against the bundle, over its golden
            pictures at the size that the model takes.
    """

    folder: Path
    size_bytes: int
    difference: float


def export_phone(bundle: Path, out: Path) -> Phone:
    """Write the model with metadata, and the labels as a file.

    Args:
        bundle: Folder; checked first.
        out: Folder; an older one of this kind is replaced.

    Raises:
        BundleError: The bundle can't be trusted or read.
        ParityError: MediaPipe answers differently; nothing is written.
        ArtefactError: `out` can't be written.
    """
    contract = read_contract(bundle)
    files = verify_files(bundle, contract)
    labels = [one_line(name) for name in contract.class_names]
    model = with_metadata(with_softmax(files[LITERT], contract.temperature), labels)
    difference = _difference(model, contract, files)
    _require_small(difference)
    with whole_folder(out) as folder:
        write_bytes(folder / MODEL, model)
        write_text(folder / LABELS, "".join(f"{label}\n" for label in labels))
    return Phone(out, len(model), difference)


def _require_small(difference: float) -> None:
    if difference > TOLERANCE:
        raise ParityError(
            f"{MODEL}: MediaPipe's probabilities differ by {difference:.1e} from the bundle's, at"
            f" most {TOLERANCE:g} allowed; nothing was written."
        )


def with_metadata(content: bytes, labels: list[str]) -> bytes:
    """The file with what MediaPipe reads: labels, and that pixels (0-255) stay as they are."""
    file = io.BytesIO(with_entry(content, b"TFLITE_METADATA", _metadata()))
    with zipfile.ZipFile(file, "a") as archive:  # behind the model, stored as it is
        archive.writestr(zipfile.ZipInfo(LABELS), "\n".join(labels))
    return file.getvalue()


def _metadata() -> bytes:
    from mediapipe.tasks.metadata import metadata_schema_py_generated as fb

    known = fb.ModelMetadataT()
    known.name, known.minParserVersion = "ImageClassifier", "1.0.0"
    graph = fb.SubGraphMetadataT()
    graph.inputTensorMetadata, graph.outputTensorMetadata = [_image(fb)], [_scores(fb)]
    known.subgraphMetadata = [graph]
    return pack(known, b"M001")


def _image(fb: Any) -> Any:
    """RGB, and normalised by nothing: mean 0, deviation 1."""
    image, colours = fb.TensorMetadataT(), fb.ImagePropertiesT()
    colours.colorSpace = fb.ColorSpaceType.RGB
    image.name, image.content = "image", fb.ContentT()
    image.content.contentProperties = colours
    image.content.contentPropertiesType = fb.ContentProperties.ImageProperties
    unit, normal = fb.ProcessUnitT(), fb.NormalizationOptionsT()
    normal.mean, normal.std = [0.0], [1.0]
    unit.options, unit.optionsType = normal, fb.ProcessUnitOptions.NormalizationOptions
    image.processUnits = [unit]
    return image


def _scores(fb: Any) -> Any:
    told, names = fb.TensorMetadataT(), fb.AssociatedFileT()
    names.name, names.type = LABELS, fb.AssociatedFileType.TENSOR_AXIS_LABELS
    told.name, told.content = "probability", fb.ContentT()
    told.content.contentProperties = fb.FeaturePropertiesT()
    told.content.contentPropertiesType = fb.ContentProperties.FeatureProperties
    told.associatedFiles = [names]
    return told


def classifier(content: bytes) -> Any:
    """MediaPipe's own ImageClassifier of a file; to be closed."""
    from mediapipe.tasks.python.core.base_options import BaseOptions
    from mediapipe.tasks.python.vision import ImageClassifier, ImageClassifierOptions

    _ignore_profiling()
    return ImageClassifier.create_from_options(
        ImageClassifierOptions(base_options=BaseOptions(model_asset_buffer=content))
    )


def _ignore_profiling() -> None:
    """Keep the ticks of MediaPipe's clock from ending the process.

    It ignores them once, when it is loaded, and ticks at each classifier; Lightning sets every
    signal back after a training, to what Python knows of it.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if is_main and hasattr(signal, "SIGPROF"):  # Windows has none; nor may another thread set it
        signal.signal(signal.SIGPROF, signal.SIG_IGN)


def scores(asked: Any, pixels: np.ndarray) -> dict[str, float]:
    """What MediaPipe answers of (height, width, 3) uint8: probability by label."""
    import mediapipe

    image = mediapipe.Image(mediapipe.ImageFormat.SRGB, np.ascontiguousarray(pixels))
    found = asked.classify(image).classifications[0].categories
    return {each.category_name: each.score for each in found}


def _difference(model: bytes, contract: Contract, files: dict[str, bytes]) -> float:
    """Largest difference of any probability over the golden pictures, resized by us."""
    from scenelet.bundle.runtime import LiteRTModel
    from scenelet.quiet import quiet

    spec, worst = contract.preprocess, 0.0
    with quiet("asking MediaPipe"):
        ours, theirs = LiteRTModel(files[LITERT], LITERT), classifier(model)
    with theirs:
        for golden in contract.golden:
            pixels = preprocess(decode_for(files[golden.file], spec), spec)
            logits = ours.logits(pixels)
            expected = SINGLE_LABEL.probabilities(logits.tolist(), contract.temperature)
            told = scores(theirs, pixels[0])
            pairs = zip(contract.class_names, expected, strict=True)
            worst = max(worst, *(abs(told[one_line(name)] - value) for name, value in pairs))
    return worst
