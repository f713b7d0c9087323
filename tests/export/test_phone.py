"""The model that phones understand, read by MediaPipe itself."""

import subprocess
import sys
import zipfile

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from scenelet.bundle.contract import read_contract
from scenelet.export.graph import with_float_outputs
from scenelet.export.phone import LABELS, MODEL, TOLERANCE, classifier, export_phone, scores
from scenelet.images import decode, to_input
from scenelet.quiet import quiet
from scenelet.serve.predictor import Predictor

pytest.importorskip("mediapipe", reason="needs the extra phone")


@pytest.fixture(scope="module")
def phone(shipped_bundle, tmp_path_factory):
    return export_phone(shipped_bundle, tmp_path_factory.mktemp("phone") / "phone")


@pytest.fixture(scope="module")
def asked(phone):
    with quiet(), classifier((phone.folder / MODEL).read_bytes()) as found:
        yield found


def golden(bundle):
    return [bundle / each.file for each in read_contract(bundle).golden]


def test_mediapipe_answers_as_the_bundle_does_from_the_same_pixels(phone, asked, shipped_bundle):
    predictor, spec = Predictor(shipped_bundle), read_contract(shipped_bundle).preprocess
    for picture in golden(shipped_bundle):
        told = scores(asked, to_input(picture.read_bytes(), spec)[0])
        expected = predictor.predict(picture.read_bytes()).probabilities
        assert told == pytest.approx(expected, abs=TOLERANCE)
    assert phone.difference < TOLERANCE


def test_mediapipe_gives_the_same_label_where_it_resizes_by_itself(
    asked, real_images, shipped_bundle
):
    predictor = Predictor(shipped_bundle)
    pictures = [next(each.iterdir()) for each in sorted(real_images.iterdir())]
    for picture in pictures:
        told = scores(asked, np.asarray(decode(picture.read_bytes())))
        found = predictor.predict(picture.read_bytes())
        assert max(told, key=told.get) == found.label or found.abstains


def test_labels_stand_in_the_model_and_beside_it(phone):
    names = (phone.folder / LABELS).read_text().splitlines()
    assert names == ["buildings", "forest", "glacier", "mountain", "sea", "street"]
    with zipfile.ZipFile(phone.folder / MODEL) as model:
        assert model.read(LABELS).decode().splitlines() == names


def test_weights_lie_at_multiples_of_16_bytes(phone):
    model = schema.Model.GetRootAs((phone.folder / MODEL).read_bytes(), 0)
    tables = [model.Buffers(place)._tab for place in range(model.BuffersLength())]
    starts = [table.Vector(table.Offset(4)) for table in tables if table.Offset(4)]
    assert len(starts) > 50
    assert {start % 16 for start in starts} == {0}


def test_the_same_bundle_gives_the_same_bytes(phone, shipped_bundle, tmp_path):
    export_phone(shipped_bundle, tmp_path / "again")
    assert (tmp_path / "again" / MODEL).read_bytes() == (phone.folder / MODEL).read_bytes()


def test_outputs_made_floats_are_those_that_were_scaled_back(shipped_bundle):
    from scenelet.bundle.runtime import LiteRTModel

    content = (shipped_bundle / "model.tflite").read_bytes()
    pixels = np.random.default_rng(1).integers(0, 256, (1, 160, 160, 3), np.uint8)
    with quiet():
        before, after = (LiteRTModel(each, "") for each in (content, with_float_outputs(content)))
    for ours, theirs in zip(before.answer(pixels), after.answer(pixels), strict=True):
        assert list(ours) == pytest.approx(list(theirs), abs=1e-6)


def test_a_bundle_goes_to_phones_by_command(shipped_bundle, scenelet, tmp_path):
    done = scenelet("export", shipped_bundle, "--phone", tmp_path / "phone")
    assert done.code == 0, done.err
    assert "MediaPipe answers as the bundle does" in done.err
    assert (tmp_path / "phone" / MODEL).is_file()


def test_a_bundle_alone_is_told_what_to_ask_for(shipped_bundle, scenelet):
    done = scenelet("export", shipped_bundle)
    assert done.code == 1
    assert "a bundle already. Give --web FOLDER or --phone FOLDER." in done.err


def test_a_second_model_may_follow_a_training_that_set_signals_back(phone):
    again = """
import signal, sys
signal.signal(signal.SIGPROF, signal.SIG_DFL)  # this one's is inherited
from pathlib import Path
from scenelet.export.phone import classifier
model = Path(sys.argv[1]).read_bytes()
classifier(model).close()
for _ in range(5):
    signal.signal(signal.SIGPROF, signal.getsignal(signal.SIGPROF))  # as Lightning does
    with classifier(model):
        sum(range(3_000_000))  # long enough for a tick
print(signal.getsignal(signal.SIGPROF).name)
"""
    command = [sys.executable, "-c", again, phone.folder / MODEL]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "SIG_IGN\n"), done.stderr[-500:]
