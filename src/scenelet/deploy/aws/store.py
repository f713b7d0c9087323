"""The bucket that packages lie in, on their way to Lambda.

One an account and region, shared by stacks; each has its prefix.
"""

import base64
import hashlib
from typing import Any

from botocore.exceptions import ClientError

from scenelet.deploy.aws.cloud import TAG, Cloud, code_of, translated
from scenelet.errors import CloudError


class Store:
    """Packages in a bucket."""

    def __init__(self, cloud: Cloud, bucket: str | None = None) -> None:
        """Name the bucket; it is made by `put`.

        Raises:
            CloudError: No credentials.
        """
        self._account, self._region = cloud.account(), cloud.region
        self._s3 = cloud.client("s3")
        self.bucket = bucket or f"scenelet-packages-{self._account}-{self._region}"

    def put(self, stack: str, content: bytes) -> str:
        """Upload a package, unless this very one lies there; returns its key.

        Raises:
            CloudError: The bucket is somebody else's, or AWS refused.
        """
        self._ensure()
        digest = hashlib.sha256(content)
        key = f"{stack}/{digest.hexdigest()}.zip"
        with translated(f"s3://{self.bucket}/{key}"):
            if not self._is_there(key, len(content)):
                checksum = base64.b64encode(
                    digest.digest()
                ).decode()  # a torn upload is refused by S3, not stored
                self._s3.put_object(
                    Bucket=self.bucket,
                    Key=key,
                    Body=content,
                    ChecksumSHA256=checksum,
                    **self._owner(),
                )
        return key

    def keys(self, stack: str) -> list[str]:
        """Of a stack's packages; none where there is no bucket."""
        found: list[str] = []
        with translated(f"s3://{self.bucket}"):
            try:
                for page in self._s3.get_paginator("list_objects_v2").paginate(
                    Bucket=self.bucket, Prefix=f"{stack}/"
                ):
                    found += [each["Key"] for each in page.get("Contents", [])]
            except ClientError as error:
                if code_of(error) not in ("NoSuchBucket", "404"):
                    raise
        return found

    def remove(self, stack: str) -> None:
        """Delete a stack's packages, and the bucket if it is ours and then empty."""
        keys = self.keys(stack)
        with translated(f"s3://{self.bucket}"):
            for start in range(0, len(keys), 1000):
                objects: list[dict[str, str]] = [{"Key": key} for key in keys[start : start + 1000]]
                self._s3.delete_objects(
                    Bucket=self.bucket, Delete={"Objects": objects, "Quiet": True}, **self._owner()
                )
            if (
                self._exists()
                and self._is_ours()
                and not self._s3.list_objects_v2(Bucket=self.bucket, MaxKeys=1).get("Contents")
            ):
                self._s3.delete_bucket(Bucket=self.bucket, **self._owner())

    def _owner(self) -> dict[str, Any]:
        return {"ExpectedBucketOwner": self._account}

    def _ensure(self) -> None:
        with translated(f"s3://{self.bucket}"):
            if self._exists():
                return
            where = (
                {}
                if self._region == "us-east-1"
                else {"CreateBucketConfiguration": {"LocationConstraint": self._region}}
            )
            try:
                self._s3.create_bucket(Bucket=self.bucket, **where)
            except ClientError as error:
                if (
                    code_of(error) != "BucketAlreadyOwnedByYou"
                ):  # somebody of the same account was faster
                    raise
            self._s3.put_bucket_tagging(
                Bucket=self.bucket, Tagging={"TagSet": [TAG]}, **self._owner()
            )
            blocked = dict.fromkeys(
                (
                    "BlockPublicAcls",
                    "IgnorePublicAcls",
                    "BlockPublicPolicy",
                    "RestrictPublicBuckets",
                ),
                True,
            )
            self._s3.put_public_access_block(
                Bucket=self.bucket, PublicAccessBlockConfiguration=blocked, **self._owner()
            )

    def _exists(self) -> bool:
        try:
            self._s3.head_bucket(Bucket=self.bucket, **self._owner())
        except ClientError as error:
            if code_of(error) in ("404", "NoSuchBucket"):
                return False
            if code_of(error) in ("403", "AccessDenied"):
                raise CloudError(
                    f"s3://{self.bucket}: belongs to somebody else, or may not be read. Name"
                    " another bucket: --bucket NAME"
                ) from error
            raise
        return True

    def _is_ours(self) -> bool:
        try:
            return TAG in self._s3.get_bucket_tagging(Bucket=self.bucket, **self._owner())["TagSet"]
        except ClientError:
            return False

    def _is_there(self, key: str, size: int) -> bool:
        try:
            return bool(
                self._s3.head_object(Bucket=self.bucket, Key=key, **self._owner())["ContentLength"]
                == size
            )
        except ClientError as error:
            if code_of(error) in ("404", "NoSuchKey"):
                return False
            raise
