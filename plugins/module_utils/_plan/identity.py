# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which identity each flytepropeller has to have, what stands against it, and what is due. No I/O, only fingerprints."""

from __future__ import annotations

import dataclasses
import typing as t

from .._common.fingerprints import fingerprint
from .._helm.identity import AUTH_KEYS, AUTH_SECRET, CHART_SECRET, CLIENT_SECRET, LOGIN_KEYS, Identity, login_of
from .._inventory.reader import Fault
from .rows import Observation, Observations, Row, control_plane_of, is_reachable

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .._inventory.site import Cluster, Site

_CHARTS = fingerprint(CHART_SECRET)
_VARIABLE = "flyte_propeller_client_secret"
_SET = "set flyte_propeller_client_id, and flyte_propeller_client_secret or flyte_propeller_client_secret_file"


@dataclasses.dataclass(frozen=True)
class Given:
    """What variables and values say of one host's flytepropeller. Secrets are fingerprints."""

    #: of the variables' secret
    own: str | None
    #: of the secret that the values have
    values: str | None
    #: whether it stands in the user's values, and is not the chart's
    declared: bool
    client_id: str
    enabled: bool
    used: bool
    login: dict[str, t.Any]
    #: fingerprints of CA certificates by key of the Secret
    certificates: dict[str, str]


def wants_tokens(site: Site, observed: Observations, values_say: bool) -> bool:
    """Return whether flyteadmin wants tokens: it says so itself, or its values do, which it may not have read yet."""
    return control_plane_of(observed, site.control_plane.host).get("authentication") is True or values_say


def identities(site: Site, observed: Observations, given: Mapping[str, Given], *, tokens: bool) -> tuple[dict[str, Identity], list[Fault]]:
    """Return the identity of each observed cluster whose flytepropeller gets one from us, and what is wrong.

    :param tokens: whether flyteadmin wants them.
    """
    found: dict[str, Identity] = {}
    faults: list[Fault] = []
    head = site.control_plane
    live = _secret(observed.get(head.host))
    if not given[head.host].used:
        faults += _unread_login(site)
    for cluster in site.clusters:
        if cluster.host not in observed:
            continue
        own = given[cluster.host]
        if cluster.is_control_plane:
            identity = _of_control_plane(cluster, own, live if _is_ours(observed[head.host]) else None)
        else:
            identity = _of_data_plane(cluster, head, given, live)
        if tokens and (own.used or not cluster.is_control_plane):
            # The control plane's own Secret stays as it is where the user gives it no other one.
            as_it_is = live or own.values if cluster.is_control_plane else None
            problem = _problem(cluster, head, identity, identity.keys[CLIENT_SECRET] if identity else as_it_is)
            faults += [problem] if problem else []
        # Where the user's values mount no Secret, none is made, unless something needs it.
        if identity and (cluster.is_control_plane or own.enabled or own.own or own.certificates or tokens):
            found[cluster.host] = identity
    return found, faults


def _unread_login(site: Site) -> list[Fault]:
    """Return the faults of a control plane that says how to log in, where nothing in it does, and that no data plane has from the same group."""
    head, why = site.control_plane, "it is of data planes: neither flytepropeller nor the native scheduler runs in the control plane"
    said = {name: value for name, value in head.propeller.items() if name in LOGIN_KEYS and value}
    unread = {name: value for name, value in said.items() if value not in [plane.propeller.get(name) for plane in site.data_planes]}
    return [Fault(head.host, f"flyte_propeller_{name}", value, f"has no effect: {why}.") for name, value in unread.items()]


def _is_ours(observation: Observation) -> bool:
    return bool((observation.get("identity") or {}).get("managed"))


def _stored(observation: Observation | None) -> Mapping[str, str]:
    """Return the fingerprints of our keys of a cluster's Secret."""
    return ((observation or {}).get("identity") or {}).get("keys") or {}


def _secret(observation: Observation | None) -> str | None:
    return _stored(observation).get(CLIENT_SECRET)


def _login(cluster: Cluster, inherited: Mapping[str, t.Any]) -> dict[str, t.Any]:
    return {**inherited, **login_of(cluster.propeller)}


