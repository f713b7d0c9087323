"""The Model page, run by Streamlit's own harness.

What it measures on, and when it measures again.
"""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from scenelet.app.sources import Sources
from scenelet.dataset.dataset import Dataset
from scenelet.dataset.manifest import write_manifest
from scenelet.dataset.verdicts import give

PAGE = "from scenelet.app import model\nmodel.page()"


@pytest.fixture
def asked(bundle, painted, tmp_path, monkeypatch):
    """The app's sources: a manifest of its own, a ledger that is not there yet."""
    manifest = tmp_path / "manifest.csv"
    write_manifest(manifest, Dataset.open(painted).examined().rows)
    sources = Sources(
        bundle=str(bundle),
        data=str(painted),
        manifest=str(manifest),
        ledger=str(tmp_path / "ledger.jsonl"),
    )
    for name, value in sources.to_environment().items():
        monkeypatch.setenv(name, value)
    return sources


def figure(page, label):
    return next(metric.value for metric in page.metric if metric.label == label)


def test_the_test_part_is_opened_by_a_click_alone_and_looked_at_once(asked, tmp_path):
    ledger = tmp_path / "ledger.jsonl"
    page = AppTest.from_string(PAGE, default_timeout=120).run()
    assert not page.exception
    assert not ledger.exists()
    page.session_state["part"] = "test"
    page.run()
    assert "one last look" in page.info[0].value
    assert not ledger.exists()
    page.button(key="unlock").click().run()
    assert not page.exception
    assert len(ledger.read_text().splitlines()) == 1
    page.run()
    assert len(ledger.read_text().splitlines()) == 1


def test_figures_follow_a_verdict(asked, tmp_path):
    page = AppTest.from_string(PAGE, default_timeout=120).run()
    before = int(figure(page, "Pictures"))
    manifest = tmp_path / "manifest.csv"
    held_out = held_out_of(asked)
    give(manifest, held_out, "exclude")
    page.run()
    assert int(figure(page, "Pictures")) == before - 1


def held_out_of(asked):
    """A picture that the bundle was validated on."""
    from scenelet.answers import open_bundle
    from scenelet.assess.evaluate import training_data

    known = training_data(open_bundle(Path(asked.bundle)))
    rows = Dataset.open(asked.data, asked.manifest_file).rows
    return next(row.path for row in rows if known.get(row.pixel_hash) == "val")


def test_a_manifest_of_other_pictures_is_refused_before_anybody_judges(asked, tmp_path):
    other = tmp_path / "other"
    for name in ("a", "b"):
        (other / name).mkdir(parents=True)
        (other / name / "1.jpg").write_bytes(b"x")
    asked_for = Sources(bundle=asked.bundle, data=str(other), manifest=asked.manifest)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in asked_for.to_environment().items():
            patch.setenv(name, value)
        page = AppTest.from_string("from scenelet.app import data\ndata.page()").run(timeout=60)
    assert not page.exception
    assert len(page.error) == 1
    assert not [button for button in page.button if "Keep" in button.label]
