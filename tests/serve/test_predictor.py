import io
import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from scenelet.bundle.contract import CONTRACT
from scenelet.errors import UnreadableImageError
from scenelet.export.golden import nasty_files
from scenelet.serve.predictor import Predictor


@pytest.fixture(scope="module")
def predictor(bundle):
    return Predictor(bundle)


def test_an_answer_is_complete(predictor):
    answer = predictor.predict(nasty_files()["buildings.jpg"])
    assert sum(answer.probabilities.values()) == pytest.approx(1)
    assert list(answer.probabilities.values()) == sorted(
        answer.probabilities.values(), reverse=True
    )
    assert answer.label == next(iter(answer.probabilities))
    assert set(answer.as_dict()) >= {
        "label",
        "probability",
        "probabilities",
        "bundle",
        "decode_ms",
        "inference_ms",
    }


def test_threads_never_mix_up_answers(predictor):
    files = list(nasty_files().values()) * 8
    alone = [predictor.predict(data).probabilities for data in files]
    with ThreadPoolExecutor(8) as pool:
        together = [answer.probabilities for answer in pool.map(predictor.predict, files)]
    assert together == alone


def test_bytes_that_are_no_image_raise_the_reason(predictor):
    with pytest.raises(UnreadableImageError, match="not an image"):
        predictor.predict(b"GIF but not quite")


@pytest.mark.parametrize(
    "picture",
    [
        Image.new("RGB", (10, 10), "black"),
        Image.new("RGB", (600, 800), "white"),
        Image.fromarray(np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8)),
    ],
    ids=["a black file of ten pixels", "a blank page", "noise"],
)
def test_where_there_is_nothing_to_see_it_says_so_at_the_door(predictor, picture):
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    assert predictor.predict(buffer.getvalue()).is_stranger


def test_too_few_pictures_for_a_promise_give_no_set_instead_of_all_classes(bundle, tmp_path):
    folder = shutil.copytree(bundle, tmp_path / "b")
    values = json.loads((folder / CONTRACT).read_text())
    values["prediction_sets"] = {"thresholds": {}, "pooled": [], "why_none": "too few"}
    (folder / CONTRACT).write_text(json.dumps(values))
    answer = Predictor(folder).predict(nasty_files()["buildings.jpg"])
    assert answer.prediction_set is None
    assert answer.as_dict()["prediction_set"] is None