def _of_control_plane(cluster: Cluster, own: Given, ours: str | None) -> Identity | None:
    """Return the control plane's identity where the user gives it one; else its Secret is the chart's, or the user's.

    :param ours: the secret in a Secret that we made. Helm would refuse to make another one: it stays, where the user gives no other secret any more.
    """
    if own.used and (own.own or own.declared):
        source = _VARIABLE if own.own else "its values"
        return Identity(own.client_id, source, False, {CLIENT_SECRET: own.own or own.values or ""}, _login(cluster, {}))
    if ours:
        return Identity(own.client_id, f"the Secret {AUTH_SECRET}", True, {CLIENT_SECRET: ours}, _login(cluster, {}))
    return None


def _of_data_plane(cluster: Cluster, head: Cluster, given: Mapping[str, Given], live: str | None) -> Identity | None:
    own, heads = given[cluster.host], given[head.host]
    copied, client_id = False, heads.client_id
    if own.own or own.declared:
        source, secret, client_id = _VARIABLE if own.own else "its values", own.own or own.values, own.client_id
    elif heads.own or heads.declared:
        # What the control plane's Secret will be after this run.
        source, secret = f"{head.host}: {_VARIABLE if heads.own else 'its values'}", heads.own or heads.values
    elif live:
        source, secret, copied = f"the Secret {AUTH_SECRET} of {head.host}", live, True
    else:
        source, secret = "the chart", heads.values
    if not secret:
        return None
    inherited = {} if own.own or own.declared else {key: value for key, value in heads.login.items() if key not in own.login}
    return Identity(client_id, source, copied, {CLIENT_SECRET: secret, **own.certificates}, _login(cluster, inherited))


def _problem(cluster: Cluster, head: Cluster, identity: Identity | None, secret: str | None) -> Fault | None:
    """Return what keeps a flytepropeller from logging in to a flyteadmin that wants tokens."""
    if secret == _CHARTS:
        where = "the chart's own, 'foobar' (secrets.adminOauthClientCredentials.clientSecret)"
        return Fault(cluster.host, _VARIABLE, None, f"flyteadmin wants tokens, and the secret of flytepropeller is {where}: {_SET}.")
    if secret is None:
        missing = f"{head.host} has no Secret {AUTH_SECRET} with the key {CLIENT_SECRET} in the namespace {head.namespace}"
        return Fault(cluster.host, _VARIABLE, None, f"flyteadmin wants tokens, and {missing}: make it, or {_SET}.")
    if identity and not identity.client_id:
        return Fault(cluster.host, "flyte_propeller_client_id", None, "flyteadmin wants tokens, and the values name no client: set it.")
    return None


def identities_due(observed: Observations, wanted: Mapping[str, Identity]) -> list[str]:
    """Return the hosts whose Secret is not as it has to be, or is not ours yet."""
    return [host for host, identity in wanted.items() if is_reachable(observed.get(host)) and _differs(identity, observed[host])]


def _differs(identity: Identity, observation: Observation) -> bool:
    return not _is_ours(observation) or any(_stored(observation).get(key) != identity.keys.get(key) for key in AUTH_KEYS)


def is_replaced(identity: Identity, observation: Observation) -> bool:
    """Return whether a secret comes in the place of another one that may be in use: the chart's own never is."""
    return _secret(observation) not in (None, _CHARTS, identity.keys.get(CLIENT_SECRET))


def rows(site: Site, observed: Observations, wanted: Mapping[str, Identity], due: Iterable[str]) -> list[Row]:
    """Return what is done for the hosts whose Secret is due."""
    return [_row(site.cluster(host), wanted[host], observed[host]) for host in due]


def _row(cluster: Cluster, identity: Identity, observation: Observation) -> Row:
    stored = _stored(observation)
    changed = [key for key in AUTH_KEYS if stored.get(key) != identity.keys.get(key)]
    parts = []
    for key in changed:
        before, after = stored.get(key), identity.keys.get(key)
        what = f"{key} {after[:8]}" + (f" of {identity.source}" if key == CLIENT_SECRET else "") if after else f"{key} removed"
        parts.append(what + (f" (was {before[:8]})" if before and after else ""))
    reason = ", ".join(parts) or "take it over from the Helm release"
    return Row(cluster.host, "controlplane" if cluster.is_control_plane else "dataplane", f"Secret {AUTH_SECRET}", reason)
