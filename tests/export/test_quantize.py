import json
from dataclasses import replace

import numpy as np
import pytest
from interpreter import interpreted

from scenelet.bundle.contract import LITERT, read_contract
from scenelet.bundle.plain import as_plain
from scenelet.bundle.runtime import LiteRTModel
from scenelet.errors import QuantisationError
from scenelet.export.formats import FORMATS
from scenelet.export.golden import nasty_files
from scenelet.export.parity import Candidate, checkpoint_logits, measure_parity
from scenelet.export.steps import (
    ExportOptions,
    ask_all,
    convert,
    load_network,
    open_material,
    weigh,
)
from scenelet.images import to_input
from scenelet.progress import SILENT
from scenelet.runs.run import Run

pytestmark = pytest.mark.pipeline


@pytest.fixture(scope="module")
def floats(run_folder, bundle):
    """The models of the run, not shrunk."""
    return convert(load_network(Run(run_folder)), read_contract(bundle).preprocess)


def test_half_precision_weights_halve_the_files_and_keep_the_answers(run_folder, bundle, floats):
    network, spec = load_network(Run(run_folder)), read_contract(bundle).preprocess
    small = {each.name: each.shrunk(floats[each.name], "fp16", []) for each in FORMATS}
    assert len(small["LiteRT"]) < 0.55 * len(floats["LiteRT"])
    assert len(small["ONNX"]) < 0.6 * len(floats["ONNX"])
    group = [Candidate("checkpoint", checkpoint_logits(network))]
    group += [Candidate(each.name, each.logits(small[each.name])) for each in FORMATS]
    assert measure_parity([group], nasty_files().values(), spec).worst < 1e-3


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
    ratio = figures["latency_ms"] / figures["float_latency_ms"]
    assert figures["latency_ratio"] == pytest.approx(ratio, abs=1e-3)
    assert figures == as_plain(read_contract(tmp_path / "b").quantisation)
    assert made["validation"]["top1_accuracy"]["value"] == pytest.approx(figures["accuracy"])
    differences = made["parity"]["differences"]
    assert differences["checkpoint - float LiteRT"] < 1e-3  # what was quantised
    assert differences["checkpoint - LiteRT"] > 1e-3  # what 8 bits cost is not hidden
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


def test_a_drop_beyond_what_is_allowed_is_refused(run_folder, floats):
    """The quantiser really ruins the model.

    Calibrated on black pictures alone, every activation is cut off.
    """
    options = ExportOptions("b", quantize="int8", max_drop=0)
    material = open_material(Run(run_folder), options)
    often = material.images.of(material.images.rows * 12)  # of a few images chance explains much
    material = replace(material, images=often)
    black = [np.zeros((1, 64, 64, 3), np.uint8)] * 2
    ruined = {each.name: each.shrunk(floats[each.name], "int8", black) for each in FORMATS}
    told = ask_all(LiteRTModel(ruined["LiteRT"], LITERT), material, SILENT)
    with pytest.raises(
        QuantisationError, match=r"points of validation accuracy .*, at most 0 allow"
    ):
        weigh(options, floats, ruined, told, material)


def test_an_unknown_quantisation_is_one_line(run_folder, tmp_path, scenelet):
    done = scenelet("export", run_folder, "--out", tmp_path / "b", "--quantize", "int4")
    assert done.code == 1
    assert done.err.strip() == "scenelet: --quantize: found 'int4', expected none, fp16, int8"
