# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of removing one cluster: what is observed of it, what flyteadmin has of it, and what goes. Secrets stay out of it."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.errors import KubeError
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.leftovers import delete_webhooks
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.probe import MISSING, UNUSABLE
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.rights import remove_all
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.drain import described, unfinished
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.errors import AdminError
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.words import in_inventory_words
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.reader import Fault
from ansible_collections.flyte.multicluster.plugins.module_utils._labels.rows import as_dict, from_api
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.control_plane import wanted_configuration
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.decommission import Departure, Target, depart, find_target, inventory_lines
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.departure_rows import (
    AWAY,
    Stage,
    aws_departure,
    aws_rows,
    beyond_configuration,
    drain_row,
    ending_lines,
    key_row,
    label_rows,
    left_row,
    own_namespaces,
    plane_rows,
    rollout_rows,
)
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.orphans import prune_row
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.planner import rollout_reason
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rows import Row, control_plane_of, is_reachable
from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import InventoryAction, Refused
from ansible_collections.flyte.multicluster.plugins.plugin_utils._connections import RETRY_FOR, admin_of, connected
from ansible_collections.flyte.multicluster.plugins.plugin_utils._identity import planned_identities
from ansible_collections.flyte.multicluster.plugins.plugin_utils._known import Known
from ansible_collections.flyte.multicluster.plugins.plugin_utils._release_changes import ReleaseChanges

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Cluster, Site
    from ansible_collections.flyte.multicluster.plugins.module_utils._labels.rows import Rows
    from ansible_collections.flyte.multicluster.plugins.plugin_utils._plan_file import PlanFiles

#: seconds after a rollout that a run before this one made, in which the ingress of flyteadmin may have no pod yet
#: lists and mappings that the steps of site.yml look for in a plan: nothing of theirs is due here
_NOTHING: dict[str, t.Any] = {
    "failures": [], "groups": [], "releases": [], "marks": [], "waiting": [], "identity": [], "restarts": {}, "credentials": [], "eks": {}, "iam": None,
}  # fmt: skip


def hosts_to_observe(site: Site, given: str | None) -> list[str]:
    """Return the control plane's host, and that of the cluster where the inventory has it."""
    if not given:
        raise Refused("cluster is required: the inventory host, or the name, of the cluster to remove: -e cluster=NAME")
    found = find_target(site, given, [], [])
    return [site.control_plane.host, *([found.host] if isinstance(found, Target) and found.host else [])]


class _Stored(t.NamedTuple):
    """What flyteadmin has."""

    labels: Rows
    #: executions that have not ended
    executions: list[dict[str, t.Any]]
    places: list[tuple[str, str]]


