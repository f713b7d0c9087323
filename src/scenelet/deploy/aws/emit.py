"""The stack as files for a team's own pipeline: CloudFormation, or Terraform around it.

One template for all ways: Terraform deploys the very stack that `scenelet deploy` would.
"""

import json
from pathlib import Path
from typing import Literal

from scenelet.artefacts import whole_folder, write_files
from scenelet.deploy.aws.preparing import Prepared
from scenelet.deploy.aws.release import Release
from scenelet.deploy.aws.settings import DeploySettings
from scenelet.deploy.aws.store import expiring

_TERRAFORM = """\
# The stack that `scenelet deploy` makes, deployed by Terraform.
terraform {
  required_providers {
    aws = { source = "hashicorp/aws", version = ">= 5.0" }
  }
}

variable "bucket" {
  type        = string
  description = "A bucket in the region of the function, for the package"
}

resource "aws_s3_object" "package" {
  bucket      = var.bucket
  key         = "KEY"
  source      = "${path.module}/package.zip"
  source_hash = filesha256("${path.module}/package.zip")
}

resource "aws_cloudformation_stack" "scenelet" {
  name          = "STACK"
  template_body = file("${path.module}/template.yaml")
  capabilities  = ["CAPABILITY_IAM"]
  parameters    = merge(jsondecode(file("${path.module}/parameters.json")), {
    CodeBucket = var.bucket
    CodeKey    = aws_s3_object.package.key
  })
}

output "endpoint" {
  value = aws_cloudformation_stack.scenelet.outputs["Endpoint"]
}
"""
_README = """\
# STACK: files that scenelet wrote

| file | what |
|---|---|
| package.zip | the function's code and model |
| template.yaml | the stack: function, alias, address, log group, role, alarms |
| parameters.json | its parameters |

HOW
COLLECT
Here the alias `live` follows the function's newest code at once. Golden pictures before traffic,
canary and rollback are what `scenelet deploy` does besides.
"""
_HOW = {
    "cloudformation": """```sh
aws s3 cp package.zip s3://BUCKET/KEY
aws cloudformation deploy --stack-name STACK --template-file template.yaml \\
    --capabilities CAPABILITY_IAM --parameter-overrides file://parameters.json
```""",
    "terraform": """```sh
terraform init
terraform apply -var bucket=YOURS
```""",
}


def write_infrastructure(
    release: Release,
    prepared: Prepared,
    settings: DeploySettings,
    kind: Literal["cloudformation", "terraform"],
    out: Path,
) -> Path:
    """Write the files; the folder is there as a whole or not at all.

    Args:
        release: Of the stack.
        prepared: The package, and its memory.
        settings: How it shall be deployed.
        kind: For which tool.
        out: Folder to write.

    Raises:
        ArtefactError: It can't be written.
    """
    template, parameters = release.wanted(prepared.packed, settings, prepared.memory_mib)
    parameters = parameters | {"LiveVersion": "$LATEST"}
    marks = {"STACK": release.identity.stack, "KEY": release.store.key(prepared.packed)}
    marks |= {"BUCKET": release.store.bucket, "HOW": _HOW[kind]}
    marks["COLLECT"] = _about_collecting(settings)
    files = {
        "package.zip": prepared.packed.content,
        "template.yaml": template.encode(),
        "parameters.json": json.dumps(parameters, indent=1).encode(),
        "README.md": _filled(_README, marks).encode(),
    }
    if kind == "terraform":
        files["main.tf"] = _filled(_TERRAFORM, marks).encode()
    with whole_folder(out) as folder:
        write_files(folder, files)
    return out


def _about_collecting(settings: DeploySettings) -> str:
    if not settings.service.collect:
        return ""
    _, prefix = settings.collected
    rule = json.dumps({"Rules": [expiring(prefix, settings.service.collect_days)]})
    return (
        f"\nPictures that it is not sure of are kept in {settings.service.collect}. The bucket is"
        f" no part of the stack: give it this lifecycle rule, so that they go again:\n\n{rule}\n"
    )


def _filled(text: str, marks: dict[str, str]) -> str:
    for mark in ("HOW", "STACK", "KEY", "BUCKET", "COLLECT"):
        if mark in marks:
            text = text.replace(mark, marks[mark])
    return text
