# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What data planes call: addresses as flytepropeller takes them; and what flyteadmin calls. No I/O.

flytepropeller reads flyteadmin's address with Go's URL parser: ``host.name:443`` is taken, its host as a scheme; where that cannot be one, as in
``127.0.0.1:81``, the process ends at its start. ``dns:///`` before it is taken always, by the catalog's client too.
"""

from __future__ import annotations

import re
import typing as t
import urllib.parse

from .urls import as_called

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .reader import Reader
    from .site import Cluster

_HOST = r"(?P<host>[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?|\[[0-9A-Fa-f:.]+\])"
_ADDRESS = re.compile(rf"{_HOST}(?::(?P<port>\d{{1,5}}))?")
#: gRPC's own form, with or without the name server to ask
_RESOLVED = re.compile(rf"dns://(?:[A-Za-z0-9_.-]+(?::\d{{1,5}})?)?/{_HOST}(?::(?P<port>\d{{1,5}}))?")
#: what Go takes as a scheme
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")


def admin_endpoints(reader: Reader, host: str, settings: dict[str, t.Any]) -> None:
    """Check what data planes call, and put it into the form that flytepropeller takes; derive flyteadmin's from its URL where it is not given."""
    for name in ("flyte_admin_endpoint", "flyte_catalog_endpoint"):
        if settings[name] is not None:
            taken = as_propeller_takes_it(settings[name])
            if taken is None:
                remedy = "has to be host:port, without a path and a scheme other than dns:///, for example flyte.example.com:443: it is a gRPC address."
                reader.fault(host, name, settings[name], remedy)
            else:
                settings[name] = taken
    if settings["flyte_admin_url"] is None or reader.has_fault(host, "flyte_admin_url"):
        return
    url = urllib.parse.urlsplit(settings["flyte_admin_url"])
    if settings["flyte_admin_endpoint"] is None:
        name = f"[{url.hostname}]" if ":" in str(url.hostname) else url.hostname
        settings["flyte_admin_endpoint"] = as_propeller_takes_it(f"{name}:{url.port or (443 if url.scheme == 'https' else 80)}")
    if settings["flyte_admin_insecure"] is None:
        settings["flyte_admin_insecure"] = url.scheme == "http"


def called_twice(addresses: Iterable[tuple[Cluster, str | None]]) -> Iterator[tuple[Cluster, str, str]]:
    """Yield each cluster that flyteadmin would call at the address of one before it, in the same namespace, with that address and the other's host."""
    seen: dict[tuple[str, str], str] = {}
    for cluster, address in addresses:
        if address:
            first = seen.setdefault((as_called(address), cluster.namespace), cluster.host)
            if first != cluster.host:
                yield cluster, address, first


def as_propeller_takes_it(address: str) -> str | None:
    """Return an address in a form that flytepropeller takes, None where there is none."""
    resolved = _RESOLVED.fullmatch(address)
    if resolved:
        return address if _is_port(resolved.group("port") or "443") else None
    found = _ADDRESS.fullmatch(address)
    # Without a port nothing is called: gRPC hands such an address on as it is.
    if not found or not _is_port(found.group("port") or "0"):
        return None
    return address if _SCHEME.fullmatch(found.group("host")) else f"dns:///{address}"


def _is_port(port: str) -> bool:
    return 0 < int(port) < 65536
