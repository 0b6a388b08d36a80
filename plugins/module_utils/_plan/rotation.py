# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tokens are rotated, and what of it is left to be done. No I/O, only fingerprints.

What there is says how far a rotation got: the new token Secret names the one in whose place it comes, and the control plane has one of the two.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .._clusters.bounded import BOUNDED, LONG_LIVED, Terms
from .._clusters.generations import next_name, place_of
from .._common.times import seconds_of
from .._common.fingerprints import credentials_checksum
from .._common.names import FLYTEADMIN
from .._common.text import age, nearest
from .._helm.configuration import SECRET_NAME, Configuration
from .._helm.shown_values import Change
from .._inventory.reader import Fault
from .rows import Failure, Observation, Observations, Row, control_plane_of, is_reachable

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .._inventory.site import Cluster, Site

    Token = Mapping[str, t.Any]

STEP = "rotate"
#: kinds of what a probe says with which flyteadmin does not start
_DEADLY = ("unusable", "missing")
_FIRST = "Run site.yml first: it stores the token."
#: after how many data planes what reads tokens starts anew
_SERIAL = ("flyte_rotate_serial",)


@dataclasses.dataclass(frozen=True)
class Turn:
    """A data plane's tokens, as far as a rotation got."""

    host: str
    #: the one that the control plane has
    current: Token
    #: the one that was made in its place, None where there is none yet
    successor: Token | None
    #: the one that it came for, None where it is gone
    predecessor: Token | None
    #: name of the Secret that is made where one has to be
    name: str
    #: made by rotations beside others, and given up: what they came for is gone, and the control plane has none of them
    leftovers: Sequence[Token] = ()

    @property
    def stopped(self) -> bool:
        """Whether a rotation was begun and did not get to its end."""
        return bool(self.successor or self.predecessor)


@dataclasses.dataclass
class Rotation:
    """What is rotated."""

    rows: list[Row]
    failures: list[Failure]
    turns: list[Turn]
    #: inventory hosts that are rotated together
    batches: list[list[str]]

    def as_dict(self) -> dict[str, t.Any]:
        """Return what the steps need, as plain data."""
        return {"batches": self.batches, "turns": {turn.host: dataclasses.asdict(turn) for turn in self.turns}}


def turn_of(cluster: Cluster, observation: Observation, stored: Mapping[str, t.Any], base: str) -> Turn | None:
    """Return how far the rotation of a data plane's token got, None where the control plane has none of its tokens.

    :param stored: fingerprints in the control plane's Secret, by cluster name.
    :param base: the name of the first token Secret.
    """
    tokens: list[Token] = list(observation.get("tokens") or [])
    own = (stored.get(cluster.name) or {}).get("token")
    current = next((token for token in tokens if token["fingerprint"] == own), None)
    if current is None:
        return None
    others = [token for token in tokens if token is not current]
    successor = next((token for token in others if token["replaces"] == place_of(current)), None)
    predecessor = next((token for token in others if place_of(token) == current["replaces"]), None)
    places = [place_of(token) for token in tokens]
    leftovers = [token for token in others if token["replaces"] and token["replaces"] not in places and token is not predecessor]
    return Turn(cluster.host, current, successor, predecessor, next_name(base, [token["secret"] for token in tokens]), leftovers)


def plan_rotation(site: Site, observed: Observations, hosts: Sequence[str]) -> Rotation:
    """Return what is rotated of the given hosts."""
    known = control_plane_of(observed, site.control_plane.host)
    planes = [cluster for cluster in site.data_planes if cluster.host in hosts and cluster.host in observed]
    turns: list[Turn] = []
    failures: list[Failure] = []
    for cluster in planes:
        observation = observed[cluster.host]
        turn = _checked(cluster, observation, known, site)
        if isinstance(turn, Failure):
            failures.append(turn)
        elif turn.stopped or site.settings["flyte_rotate"] == "all" or due_reason(site, observation.get("token")):
            turns.append(turn)
    held = what_holds_restarts(site, known) if turns else None
    if held:
        return Rotation([], [*failures, held], [], [])
    rows = [_row(site, turn) for turn in turns]
    size = site.settings["flyte_rotate_serial"] or len(turns) or 1
    chosen = [turn.host for turn in turns]
    batches = [chosen[start : start + size] for start in range(0, len(chosen), size)]
    rows += [_restart_row(site, known, batch) for batch in batches]
    return Rotation(rows, failures, turns, batches)


