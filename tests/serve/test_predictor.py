from concurrent.futures import ThreadPoolExecutor

import pytest

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
