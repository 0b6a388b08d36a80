# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""URLs of the inventory. One with a password in it is refused without being shown, also where no parser would find the password in it. No I/O."""

from __future__ import annotations

import ipaddress
import re
import typing as t
import urllib.parse

from .reader import NOT_SHOWN

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .reader import Reader

_WEB = ("https", "http")
#: URLs of the whole site, by the schemes that they may have
_OF_THE_SITE: dict[str, Sequence[str]] = {
    "flyte_admin_url": _WEB,
    "flyte_chart_repo_url": _WEB,
    "flyte_token_url": _WEB,
    "flyte_aws_endpoint_url": _WEB,
}
#: URLs of one host; flyteadmin takes a data plane's only with TLS
_OF_A_HOST: dict[str, Sequence[str]] = {"flyte_api_endpoint": ("https",), "flyte_kube_host": _WEB, "flyte_propeller_token_url": _WEB}
#: called as they are; Helm keeps the query of a repository for each of its files
WITH_QUERY = ("flyte_chart_repo_url", "flyte_token_url", "flyte_propeller_token_url")
#: where credentials belong instead of into the URL
_INSTEAD = {
    "flyte_admin_url": "give flyte_client_id and flyte_client_secret, or flyte_admin_token",
    "flyte_chart_repo_url": "fetch the chart yourself, and set flyte_chart_ref to its folder or .tgz",
    "flyte_token_url": "give flyte_client_id and flyte_client_secret",
    "flyte_aws_endpoint_url": "give flyte_aws_access_key and flyte_aws_secret_key",
    "flyte_api_endpoint": "flyteadmin logs in with the token that this collection makes",
    "flyte_kube_host": "give flyte_kube_api_key, or flyte_kube_username and flyte_kube_password",
    "flyte_propeller_token_url": "give flyte_propeller_client_id and flyte_propeller_client_secret",
}
_PROXY_OF_A_HOST, _PROXY_OF_THE_SITE = PROXIES = ("flyte_kube_proxy", "flyte_admin_proxy")
_LONGEST_HOST = 253
#: what can only be meant for an address: names do not end in digits alone
_NUMBERS = re.compile(r"(.*\.)?[0-9]+\.?|.*:.*")
_PORTS = {"https": 443, "http": 80}
#: of a value in a query: a shorter one is a word, which stands in other texts too
_LONG_VALUE = 12
_SAYABLE = re.compile(r"[\x21-\x7e]+")
_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")


def check_site_urls(reader: Reader, host: str) -> None:
    """Check the URLs that are the whole site's."""
    _check(reader, host, _OF_THE_SITE)
    _check_proxy(reader, host, _PROXY_OF_THE_SITE)


def check_host_urls(reader: Reader, host: str) -> None:
    """Check the URLs of one host."""
    _check(reader, host, _OF_A_HOST)
    _check_proxy(reader, host, _PROXY_OF_A_HOST)


def _check(reader: Reader, host: str, variables: Mapping[str, Sequence[str]]) -> None:
    for name, schemes in variables.items():
        url = reader.raw(host, name)
        if url is None:
            continue
        if not isinstance(url, str):
            if not reader.has_fault(host, name):
                reader.fault(host, name, NOT_SHOWN if isinstance(url, (dict, list)) else url, "has to be text.")
        elif "@" in url:
            # A password may have '/', '?' or '#' in it, behind which a parser looks for no user.
            remedy = f"must not hold credentials: {_INSTEAD[name]}. An '@' that is none is written %40. (The URL is not shown.)"
            reader.fault(host, name, NOT_SHOWN, remedy)
        elif "#" in url or ("?" in url and name not in WITH_QUERY):
            # Paths are put behind these URLs, and a token often stands in a query.
            reader.fault(host, name, NOT_SHOWN, "must have no '?' and no '#' in it: what is called stands behind it. (The URL is not shown.)")
        else:
            problem = url_problem(url, schemes)
            if problem:
                reader.fault(host, name, url, problem)


def url_problem(url: str, schemes: Sequence[str]) -> str:
    """Return why this is no URL that can be called, nothing where it is one."""
    wanted = f"has to be {_article(schemes)} URL, for example {schemes[0]}://host.example.com:443"
    if not _SAYABLE.fullmatch(url):
        return f"{wanted}, without white space, control characters and letters beyond ASCII."
    try:
        parts = urllib.parse.urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return f"{wanted}: its host or port cannot be read."
    if parts.scheme not in schemes or not host:
        return f"{wanted}."
    if not _HOST.fullmatch(host) or ".." in host or len(host) > _LONGEST_HOST:
        return f"{wanted}: {host!r} is no name of a host."
    if _NUMBERS.fullmatch(host) and not _is_address(host):
        return f"{wanted}: {host!r} is no IP address."
    if port == 0 or parts.netloc.endswith(":"):
        return f"{wanted}: its port is a number from 1 to 65535, or left out."
    return ""


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _article(schemes: Sequence[str]) -> str:
    return f"an {' or '.join(schemes)}"


def _check_proxy(reader: Reader, host: str, name: str) -> None:
    """Check the URL of a proxy, which may hold a password, and is never shown."""
    url = reader.raw(host, name)
    if url is None:
        return
    remedy = (
        "has to be an http or https URL with a host and a port, for example http://proxy.example.com:3128; a user and a password in it have '/', '@', "
        "':', '?' and '#' percent-encoded. (It is not shown.)"
    )
    if not isinstance(url, str) or not _is_proxy(url):
        reader.fault(host, name, NOT_SHOWN, remedy)


def _is_proxy(url: str) -> bool:
    scheme, mark, rest = url.partition("://")
    user, at, address = rest.rpartition("@")
    if not mark or re.search("[?#]|/.", address) or (at and not re.fullmatch(r"[^/@?#:]+(:[^/@?#:]*)?", user)):
        return False
    return not url_problem(f"{scheme}://{address}", _WEB)


def as_called(url: str) -> str:
    """Return a URL in the one spelling that all of the same host, port and path have; as it is where it cannot be read."""
    try:
        parts = urllib.parse.urlsplit(url.strip())
        host, port = (parts.hostname or "").rstrip("."), parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return url
    try:
        address = ipaddress.ip_address(host)
        host = str(getattr(address, "ipv4_mapped", None) or address)
    except ValueError:
        pass  # a name
    return f"{parts.scheme}://{host} {port}{parts.path.rstrip('/')}"


def without_query(url: str) -> str:
    """Return a URL as it may be kept and shown: a query is often a token."""
    return url.partition("?")[0]


def query_secrets(url: t.Any) -> list[str]:
    """Return what may be a secret in the query of a URL: all of it, and its long values."""
    query = url.partition("?")[2] if isinstance(url, str) else ""
    values = [value for _key, value in urllib.parse.parse_qsl(query)] if query else []
    return [query, *(value for value in values if len(value) >= _LONG_VALUE)] if query else []


def password_of(url: t.Any) -> str | None:
    """Return the password of a proxy's URL as it is sent, None where there is none."""
    if not isinstance(url, str) or not _is_proxy(url):
        return None
    user = url.partition("://")[2].rpartition("@")[0]
    return urllib.parse.unquote(user.partition(":")[2]) or None
