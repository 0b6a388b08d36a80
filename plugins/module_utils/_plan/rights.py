# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rights of ours Flyte's accounts in the data planes have to have, and what is due of them. No I/O."""

from __future__ import annotations

import dataclasses
import typing as t

from .._common.names import FLYTEADMIN, SYNCRESOURCES
from .._common.text import first
from .._helm.shown_values import Change
from .._rights.rules import FLYTEWORKFLOWS, Rule, questions, said, same
from .._rights.templates import flyteadmin_rules, synced_of_chart
from .rows import Failure, Observation, Observations, Row, is_reachable

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .._inventory.site import Site
    from .._rights.templates import Synced

#: so many rights are named
_NAMED = 4
_STEP = "dataplane"


@dataclasses.dataclass(frozen=True)
class Rights:
    """What Flyte's accounts need in the data planes."""

    #: of flyteadmin's account in every data plane, whoever gives it
    needed: list[Rule] = dataclasses.field(default_factory=lambda: [FLYTEWORKFLOWS])
    #: what we give, by inventory host and account
    given: dict[str, dict[str, list[Rule]]] = dataclasses.field(default_factory=dict)

    @classmethod
    def from_dict(cls, data: Mapping[str, t.Any]) -> Rights:
        """Return it from :func:`dataclasses.asdict`'s data."""
        return cls(list(data["needed"]), {host: dict(accounts) for host, accounts in data["given"].items()})

    def exact(self, site: Site) -> dict[str, list[Rule]]:
        """Return what flyteadmin may be allowed at most, by the names of the clusters where we give it."""
        return {site.cluster(host).name: accounts[FLYTEADMIN] for host, accounts in self.given.items()}


def needs(site: Site, of_control_plane: Synced | None, of_planes: Mapping[str, Synced | None]) -> Rights:
    """Return what the accounts need.

    :param of_control_plane: what the templates of the control plane's syncresources need; None where they are not known: they are taken for the chart's.
    :param of_planes: what those of the data planes need, by inventory host, where each has a syncresources of its own.
    """
    synced = of_control_plane or synced_of_chart(provider_files=site.settings["flyte_provider"] in ("aws", "gcp"))
    syncs = not site.syncs_itself
    given: dict[str, dict[str, list[Rule]]] = {}
    for cluster in site.data_planes:
        if cluster.rbac == "minimal":
            own = {} if syncs else {SYNCRESOURCES: (of_planes.get(cluster.host) or synced).all}
            given[cluster.host] = {FLYTEADMIN: flyteadmin_rules(synced.all, syncs=syncs), **own}
    return Rights(flyteadmin_rules(synced.rules, syncs=syncs), given)


def rights_due(observed: Observations, rights: Rights) -> dict[str, dict[str, list[Rule]]]:
    """Return what has to be written, by host and account."""
    found = {}
    for host, accounts in rights.given.items():
        if is_reachable(observed.get(host)):
            due = {account: rules for account, rules in accounts.items() if _problem(_seen(observed[host], account), rules)}
            if due:
                found[host] = due
    return found


def rights_left(site: Site, observed: Observations, rights: Rights) -> dict[str, list[str]]:
    """Return the accounts whose rights of ours have to go, by host: the chart gives them again, or nobody needs them."""
    found = {}
    for cluster in site.data_planes:
        if is_reachable(observed.get(cluster.host)):
            left = [account for account in observed[cluster.host].get("rights") or {} if account not in rights.given.get(cluster.host, {})]
            if left:
                found[cluster.host] = left
    return found


def _seen(observation: Observation, account: str) -> Mapping[str, t.Any] | None:
    return t.cast("Mapping[str, t.Any] | None", (observation.get("rights") or {}).get(account))


def _problem(seen: Mapping[str, t.Any] | None, rules: Iterable[Rule] | None) -> str:
    """Return what is wrong with what is there, nothing where nothing is.

    :param rules: None where they are not known: then those that were written have to be there still.
    """
    if seen is None:
        return "it is missing" if rules is None else f"make them: {_named(questions(rules))}"
    if rules is None:
        differs = "" if seen["intact"] else "its rules were changed since they were written"
    else:
        differs = _difference(seen["rules"], list(rules))
    if not differs and not seen["bound"]:
        return "its ClusterRoleBinding is missing or leads elsewhere"
    return differs or ("its ServiceAccount is missing" if seen["account"] is False else "")


def _difference(before: list[Rule], after: list[Rule]) -> str:
    if same(before, after):
        return ""
    old, new = questions(before), questions(after)
    more, less = [one for one in new if one not in old], [one for one in old if one not in new]
    return "; ".join(f"{word} {_named(found)}" for word, found in (("grant", more), ("take away", less)) if found)


def _named(found: list[t.Any]) -> str:
    return first([said(one) for one in found], _NAMED)


def rows(observed: Observations, due: Mapping[str, Mapping[str, list[Rule]]], left: Mapping[str, Iterable[str]]) -> list[Row]:
    """Return what is done."""
    found = [
        Row(host, _STEP, f"rights of {account}", _problem(_seen(observed[host], account), rules), held=(Change("rules", None, _rules(rules)),))
        for host, accounts in due.items()
        for account, rules in accounts.items()
    ]
    reason = "remove them: the chart gives them, or nothing uses them"
    return found + [
        Row(host, _STEP, f"rights of {account}", reason, held=(Change("rules", "there", None),)) for host, names in left.items() for account in names
    ]


def _rules(rules: Iterable[Rule]) -> str:
    return "; ".join(sorted(said(one) for one in questions(rules)))


def rights_failures(site: Site, observed: Observations) -> list[Failure]:
    """Return what is still to be done of the rights that we give, as far as it can be seen without the chart: what they have to be depends on its templates."""
    failures = []
    for cluster in site.data_planes:
        observation = observed.get(cluster.host)
        if cluster.rbac != "minimal" or observation is None or not is_reachable(observation) or observation.get("release") is None:
            continue
        for account in (FLYTEADMIN, SYNCRESOURCES) if site.syncs_itself else (FLYTEADMIN,):
            problem = _problem(_seen(observation, account), None)
            if problem:
                where = f"the rights of {account} (ClusterRole {cluster.namespace}-{account}-minimal)"
                failures.append(Failure(cluster.host, "verify: rights", f"{where}: {problem}", "Run site.yml with the tag dataplane."))
    return failures
