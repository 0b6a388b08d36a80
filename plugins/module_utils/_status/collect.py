# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the site and what was observed to its status. No I/O."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import typing as t

from .._common.names import PROPELLER
from .._labels.canary import is_canary_label
from .._labels.placement import Placement, weight_of
from .._plan.complete import release_failures, unfinished
from .._plan.namespaces import lacking, lacking_failures
from .._plan.orphans import ONLY_STORED, only_stored
from .._plan.rows import RELEASE, Failure, Observation, Observations, Row, control_plane_of, is_reachable, not_ready, not_working
from .._plan.strays import REMEDY, stray_problem, strays
from .._plan.verify import cluster_failures
from .model import DRAINED, NEW, NOT_ASKED, NOT_READY, READY, STRAY, ClusterStatus, LabelStatus, Place, Problem, Share, Status, Target

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .._inventory.site import Cluster, Site

_CRD = "the FlyteWorkflow CRD"


@dataclasses.dataclass(frozen=True)
class Asked:
    """What flyteadmin said; None is what it did not."""

    #: stored rows of labels
    rows: Mapping[tuple[str, str, str], str] | None = None
    #: all domains of all active projects
    places: Sequence[tuple[str, str]] | None = None
    #: executions by cluster: those that have not ended, and those of the last day that failed
    running: Mapping[str, int] | None = None
    failed: Mapping[str, int] | None = None
    notes: tuple[str, ...] = ()


def status_of(
    site: Site, observed: Observations, asked: Asked, *, now: datetime.datetime, rows: Iterable[Row] = (), due: Mapping[str, str] | None = None
) -> Status:
    """Return the status.

    :param observed: what flyte_cluster_info returned, by inventory host; hosts that are not in it were not asked.
    :param rows: what a run would do; Helm releases among them are drift.
    :param due: why the token of a data plane is due, by inventory host.
    """
    control = observed.get(site.control_plane.host)
    known = control_plane_of(observed, site.control_plane.host)
    live = (known.get("clusters") or {}) if is_reachable(control) else None
    placement = Placement.from_section(live or {})
    builder = _Builder(site, observed, asked, live, placement, list(rows), due or {})
    labels = None if live is None else builder.labels()
    notes = [*asked.notes, *([] if live is not None else ["flyteadmin's configuration is not known: the control plane does not answer"])]
    return Status(
        time=now.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        url=site.settings["flyte_admin_url"],
        clusters=builder.clusters(),
        labels=labels,
        places=None if asked.rows is None or asked.places is None else _places(placement, asked.rows, asked.places),
        notes=notes,
    )


def _places(placement: Placement, rows: Mapping[tuple[str, str, str], str], known: Sequence[tuple[str, str]]) -> list[Place]:
    """Return every project-domain with the label that holds there, and every row that is stored for something else."""
    found = {}
    for project, domain in known:
        effective = placement.effective(rows, (project, domain, ""))
        found[(project, domain, "")] = Place(project, domain, "", effective.label, effective.level)
    for key, label in rows.items():
        inherited = key[1] == "" and any(project == key[0] for project, _domain in known)
        if key not in found and not inherited:
            found[key] = Place(*key, label, "workflow" if key[2] else "project-domain" if key[1] else "project")
    return [place for _key, place in sorted(found.items())]


