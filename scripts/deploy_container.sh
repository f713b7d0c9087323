#!/usr/bin/env bash
# The container way by hand: image, ECR, function, HTTP API, with AWS's own command line and docker. For learners; see docs/deploy.md.
#   scripts/deploy_container.sh [BUNDLE] [NAME]
set -euo pipefail

bundle=${1:-models/intel-scenes}
name=${2:-scenelet-by-hand}
account=$(aws sts get-caller-identity --query Account --output text)
region=$(aws configure get region || echo "${AWS_DEFAULT_REGION:?set a region: aws configure}")
registry=$account.dkr.ecr.$region.amazonaws.com
image=$registry/$name:$(date -u +%Y%m%d%H%M%S)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

echo "1. the image"
scenelet package "$bundle" --image --out "$folder/image"
docker build --platform linux/amd64 --provenance=false --tag "$image" "$folder/image"

echo "2. ECR"
aws ecr describe-repositories --repository-names "$name" >/dev/null 2>&1 || aws ecr create-repository --repository-name "$name" >/dev/null
aws ecr get-login-password | docker login --username AWS --password-stdin "$registry"
docker push "$image"

echo "3. a role that may write logs"
trust='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}'
logs="{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"logs:CreateLogStream\",\"logs:PutLogEvents\"],\"Resource\":\"arn:aws:logs:$region:$account:log-group:/aws/lambda/$name:*\"}]}"
aws iam get-role --role-name "$name" >/dev/null 2>&1 || aws iam create-role --role-name "$name" --assume-role-policy-document "$trust" >/dev/null
aws iam put-role-policy --role-name "$name" --policy-name write-own-logs --policy-document "$logs"
aws iam wait role-exists --role-name "$name"
aws logs create-log-group --log-group-name "/aws/lambda/$name" 2>/dev/null || true
aws logs put-retention-policy --log-group-name "/aws/lambda/$name" --retention-in-days 30

echo "4. the function"
if aws lambda get-function --function-name "$name" >/dev/null 2>&1; then
    aws lambda update-function-code --function-name "$name" --image-uri "$image" >/dev/null
    aws lambda wait function-updated-v2 --function-name "$name"
else
    sleep "${ROLE_PAUSE_S:-10}" # a new role is not known everywhere at once
    aws lambda create-function --function-name "$name" --package-type Image --code "ImageUri=$image" \
        --role "arn:aws:iam::$account:role/$name" --memory-size 1024 --timeout 20 >/dev/null
    aws lambda wait function-active-v2 --function-name "$name"
fi

echo "5. the address"
function=arn:aws:lambda:$region:$account:function:$name
api=$(aws apigatewayv2 get-apis --query "Items[?Name=='$name'].ApiId | [0]" --output text)
if [ "$api" = None ] || [ -z "$api" ]; then
    api=$(aws apigatewayv2 create-api --name "$name" --protocol-type HTTP --target "$function" --query ApiId --output text)
    aws lambda add-permission --function-name "$name" --statement-id api --action lambda:InvokeFunction \
        --principal apigateway.amazonaws.com --source-arn "arn:aws:execute-api:$region:$account:$api/*" >/dev/null
fi
address=$(aws apigatewayv2 get-api --api-id "$api" --query ApiEndpoint --output text)
echo "next: scenelet predict --endpoint $address photo.jpg"
