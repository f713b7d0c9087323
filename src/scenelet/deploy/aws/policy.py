"""What the identity that deploys needs, and no more: `scenelet deploy --policy` prints it.

From the permissions that CloudFormation's resource handlers name, and the calls of our own. The
tests hold every call against it.
"""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from scenelet.deploy.aws.settings import Identity

_STACK = (
    "CreateStack UpdateStack DeleteStack DescribeStacks DescribeStackEvents DescribeEvents"
    " DescribeStackResources GetTemplate CreateChangeSet DescribeChangeSet DeleteChangeSet"
)
_FUNCTION = (
    "CreateFunction GetFunction* UpdateFunctionCode UpdateFunctionConfiguration DeleteFunction"
    " PutFunctionConcurrency DeleteFunctionConcurrency PublishVersion ListVersionsByFunction"
    " *Alias* AddPermission RemovePermission GetPolicy *Tag* *RuntimeManagementConfig"
    " PutFunctionRecursionConfig GetProvisionedConcurrencyConfig *FunctionUrlConfig"
    " *FunctionEventInvokeConfig InvokeFunction InvokeFunctionUrl"
)
_ROLE = (
    "CreateRole GetRole UpdateRole UpdateRoleDescription ListRoleTags DeleteRole PutRolePolicy"
    " GetRolePolicy DeleteRolePolicy ListRolePolicies ListAttachedRolePolicies TagRole UntagRole"
    " UpdateAssumeRolePolicy"
)
_LOGS = "CreateLogGroup DeleteLogGroup DescribeLogGroups *RetentionPolicy FilterLogEvents *Tag*"
_ALARMS = "PutMetricAlarm DeleteAlarms DescribeAlarms *Tag*"
_DASHBOARD = "PutDashboard GetDashboard DeleteDashboards ListDashboards *Tag*"
_BUCKET = (
    "CreateBucket ListBucket GetObject PutObject DeleteObject PutBucketTagging GetBucketTagging"
    " PutBucketPublicAccessBlock GetBucketLocation DeleteBucket"
)
_RULES = "PutRule DescribeRule DeleteRule PutTargets RemoveTargets ListTargetsByRule *Tag*"
_QUEUE = "CreateQueue DeleteQueue *QueueAttributes GetQueueUrl *Queue*Tag* *TagQueue"
_TOPIC = (
    "CreateTopic DeleteTopic *TopicAttributes Subscribe Unsubscribe ListSubscriptionsByTopic"
    " *SubscriptionAttributes *DataProtectionPolicy *Tag*"
)
_BUDGET = "ViewBudget ModifyBudget CreateBudgetAction *Tag*"
_API = "GET POST PUT PATCH DELETE TagResource UntagResource"


class Part(NamedTuple):
    """A statement of the policy.

    Attributes:
        name: Of it.
        service: Of AWS.
        actions: Names, with a space between.
        resources: {here} is region and account, {name} the stack.
        wanted_by: The options and commands that need it; empty: every deployment does.
    """

    name: str
    service: str
    actions: str
    resources: tuple[str, ...]
    wanted_by: str = ""


