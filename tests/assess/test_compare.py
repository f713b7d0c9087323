import json
import re
import shutil

import numpy as np
import pytest
from statsmodels.stats.contingency_tables import mcnemar as reference

from scenelet.assess.compare import mcnemar
from scenelet.dataset.paint import paint_data_set


@pytest.mark.parametrize("counts", [(0, 0), (3, 3), (1, 9), (12, 40), (200, 150)])
def test_mcnemars_test_agrees_with_statsmodels(counts):
    expected = (
        1.0
        if counts == (0, 0)
        else reference([[500, counts[0]], [counts[1], 20]], exact=True).pvalue
    )
    assert mcnemar(*counts) == pytest.approx(expected)


def test_equal_models_are_told_apart_in_no_more_than_one_of_twenty_trials():
    rng = np.random.default_rng(0)
    told = [mcnemar(split := int(rng.binomial(60, 0.5)), 60 - split) < 0.05 for _ in range(2000)]
    assert np.mean(told) <= 0.055


def compared(scenelet, tmp_path, *arguments):
    done = scenelet("compare", *arguments, "--ledger", tmp_path / "ledger.jsonl", "--json")
    assert done.code == 0, done.err
    return json.loads(done.out)


def test_a_bundle_is_no_better_than_itself(bundle, painted, tmp_path, scenelet):
    figures = compared(scenelet, tmp_path, bundle, bundle, painted)
    assert figures["verdict"] == "no difference shown at n = 36"
    assert figures["difference"]["value"] == 0
    assert figures["p_value"] == 1
    assert figures["size_ratio"] == 1
    first_ms, second_ms = figures["latency_ms"]
    assert figures["latency_ratio"] == pytest.approx(second_ms / first_ms, abs=1e-3)
    assert figures["looks"] == 1  # the same bundle twice


def test_what_knows_the_pictures_is_told_to_be_better_and_the_other_worse(
    bundle, tmp_path, scenelet
):
    """The other calls sea what is forest, and forest what is sea."""
    data, report = tmp_path / "scenes", tmp_path / "report.html"
    paint_data_set(data, 10, seed=5)
    confused = shutil.copytree(bundle, tmp_path / "confused")
    names = {'"sea"': '"forest"', '"forest"': '"sea"'}
    text = (confused / "bundle.json").read_text()
    swapped = re.sub("|".join(names), lambda found: names[found[0]], text)
    (confused / "bundle.json").write_text(swapped)
    better = compared(scenelet, tmp_path, confused, bundle, data / "seg_train", "--report", report)
    worse = compared(scenelet, tmp_path, bundle, confused, data / "seg_train")
    assert (better["verdict"], worse["verdict"]) == ("better", "worse")
    assert better["difference"]["value"] == pytest.approx(-worse["difference"]["value"])
    assert better["only_second_right"] == worse["only_first_right"]
    page = report.read_text()
    assert "Only the second is right" in page
    assert f"scenelet deploy {bundle} --plan" in page  # the better one
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org", "")


def test_bundles_of_other_classes_are_not_compared(bundle, painted, tmp_path, scenelet):
    copy = shutil.copytree(bundle, tmp_path / "copy")
    text = (copy / "bundle.json").read_text()
    (copy / "bundle.json").write_text(text.replace('"sea"', '"ocean"'))
    done = scenelet("compare", bundle, copy, painted)
    assert done.code == 1
    assert "Only bundles of the same classes can be compared" in done.err
