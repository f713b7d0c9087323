"""Stacks that fail as CloudFormation's fail: an event with the reason, then a rollback.

And early validation: a name that is taken is found before anything is made, and told by
DescribeEvents alone.
"""

import json

from moto.cloudformation.models import CloudFormationBackend, Event, Stack

LONGEST_PATTERN, MOST_WILDCARDS = 2048, 6
RULES = {}
USED = {}  # by function: the last number of a version
FAILED_VALIDATIONS = {}  # by stack: what DescribeEvents tells


class RefusedError(Exception):
    """A resource can't be made."""

    def __init__(self, logical_id, reason):
        super().__init__(reason)
        self.logical_id, self.reason = logical_id, reason


def teach_refusals(may_reserve):
    """Let moto's stacks fail.

    Args:
        may_reserve: Whether a function, by its name, may reserve so many instances.
    """
    _teach_functions(may_reserve)
    _teach_rules()
    _teach_versions()
    _teach_stacks()
    _teach_early_validation()


def _teach_functions(may_reserve):
    from moto.awslambda.models import LambdaFunction

    create = LambdaFunction.create_from_cloudformation_json.__func__
    update = LambdaFunction.update_from_cloudformation_json.__func__

    def require(name, properties):
        wanted = properties.get("ReservedConcurrentExecutions")
        if wanted is not None and not may_reserve(name, int(wanted)):
            raise RefusedError(
                "Function",
                'Resource handler returned message: "Specified ReservedConcurrentExecutions for'
                " function decreases account's UnreservedConcurrentExecution below its minimum"
                f" value of [{min(100, RULES['concurrency'])}]. (Service: Lambda, Status Code: 400,"
                ' Request ID: 5a)" (RequestToken: 6b, HandlerErrorCode: InvalidRequest)',
            )

    def created(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs):
        properties = cloudformation_json["Properties"]
        require(resource_name, properties)
        made = create(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs)
        if "Timeout" in properties:
            made.timeout = int(properties["Timeout"])
        made.reserved_concurrency = properties.get("ReservedConcurrentExecutions")
        return made

    def updated(cls, original_resource, new_resource_name, cloudformation_json, *where, **named):
        require(original_resource.function_name, cloudformation_json["Properties"])
        made = update(
            cls, original_resource, new_resource_name, cloudformation_json, *where, **named
        )
        made.reserved_concurrency = cloudformation_json["Properties"].get(
            "ReservedConcurrentExecutions"
        )
        return made

    LambdaFunction.create_from_cloudformation_json = classmethod(created)
    LambdaFunction.update_from_cloudformation_json = classmethod(updated)


def _teach_rules():
    """EventBridge's limits of a pattern: its length, and wildcards (six have passed, eight not)."""
    from moto.events.models import Rule

    create = Rule.create_from_cloudformation_json.__func__

    def created(cls, resource_name, cloudformation_json, *where, **named):
        pattern = json.dumps(cloudformation_json["Properties"].get("EventPattern", {}))
        reason = ""
        if len(pattern) > LONGEST_PATTERN:
            reason = "Event pattern is too long"
        if pattern.count('"wildcard"') > MOST_WILDCARDS:
            reason = (
                "Rule is too complex - try using fewer wildcard characters or fewer repeating"
                " character sequences after a wildcard character"
            )
        if reason:
            told = f"Event pattern is not valid. Reason: {reason} (Service: EventBridge)"
            raise RefusedError("WatchRule", f'Resource handler returned message: "{told}"')
        return create(cls, resource_name, cloudformation_json, *where, **named)

    Rule.create_from_cloudformation_json = classmethod(created)


def _teach_versions():
    """Numbers of versions that were deleted are not used again; moto counts those that are left."""
    from moto.awslambda.models import LambdaStorage

    publish = LambdaStorage.publish_version

    def publish_version(self, name_or_arn, description=""):
        name = self.get_function_by_name_or_arn_forbid_qualifier(name_or_arn).function_name
        group = self._functions[name]
        there = group["versions"]
        if there and there[-1].code_sha_256 != group["latest"].code_sha_256:
            group["latest"].code_or_config_updated = True
        before = list(there)
        made = publish(self, name_or_arn, description)
        if made in before:
            return made  # nothing has changed
        number = 1 + USED.get(made.function_arn.rpartition(":")[0], 0)
        if int(made.version) != number:
            del self._arns[made.function_arn]
            made.set_version(number)
            self._arns[made.function_arn] = made
        USED[made.function_arn.rpartition(":")[0]] = number
        return made

    LambdaStorage.publish_version = publish_version