def _checked(cluster: Cluster, observation: Observation, known: Mapping[str, t.Any], site: Site) -> Turn | Failure:
    if not is_reachable(observation):
        error = observation["error"] or {}
        remedy = f"{error.get('hint') or ''} Its token stays as it was; run again then.".strip()
        return Failure(cluster.host, STEP, str(error.get("message") or "it does not answer"), remedy)
    if cluster.name not in [entry["name"] for entry in (known.get("clusters") or {}).get("clusterConfigs") or []]:
        return Failure(cluster.host, STEP, f"flyteadmin's configuration has no cluster {cluster.name}", _FIRST)
    turn = turn_of(cluster, observation, known.get("credentials") or {}, site.settings["flyte_token_secret"])
    if turn is None:
        return Failure(cluster.host, STEP, f"{cluster.name}_token of the Secret {SECRET_NAME} is none of its tokens: it does not answer to it", _FIRST)
    return turn


def what_holds_restarts(site: Site, known: Mapping[str, t.Any]) -> Failure | None:
    """Return what keeps flyteadmin's new pods from starting, None where nothing does: nothing is rotated then."""
    probes: Mapping[str, Mapping[str, t.Any]] = known.get("probes") or {}
    configs = [entry for entry in (known.get("clusters") or {}).get("clusterConfigs") or [] if not entry.get("inCluster")]
    wrong = [entry["name"] for entry in configs if (probes.get(entry["name"]) or {}).get("kind") in _DEADLY]
    if not wrong and site.settings["flyte_sync_at_start"]:
        wrong = [entry["name"] for entry in configs if entry.get("enabled") and not (probes.get(entry["name"]) or {}).get("ok", False)]
    if not wrong:
        return None
    said = "; ".join(f"{name}: {(probes.get(name) or {}).get('error') or 'was not tried'}" for name in wrong)
    remedy = "Run site.yml first. One that is away, with flyte_sync_at_start, is drained with flyte_cluster_enabled: false."
    return Failure(site.control_plane.host, STEP, f"nothing was rotated: flyteadmin's new pods would not start with {said}", remedy)


def due_reason(site: Site, token: Token | None) -> str:
    """Return why a token is due for rotation, nothing where it is not: by its age, by a third of its life, or since another kind is wanted."""
    if not token:
        return ""
    settings, kind = site.settings, token.get("kind", LONG_LIVED)
    if kind != settings["flyte_token_kind"]:
        return f"{token['secret']} is {kind}, flyte_token_kind is {settings['flyte_token_kind']}"
    lifetime, left = token.get("lifetime"), token.get("left")
    if lifetime and left is not None and (left - lifetime) * 3 >= lifetime:
        # Nobody would see its end coming.
        return f"by the clock of its API server {token['secret']} is only issued in {age(left - lifetime)}: set that clock"
    if lifetime and left is not None and left * 3 <= lifetime * 2:
        return f"a third of the life of {token['secret']} is over, it ends in {age(left)}"
    limit = seconds_of(settings["flyte_token_max_age"] or "")
    if limit is None or token.get("age") is None or token["age"] < limit:
        return ""
    return f"{token['secret']} is {age(token['age'])} old, flyte_token_max_age is {settings['flyte_token_max_age']}"


def terms_of(site: Site) -> Terms:
    """Return what kind of token is made, and for how long."""
    settings = site.settings
    if settings["flyte_token_kind"] != BOUNDED:
        return Terms()
    lifetime, interval = (seconds_of(settings[name]) or 0 for name in ("flyte_token_lifetime", "flyte_token_renew_interval"))
    return Terms(BOUNDED, lifetime, 2 * interval)


def due_hosts(site: Site, observed: Observations, hosts: Sequence[str]) -> dict[str, str]:
    """Return the hosts whose token is due, or whose rotation was stopped, with why."""
    known = control_plane_of(observed, site.control_plane.host)
    found = {}
    for cluster in site.data_planes:
        observation = observed.get(cluster.host)
        if cluster.host not in hosts or not is_reachable(observation) or observation is None:
            continue
        turn = turn_of(cluster, observation, known.get("credentials") or {}, site.settings["flyte_token_secret"])
        reason = due_reason(site, observation.get("token"))
        if turn and turn.stopped:
            reason = f"a rotation was stopped: {_left(turn)}"
        if reason:
            found[cluster.host] = reason
    return found


def due_rows(site: Site, due: Mapping[str, str]) -> list[Row]:
    """Return what site.yml does of what is due, where it does it."""
    # Without why: how old a token is changes, and a plan that is carried out later does not.
    return [due_row(site, host) for host in due] if site.settings["flyte_rotate_due"] else []


def due_row(site: Site, host: str) -> Row:
    """Return what site.yml does of one token that is due: everything that a rotation of it is."""
    names = ["flyte_token_kind", *(["flyte_token_lifetime"] if site.settings["flyte_token_kind"] == BOUNDED else [])]
    held = (*_settings(site, names), *_settings(site, _SERIAL))
    return Row(host, STEP, "rotate the token", "it is due: another one is stored, what reads it starts anew, and this one is deleted", held=held)


