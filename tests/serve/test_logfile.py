"""Lines of answers in a file, as drift reads them."""

import pytest

from scenelet.assess.drift import measure_drift, read_logs
from scenelet.bundle.contract import read_contract
from scenelet.dataset.scenes import SCENES, jpeg, paint_scene
from scenelet.errors import ArtefactError
from scenelet.serve.logfile import LogFile
from scenelet.serve.predictor import Predictor


def test_drift_reads_what_a_server_wrote_and_two_servers_may_share_a_file(bundle, tmp_path):
    predictor, path = Predictor(bundle), tmp_path / "answers.log"
    logs = LogFile(path), LogFile(path)
    for number in range(54):
        name = sorted(SCENES)[number % 6]
        told = predictor.predict(jpeg(paint_scene(name, number)), measured=True)
        logs[number % 2].tell(told)
    contract = read_contract(bundle)
    logged = read_logs([path], contract)
    assert (len(logged.labels), logged.passed_over) == (54, 0)
    assert {shift.name for shift in measure_drift(contract, logged)} > {"brightness", "answers"}


def test_a_log_that_can_not_be_begun_is_refused_and_a_full_disk_costs_no_answer(bundle, capsys):
    from pathlib import Path

    with pytest.raises(ArtefactError, match="can't be written"):
        LogFile(Path("/no/such/folder/answers.log"))
    told = Predictor(bundle).predict(jpeg(paint_scene("sea", 1)), measured=True)
    full = LogFile(Path("/dev/full"))
    full.tell(told)
    full.tell(told)
    assert capsys.readouterr().out.count("answers go on") == 1
