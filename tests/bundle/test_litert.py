import threading

import numpy as np
import pytest
from interpreter import interpreted

from scenelet.bundle.contract import LITERT, read_contract
from scenelet.bundle.litert import LiteRTError, Model
from scenelet.bundle.numeric import softmax as softmax_of_many
from scenelet.bundle.runtime import LiteRTModel
from scenelet.bundle.scores import softmax
from scenelet.images import to_input, to_pixels


@pytest.fixture(scope="module")
def content(bundle):
    return (bundle / LITERT).read_bytes()


@pytest.fixture(scope="module")
def pictures(bundle):
    spec = read_contract(bundle).preprocess
    return [to_input(path.read_bytes(), spec) for path in sorted((bundle / "golden").iterdir())]


def test_the_c_library_answers_the_same_bits_as_litert_s_interpreter(content, pictures):
    model = LiteRTModel(content, LITERT)
    for pixels in pictures:
        for ours, theirs in zip(model.answer(pixels), interpreted(content, pixels), strict=True):
            assert np.array_equal(np.asarray(ours), theirs.astype(np.float32))


def test_copies_answer_at_once_and_never_mix_answers_up(content, pictures):
    model = LiteRTModel(content, LITERT, copies=3)
    expected = [model.logits(pixels) for pixels in pictures]
    wrong = []

    def ask(start):
        for turn in range(60):
            place = (start + turn) % len(pictures)
            if not np.array_equal(model.logits(pictures[place]), expected[place]):
                wrong.append(place)

    threads = [threading.Thread(target=ask, args=(start,)) for start in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_an_input_of_another_size_is_refused_before_memory_is_touched(content):
    with pytest.raises(LiteRTError, match=r"found 10 bytes of input, expected [\d,]+"):
        Model(content).run(bytes(10))


@pytest.mark.parametrize("content", [b"", b"hello", bytes(1000), b"x" * 40 + b"TFL3" * 20])
def test_what_is_no_model_is_an_error_not_a_crash(content):
    with pytest.raises(LiteRTError):
        Model(content)


def test_a_torn_model_is_an_error_not_a_crash(content):
    with pytest.raises(LiteRTError):
        Model(content[: len(content) // 2])


def test_models_that_are_dropped_give_their_memory_back(content):
    def resident_mib():
        with open("/proc/self/status", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmRSS")) / 1024

    for _ in range(5):
        Model(content)
    before = resident_mib()
    for _ in range(60):
        Model(content)
    assert resident_mib() - before < 30 * len(content) / 2**20


def test_pixels_are_the_bytes_of_the_input_array(bundle):
    spec = read_contract(bundle).preprocess
    for path in (bundle / "golden").iterdir():
        assert to_pixels(path.read_bytes(), spec) == to_input(path.read_bytes(), spec).tobytes()


def test_softmax_of_one_is_softmax_of_many():
    logits = np.random.default_rng(0).normal(0, 30, (50, 6))
    assert np.allclose([softmax(row, 0.7) for row in logits], softmax_of_many(logits, 0.7))
