import subprocess
import sys
from pathlib import Path

import yaml

from scenelet.deploy.aws.template import TEMPLATE
from scenelet.deploy.package import DOCKERFILE
from scenelet.deploy.target import PYTHONS


def tool(name):
    return Path(sys.executable).with_name(name)


def test_the_template_passes_cfn_lint():
    command = [tool("cfn-lint"), "--non-zero-exit-code", "warning", TEMPLATE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_dockerfile_passes_hadolint():
    done = subprocess.run(
        [tool("hadolint"), DOCKERFILE], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


class Template(yaml.SafeLoader):
    """CloudFormation's YAML: a short form like !Sub x becomes {"Sub": x}."""


def _short_form(loader, name, node):
    construct = {
        yaml.ScalarNode: loader.construct_scalar,
        yaml.SequenceNode: lambda node: loader.construct_sequence(node, deep=True),
        yaml.MappingNode: lambda node: loader.construct_mapping(node, deep=True),
    }[type(node)]
    return {name: construct(node)}


Template.add_multi_constructor("!", _short_form)


def resources():
    return yaml.load(TEMPLATE.read_text(), Template)["Resources"]


def test_the_role_may_write_its_own_logs_and_do_nothing_else():
    roles = [each for each in resources().values() if each["Type"] == "AWS::IAM::Role"]
    assert len(roles) == 1
    properties = roles[0]["Properties"]
    assert set(properties) <= {"AssumeRolePolicyDocument", "Policies", "PermissionsBoundary"}
    statements = [
        statement
        for policy in properties["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]
    assert [sorted(each["Action"]) for each in statements] == [
        ["logs:CreateLogStream", "logs:PutLogEvents"]
    ]
    assert statements[0]["Resource"]["Sub"].endswith(":log-group:/aws/lambda/${AWS::StackName}:*")


def test_a_watched_folder_grants_reading_it_and_writing_answers_beside_pictures_and_no_more():
    granted = [each for each in resources().values() if each["Type"] == "AWS::IAM::Policy"]
    assert [each["Condition"] for each in granted] == ["HasWatch", "HasUploads", "HasCollect"]
    folder = "arn:${AWS::Partition}:s3:::${WatchBucket}/${WatchPrefix}*"
    statements = granted[0]["Properties"]["PolicyDocument"]["Statement"]
    assert {each["Action"]: each["Resource"] for each in statements} == {
        "s3:GetObject": {"Sub": folder},
        "s3:PutObject": {"Sub": f"{folder}.scenelet.json"},
        "sqs:SendMessage": {"GetAtt": "Failures.Arn"},
    }


def test_uploads_grant_putting_reading_and_deleting_below_their_prefix_and_no_more():
    (statement,) = resources()["UploadPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert statement == {
        "Effect": "Allow",
        "Action": ["s3:PutObject", "s3:GetObject", "s3:DeleteObject"],
        "Resource": {"Sub": "arn:${AWS::Partition}:s3:::${UploadBucket}/${UploadPrefix}*"},
    }


def test_collecting_grants_putting_below_its_prefix_and_no_more():
    (statement,) = resources()["CollectPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert statement == {
        "Effect": "Allow",
        "Action": "s3:PutObject",
        "Resource": {"Sub": "arn:${AWS::Partition}:s3:::${CollectBucket}/${CollectPrefix}*"},
    }


def test_nothing_else_in_the_template_is_about_permissions_of_people():
    kinds = {each["Type"] for each in resources().values()}
    named = {kind for kind in kinds if kind.startswith("AWS::IAM::")}
    assert named == {"AWS::IAM::Role", "AWS::IAM::Policy"}


def test_the_default_runtime_is_one_that_packages_are_made_for():
    assert f"Default: python{PYTHONS[1]}" in TEMPLATE.read_text()
