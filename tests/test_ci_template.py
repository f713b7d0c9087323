"""The workflow of examples/ci/: its commands, run as it calls them, and options that exist."""

import re
import shlex
import shutil

import pytest
import yaml
from commands import REPOSITORY, run_scenelet
from test_documented_commands import leaf

WORKFLOW = yaml.safe_load((REPOSITORY / "examples" / "ci" / "model.yml").read_text())


def commands_of(job):
    """The job's own commands: words, and the file that is written to."""
    steps = [step["run"] for step in WORKFLOW["jobs"][job]["steps"] if "run" in step]
    lines = [re.sub(r"\$\{\{ vars\.RECIPE.*?\}\}", "short.yaml", step) for step in steps]
    found = [shlex.split(line) for line in lines if line.startswith("scenelet ")]
    return [(words[1:-2], words[-1]) if ">" in words else (words[1:], "") for words in found]


@pytest.mark.parametrize("job", sorted(WORKFLOW["jobs"]))
def test_every_command_and_option_of_the_workflow_exists(job):
    for words, _ in commands_of(job):
        command, rest = leaf(words)
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in rest if word.startswith("--")} <= known, words


def test_keys_are_not_stored_and_only_the_deployment_may_ask_for_a_role():
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert "id-token" not in WORKFLOW["jobs"]["compare"]["permissions"]
    assert WORKFLOW["jobs"]["deploy"]["permissions"]["id-token"] == "write"
    assert "secrets." not in str(WORKFLOW)


@pytest.mark.pipeline
def test_a_pull_request_is_audited_trained_and_compared(painted, bundle, tmp_path):
    shutil.copytree(painted, tmp_path / "photos")
    shutil.copytree(bundle, tmp_path / "models" / "live")
    recipe = yaml.safe_load((REPOSITORY / "recipes" / "quick.yaml").read_text()) | {"epochs": 1}
    (tmp_path / "short.yaml").write_text(yaml.safe_dump(recipe))
    for words, file in commands_of("compare"):
        done = run_scenelet(*words, cwd=tmp_path)
        assert done.code == 0, (words, done.err)
        if file:
            (tmp_path / file).write_text(done.out)
    assert (tmp_path / "comparison.txt").read_text().startswith("the second is")
    assert (tmp_path / "candidate" / "bundle.json").is_file()
    assert (tmp_path / "comparison.html").is_file()
