#!/usr/bin/env bash
# The container way by hand: image, ECR, function, HTTP API, with AWS's own command line and docker. For learners; see docs/deploy.md.
#   scripts/deploy_container.sh [BUNDLE] [NAME]     and, to remove everything: scripts/remove_container.sh [NAME]
set -euo pipefail

bundle=${1:-models/intel-scenes}
name=${2:-scenelet-by-hand}
# as AWS's own tools take it: the environment first, then the file
region=${AWS_REGION:-${AWS_DEFAULT_REGION:-$(aws configure get region || true)}}
export AWS_DEFAULT_REGION=${region:?set a region: aws configure} AWS_REGION=$region
account=$(aws sts get-caller-identity --query Account --output text)
partition=$(aws sts get-caller-identity --query Arn --output text | cut -d: -f2)
suffix=amazonaws.com$([ "$partition" = aws-cn ] && echo .cn || true)
registry=$account.dkr.ecr.$region.$suffix
image=$registry/$name:$(date -u +%Y%m%d%H%M%S)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

echo "1. the image"
scenelet package "$bundle" --image --out "$folder/image"
docker build --platform linux/amd64 --provenance=false --sbom=false --tag "$image" "$folder/image"

echo "2. ECR, which keeps the last three images"
lifecycle='{"rules":[{"rulePriority":1,"selection":{"tagStatus":"any","countType":"imageCountMoreThan","countNumber":3},"action":{"type":"expire"}}]}'
aws ecr describe-repositories --repository-names "$name" >/dev/null 2>&1 || aws ecr create-repository --repository-name "$name" >/dev/null
aws ecr put-lifecycle-policy --repository-name "$name" --lifecycle-policy-text "$lifecycle" >/dev/null
aws ecr get-login-password | docker login --username AWS --password-stdin "$registry"
docker push "$image"

echo "3. a role that may write logs"
trust='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}'
logs="{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"logs:CreateLogStream\",\"logs:PutLogEvents\"],\"Resource\":\"arn:$partition:logs:$region:$account:log-group:/aws/lambda/$name:*\"}]}"
aws iam get-role --role-name "$name" >/dev/null 2>&1 || aws iam create-role --role-name "$name" --assume-role-policy-document "$trust" >/dev/null
aws iam put-role-policy --role-name "$name" --policy-name write-own-logs --policy-document "$logs"
aws iam wait role-exists --role-name "$name"
aws logs create-log-group --log-group-name "/aws/lambda/$name" 2>/dev/null || true
aws logs put-retention-policy --log-group-name "/aws/lambda/$name" --retention-in-days 30

echo "4. the function"
limits='Variables={SCENELET_MAX_BODY_BYTES=4400000,SCENELET_MAX_IMAGES=4,SCENELET_MAX_SECONDS=15}'
if aws lambda get-function --function-name "$name" >/dev/null 2>&1; then
    aws lambda update-function-code --function-name "$name" --image-uri "$image" >/dev/null
    aws lambda wait function-updated-v2 --function-name "$name"
else
    sleep "${ROLE_PAUSE_S:-10}" # a new role is not known everywhere at once
    aws lambda create-function --function-name "$name" --package-type Image --code "ImageUri=$image" \
        --role "arn:$partition:iam::$account:role/$name" --memory-size 1024 --timeout 20 --environment "$limits" >/dev/null
    aws lambda wait function-active-v2 --function-name "$name"
fi
# five instances at most, where the account can reserve them; a new account's own ten are its limit
aws lambda put-function-concurrency --function-name "$name" --reserved-concurrent-executions 5 >/dev/null 2>&1 ||
    echo "   no instances could be reserved: the account's own limit is the only one"

echo "5. the address, which lets ten requests a second through"
function=arn:$partition:lambda:$region:$account:function:$name
api=$(aws apigatewayv2 get-apis --query "Items[?Name=='$name'].ApiId | [0]" --output text)
if [ "$api" = None ] || [ -z "$api" ]; then
    api=$(aws apigatewayv2 create-api --name "$name" --protocol-type HTTP --target "$function" --query ApiId --output text)
    aws lambda add-permission --function-name "$name" --statement-id api --action lambda:InvokeFunction \
        --principal apigateway.amazonaws.com --source-arn "arn:$partition:execute-api:$region:$account:$api/*" >/dev/null
fi
aws apigatewayv2 update-stage --api-id "$api" --stage-name '$default' \
    --default-route-settings ThrottlingRateLimit=10,ThrottlingBurstLimit=20 >/dev/null
address=$(aws apigatewayv2 get-api --api-id "$api" --query ApiEndpoint --output text)
echo "open to everybody who knows the address; remove it: scripts/remove_container.sh $name"
echo "next: scenelet predict --endpoint $address photo.jpg"
