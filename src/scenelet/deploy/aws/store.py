"""The bucket that packages lie in, on their way to Lambda.

One an account and region, shared by stacks; each has its prefix.
"""

import base64
import time
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from scenelet.deploy.aws.cloud import TAG, Cloud, code_of, told_of, translated
from scenelet.deploy.described import Packed
from scenelet.errors import CloudError
from scenelet.progress import SILENT, Progress

_PRIVATE = dict.fromkeys(
    ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
)
PATIENCE_S, PAUSE_S = 120.0, 1.0
_AT_ONCE = 1000  # objects that S3 deletes in one call


class Store:
    """Packages of one stack in a bucket."""

    def __init__(
        self, cloud: Cloud, stack: str, bucket: str | None = None, patience_s: float = PATIENCE_S
    ) -> None:
        """Name the bucket; it is made by `put`.

        Raises:
            CloudError: No credentials.
        """
        self._account, self._region, self._stack = cloud.account(), cloud.region, stack
        self._s3, self._patience_s = cloud.client("s3"), patience_s
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

    def get(self, sha256: str) -> Packed:
        """A package by the SHA-256 of its bytes.

        Raises:
            CloudError: It is not there.
            PackageError: Not a package of ours.
        """
        key = f"{self._stack}/{sha256}.zip"
        with translated(f"s3://{self.bucket}/{key}"):
            found = self._s3.get_object(Bucket=self.bucket, Key=key, **self._owner())
            return Packed.of(found["Body"].read(), f"s3://{self.bucket}/{key}")

    def keep_only(self, sha256s: list[str]) -> None:
        """Delete the stack's packages but those with these SHA-256."""
        kept = {f"{self._stack}/{each}.zip" for each in sha256s}
        with translated(f"s3://{self.bucket}"):
            if old := [key for key in self.listed() if key not in kept]:
                self._delete(old)

    def listed(self) -> list[str]:
        """Keys of the stack's packages; none where there is no bucket."""
        with translated(f"s3://{self.bucket}"):
            try:
                return list(self._listed(f"{self._stack}/"))
            except ClientError as error:
                if code_of(error) in ("NoSuchBucket", "404"):
                    return []
                raise

    def remove(self, bucket_too: bool = False) -> None:
        """Delete the stack's packages.

        Args:
            bucket_too: The bucket as well, if it is ours and then empty. Empty it costs nothing,
                and its name is not free again for up to an hour: so it stays unless asked for.
        """
        keys = self.listed()
        with translated(f"s3://{self.bucket}"):
            for start in range(0, len(keys), _AT_ONCE):
                self._delete(keys[start : start + _AT_ONCE])
            if bucket_too and self._head() and self._is_ours() and not any(self._listed("")):
                self._s3.delete_bucket(Bucket=self.bucket, **self._owner())

    def region(self) -> str | None:
        """Where the bucket is; None where there is none yet.

        Raises:
            CloudError: It is somebody else's.
        """
        with translated(f"s3://{self.bucket}"):
            found = self._head()
        return None if found is None else str(found.get("BucketRegion") or self._region)

    def announce(self, bucket: str) -> None:
        """Let a bucket tell EventBridge of new objects; whom it tells already, it goes on telling.

        Raises:
            CloudError: The bucket is not there, or may not be changed.
        """
        with translated(f"s3://{bucket}"):
            found = self._s3.get_bucket_notification_configuration(Bucket=bucket, **self._owner())
            if "EventBridgeConfiguration" in found:
                return
            found.pop("ResponseMetadata", None)
            self._s3.put_bucket_notification_configuration(
                Bucket=bucket,
                NotificationConfiguration={**found, "EventBridgeConfiguration": {}},
                **self._owner(),
            )

    def expire(self, bucket: str, prefix: str, days: int) -> None:
        """Let S3 delete what lies below a prefix after some days; other rules of the bucket stay.

        Args:
            bucket: Of anybody of the account.
            prefix: Of its own: what lies there already is nobody's but an earlier rule's of ours.
            days: From when an object came.

        Raises:
            CloudError: The bucket is not there or may not be changed, or something else lies there.
        """
        with translated(f"s3://{bucket}"):
            found = self._lifecycle(bucket)
            rule = expiring(prefix, days)
            others = [each for each in found["Rules"] if each.get("ID") != rule["ID"]]
            if len(others) == len(found["Rules"]):
                self._require_empty(bucket, prefix, days)
            if rule not in found["Rules"]:
                wanted = {"LifecycleConfiguration": {"Rules": [*others, rule]}}
                kept = {name: value for name, value in found.items() if name != "Rules"}
                self._s3.put_bucket_lifecycle_configuration(
                    Bucket=bucket, **kept, **wanted, **self._owner()
                )

    def _lifecycle(self, bucket: str) -> dict[str, Any]:
        ask = self._s3.get_bucket_lifecycle_configuration
        found = told_of(ask, Bucket=bucket, **self._owner()) or {"Rules": []}
        return {name: value for name, value in found.items() if name != "ResponseMetadata"}

    def _require_empty(self, bucket: str, prefix: str, days: int) -> None:
        told = self._s3.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1, **self._owner())
        if told.get("Contents"):
            raise CloudError(
                f"--collect: s3://{bucket}/{prefix} holds {told['Contents'][0]['Key']} already, and"
                f" what lies there is deleted after {days} days. Name a prefix of its own."
            )

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
        """Make the bucket, where there is none; finish it, where that was interrupted."""
        with translated(f"s3://{self.bucket}"):
            found = self._head()
            if found is None:
                self._create()
            elif found.get("BucketRegion", self._region) != self._region:
                raise CloudError(
                    f"s3://{self.bucket}: is in {found['BucketRegion']}, and Lambda takes packages"
                    f" of {self._region} alone. Name another: --bucket NAME"
                )
            if self._is_own_name and not self._is_ours():
                self._mark()

    @property
    def _is_own_name(self) -> bool:
        return self.bucket == f"scenelet-packages-{self._account}-{self._region}"

    def _mark(self) -> None:
        self._s3.put_bucket_tagging(Bucket=self.bucket, Tagging={"TagSet": [TAG]}, **self._owner())
        self._s3.put_public_access_block(
            Bucket=self.bucket, PublicAccessBlockConfiguration=_PRIVATE, **self._owner()
        )

    def _create(self) -> None:
        where = {"CreateBucketConfiguration": {"LocationConstraint": self._region}}
        how = {} if self._region == "us-east-1" else where
        end_s = time.monotonic() + self._patience_s
        while True:
            try:
                self._s3.create_bucket(Bucket=self.bucket, **how)
            except ClientError as error:
                if code_of(error) == "BucketAlreadyOwnedByYou":  # one of the account was faster
                    return
                if code_of(error) != "OperationAborted" or time.monotonic() > end_s:
                    raise
                time.sleep(PAUSE_S)  # another first deployment, or the name is not free yet
            else:
                return

    def _head(self) -> dict[str, Any] | None:
        """What S3 tells of the bucket; None where there is none."""
        try:
            found: dict[str, Any] = self._s3.head_bucket(Bucket=self.bucket, **self._owner())
        except ClientError as error:
            if code_of(error) in ("404", "NoSuchBucket"):
                return None
            if code_of(error) in ("403", "AccessDenied"):
                raise CloudError(
                    f"s3://{self.bucket}: belongs to somebody else, or may not be read. Name"
                    " another bucket: --bucket NAME"
                ) from error
            raise
        return found

    def _is_ours(self) -> bool:
        try:
            return TAG in self._s3.get_bucket_tagging(Bucket=self.bucket, **self._owner())["TagSet"]
        except ClientError:
            return False

    def _is_there(self, key: str, size: int) -> bool:
        found = told_of(self._s3.head_object, Bucket=self.bucket, Key=key, **self._owner())
        return bool(found and found["ContentLength"] == size)


def expiring(prefix: str, days: int) -> dict[str, Any]:
    """A rule; where the bucket keeps versions, they go a day later."""
    return {
        "ID": f"scenelet: collected pictures of {prefix}"[:255],
        "Filter": {"Prefix": prefix},
        "Status": "Enabled",
        "Expiration": {"Days": days},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
    }