def _teach_stacks():
    create, update = Stack.create_resources, Stack.update

    def create_resources(self):
        if self.name in FAILED_VALIDATIONS:
            self.status = "ROLLBACK_COMPLETE"
            self._add_stack_event("ROLLBACK_COMPLETE")
            return
        try:
            create(self)
        except RefusedError as error:
            self.events.append(_failed(self, error, "CREATE_FAILED"))
            self._add_stack_event("ROLLBACK_IN_PROGRESS")
            self.resource_map.delete()
            self._add_stack_event("ROLLBACK_COMPLETE")
            self.status = "ROLLBACK_COMPLETE"

    def updated(self, template, role_arn=None, parameters=None, tags=None):
        before = (self.template, self.parameters)
        try:
            update(self, template, role_arn, parameters, tags)
        except RefusedError as error:
            self.events.append(_failed(self, error, "UPDATE_FAILED"))
            update(self, before[0], role_arn, before[1], tags)
            self._add_stack_event("UPDATE_ROLLBACK_COMPLETE")
            self.status = "UPDATE_ROLLBACK_COMPLETE"

    outputs = Stack.outputs.fget
    # moto makes the resources of a failed stack when it is asked for its outputs
    Stack.outputs = property(
        lambda self: [] if self.status.startswith("ROLLBACK") else outputs(self)
    )
    Stack.exports = property(lambda self: [])
    Stack.create_resources, Stack.update = create_resources, updated


def _failed(stack, error, status):
    return Event(
        stack_id=stack.stack_id,
        stack_name=stack.name,
        logical_resource_id=error.logical_id,
        physical_resource_id="",
        resource_type="AWS::Lambda::Function",
        resource_status=status,
        resource_status_reason=error.reason,
        resource_properties="",
    )


def _teach_early_validation():
    create_stack = CloudFormationBackend.create_stack
    create_change_set = CloudFormationBackend.create_change_set

    def stack(self, name, template, parameters, **kwargs):
        _validate(self, name)
        return create_stack(self, name, template, parameters, **kwargs)

    def change_set(self, stack_name, change_set_name, template, *rest, **kwargs):
        made = create_change_set(self, stack_name, change_set_name, template, *rest, **kwargs)
        if kwargs.get("change_set_type", "") == "CREATE" and _validate(self, stack_name):
            found = self.change_sets[made[0]]
            found.status, found.execution_status = "FAILED", "UNAVAILABLE"
            found.status_reason = (
                "The following hook(s)/validation failed:"
                " [AWS::EarlyValidation::ResourceExistenceCheck]. To troubleshoot Early Validation"
                " errors, use the DescribeEvents API for detailed failure information."
            )
        return made

    CloudFormationBackend.create_stack = stack
    CloudFormationBackend.create_change_set = change_set


def _validate(backend, stack_name):
    """Whether a name of the stack is taken; then it is remembered for DescribeEvents."""
    from moto.awslambda.models import lambda_backends
    from moto.logs.models import logs_backends

    FAILED_VALIDATIONS.pop(stack_name, None)
    account, region = backend.account_id, backend.region_name
    functions = {each.function_name for each in lambda_backends[account][region].list_functions()}
    groups = logs_backends[account][region].groups
    taken = None
    if stack_name in functions:
        taken = ("Function", "AWS::Lambda::Function", stack_name)
    elif f"/aws/lambda/{stack_name}" in groups:
        taken = ("Logs", "AWS::Logs::LogGroup", f"/aws/lambda/{stack_name}")
    if taken is None or not RULES.get("early_validation"):
        return False
    logical, kind, name = taken
    FAILED_VALIDATIONS[stack_name] = {
        "EventId": "1",
        "EventType": "VALIDATION_ERROR",
        "LogicalResourceId": logical,
        "PhysicalResourceId": name,
        "ResourceType": kind,
        "ValidationName": "NAME_CONFLICT_VALIDATION",
        "ValidationStatus": "FAILED",
        "ValidationFailureMode": "FAIL",
        "ValidationStatusReason": f"Resource of type '{kind}' with identifier '{name}' already"
        " exists.",
        "ValidationPath": f"/Resources/{logical}",
    }
    return True