class _Builder:
    """Makes the parts of a status."""

    def __init__(
        self,
        site: Site,
        observed: Observations,
        asked: Asked,
        live: Mapping[str, t.Any] | None,
        placement: Placement,
        rows: list[Row],
        due: Mapping[str, str],
    ) -> None:
        self._due = due
        self._site, self._observed, self._asked, self._live, self._placement, self._rows = site, observed, asked, live, placement, rows
        self._configs = {str(entry["name"]): entry for entry in (live or {}).get("clusterConfigs") or []}
        self._probes = control_plane_of(observed, site.control_plane.host).get("probes") or {}
        self._missing = lacking(site, observed, live, self._project_domains()).all if live else {}
        self._failures = self._failures_by_host()

    def _project_domains(self) -> list[dict[str, str]]:
        return [{"project": project, "domain": domain} for project, domain in self._asked.places or []]

    def _failures_by_host(self) -> dict[str, list[Failure]]:
        """Return what verify has against the clusters, and namespaces that are missing."""
        site, observed = self._site, self._observed
        # Without the control plane nobody knows what is stored there.
        open_ends = unfinished(site, observed) if self._live is not None else release_failures(site, observed)
        found: dict[str, list[Failure]] = {}
        for failure in [*cluster_failures(site, observed), *open_ends, *lacking_failures(site, self._missing)]:
            found.setdefault(failure.host, []).append(failure)
        return found

    def clusters(self) -> list[ClusterStatus]:
        """Return all clusters of the inventory, the control plane first, then those that only flyteadmin has."""
        site = self._site
        own = [self._of_inventory(cluster) for cluster in site.clusters]
        alone = [self._only_stored(name) for name in only_stored(site, self._observed)]
        return own + [self._stray(entry) for entry in strays(site, self._live or {})] + alone

    # -- of the inventory

    def _of_inventory(self, cluster: Cluster) -> ClusterStatus:
        observation = self._observed.get(cluster.host)
        found = ClusterStatus(cluster.name, cluster.host, cluster.is_control_plane, self._site.is_target(cluster), NOT_ASKED)
        self._configured(found)
        if observation is not None:
            found.reachable = is_reachable(observation)
            found.endpoint = found.endpoint or observation.get("server")
            self._release(found, observation)
            self._token(found, observation)
            if found.reachable:
                self._works(found, cluster, observation)
        found.problems += [Problem(failure.problem, failure.remedy) for failure in self._failures.get(cluster.host, [])]
        found.drift += self._drift(cluster, observation or {})
        found.state = self._state(found, cluster)
        return found

    def _configured(self, found: ClusterStatus) -> None:
        """Fill in what flyteadmin has of it, and what runs there."""
        if found.target and self._live is not None:
            config = self._configs.get(found.name)
            found.configured = config is not None
            found.enabled = bool(config and config.get("enabled"))
            found.endpoint = "in cluster" if config and config.get("inCluster") else str(config["endpoint"]) if config and config.get("endpoint") else None
            found.labels = self._shares.get(found.name, [])
            self._rights(found)
        if found.target:
            found.running = None if self._asked.running is None else self._asked.running.get(found.name, 0)
            found.failed = None if self._asked.failed is None else self._asked.failed.get(found.name, 0)

    def _rights(self, found: ClusterStatus) -> None:
        probe = self._probes.get(found.name)
        if not probe or (not probe.get("ok") and not probe.get("denied")):
            return
        found.rights, found.rights_missing = bool(probe["ok"]), [str(right) for right in probe.get("denied") or []]

    @functools.cached_property
    def _shares(self) -> dict[str, list[Share]]:
        """The labels that lead to each cluster, by its name."""
        found: dict[str, list[Share]] = {}
        for label, entries in sorted(self._own_labels().items()):
            shares = self._placement.shares(label)
            for entry in entries or []:
                found.setdefault(entry["id"], []).append(Share(label, weight_of(entry), shares.get(entry["id"], 0.0)))
        return found

    def _own_labels(self) -> dict[str, t.Any]:
        return {label: entries for label, entries in self._placement.label_map.items() if not is_canary_label(label)}

    def _release(self, found: ClusterStatus, observation: Observation) -> None:
        installed = observation.get("release")
        found.kubernetes = observation.get("kubernetes")
        if installed:
            found.release = {key: installed[key] for key in ("name", "revision", "status", "age") if key in installed}
            found.chart = f"{installed['chart']} {installed['version']}"

    def _token(self, found: ClusterStatus, observation: Observation) -> None:
        token = observation.get("token")
        found.token_age = token["age"] if token else None
        found.token_due = self._due.get(found.host or "")

    def _works(self, found: ClusterStatus, cluster: Cluster, observation: Observation) -> None:
        """Fill in what a cluster that answered has of the release."""
        missing = observation.get("missing") or []
        if observation.get("release") is None:
            return
        if found.target:
            found.crd = _CRD not in missing
            if self._site.settings["flyte_verify_propeller"]:
                found.leader = not any(
                    entry["name"] == PROPELLER for entry in [*not_working(observation), *_named(missing), *not_ready_names(observation)]
                )
        total = (observation.get("deployments") or {}).get("total")
        if total is not None:
            gone = [entry for entry in missing if entry.startswith("the Deployment ")]
            found.deployments, found.deployments_ready = total, total - len(not_ready(observation)) - len(gone)
        found.namespaces_missing = self._missing.get(cluster.host, [])

    def _drift(self, cluster: Cluster, observation: Observation) -> list[str]:
        """Return what differs from what the inventory wants: the release, and the size of Deployments."""
        resized = (observation.get("deployments") or {}).get("resized") or []
        found = [f"{entry['name']} has {entry['found']} pods, the release says {entry['wanted']}" for entry in resized]
        for row in self._rows:
            if row.host == cluster.host and row.action.startswith(RELEASE):
                found += [row.reason, *row.details]
        return found

    def _state(self, found: ClusterStatus, cluster: Cluster) -> str:
        if found.reachable is None:
            return NOT_ASKED
        if found.reachable and found.release is None:
            return NEW
        if found.problems:
            return NOT_READY
        if found.target and (found.enabled is False if self._live is not None else not cluster.enabled):
            return DRAINED
        return READY

    # -- only of flyteadmin

    def _stray(self, entry: Mapping[str, t.Any]) -> ClusterStatus:
        found = ClusterStatus(str(entry["name"]), None, False, True, STRAY)
        self._configured(found)
        probe = self._probes.get(found.name)
        found.reachable = None if probe is None else bool(probe["ok"] or probe.get("denied"))
        what, remedy = stray_problem(self._live or {}, entry, running=found.running)
        found.problems.append(Problem(what, remedy))
        found.problems += [Problem(failure.problem, failure.remedy) for failure in self._failures.get(found.name, [])]
        return found

    def _only_stored(self, name: str) -> ClusterStatus:
        """Return one of which flyteadmin has nothing but keys: a removal that was stopped leaves it so. No execution can be placed there."""
        found = ClusterStatus(name, None, False, False, STRAY, configured=False)
        found.problems.append(Problem(ONLY_STORED, REMEDY))
        return found

    # -- labels

    def labels(self) -> list[LabelStatus]:
        """Return the labels of labelClusterMap, and those that only stored rows name."""
        names = dict.fromkeys([*self._own_labels(), *(label for label in (self._asked.rows or {}).values() if not is_canary_label(label))])
        if self._placement.default_label:
            names.setdefault(self._placement.default_label)
        return [self._label(name) for name in sorted(names)]

    def _label(self, name: str) -> LabelStatus:
        shares = self._placement.shares(name)
        targets = tuple(
            Target(entry["id"], weight_of(entry), shares.get(entry["id"], 0.0), self._why(entry, shares)) for entry in self._placement.label_map.get(name) or []
        )
        return LabelStatus(name, targets, self._placement.problem(name), name == self._placement.default_label)

    def _why(self, entry: Mapping[str, t.Any], shares: Mapping[str, float]) -> str | None:
        """Return why a cluster gets nothing of a label."""
        if entry["id"] in shares:
            return None
        if entry["id"] not in self._configs:
            return "flyteadmin does not have this cluster"
        return "drained" if not self._configs[entry["id"]].get("enabled") else "its weight is 0"


def _named(missing: Iterable[str]) -> list[dict[str, str]]:
    """Return the Deployments among what is missing."""
    return [{"name": what.split()[2]} for what in missing if what.startswith("the Deployment ")]


def not_ready_names(observation: Observation) -> list[dict[str, str]]:
    """Return the Deployments that are not ready, by their name alone."""
    return [{"name": entry["name"].removeprefix("deployment/")} for entry in not_ready(observation)]
