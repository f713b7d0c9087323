import json

import numpy as np
import pytest
from interpreter import interpreted

from scenelet.bundle.contract import LITERT, read_contract
from scenelet.bundle.plain import as_plain
from scenelet.bundle.runtime import LiteRTModel
from scenelet.export.convert import to_litert, to_onnx
from scenelet.export.golden import nasty_files
from scenelet.export.parity import checkpoint_logits, litert_logits, measure_parity, onnx_logits
from scenelet.export.quantize import litert_to_fp16, onnx_to_fp16
from scenelet.export.write import load_network
from scenelet.images import to_input
from scenelet.runs.run import Run

pytestmark = pytest.mark.pipeline


def test_half_precision_weights_halve_the_files_and_keep_the_answers(run_folder, bundle):
    network, spec = load_network(Run(run_folder)), read_contract(bundle).preprocess
    litert, onnx = to_litert(network, spec.width), to_onnx(network, spec.width)
    small_litert, small_onnx = litert_to_fp16(litert), onnx_to_fp16(onnx)
    assert len(small_litert) < 0.55 * len(litert)
    assert len(small_onnx) < 0.6 * len(onnx)
    models = {
        "checkpoint": checkpoint_logits(network),
        "LiteRT": litert_logits(small_litert),
        "ONNX": onnx_logits(small_onnx),
    }
    assert measure_parity(models, nasty_files().values(), spec).worst < 1e-3


def test_int8_is_measured_against_float_and_recorded(run_folder, tmp_path, scenelet):
    done = scenelet(
        "export",
        run_folder,
        "--out",
        tmp_path / "b",
        "--quantize",
        "int8",
        "--max-drop",
        "100",
        "--json",
    )
    assert done.code == 0, done.err
    made = json.loads(done.out)
    figures = made["quantisation"]
    assert figures["mode"] == "int8"
    assert figures["size_ratio"] < 0.4
    assert 0 < figures["latency_ratio"] < 2
    assert figures == as_plain(read_contract(tmp_path / "b").quantisation)
    assert made["validation"]["top1_accuracy"]["value"] == pytest.approx(figures["accuracy"])
    assert (
        made["parity"]["differences"]["checkpoint - LiteRT"] < 1e-3
    )  # of the float model that was quantised
    content = (tmp_path / "b" / LITERT).read_bytes()
    pixels = to_input(
        (tmp_path / "b" / "golden" / "buildings.jpg").read_bytes(),
        read_contract(tmp_path / "b").preprocess,
    )
    for ours, theirs in zip(
        LiteRTModel(content, LITERT).answer(pixels), interpreted(content, pixels), strict=True
    ):
        assert np.asarray(ours) == pytest.approx(
            theirs, abs=1e-5
        )  # its whole numbers are scaled back


def test_a_drop_beyond_what_is_allowed_writes_nothing(run_folder, tmp_path, scenelet, monkeypatch):
    """The quantiser really ruins the model: calibrated on black pictures alone, every activation is cut off."""
    from scenelet.export import write

    monkeypatch.setattr(write, "_calibration", lambda *_: [np.zeros((1, 64, 64, 3), np.uint8)] * 2)
    done = scenelet(
        "export", run_folder, "--out", tmp_path / "b", "--quantize", "int8", "--max-drop", "0"
    )
    assert done.code == 1, done.out
    assert "points of validation accuracy, at most 0 allowed" in done.err
    assert not list(tmp_path.iterdir())


def test_an_unknown_quantisation_is_one_line(run_folder, tmp_path, scenelet):
    done = scenelet("export", run_folder, "--out", tmp_path / "b", "--quantize", "int4")
    assert done.code == 1
    assert done.err.strip() == "scenelet: --quantize: found 'int4', expected none, fp16, int8"
