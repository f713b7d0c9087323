"""The policy that `deploy --policy` prints is what a deployment needs, and no more than a stack's own."""

import fnmatch
import json

import pytest
import yaml
from strict_policy import handlers_of

from scenelet.deploy.aws.policy import on_buckets, policy, policy_json
from scenelet.deploy.aws.settings import Identity
from scenelet.deploy.aws.template import TEMPLATE

ACCOUNT, REGION = "123456789012", "eu-central-1"


def resource_types():
    class Loader(yaml.SafeLoader):
        pass

    Loader.add_multi_constructor("!", lambda loader, tag, node: None)
    resources = yaml.load(TEMPLATE.read_text(), Loader)["Resources"]
    return {each["Type"] for each in resources.values()}


def test_it_holds_what_cloudformation_does_for_every_resource_of_the_template():
    statements = policy(Identity(), ACCOUNT, REGION)["Statement"]
    allowed = {action.lower() for each in statements for action in each["Action"]}
    handlers = handlers_of(resource_types())
    assert len(handlers) > 12
    missing = {
        f"{kind}: {action}"
        for kind, wanted in handlers.items()
        for action in wanted
        if not any(fnmatch.fnmatchcase(action.lower(), each) for each in allowed)
    }
    assert missing == set()


def test_every_action_but_a_few_is_bound_to_what_belongs_to_the_stack():
    unbound = {
        action
        for statement in policy(Identity("mine"), ACCOUNT, REGION)["Statement"]
        if statement["Resource"] == ["*"]
        for action in statement["Action"]
    }
    assert unbound == {
        "lambda:GetAccountSettings",
        "logs:DescribeLogGroups",
        "cloudwatch:GetMetricData",
        "cloudwatch:DescribeAlarms",
        "billing:GetBillingViewData",
        "pricing:GetProducts",
        "ce:GetCostAndUsage",
        "iam:SimulatePrincipalPolicy",
        "sts:GetCallerIdentity",
    }


def test_iam_s_limit_of_a_managed_policy_holds_it():
    """6,144 characters without white space."""
    longest = Identity("s" * 64, bucket="b" * 63)
    text = policy_json(longest, ACCOUNT, "ap-southeast-2")
    assert len("".join(text.split())) < 6144
    besides = on_buckets(("our-photos", "in/"), ("our-photos", "unsure/"))
    text = policy_json(Identity(), ACCOUNT, "ap-southeast-2", besides=besides)
    assert len("".join(text.split())) < 6144


def test_it_names_the_buckets_of_one_s_own_that_options_name(aws, scenelet):
    folder = ("--watch", "s3://photos/in/", "--collect", "s3://mine/unsure/")
    told = json.loads(scenelet("deploy", "--policy", *folder).out)["Statement"]
    besides = {
        each["Sid"]: each for each in told if each["Sid"] in ("Watch", "Collect", "Collected")
    }
    assert besides["Watch"]["Resource"] == ["arn:aws:s3:::photos"]
    assert besides["Collected"]["Action"] == ["s3:GetObject"]
    assert besides["Collected"]["Resource"] == ["arn:aws:s3:::mine/unsure/*"]
    plain = json.loads(scenelet("deploy", "--policy").out)["Statement"]
    assert len(plain) == len(told) - 3


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_it_is_of_the_partition(partition):
    text = policy_json(Identity(), ACCOUNT, REGION, partition)
    found = {
        resource.split(":")[1]
        for statement in json.loads(text)["Statement"]
        for resource in statement["Resource"]
        if resource != "*"
    }
    assert found == {partition}
