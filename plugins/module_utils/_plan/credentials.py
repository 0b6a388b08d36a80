# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which credentials have to be stored in the control plane, or tried. No I/O, only fingerprints."""

from __future__ import annotations

import typing as t

from .._helm.configuration import SECRET_NAME
from .._helm.shown_values import Change
from .rows import Observation, Observations, Row, control_plane_of, is_reachable

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .._inventory.site import Cluster, Site

#: stands in for the fingerprints of a token that this run will make
TO_BE_MADE = {"token": "to be made", "ca_cert": "to be made"}
#: digits of a fingerprint, for people
_SHOWN = 8


def endpoint_of(cluster: Cluster, observation: Observation | None) -> str | None:
    """Return what flyteadmin calls: the inventory's ``flyte_api_endpoint``, else the server that the cluster was reached at."""
    if cluster.endpoint:
        return cluster.endpoint
    return observation["server"] if observation and is_reachable(observation) else None


def fingerprints(token: Mapping[str, t.Any]) -> dict[str, str]:
    """Return an observed token's fingerprints as an observation of the control plane's Secret has them."""
    return {"token": token["fingerprint"], "ca_cert": token["ca_fingerprint"]}


def credentials_due(site: Site, observed: Observations, renewed: Iterable[str]) -> list[str]:
    """Return the hosts whose token has to be made, whose entry in the control plane's Secret is missing or old, or was never tried.

    They are tried with the endpoint of clusterConfigs. A cluster that is not there yet, though its keys are stored (by a run that was
    killed then), or that is there with another endpoint, is tried as if they were stored now: the control plane's rollout depends on it.

    :param renewed: hosts whose release is installed in this run, so that their ServiceAccount may be new.
    """
    known = control_plane_of(observed, site.control_plane.host)
    stored = known.get("credentials") or {}
    endpoints = {entry["name"]: entry.get("endpoint") for entry in (known.get("clusters") or {}).get("clusterConfigs") or []}
    due = []
    for cluster in site.data_planes:
        observation = observed.get(cluster.host)
        if observation is None or not is_reachable(observation):
            continue
        token = observation.get("token")
        if cluster.host in renewed or token is None or stored.get(cluster.name) != fingerprints(token):
            due.append(cluster.host)
        elif endpoints.get(cluster.name) != endpoint_of(cluster, observation):
            due.append(cluster.host)
    return due


def rows(site: Site, observed: Observations, due: Iterable[str]) -> list[Row]:
    """Return what is done for the hosts whose credentials are due."""
    stored = control_plane_of(observed, site.control_plane.host).get("credentials") or {}
    return [_row(site.cluster(host), observed[host].get("token"), stored, site.settings["flyte_token_secret"]) for host in due]


def _row(cluster: Cluster, token: Mapping[str, t.Any] | None, stored: Mapping[str, t.Any], secret: str) -> Row:
    if not token:
        reason = f"make the token Secret {secret}"
    elif stored.get(cluster.name) == fingerprints(token):
        reason = f"try the stored token {token['fingerprint'][:_SHOWN]}"
    else:
        reason = f"store the token {token['fingerprint'][:_SHOWN]} of {token['secret']}"
    held = _held(stored.get(cluster.name) or {}, fingerprints(token) if token else TO_BE_MADE, token["secret"] if token else secret)
    return Row(cluster.host, "credentials", f"{SECRET_NAME}: {cluster.name}_token, {cluster.name}_cacert", reason, held=held)


def _held(stored: Mapping[str, str], comes: Mapping[str, str], secret: str) -> tuple[Change, ...]:
    """Return what changes of the stored pair, and of which Secret it is; nothing where it is only tried.

    :param secret: the name of the data plane's token Secret.
    """
    shown = {key: (stored[key][:_SHOWN] if stored.get(key) else None, text if comes is TO_BE_MADE else text[:_SHOWN]) for key, text in comes.items()}
    found = tuple(Change(key, before, after) for key, (before, after) in shown.items() if before != after)
    return (*found, Change("token Secret", None, secret)) if found else ()
