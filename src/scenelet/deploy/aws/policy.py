"""What the identity that deploys needs, and no more: `scenelet deploy --policy` prints it.

From the permissions that CloudFormation's resource handlers name, and the calls of our own. The
tests hold every call against it.
"""

import json
from typing import Any

from scenelet.deploy.aws.settings import Identity

_STACK = (
    "CreateStack UpdateStack DeleteStack DescribeStacks DescribeStackEvents DescribeEvents"
    " DescribeStackResources GetTemplate CreateChangeSet DescribeChangeSet DeleteChangeSet"
)
_FUNCTION = (
    "CreateFunction GetFunction* UpdateFunctionCode UpdateFunctionConfiguration DeleteFunction"
    " PutFunctionConcurrency DeleteFunctionConcurrency PublishVersion ListVersionsByFunction"
    " CreateAlias GetAlias UpdateAlias DeleteAlias ListAliases AddPermission RemovePermission"
    " GetPolicy TagResource UntagResource ListTags GetRuntimeManagementConfig"
    " PutRuntimeManagementConfig PutFunctionRecursionConfig GetProvisionedConcurrencyConfig"
    " *FunctionUrlConfig *FunctionEventInvokeConfig InvokeFunction InvokeFunctionUrl"
)
_ROLE = (
    "CreateRole GetRole UpdateRole UpdateRoleDescription ListRoleTags DeleteRole PutRolePolicy"
    " GetRolePolicy DeleteRolePolicy ListRolePolicies ListAttachedRolePolicies TagRole UntagRole"
    " UpdateAssumeRolePolicy"
)
_LOGS = (
    "CreateLogGroup DeleteLogGroup DescribeLogGroups PutRetentionPolicy DeleteRetentionPolicy"
    " TagResource UntagResource ListTagsForResource FilterLogEvents"
)
_ALARMS = "PutMetricAlarm DeleteAlarms DescribeAlarms TagResource UntagResource ListTagsForResource"
_DASHBOARD = (
    "PutDashboard GetDashboard DeleteDashboards ListDashboards TagResource UntagResource"
    " ListTagsForResource"
)
_BUCKET = (
    "CreateBucket ListBucket GetObject PutObject DeleteObject PutBucketTagging GetBucketTagging"
    " PutBucketPublicAccessBlock GetBucketLocation DeleteBucket"
)
_RULES = (
    "PutRule DescribeRule DeleteRule PutTargets RemoveTargets ListTargetsByRule TagResource"
    " UntagResource ListTagsForResource"
)
_QUEUE = (
    "CreateQueue DeleteQueue GetQueueAttributes SetQueueAttributes GetQueueUrl TagQueue UntagQueue"
    " ListQueueTags"
)
_TOPIC = (
    "CreateTopic DeleteTopic GetTopicAttributes SetTopicAttributes Subscribe Unsubscribe"
    " ListSubscriptionsByTopic GetSubscriptionAttributes SetSubscriptionAttributes TagResource"
    " UntagResource ListTagsForResource GetDataProtectionPolicy PutDataProtectionPolicy"
)
_BUDGET = "ViewBudget ModifyBudget CreateBudgetAction TagResource UntagResource ListTagsForResource"


_API = "GET POST PUT PATCH DELETE TagResource UntagResource"
# name, service, actions, resources: {here} is region and account, {name} the stack
_TABLE: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    (
        "Stack",
        "cloudformation",
        _STACK,
        (
            "cloudformation:{here}:stack/{name}/*",
            "cloudformation:{here}:stack/{name}-plan/*",
            "cloudformation:{here}:changeSet/scenelet-plan-*",
        ),
    ),
    (
        "Function",
        "lambda",
        _FUNCTION,
        ("lambda:{here}:function:{name}", "lambda:{here}:function:{name}:*"),
    ),
    ("Account", "lambda", "GetAccountSettings", ("*",)),
    ("Role", "iam", _ROLE, ("iam::{account}:role/{name}-*",)),
    ("PassRole", "iam", "PassRole", ("iam::{account}:role/{name}-*",)),
    ("Api", "apigateway", _API, ("apigateway:{region}::/apis*", "apigateway:{region}::/tags/*")),
    ("Logs", "logs", _LOGS, ("logs:{here}:log-group:/aws/lambda/{name}*",)),
    ("LookForLogs", "logs", "DescribeLogGroups", ("*",)),
    ("Alarms", "cloudwatch", _ALARMS, ("cloudwatch:{here}:alarm:{name}-*",)),
    ("Dashboard", "cloudwatch", _DASHBOARD, ("cloudwatch::{account}:dashboard/{name}*",)),
    ("Figures", "cloudwatch", "GetMetricData DescribeAlarms", ("*",)),
    ("Packages", "s3", _BUCKET, ("s3:::{bucket}", "s3:::{bucket}/*")),
    ("Rules", "events", _RULES, ("events:{here}:rule/{name}-*",)),
    ("Failures", "sqs", _QUEUE, ("sqs:{here}:{name}-*",)),
    ("Mail", "sns", _TOPIC, ("sns:{here}:{name}-*",)),
    ("Budget", "budgets", _BUDGET, ("budgets::{account}:budget/{name}*",)),
    ("Bill", "billing", "GetBillingViewData", ("*",)),
    ("Prices", "pricing", "GetProducts", ("*",)),
    ("Cost", "ce", "GetCostAndUsage", ("*",)),
    ("Doctor", "iam", "SimulatePrincipalPolicy", ("*",)),
    ("Who", "sts", "GetCallerIdentity", ("*",)),
)
_PASSED_TO_LAMBDA = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}


def policy(identity: Identity, account: str, region: str, partition: str = "aws") -> dict[str, Any]:
    """An IAM policy for who deploys this one stack.

    Args:
        identity: Of the stack.
        account: Number of the account.
        region: Of AWS.
        partition: "aws", "aws-cn", "aws-us-gov" ...
    """
    words = {
        "name": identity.stack,
        "bucket": identity.bucket or f"scenelet-packages-{account}-{region}",
        "account": account,
        "region": region,
        "here": f"{region}:{account}",
    }
    statements = [
        _allow(name, service, actions, *(_arn(each, partition, words) for each in resources))
        for name, service, actions, resources in _TABLE
    ]
    for each in statements:
        if each["Sid"] == "PassRole":
            each["Condition"] = _PASSED_TO_LAMBDA
    return {"Version": "2012-10-17", "Statement": statements}


def _arn(resource: str, partition: str, words: dict[str, str]) -> str:
    return resource if resource == "*" else f"arn:{partition}:{resource.format(**words)}"


def watching(bucket: str, partition: str = "aws") -> dict[str, Any]:
    """The statement that `--watch` needs besides."""
    words = "GetBucketNotification PutBucketNotification"
    return _allow("Watch", "s3", words, f"arn:{partition}:s3:::{bucket}")


def actions(identity: Identity, account: str, region: str) -> set[str]:
    """Every action that the policy allows; some end or begin with "*"."""
    return {
        action
        for statement in policy(identity, account, region)["Statement"]
        for action in statement["Action"]
    }


def policy_json(identity: Identity, account: str, region: str, partition: str = "aws") -> str:
    """The policy as IAM takes it."""
    return json.dumps(policy(identity, account, region, partition), indent=1)


def _allow(name: str, service: str, words: str, *resources: str) -> dict[str, Any]:
    return {
        "Sid": name,
        "Effect": "Allow",
        "Action": [f"{service}:{word}" for word in words.split()],
        "Resource": list(resources),
    }
