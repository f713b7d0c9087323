"""moto's server, with the CloudFormation types that it lacks.

These are ours, for the tests; moto's own code does the rest.

moto 5.2 takes ApiGatewayV2, Lambda::Alias, Lambda::Url and CloudWatch::Alarm without a word, and
makes nothing of them. Here they are made through moto's own back ends, so that they can be asked
for afterwards. An API's address is the tests' gateway.
"""

import os

from moto.apigatewayv2.models import apigatewayv2_backends
from moto.awslambda.models import lambda_backends
from moto.cloudwatch.models import cloudwatch_backends
from moto.core.common_models import CloudFormationModel

GATEWAY_URL = os.environ.get("GATEWAY_URL", "")
COUNTED = {}  # by type: the properties of what is made and no more
PERMISSIONS = {}  # by function: the statements of its policy


class Made(CloudFormationModel):
    """A resource: its physical id, and what an attribute is."""

    TYPE = ""

    def __init__(self, physical_id, remove, **attributes):
        self.physical_resource_id, self._remove, self._attributes = physical_id, remove, attributes

    @staticmethod
    def cloudformation_name_type():
        return ""

    @classmethod
    def has_cfn_attr(cls, attr):
        return attr in ("ApiEndpoint", "FunctionUrl", "Arn")

    def get_cfn_attribute(self, name):
        return self._attributes[name]

    def is_created(self):
        return True

    def delete(self, account_id, region_name):
        self._remove()

    @classmethod
    def update_from_cloudformation_json(
        cls, original_resource, new_resource_name, cloudformation_json, account_id, region_name
    ):
        original_resource.change(cloudformation_json["Properties"], account_id, region_name)
        return original_resource

    def change(self, properties, account_id, region_name):
        pass


class Alias(Made):
    @staticmethod
    def cloudformation_type():
        return "AWS::Lambda::Alias"

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name, cloudformation_json, account_id, region_name, **kwargs
    ):
        wanted, backend = (
            cloudformation_json["Properties"],
            lambda_backends[account_id][region_name],
        )
        alias = backend.create_alias(
            wanted["Name"], wanted["FunctionName"], wanted["FunctionVersion"], "", None
        )
        made = cls(alias.arn, lambda: None)  # goes with its function
        made.alias = alias
        return made

    def change(self, properties, account_id, region_name):
        self.alias.update(None, properties["FunctionVersion"], None)


class Permission(Made):
    """moto's own refuses the ARN of an alias."""

    @staticmethod
    def cloudformation_type():
        return "AWS::Lambda::Permission"

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name, cloudformation_json, account_id, region_name, **kwargs
    ):
        wanted = cloudformation_json["Properties"]
        function = wanted["FunctionName"].partition("function:")[2].split(":")[0]
        PERMISSIONS.setdefault(function, []).append(wanted)
        return cls(f"{resource_name}-permission", lambda: PERMISSIONS[function].remove(wanted))


class Url(Made):
    @staticmethod
    def cloudformation_type():
        return "AWS::Lambda::Url"

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name, cloudformation_json, account_id, region_name, **kwargs
    ):
        wanted, backend = (
            cloudformation_json["Properties"],
            lambda_backends[account_id][region_name],
        )
        backend.create_function_url_config(
            wanted["TargetFunctionArn"], {"AuthType": wanted["AuthType"]}
        )
        return cls(
            f"{wanted['TargetFunctionArn']}:url", lambda: None, FunctionUrl=GATEWAY_URL + "/"
        )


class Api(Made):
    @staticmethod
    def cloudformation_type():
        return "AWS::ApiGatewayV2::Api"

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name, cloudformation_json, account_id, region_name, **kwargs
    ):
        wanted, backend = (
            cloudformation_json["Properties"],
            apigatewayv2_backends[account_id][region_name],
        )
        cors = wanted.get("CorsConfiguration")
        made = backend.create_api(
            "", cors, "", False, False, wanted["Name"], wanted["ProtocolType"], "", {}, ""
        )
        return cls(made.api_id, lambda: backend.delete_api(made.api_id), ApiEndpoint=GATEWAY_URL)


