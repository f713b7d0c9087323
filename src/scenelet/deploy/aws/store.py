"""The bucket that packages lie in, on their way to Lambda.

One an account and region, shared by stacks; each has its prefix.
"""

import base64
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from scenelet.deploy.aws.cloud import TAG, Cloud, code_of, translated
from scenelet.deploy.described import Packed
from scenelet.errors import CloudError
from scenelet.progress import SILENT, Progress

_PRIVATE = dict.fromkeys(
    ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
)
_AT_ONCE = 1000  # objects that S3 deletes in one call


class Store:
    """Packages of one stack in a bucket."""

    def __init__(self, cloud: Cloud, stack: str, bucket: str | None = None) -> None:
        """Name the bucket; it is made by `put`.

        Raises:
            CloudError: No credentials.
        """
        self._account, self._region, self._stack = cloud.account(), cloud.region, stack
        self._s3 = cloud.client("s3")
        self.bucket = bucket or f"scenelet-packages-{self._account}-{self._region}"

    def key(self, packed: Packed) -> str:
        """Where a package lies in the bucket."""
        return f"{self._stack}/{packed.sha256}.zip"

    def put(self, packed: Packed, progress: Progress = SILENT) -> None:
        """Upload a package, unless this very one lies there.

        Raises:
            CloudError: The bucket is somebody else's, or AWS refused.
        """
        self._ensure()
        key, content = self.key(packed), packed.content
        with translated(f"s3://{self.bucket}/{key}"):
            if self._is_there(key, len(content)):
                return
            progress.say(f"uploading {len(content) / 1e6:.1f} MB to s3://{self.bucket}")
            # with its checksum: a torn upload is refused by S3, not stored
            checksum = base64.b64encode(bytes.fromhex(packed.sha256)).decode()
            self._s3.put_object(
                Bucket=self.bucket, Key=key, Body=content, ChecksumSHA256=checksum, **self._owner()
            )

    def listed(self) -> list[str]:
        """Keys of the stack's packages; none where there is no bucket."""
        with translated(f"s3://{self.bucket}"):
            try:
                return list(self._listed(f"{self._stack}/"))
            except ClientError as error:
                if code_of(error) in ("NoSuchBucket", "404"):
                    return []
                raise

    def remove(self) -> None:
        """Delete the stack's packages, and the bucket if it is ours and then empty."""
        keys = self.listed()
        with translated(f"s3://{self.bucket}"):
            for start in range(0, len(keys), _AT_ONCE):
                self._delete(keys[start : start + _AT_ONCE])
            if self._exists() and self._is_ours() and not any(self._listed("")):
                self._s3.delete_bucket(Bucket=self.bucket, **self._owner())

    def _delete(self, keys: list[str]) -> None:
        objects = [{"Key": key} for key in keys]
        done = self._s3.delete_objects(
            Bucket=self.bucket, Delete={"Objects": objects, "Quiet": True}, **self._owner()
        )
        if left := done.get("Errors"):
            first = left[0]
            raise CloudError(
                f"s3://{self.bucket}/{first.get('Key')}: can't be deleted: {first.get('Message')}"
            )

    def _listed(self, prefix: str) -> Iterator[str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=prefix, **self._owner()
        )
        return (each["Key"] for page in pages for each in page.get("Contents", []))

    def _owner(self) -> dict[str, Any]:
        return {"ExpectedBucketOwner": self._account}

    def _ensure(self) -> None:
        with translated(f"s3://{self.bucket}"):
            if self._exists():
                return
            self._create()
            self._s3.put_bucket_tagging(
                Bucket=self.bucket, Tagging={"TagSet": [TAG]}, **self._owner()
            )
            self._s3.put_public_access_block(
                Bucket=self.bucket, PublicAccessBlockConfiguration=_PRIVATE, **self._owner()
            )

    def _create(self) -> None:
        where = {"CreateBucketConfiguration": {"LocationConstraint": self._region}}
        try:
            self._s3.create_bucket(
                Bucket=self.bucket, **({} if self._region == "us-east-1" else where)
            )
        except ClientError as error:
            if code_of(error) != "BucketAlreadyOwnedByYou":  # somebody of the account was faster
                raise

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
            found = self._s3.head_object(Bucket=self.bucket, Key=key, **self._owner())
        except ClientError as error:
            if code_of(error) in ("404", "NoSuchKey"):
                return False
            raise
        return bool(found["ContentLength"] == size)