_STACKS = ("stack/{name}/*", "stack/{name}-plan/*", "changeSet/scenelet-plan-*")
_TABLE = (
    Part("Stack", "cloudformation", _STACK, tuple(f"cloudformation:{{here}}:{x}" for x in _STACKS)),
    Part(
        "Function",
        "lambda",
        _FUNCTION,
        ("lambda:{here}:function:{name}", "lambda:{here}:function:{name}:*"),
    ),
    Part("Account", "lambda", "GetAccountSettings", ("*",)),
    Part("Role", "iam", _ROLE, ("iam::{account}:role/{name}-*",)),
    Part("PassRole", "iam", "PassRole", ("iam::{account}:role/{name}-*",)),
    Part(
        "Api", "apigateway", _API, ("apigateway:{region}::/apis*", "apigateway:{region}::/tags/*")
    ),
    Part("Logs", "logs", _LOGS, ("logs:{here}:log-group:/aws/lambda/{name}*",)),
    Part("LookForLogs", "logs", "DescribeLogGroups", ("*",)),
    Part("Alarms", "cloudwatch", _ALARMS, ("cloudwatch:{here}:alarm:{name}-*",)),
    Part("Dashboard", "cloudwatch", _DASHBOARD, ("cloudwatch::{account}:dashboard/{name}*",)),
    Part("Figures", "cloudwatch", "GetMetricData DescribeAlarms", ("*",), "status, --canary"),
    Part("Packages", "s3", _BUCKET, ("s3:::{bucket}", "s3:::{bucket}/*")),
    Part("Rules", "events", _RULES, ("events:{here}:rule/{name}-*",), "--warm-up, --watch"),
    Part("Failures", "sqs", _QUEUE, ("sqs:{here}:{name}-*",), "--watch"),
    Part("Mail", "sns", _TOPIC, ("sns:{here}:{name}-*",), "--alarm-email"),
    Part("Budget", "budgets", _BUDGET, ("budgets::{account}:budget/{name}*",), "--budget"),
    Part("Bill", "billing", "GetBillingViewData", ("*",), "--budget"),
    Part("Prices", "pricing", "GetProducts", ("*",), "prices of the region"),
    Part("Cost", "ce", "GetCostAndUsage", ("*",), "status"),
    Part("Doctor", "iam", "SimulatePrincipalPolicy", ("*",), "doctor"),
    Part("Who", "sts", "GetCallerIdentity", ("*",)),
)
PASSED_TO_LAMBDA = {"iam:PassedToService": "lambda.amazonaws.com"}


def policy(identity: Identity, account: str, region: str, partition: str = "aws") -> dict[str, Any]:
    """An IAM policy for who deploys this one stack.

    Args:
        identity: Of the stack.
        account: Number of the account.
        region: Of AWS.
        partition: "aws", "aws-cn", "aws-us-gov" ...
    """
    statements = [
        _allow(part.name, part.service, part.actions, *resources)
        for part, resources in parts(identity, account, region, partition)
    ]
    for each in statements:
        if each["Sid"] == "PassRole":
            each["Condition"] = {"StringEquals": PASSED_TO_LAMBDA}
    return {"Version": "2012-10-17", "Statement": statements}


def parts(
    identity: Identity, account: str, region: str, partition: str = "aws"
) -> list[tuple[Part, list[str]]]:
    """The statements of `policy`, each with the ARNs of its resources."""
    words = {
        "name": identity.stack,
        "bucket": identity.bucket or f"scenelet-packages-{account}-{region}",
        "account": account,
        "region": region,
        "here": f"{region}:{account}",
    }
    return [(part, [_arn(each, partition, words) for each in part.resources]) for part in _TABLE]


def _arn(resource: str, partition: str, words: dict[str, str]) -> str:
    return resource if resource == "*" else f"arn:{partition}:{resource.format(**words)}"


def on_buckets(
    watched: tuple[str, str], collected: tuple[str, str], partition: str = "aws"
) -> list[dict[str, Any]]:
    """The statements that `--watch` and `--collect` need besides, on buckets of one's own.

    Args:
        watched: Bucket and prefix; both empty for none.
        collected: Bucket and prefix; both empty for none. `scenelet collect` needs them, too.
        partition: "aws", "aws-cn", "aws-us-gov" ...
    """
    s3 = f"arn:{partition}:s3:::"
    found = []
    if watched[0]:
        words = "GetBucketNotification PutBucketNotification"
        found.append(_allow("Watch", "s3", words, f"{s3}{watched[0]}"))
    if collected[0]:
        words = "GetLifecycleConfiguration PutLifecycleConfiguration ListBucket"
        found.append(_allow("Collect", "s3", words, f"{s3}{collected[0]}"))
        found.append(_allow("Collected", "s3", "GetObject", f"{s3}{'/'.join(collected)}*"))
    return found


def policy_json(
    identity: Identity,
    account: str,
    region: str,
    partition: str = "aws",
    besides: Sequence[dict[str, Any]] = (),
) -> str:
    """The policy as IAM takes it, and statements besides."""
    found = policy(identity, account, region, partition)
    return json.dumps(found | {"Statement": [*found["Statement"], *besides]}, indent=1)


def _allow(name: str, service: str, words: str, *resources: str) -> dict[str, Any]:
    return {
        "Sid": name,
        "Effect": "Allow",
        "Action": [f"{service}:{word}" for word in words.split()],
        "Resource": list(resources),
    }
