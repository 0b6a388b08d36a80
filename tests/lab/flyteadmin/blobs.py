# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The object store that flyteadmin and flytepropeller share."""

from __future__ import annotations

import typing as t
import urllib.parse


class Blobs(t.Protocol):
    """What the handlers need of the object store."""

    def location(self, key: str) -> tuple[str, str]:
        """Return a signed URL to which a client can upload, and the name that flytepropeller will find it by."""

    def read(self, uri: str) -> bytes | None:
        """Return what lies there; None where nothing does."""


class Bucket:
    """A bucket of the lab's S3."""

    def __init__(self, url: str, bucket: str) -> None:
        import boto3

        self._s3 = boto3.client("s3", endpoint_url=url, region_name="us-east-2", aws_access_key_id="testing", aws_secret_access_key="testing")
        self._bucket = bucket

    def location(self, key: str) -> tuple[str, str]:
        """Return a signed URL for uploads, and the object's own."""
        signed = self._s3.generate_presigned_url("put_object", Params={"Bucket": self._bucket, "Key": key}, ExpiresIn=600)
        return str(signed), f"s3://{self._bucket}/{key}"

    def read(self, uri: str) -> bytes | None:
        """Return an object's content; flyteadmin too answers without outputs where it cannot read them."""
        place = urllib.parse.urlsplit(uri)
        try:
            content = self._s3.get_object(Bucket=place.netloc, Key=place.path.lstrip("/"))["Body"].read()
        except self._s3.exceptions.ClientError:
            return None
        return t.cast(bytes, content)