class Integration(Made):
    @staticmethod
    def cloudformation_type():
        return "AWS::ApiGatewayV2::Integration"

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name, cloudformation_json, account_id, region_name, **kwargs
    ):
        wanted, backend = (
            cloudformation_json["Properties"],
            apigatewayv2_backends[account_id][region_name],
        )
        fixed = [
            "",
            "INTERNET",
            "",
            "",
            "",
            "POST",
            "",
            wanted["IntegrationType"],
            wanted["IntegrationUri"],
            "",
        ]
        made = backend.create_integration(
            wanted["ApiId"],
            *fixed,
            wanted["PayloadFormatVersion"],
            None,
            None,
            None,
            "",
            "29000",
            {},
        )
        return cls(made.id, lambda: None)


class Route(Made):
    @staticmethod
    def cloudformation_type():
        return "AWS::ApiGatewayV2::Route"

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name, cloudformation_json, account_id, region_name, **kwargs
    ):
        wanted, backend = (
            cloudformation_json["Properties"],
            apigatewayv2_backends[account_id][region_name],
        )
        head = (wanted["ApiId"], False, [], wanted["AuthorizationType"], "", "", "", None, None)
        made = backend.create_route(*head, wanted["RouteKey"], "", wanted["Target"])
        return cls(made.route_id, lambda: None)


class Stage(Made):
    @staticmethod
    def cloudformation_type():
        return "AWS::ApiGatewayV2::Stage"

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name, cloudformation_json, account_id, region_name, **kwargs
    ):
        wanted, backend = (
            cloudformation_json["Properties"],
            apigatewayv2_backends[account_id][region_name],
        )
        settings = wanted["DefaultRouteSettings"]
        config = {
            "stageName": wanted["StageName"],
            "autoDeploy": wanted["AutoDeploy"],
            "defaultRouteSettings": settings,
        }
        backend.create_stage(wanted["ApiId"], config)
        return cls(wanted["StageName"], lambda: None)


class Alarm(Made):
    @staticmethod
    def cloudformation_type():
        return "AWS::CloudWatch::Alarm"

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name, cloudformation_json, account_id, region_name, **kwargs
    ):
        wanted, backend = (
            cloudformation_json["Properties"],
            cloudwatch_backends[account_id][region_name],
        )
        name = resource_name
        backend.put_metric_alarm(
            name=name,
            namespace=wanted["Namespace"],
            metric_name=wanted["MetricName"],
            comparison_operator=wanted["ComparisonOperator"],
            evaluation_periods=int(wanted["EvaluationPeriods"]),
            period=int(wanted["Period"]),
            threshold=float(wanted["Threshold"]),
            statistic=wanted.get("Statistic"),
            extended_statistic=wanted.get("ExtendedStatistic"),
            description=wanted["AlarmDescription"],
            dimensions=[
                {"Name": each["Name"], "Value": each["Value"]} for each in wanted["Dimensions"]
            ],
            alarm_actions=[],
        )
        return cls(name, lambda: backend.delete_alarms([name]))


class Counted(Made):
    """What moto has no back end for, or none that is needed: that it was made is enough."""

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name, cloudformation_json, account_id, region_name, **kwargs
    ):
        COUNTED[cls.cloudformation_type()] = cloudformation_json["Properties"]
        return cls(f"{resource_name}-1", lambda: COUNTED.pop(cls.cloudformation_type(), None))


class Budget(Counted):
    @staticmethod
    def cloudformation_type():
        return "AWS::Budgets::Budget"


class EventInvokeConfig(Counted):
    @staticmethod
    def cloudformation_type():
        return "AWS::Lambda::EventInvokeConfig"


class Authorizer(Counted):
    @staticmethod
    def cloudformation_type():
        return "AWS::ApiGatewayV2::Authorizer"


def teach_types():
    """Let moto's CloudFormation know the types."""
    from moto.cloudformation import parsing

    ours = {
        kind.cloudformation_type(): kind
        for kind in (*Made.__subclasses__(), *Counted.__subclasses__())
        if kind is not Counted
    }
    parsing.get_model_map().update(ours)
    parsing.get_name_type_map().update(
        {name: kind.cloudformation_name_type() for name, kind in ours.items()}
    )
