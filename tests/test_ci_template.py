"""The workflow of examples/ci/: its commands, run as it calls them, and options that exist."""

import json
import re
import shlex
import shutil
import subprocess

import pytest
import yaml
from commands import REPOSITORY, run_scenelet
from test_documented_commands import leaf

MODEL, DEPLOY = (REPOSITORY / "examples" / name for name in ("ci/model.yml", "deploy.yml"))
WORKFLOW = yaml.safe_load(MODEL.read_text())
GITHUB = """
const [script, earlier] = JSON.parse(require('fs').readFileSync(0)), told = [];
const tell = name => async told_ => { told.push([name, told_]); };
const issues = {createComment: tell('create'), updateComment: tell('update'), listComments: 'comments'};
const github = {rest: {issues}, paginate: async () => earlier};
const context = {repo: {owner: 'me', repo: 'scenes'}, issue: {number: 7}};
const Body = Object.getPrototypeOf(async () => {}).constructor;
new Body('github', 'context', 'require', script)(github, context, require)
    .then(() => console.log(JSON.stringify(told)));
"""


def commands_of(job):
    """The job's own commands: words, and the file that is written to."""
    steps = [step["run"] for step in WORKFLOW["jobs"][job]["steps"] if "run" in step]
    lines = [step.replace('"$RECIPE"', "short.yaml") for step in steps]
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


@pytest.mark.parametrize("file", [MODEL, DEPLOY], ids=["model", "deploy"])
def test_actions_of_others_are_pinned_to_a_commit_with_its_version_beside_it(file):
    used = [line for line in file.read_text().splitlines() if "uses:" in line]
    assert used
    for line in used:
        assert re.search(r"uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line


def test_a_fork_whose_token_may_not_write_is_told_in_the_summary_alone():
    steps = WORKFLOW["jobs"]["compare"]["steps"]
    comment = next(step for step in steps if "script" in step.get("with", {}))
    assert comment["if"] == "github.event.pull_request.head.repo.full_name == github.repository"
    assert any("$GITHUB_STEP_SUMMARY" in step.get("run", "") for step in steps)


def test_a_role_trusts_what_its_job_says_of_itself():
    said = WORKFLOW["jobs"]["deploy"]["environment"]
    assert f'"sub": "repo:OWNER/NAME:environment:{said}"' in MODEL.read_text()
    assert "environment" not in yaml.safe_load(DEPLOY.read_text())["jobs"]["deploy"]
    assert '"sub": "repo:OWNER/NAME:ref:refs/heads/main"' in DEPLOY.read_text()


def commented(folder, earlier):
    """What the step that comments asks of GitHub, when these comments are there."""
    if shutil.which("node") is None:
        pytest.skip("needs node")
    steps = [step.get("with", {}) for step in WORKFLOW["jobs"]["compare"]["steps"]]
    script = next(step["script"] for step in steps if "script" in step)
    done = subprocess.run(
        ["node", "-e", GITHUB],
        input=json.dumps([script, earlier]),
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def test_the_comparison_becomes_one_comment_that_is_renewed(tmp_path):
    (tmp_path / "comparison.txt").write_text("the second is better\n\n@team ~~~ ```\n")
    [[did, asked]] = commented(tmp_path, [{"id": 1, "user": {"type": "User"}, "body": "### The"}])
    title, _, rest = asked["body"].partition("\n\n")
    assert (did, asked["issue_number"]) == ("create", 7)
    assert all(not line or line.startswith("    ") for line in rest.splitlines())  # all of it code
    [[did, asked]] = commented(tmp_path, [{"id": 9, "user": {"type": "Bot"}, "body": title}])
    assert (did, asked["comment_id"]) == ("update", 9)


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
