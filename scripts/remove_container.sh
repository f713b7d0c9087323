#!/usr/bin/env bash
# Removes all that scripts/deploy_container.sh made, and nothing else.
#   scripts/remove_container.sh [NAME]
set -euo pipefail

name=${1:-scenelet-by-hand}
region=${AWS_REGION:-${AWS_DEFAULT_REGION:-$(aws configure get region || true)}}
export AWS_DEFAULT_REGION=${region:?set a region: aws configure} AWS_REGION=$region

there() { "$@" >/dev/null 2>&1; }

for api in $(aws apigatewayv2 get-apis --query "Items[?Name=='$name'].ApiId" --output text); do
    aws apigatewayv2 delete-api --api-id "$api"
    echo "removed API $api"
done
if there aws lambda get-function --function-name "$name"; then
    aws lambda delete-function --function-name "$name" >/dev/null
    echo "removed function $name"
fi
if there aws iam get-role --role-name "$name"; then
    aws iam delete-role-policy --role-name "$name" --policy-name write-own-logs
    aws iam delete-role --role-name "$name"
    echo "removed role $name"
fi
if aws logs delete-log-group --log-group-name "/aws/lambda/$name" 2>/dev/null; then
    echo "removed log group /aws/lambda/$name"
fi
if there aws ecr describe-repositories --repository-names "$name"; then
    aws ecr delete-repository --repository-name "$name" --force >/dev/null
    echo "removed repository $name with its images"
fi
