# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the forms of the chart's values files (``userSettings``) are filled in with. No I/O.

A placeholder, or an empty setting, is said where the values are read: only there it is known whether anything uses it.
"""

from __future__ import annotations

import re
import typing as t

from .._helm.user_settings import is_open
from .reader import NOT_SHOWN

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .reader import Reader

#: the fields of the forms; other names are the user's own
_FIELDS: dict[str, tuple[str, ...]] = {
    "aws": (
        *("accountNumber", "accountRegion", "bucketName", "certificateArn", "dbPassword", "logGroup", "rawDataBucketName", "rdsHost"),
        *("redisHostUrl", "redisHostKey"),
    ),
    "gcp": ("bucketName", "dbHost", "dbPassword", "googleProjectId", "hostName"),
}
_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?|[0-9A-Fa-f]*:[0-9A-Fa-f:.]*")
_NO_HOST = "has to be the name of a host, or its address, without a scheme and a port."
_PATTERNS: dict[str, tuple[re.Pattern[str], str]] = {
    "accountNumber": (re.compile(r"[0-9]{12}"), "has to be the 12 digits of the account, in quotes: Helm and YAML make another text of a number."),
    "certificateArn": (
        re.compile(r"arn:\S+"),
        "has to be the ARN of a certificate of ACM, for example arn:aws:acm:us-east-2:123456789012:certificate/ID.",
    ),
    "rdsHost": (_HOST, _NO_HOST),
    "dbHost": (_HOST, _NO_HOST),
    "hostName": (_HOST, _NO_HOST),
}


def check_user_settings(reader: Reader, host: str, values: Mapping[str, t.Any], settings: Mapping[str, t.Any]) -> None:
    """Check what a host fills the form of the site's provider in with, and that it says nothing else than its other variables."""
    given = values["flyte_user_settings"]
    wanted = dict(_said_elsewhere(values))
    for name in _FIELDS.get(settings["flyte_provider"], ()):
        value = given.get(name)
        if is_open(value):
            continue
        pattern, remedy = _PATTERNS.get(name, (None, "has to be text: put it in quotes."))
        if not isinstance(value, str) or (pattern and not pattern.fullmatch(value)):
            reader.fault(host, f"flyte_user_settings.{name}", NOT_SHOWN, remedy)
        elif name in wanted and value.rstrip("/") != wanted[name][1].rstrip("/"):
            variable, said = wanted[name]
            reader.fault(host, f"flyte_user_settings.{name}", NOT_SHOWN, f"is something else than {variable}, {said}: leave it out, since that fills it in.")


def _said_elsewhere(values: Mapping[str, t.Any]) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield each setting that another variable says too, with that variable and what it says: IAM's policy is made of the variable."""
    if values["flyte_buckets"]:
        yield "bucketName", ("the first of flyte_buckets", str(values["flyte_buckets"][0]))
    if values["flyte_raw_data_bucket"]:
        yield "rawDataBucketName", ("flyte_raw_data_bucket", values["flyte_raw_data_bucket"])
