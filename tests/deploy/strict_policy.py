"""IAM in the tests: whether a policy allows a call.

And what CloudFormation's handlers call for us.
"""

import fnmatch
import importlib.util
import json
from pathlib import Path

from scenelet.deploy.aws.policy import on_buckets, policy
from scenelet.deploy.aws.settings import Identity

ACCOUNT, REGION = "123456789012", "eu-central-1"
STACKS, BUCKETS, WATCHED = ("scenelet", "other"), (None, "mine"), "photos"
COLLECTED = ("photos", "unsure/")
# found, not imported: that takes seconds
SCHEMAS = Path(importlib.util.find_spec("cfnlint").origin).parent / "data" / "schemas" / "resources"
# what handlers name for features that the template has not: networks, keys, deployments, layers ...
UNUSED = (
    "ec2:*",
    "elasticfilesystem:*",
    "s3files:*",
    "kms:*",
    "codedeploy:*",
    "firehose:*",
    "s3:REST*",
    "s3:GetObjectVersion",
    "lambda:*CodeSigningConfig",
    "lambda:GetLayerVersion",
    "lambda:PassCapacityProvider",
    "lambda:AssociateRuntimeAlias",
    "lambda:PutFunctionScalingConfig",
    "lambda:*ProvisionedConcurrencyConfig",
    "logs:*DataProtectionPolicy",
    "logs:*IndexPolic*",
    "logs:*ResourcePolic*",
    "logs:CreateLogDelivery",
    "logs:*KmsKey",
    "logs:PutBearerTokenAuthentication",
    "logs:PutLogGroupDeletionProtection",
    "iam:*AttachRolePolicy",
    "iam:DetachRolePolicy",
    "iam:*RolePermissionsBoundary",
    "iam:*UserPolicy",
    "iam:*GroupPolicy",
)


def statements():
    """Of the documented policy, for every stack and bucket that the tests use."""
    found = on_buckets((WATCHED, ""), COLLECTED)
    for stack in STACKS:
        for bucket in BUCKETS:
            found += policy(Identity(stack, bucket=bucket), ACCOUNT, REGION)["Statement"]
    return found


def refused(calls):
    """Those calls that the documented policy does not allow."""
    from strict_calls import action_of  # moto's process finds this file as a part of a package

    allowed = statements()
    return sorted(
        {
            f"{action_of(service, operation)} on {resource}"
            for service, operation, resource in calls
            if not any(allows(each, action_of(service, operation), resource) for each in allowed)
        }
    )


def may(action, resource, given):
    """As IAM simulates it, with some keys of the context; "*" is a resource like any other."""
    found = (each for each in statements() if allows(each, action, resource, stars_match_all=False))
    keys = (set(each.get("Condition", {}).get("StringEquals", {})) for each in found)
    return any(needed <= given for needed in keys)


def allows(statement, action, resource, stars_match_all=True):
    """Whether a statement allows an action on a resource; "*" is one that is not known."""
    return any(
        fnmatch.fnmatchcase(action.lower(), each.lower()) for each in statement["Action"]
    ) and any(
        (stars_match_all and resource == "*") or fnmatch.fnmatchcase(resource, each)
        for each in statement["Resource"]
    )


def handlers_of(kinds):
    """Actions that CloudFormation's resource handlers take, by type."""
    found = {}
    for path in SCHEMAS.glob("*.json"):
        schema = json.loads(path.read_text())
        if schema.get("typeName") in kinds and schema["typeName"] not in found:
            handlers = schema.get("handlers", {}).items()
            found[schema["typeName"]] = {
                action
                for name, handler in handlers
                if name != "list"
                for action in handler["permissions"]
                if not any(fnmatch.fnmatchcase(action, unused) for unused in UNUSED)
            }
    return found
