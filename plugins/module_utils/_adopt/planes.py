# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which data plane is which entry of clusterConfigs, and which key of which Secret is whose. No I/O, only fingerprints."""

from __future__ import annotations

import posixpath
import typing as t
import urllib.parse

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .found import Credential, FoundCluster

_PORTS = {"https": 443, "http": 80}
#: by what a cluster is known, the surest first
BY_TOKEN, BY_ENDPOINT, BY_CA = "its token", "its endpoint", "its CA certificate"


def normal_endpoint(url: str | None) -> str:
    """Return the address of an API server in one form: with its port, in small letters."""
    try:
        parts = urllib.parse.urlsplit(url or "")
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        return url or ""
    return f"{parts.scheme}://{parts.hostname}:{port}{parts.path.rstrip('/')}" if parts.hostname else url or ""


def found_planes(
    entries: Iterable[Mapping[str, t.Any]], credentials: Mapping[str, Credential], candidates: Sequence[FoundCluster]
) -> dict[str, tuple[FoundCluster, str]]:
    """Return the candidate of each entry of clusterConfigs that has one, and by what it is known. Each candidate is one entry's at most.

    The token that flyteadmin has is proof; an endpoint may be that of a proxy, and a CA that of several clusters.
    """
    named = {str(entry["name"]): entry for entry in entries if not entry.get("inCluster")}
    found: dict[str, tuple[FoundCluster, str]] = {}
    taken: set[str] = set()
    for how, fits in ((BY_TOKEN, _has_token), (BY_ENDPOINT, _is_at), (BY_CA, _has_ca)):
        for name, entry in named.items():
            fitting = [candidate for candidate in candidates if candidate.host not in taken and fits(candidate, entry, credentials.get(name))]
            if name in found or not fitting or (how == BY_CA and len(fitting) > 1):
                continue
            # Of two accesses to one cluster the one with the same endpoint.
            chosen = next((candidate for candidate in fitting if _is_at(candidate, entry, None)), fitting[0])
            found[name] = (chosen, how)
            taken.add(chosen.host)
    return found


def _has_token(candidate: FoundCluster, _entry: Mapping[str, t.Any], credential: Credential | None) -> bool:
    return bool(credential and credential.token and credential.token in candidate.tokens.values())


def _is_at(candidate: FoundCluster, entry: Mapping[str, t.Any], _credential: Credential | None) -> bool:
    return bool(candidate.server) and normal_endpoint(candidate.server) == normal_endpoint(entry.get("endpoint"))


def _has_ca(candidate: FoundCluster, _entry: Mapping[str, t.Any], credential: Credential | None) -> bool:
    return bool(credential and credential.ca and credential.ca == candidate.ca)


def same_clusters(candidates: Sequence[FoundCluster], used: Iterable[str]) -> dict[str, str]:
    """Return the candidates that are another access to a cluster that is used, with the host of that."""
    places = {normal_endpoint(candidate.server): candidate.host for candidate in candidates if candidate.host in set(used)}
    return {
        candidate.host: places[normal_endpoint(candidate.server)]
        for candidate in candidates
        if candidate.host not in places.values() and normal_endpoint(candidate.server) in places
    }


def located(path: str, pod: Mapping[str, t.Any]) -> tuple[str, str] | None:
    """Return the Secret and its key that a container of a pod has at a path, None where it has none there.

    :param pod: the ``spec`` of the pod.
    """
    volumes = {str(volume["name"]): volume for volume in pod.get("volumes") or []}
    mounts = [mount for container in pod.get("containers") or [] for mount in container.get("volumeMounts") or []]
    for mount in sorted(mounts, key=lambda mount: -len(str(mount["mountPath"]))):
        place = posixpath.normpath(str(mount["mountPath"]))
        volume = volumes.get(str(mount["name"])) or {}
        if mount.get("subPath") and path == place:
            return _key_in(volume, str(mount["subPath"]))
        if path.startswith(f"{place}/") and not mount.get("subPath"):
            return _key_in(volume, path[len(place) + 1 :])
    return None


def _key_in(volume: Mapping[str, t.Any], file: str) -> tuple[str, str] | None:
    """Return the Secret and its key that is a file of a volume."""
    own = volume.get("secret") or {}
    sources = [{"name": own.get("secretName"), "items": own.get("items")}] if own else []
    sources += [source["secret"] for source in (volume.get("projected") or {}).get("sources") or [] if source.get("secret")]
    for source in sources:
        keys = {str(item["path"]): str(item["key"]) for item in source.get("items") or []}
        if source.get("name") and (not keys or file in keys):
            return str(source["name"]), keys.get(file, file)
    return None


def located_text(place: str) -> str:
    """Return ``Secret/key`` in words."""
    secret, _slash, key = place.partition("/")
    return f"{key} of the Secret {secret}"
