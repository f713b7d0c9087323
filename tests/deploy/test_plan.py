"""What a deployment is told to be beforehand, without an account."""

import pytest
from test_template import resources

from scenelet.deploy.aws.plan import MADE, lacking, month


def test_everything_that_is_made_without_an_option_stands_in_the_plan():
    usual = {
        name for name, each in resources().items() if each.get("Condition") in (None, "HasHttpApi")
    }
    assert {name for names in MADE.values() for name in names} == usual


def test_a_month_costs_its_answers_and_nothing_where_nobody_asks():
    few, many = (month(answers, 150_000, 5, 6) for answers in (0, 1_000_000))
    assert few.usd == 0
    # 5 ms on a core are 18 on 512 MiB's share; requests, API and logs
    assert many.usd == pytest.approx(1e3 * 18 * 0.5 * 0.0000166667 + 0.20 + 1.00 + 0.56)
    assert many.usd < many.most.compute_usd + many.most.around_usd


def test_what_this_machine_lacks_is_told_by_its_own_files(tmp_path, monkeypatch):
    for name in ("AWS_PROFILE", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_ACCESS_KEY_ID"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / name))
    assert lacking() == ["No AWS credentials", "no region"]
    (tmp_path / "AWS_CONFIG_FILE").write_text("[default]\nregion = eu-central-1\n")
    (tmp_path / "AWS_SHARED_CREDENTIALS_FILE").write_text(
        "[default]\naws_access_key_id = a\naws_secret_access_key = b\n"
    )
    assert lacking() == []
    monkeypatch.setenv("AWS_PROFILE", "nobody's")
    assert "nobody's" in lacking()[0]


def test_the_command_plans_without_an_account_and_says_so(
    packages, proved, scenelet, tmp_path, monkeypatch
):
    for name in ("AWS_PROFILE", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_ACCESS_KEY_ID"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setattr("scenelet.deploy.aws.preparing.preflight", proved)
    done = scenelet("deploy", packages["first"], "--plan")
    assert done.code == 0, done.err
    assert "a million answers cost about $" in done.out
    for part in MADE:
        assert part in done.out
    assert "No AWS credentials, no region: AWS was not asked, and nothing was made." in done.out
    refused = scenelet("deploy", packages["first"])
    assert refused.code == 1
    assert refused.err.count("scenelet: ") == 1