def _settings(site: Site, names: Sequence[str]) -> tuple[Change, ...]:
    """Return what is held of variables that say how tokens are rotated."""
    return tuple(Change(name, None, "all at once" if site.settings[name] is None else str(site.settings[name])) for name in names)


def due_lines(site: Site, due: Mapping[str, str]) -> list[str]:
    """Return what is due, and what to do where site.yml does not do it, as lines of the plan."""
    remedy = "" if site.settings["flyte_rotate_due"] else ": run rotate.yml, or set flyte_rotate_due: true"
    return [f"{host}: due: {reason}{remedy}" for host, reason in due.items()]


def _left(turn: Turn) -> str:
    if turn.predecessor:
        return f"{turn.predecessor['secret']} is still there beside {turn.current['secret']}"
    return f"{(turn.successor or {}).get('secret')} is there and not in use"


def _row(site: Site, turn: Turn) -> Row:
    cluster, current = site.cluster(turn.host), turn.current
    shown = f"{current['secret']} ({current['fingerprint'][:8]}, {age(current['age'])} old)"
    details: tuple[str, ...]
    more = tuple(f"delete the token Secret {token['secret']}, which a rotation beside another one made, and nobody uses" for token in turn.leftovers)
    also = tuple(map(_deleted, turn.leftovers))
    if turn.predecessor:
        former = turn.predecessor
        details = (f"delete the token Secret {former['secret']} ({former['fingerprint'][:8]}), once {current['secret']} is proven in use",)
        return Row(turn.host, STEP, "finish the rotation", _left(turn), details + more, held=(_deleted(former), *also))
    name = turn.successor["secret"] if turn.successor else turn.name
    made = f"the token Secret {name}"
    details = (
        f"{SECRET_NAME}: {cluster.name}_token: store it, once {cluster.name} takes it",
        f"delete the token Secret {current['secret']}, once the new one is proven in use",
    )
    kind = f", a token for {site.settings['flyte_token_lifetime']}" if site.settings["flyte_token_kind"] == BOUNDED else ""
    held = (Change(f"{SECRET_NAME}.{cluster.name}_token", current["secret"], name), _deleted(current), *also)
    return Row(turn.host, STEP, f"{'go on with' if turn.successor else 'make'} {made}{kind}", f"in the place of {shown}", details + more, held=held)


def _deleted(token: Token) -> Change:
    # Of a bound one that is not in use nobody knows the token.
    return Change(f"token Secret {token['secret']}", token["fingerprint"][:8] or token["kind"], None)


def _restart_row(site: Site, known: Mapping[str, t.Any], batch: Sequence[str]) -> Row:
    names = list(known.get("readers") or {}) or [FLYTEADMIN]
    reason = f"they read tokens at their start only: {', '.join(batch)}"
    # Not which hosts: of those that a killed run has done none is in a batch any more.
    return Row(site.control_plane.host, STEP, f"restart {', then '.join(names)}", reason, held=_settings(site, _SERIAL))


def rotation_lines(plan: Rotation) -> list[str]:
    """Return the plan as lines of text."""
    return [line for row in plan.rows for line in row.lines()] or ["No token is rotated."]


def chosen_hosts(site: Site, hosts: Sequence[str], name: str) -> tuple[list[str], Fault | None]:
    """Return the hosts that are rotated.

    :param hosts: of this run.
    :param name: of the one cluster, or its host, empty for all.
    """
    if not name:
        return list(hosts), None
    known = {key: cluster.host for cluster in site.data_planes for key in (cluster.host, cluster.name)}
    if name not in known:
        return [], Fault("inventory", "cluster", name, f"is none of the data planes: {', '.join(known)}.{nearest(name, list(known))}")
    if known[name] not in hosts:
        return [], Fault("inventory", "cluster", name, "is left out by --limit: nothing was looked at. Leave one of the two out.")
    return [known[name]], None


def stored_checksum(section: Mapping[str, t.Any], credentials: Mapping[str, Mapping[str, str]]) -> str:
    """Return the checksum of the credentials of the clusters that flyteadmin's configuration has, as its pods have it as an annotation."""
    names = [entry["name"] for entry in section.get("clusterConfigs") or []]
    return credentials_checksum({name: credentials[name] for name in names if name in credentials})


def as_released(observation: Observation, wanted: Configuration) -> Configuration:
    """Return the configuration as the control plane's release has it where only the credentials differ, and a rotation restarted their readers already.

    There is nothing for Helm to do then. With the next change it writes the annotation that the pods have.
    """
    readers = ((observation.get("control_plane") or {}).get("readers") or {}).values()
    released = (observation.get("release") or {}).get("credentials_checksum")
    if not released or not readers or any(checksum != wanted.checksum for checksum in readers):
        return wanted
    return dataclasses.replace(wanted, checksum=released)