def _asked(action: InventoryAction, known: Known, name: str) -> _Stored:
    host = known.site.control_plane.host
    try:
        admin = admin_of(known.site, action.variables.read, retry_for=RETRY_FOR)
        places = admin.project_domains(archived=True)
        return _Stored(from_api(admin.label_rows()), unfinished(admin, name, places=places), places)
    except AdminError as error:
        said = in_inventory_words(f"{error.message} {error.hint}".strip())
        raise Refused(f"{host}: flyteadmin has to say which executions run on {name}, and which labels hold: {said}") from error


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What is asked for."""

    #: the inventory host, or the name, of the cluster
    cluster: str
    #: labels that get other clusters
    labels: Mapping[str, t.Any]
    #: whether site.yml removes it, since nobody owns it: its own plan says so
    pruning: bool = False
    #: whether what changes in the rendered objects is said, too
    objects: bool = False


def planned_removal(action: InventoryAction, known: Known, wanted: Wanted, files: PlanFiles) -> dict[str, t.Any]:
    """Return the plan: of the site in which the cluster is disabled, with that of the site without it in ``without``.

    :raises Refused: something stands against it, or the approved plan says something else; nothing was changed.
    """
    site, host = known.site, known.site.control_plane.host
    head = control_plane_of(known.observed, host)
    configured = [str(entry["name"]) for entry in known.live.get("clusterConfigs") or []]
    stored_keys = head.get("credentials") or {}
    keys = [*stored_keys, *(key.rpartition("_")[0] for key in head.get("other_keys") or [] if key.endswith(("_token", "_cacert")))]
    target = find_target(site, wanted.cluster, configured, keys)
    if isinstance(target, Fault):
        raise Refused(str(target))
    _refuse_unreachable(known, target)
    found = _asked(action, known, target.name)
    departure, faults = depart(site, target, known.live, found.labels, wanted.labels)
    if departure is None:
        raise Refused(*map(str, faults))
    serves = target.name in configured and not _cannot_be_served(known, target, found)
    result, rows = _Planned(action, known, target, departure, found, serves, wanted.objects).result()
    # What site.yml does of it is a row of its own plan, made before the first change.
    files.use([prune_row(site, target.name), *beyond_configuration(rows)] if wanted.pruning else rows, [], write=not wanted.pruning)
    return result


def _cannot_be_served(known: Known, target: Target, found: _Stored) -> bool:
    """Return whether flyteadmin would not start with what is stored of the cluster, also where it is disabled: it goes at once then.

    :raises Refused: executions run there, whose end nobody would hear of.
    """
    host = known.site.control_plane.host
    probe = (control_plane_of(known.observed, host).get("probes") or {}).get(target.name) or {}
    if probe.get("kind") not in (UNUSABLE, MISSING):
        return False
    if found.executions and not known.site.settings["flyte_remove_force"]:
        remedy = "Run site.yml, which stores its credentials anew, then remove it; or leave its executions: -e flyte_remove_force=true."
        raise Refused(f"{host}: {described(found.executions)} on {target.name}, and {probe['error']}. {remedy}")
    return True


def _refuse_unreachable(known: Known, target: Target) -> None:
    if target.cluster is None or known.site.settings["flyte_remove_force"] or is_reachable(known.observed.get(target.cluster.host)):
        return
    error = (known.observed.get(target.cluster.host) or {}).get("error") or {"message": "EKS does not have its cluster", "hint": ""}
    remedy = "If it is gone for good, leave what is on it: -e flyte_remove_force=true."
    raise Refused(f"{target.host}: {error['message']}. {error['hint'] or ''} {remedy}".replace("  ", " "))


@dataclasses.dataclass
class _Planned:
    """Puts the plan together."""

    action: InventoryAction
    known: Known
    target: Target
    departure: Departure
    stored: _Stored
    #: whether flyteadmin has it
    configured: bool
    #: whether what changes in the rendered objects is said, too
    objects: bool

    def result(self) -> tuple[dict[str, t.Any], list[Row]]:
        """Return flyte_plan's result, and the rows."""
        known, host = self.known, self.known.site.control_plane.host
        known = dataclasses.replace(known, observed={host: known.observed[host]}, reader=None, _made={})
        drained = dataclasses.replace(known, site=self.departure.drained)
        without = dataclasses.replace(known, site=self.departure.without)
        for one in (drained, without):
            one.identities = planned_identities(one, self.action.variables.read)
        # A cluster that flyteadmin does not have any more is not put back to be disabled.
        first = drained if self.configured else without
        changes, after = ReleaseChanges(first, self.action.variables.read), ReleaseChanges(without, self.action.variables.read)
        last = after if self.configured else changes
        disable = self._stage(drained, changes) if self.configured else None
        remove = self._stage(without, last)
        rollouts = rollout_rows({host: known.observed[host]}, self.target.name, disable=disable, remove=remove)
        removal, rows, notes = self._removal(self._judged(rollouts, changes, after))
        release = known.observed[host]["release"]
        # Between the two rollouts executions may be waited for for an hour.
        removal["releases"] = [*([release["values_digest"]] if release else []), *changes.digests([host]).values(), *last.digests([host]).values()]
        done = {"changed": False, "play_hosts": [host], **_NOTHING, "removal": removal}
        ending = inventory_lines(self.known.site, self.target, self.departure)
        lines = [line for row in rows for line in row.lines()] or [f"Nothing of {self.target.name} is left."]
        result = {
            **first.as_dict(),
            **done,
            "rows": [dataclasses.asdict(row) for row in rows],
            "lines": lines + ending_lines(self.departure) + notes,
            "ending": ending,
            "digests": changes.digests([host]),
            "without": {**without.as_dict(), **done, "digests": last.digests([host])},
        }
        return result, rows

    def _judged(self, rows: list[Row], first: ReleaseChanges, second: ReleaseChanges) -> list[Row]:
        """Return the rollouts with what changes in the release.

        :raises Refused: somebody gave it values by hand that would be lost, or its record cannot be read.
        """
        host = self.known.site.control_plane.host
        broken = first.read_records(rows[:1], [host], objects=self.objects)
        if broken:
            raise Refused(f"{host}: {broken[host]['message']}. {broken[host]['hint']}")
        # Of two rollouts the second one begins where the first ends, whether that is done already or not.
        later = [row for row in rows if self.configured and row.step == AWAY]
        judged, lost = first.judged([row for row in rows if row not in later], [host], objects=self.objects, new=False)
        if lost:
            raise Refused(*lost)
        return [*judged, *(second.after(first, row, objects=self.objects) for row in later)]

    def _stage(self, known: Known, changes: ReleaseChanges) -> Stage:
        """Return what the control plane's release gets."""
        site, host = known.site, known.site.control_plane.host
        head = control_plane_of(known.observed, host)
        wanted = wanted_configuration(site, known.observed, credentials=head.get("credentials") or {}, probes=head.get("probes") or {})
        return Stage(site, wanted, rollout_reason(site, known.observed[host], wanted, chart=known.planned_chart, digest=changes))

    def _removal(self, rollouts: list[Row]) -> tuple[dict[str, t.Any], list[Row], list[str]]:
        """Return what the steps need, the rows, and what is said besides."""
        known, target = self.known, self.target
        site, settings = known.site, known.site.settings
        host = site.control_plane.host
        observation = known.observed.get(target.host or "")
        head = control_plane_of(known.observed, host)
        stored = head.get("credentials") or {}
        aws = aws_departure(site, known.aws, target.cluster)
        keys = [f"{target.name}_{suffix}" for suffix in ("token", "cacert")]
        keys = [key for key in keys if target.name in stored or key in (head.get("other_keys") or [])]
        namespaces, notes = self._namespaces(observation, head.get("namespace_mapping"))
        how, executions = settings["flyte_remove_executions"], self.stored.executions
        # A cluster that does not answer ends nothing.
        drains = self.configured and (executions or how == "abort") and (is_reachable(observation) or not target.host)
        rows = label_rows(site, self.departure.rows) + [row for row in rollouts if row.step != AWAY]
        rows += [drain_row(host, target.name, described(executions) if executions else "", how, settings["flyte_remove_timeout"])] if drains else []
        rows += [row for row in rollouts if row.step == AWAY]
        rows += [key_row(host, target, keys)] if keys else []
        rows += plane_rows(target.cluster, observation, self._left_in(target.cluster)) if target.cluster and is_reachable(observation) else []
        rows += aws_rows(host, aws)
        rows += [Row(str(target.host), "namespaces", f"delete {name}", "of a project, with all that is in it") for name in namespaces]
        rows += [left_row(host, target.name)] if rows and settings["flyte_remove_force"] else []
        removal = {
            "name": target.name,
            "host": target.host,
            "cluster": dataclasses.asdict(target.cluster) if target.cluster else None,
            "reachable": is_reachable(observation),
            "configured": self.configured,
            "executions": self.stored.executions,
            "rows": [as_dict(key, label) for key, label in sorted(self.departure.rows.items())],
            "keys": keys,
            # More than one where a rotation was stopped. Their account goes with the release.
            "tokens": [token["secret"] for token in (observation or {}).get("tokens") or []],
            "aws": aws,
            "namespaces": namespaces,
        }
        return removal, rows, notes + [f"{host}: {note}" for note in aws["notes"]]

    def _namespaces(self, observation: Mapping[str, t.Any] | None, template: str | None) -> tuple[list[str], list[str]]:
        """Return the namespaces that go, and what is said of what stays."""
        target, known = self.target, self.known
        notes: list[str] = []
        if target.cluster is None:
            return [], [f"{target.name}: is in no inventory: what is in the cluster itself, and what AWS has of it, stays"]
        if not is_reachable(observation):
            return [], [f"{target.host}: does not answer: the release, the token and the namespaces in it stay (flyte_remove_force)"]
        if not known.site.settings["flyte_remove_namespaces"]:
            return [], [f"{target.host}: namespaces of projects stay (flyte_remove_namespaces)"]
        observed = {**known.observed, str(target.host): {**(observation or {}), "namespaces": self._there(target.cluster)}}
        names, why = own_namespaces(known.site, target.cluster, observed, self.stored.places, template)
        return names, notes + ([f"{target.host}: {why}"] if why else [])

    def _left_in(self, cluster: Cluster) -> list[str]:
        """Return what is in the cluster besides its release, as the step that takes it away finds it."""
        try:
            kube = connected(self.known.site, cluster, self.action.variables.read)
            return [
                *remove_all(kube, cluster.namespace, check_mode=True),
                *(f"MutatingWebhookConfiguration {name}" for name in delete_webhooks(kube, cluster.namespace, check_mode=True)),
            ]
        except KubeError as error:
            raise Refused(f"{cluster.host}: {error.message}. {error.hint}") from error

    def _there(self, cluster: Cluster) -> list[str]:
        """Return the namespaces of the cluster: those of one without a release, as a run before may have left it, are not observed."""
        try:
            kube = connected(self.known.site, cluster, self.action.variables.read)
            return sorted(kube.ages("/api/v1/namespaces"))
        except KubeError as error:
            raise Refused(f"{cluster.host}: {error.message}. {error.hint}") from error
