# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The chart's ``userSettings``: its values files are forms with placeholders. What the inventory says is filled in, what is left is refused. No I/O."""

from __future__ import annotations

import ipaddress
import re
import typing as t
import urllib.parse

from .._inventory.reader import NOT_SHOWN, Fault
from .parts import texts
from .values import Values, merge

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .._inventory.site import Cluster, Site

_PLACEHOLDER = re.compile(r"<[A-Z][A-Z0-9]*(?:[_-][A-Z0-9]+)*>")
_ACCOUNT_OF_ROLE = re.compile(r"arn:aws[\w-]*:iam::(\d{12}):role/")
_PROJECT_OF_ACCOUNT = re.compile(r"@([a-z][-a-z0-9.:]*)\.iam\.gserviceaccount\.com")
_NOT_IN_QUOTES = re.compile(r"['\r\n]")
_QUOTED = (
    "has a single quote or a line break in it (it is not shown), which ends or changes what the chart's template makes of it: "
    "give it as pass.txt in common.databaseSecret.secretManifest.stringData of flyte_values, which takes it as it is."
)
#: the variables that say what a setting is, beside flyte_user_settings itself
_SAID_BY = {
    "accountRegion": "flyte_aws_region",
    "bucketName": "flyte_buckets",
    "rawDataBucketName": "flyte_raw_data_bucket or flyte_buckets",
    "accountNumber": "flyte_data_plane_role_arn",
    "googleProjectId": "flyte_gcp_control_plane_service_account and flyte_gcp_data_plane_service_account, of one project,",
}


def filled_in(values: Mapping[str, t.Any], site: Site, cluster: Cluster, aws: Mapping[str, t.Any] | None) -> Values:
    """Return values with what the inventory, or AWS, says in the place of what their ``userSettings`` leave open.

    :param values: of the chart's files and the user's, merged.
    :param aws: what AWS has; None where it was not asked.
    """
    present = values.get("userSettings")
    known = known_settings(site, cluster, aws)
    settings = {name: item for name, item in known.items() if is_open(present.get(name) if isinstance(present, dict) else None)}
    # values-gcp.yaml has a form for what Helm itself knows.
    release = values.get("Release")
    named = {"Release": {"Name": cluster.release}} if isinstance(release, dict) and is_open(release.get("Name")) else {}
    return merge([values, {"userSettings": settings} if settings else {}, named])


def is_open(value: t.Any) -> bool:
    """Return whether a setting is not filled in: it is a placeholder, or empty."""
    return value in (None, "") or bool(isinstance(value, str) and _PLACEHOLDER.search(value))


def known_settings(site: Site, cluster: Cluster, aws: Mapping[str, t.Any] | None) -> dict[str, str]:
    """Return the ``userSettings`` of the site's provider that the inventory says already."""
    settings = site.settings
    found: dict[str, str | None] = {}
    if settings["flyte_provider"] == "aws":
        roles = (cluster.role_arn, settings["flyte_control_plane_role_arn"])
        found = {"accountNumber": aws["account"] if aws else _only(_ACCOUNT_OF_ROLE, roles), "accountRegion": settings["flyte_aws_region"]}
    elif settings["flyte_provider"] == "gcp":
        accounts = [settings[f"flyte_gcp_{plane}_service_account"] for plane in ("control_plane", "data_plane")]
        found = {"googleProjectId": _only(_PROJECT_OF_ACCOUNT, accounts), "hostName": _host_name(settings["flyte_admin_url"])}
    if found:
        metadata = cluster.buckets[0].partition("/")[0] if cluster.buckets else None
        raw = cluster.raw_data_bucket or (cluster.buckets[0] if cluster.buckets else None)
        found |= {"bucketName": metadata, "rawDataBucketName": raw.rstrip("/") if raw else None}
    return {name: value for name, value in found.items() if value}


def _host_name(url: str) -> str | None:
    """Return the host of a URL, None where it is an address, which an Ingress does not take."""
    host = urllib.parse.urlsplit(url).hostname or ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host
    return None


def _only(pattern: re.Pattern[str], names: t.Iterable[str | None]) -> str | None:
    """Return what the pattern finds in the names, None where they do not agree."""
    found = {match.group(1) for match in (pattern.search(name) for name in names if name) if match}
    return found.pop() if len(found) == 1 else None


def left_open(host: str, values: Mapping[str, t.Any]) -> list[Fault]:
    """Return a fault for each placeholder, and each empty setting, in values that a release would get. Of a text only the placeholder is named."""
    found = [Fault(host, path, found, f"this placeholder of the chart is still there: {_remedy(path)}.") for path, found in placeholders(values)]
    settings = values.get("userSettings")
    empty = [f"userSettings.{name}" for name, item in settings.items() if item in (None, "")] if isinstance(settings, dict) else []
    return found + [Fault(host, path, NOT_SHOWN, f"is empty, and other values are made of it: {_remedy(path)}.") for path in empty]


def not_passed_on(host: str, values: Mapping[str, t.Any]) -> list[Fault]:
    """Return a fault for the one setting that is free text, where the chart would not pass it on as it is: its template has it between single quotes."""
    settings = values.get("userSettings")
    password = settings.get("dbPassword") if isinstance(settings, dict) else None
    if not isinstance(password, str) or not _NOT_IN_QUOTES.search(password):
        return []
    return [Fault(host, "userSettings.dbPassword", NOT_SHOWN, _QUOTED)]


def placeholders(values: Mapping[str, t.Any]) -> Iterator[tuple[str, str]]:
    """Yield the placeholders in values, ``<LIKE_THIS>``, each with its path. A tag that the same text closes is none."""
    for path, text in texts(values):
        for found in _PLACEHOLDER.findall(text):
            if f"</{found[1:]}" not in text:
                yield path, found


def _remedy(path: str) -> str:
    section, _dot, name = path.partition(".")
    if section == "userSettings":
        return f"set {' or '.join([*filter(None, [_SAID_BY.get(name)]), f'flyte_user_settings.{name}'])}"
    return f"set {path} in flyte_values"
