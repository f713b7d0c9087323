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
    "CreateRole GetRole UpdateRole UpdateRoleDescription ListRoleTags DeleteRole PutRolePolicy GetRolePolicy DeleteRolePolicy ListRolePolicies"
    " ListAttachedRolePolicies TagRole UntagRole UpdateAssumeRolePolicy"
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


def policy(identity: Identity, account: str, region: str, partition: str = "aws") -> dict[str, Any]:
    """An IAM policy for who deploys this one stack.

    Args:
        identity: Of the stack.
        account: Number of the account.
        region: Of AWS.
        partition: "aws", "aws-cn", "aws-us-gov" ...
    """
    name = identity.stack
    bucket = identity.bucket or f"scenelet-packages-{account}-{region}"

    def here(service: str, resource: str) -> str:
        return f"arn:{partition}:{service}:{region}:{account}:{resource}"

    role = f"arn:{partition}:iam::{account}:role/{name}-*"
    return {
        "Version": "2012-10-17",
        "Statement": [
            _allow(
                "Stack",
                "cloudformation",
                _STACK,
                here("cloudformation", f"stack/{name}/*"),
                here("cloudformation", f"stack/{name}-plan/*"),
            ),
            _allow(
                "Function",
                "lambda",
                _FUNCTION,
                here("lambda", f"function:{name}"),
                here("lambda", f"function:{name}:*"),
            ),
            _allow("Account", "lambda", "GetAccountSettings", "*"),
            _allow("Role", "iam", _ROLE, role),
            {
                **_allow("PassRole", "iam", "PassRole", role),
                "Condition": {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}},
            },
            _allow(
                "Api",
                "apigateway",
                "GET POST PUT PATCH DELETE TagResource UntagResource",
                f"arn:{partition}:apigateway:{region}::/apis*",
                f"arn:{partition}:apigateway:{region}::/tags/*",
            ),
            _allow("Logs", "logs", _LOGS, here("logs", f"log-group:/aws/lambda/{name}*")),
            _allow("LookForLogs", "logs", "DescribeLogGroups", "*"),
            _allow("Alarms", "cloudwatch", _ALARMS, here("cloudwatch", f"alarm:{name}-*")),
            _allow(
                "Dashboard",
                "cloudwatch",
                _DASHBOARD,
                f"arn:{partition}:cloudwatch::{account}:dashboard/{name}*",
            ),
            _allow("Figures", "cloudwatch", "GetMetricData DescribeAlarms", "*"),
            _allow(
                "Packages",
                "s3",
                _BUCKET,
                f"arn:{partition}:s3:::{bucket}",
                f"arn:{partition}:s3:::{bucket}/*",
            ),
            _allow("Rules", "events", _RULES, here("events", f"rule/{name}-*")),
            _allow("Failures", "sqs", _QUEUE, here("sqs", f"{name}-*")),
            _allow("Mail", "sns", _TOPIC, here("sns", f"{name}-*")),
            _allow(
                "Budget", "budgets", _BUDGET, f"arn:{partition}:budgets::{account}:budget/{name}*"
            ),
            _allow("Bill", "billing", "GetBillingViewData", "*"),
            _allow("Prices", "pricing", "GetProducts", "*"),
            _allow("Cost", "ce", "GetCostAndUsage", "*"),
            _allow("Doctor", "iam", "SimulatePrincipalPolicy", "*"),
            _allow("Who", "sts", "GetCallerIdentity", "*"),
        ],
    }


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
