# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is not as it has to be after a run. No I/O."""

from __future__ import annotations

import dataclasses
import typing as t

from .._common.text import first, table
from .._labels.placement import Placement
from .._labels.rows import describe
from .rows import Failure, Observations, control_plane_of, is_reachable, not_ready, not_working, owed_restarts

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .._inventory.site import Site


#: so many rights are named
_NAMED = 5


def cluster_failures(site: Site, observed: Observations) -> list[Failure]:
    """Return what an observation after the run has against the clusters."""
    known = control_plane_of(observed, site.control_plane.host)
    hosts = {cluster.name: cluster.host for cluster in site.targets}
    failures = []
    for entry in (known.get("clusters") or {}).get("clusterConfigs") or []:
        probe = (known.get("probes") or {}).get(entry["name"]) or {"ok": True}
        observation = observed.get(hosts.get(entry["name"], ""))
        dead = observation is not None and not observation.get("reachable")
        if entry.get("enabled") and not probe["ok"] and not dead:
            failures.append(Failure(hosts.get(entry["name"], entry["name"]), "verify: as flyteadmin", probe["error"], probe["hint"]))
        if probe.get("excess") and not dead:
            remedy = "Take away what grants it: kubectl get clusterrolebindings,rolebindings -A -o wide | grep flyteadmin. Or set flyte_dataplane_rbac: chart."
            problem = f"flyteadmin may more than it uses (flyte_dataplane_rbac: minimal): {first(probe['excess'], _NAMED)}"
            failures.append(Failure(hosts.get(entry["name"], entry["name"]), "verify: rights", problem, remedy))
    for cluster in site.clusters:
        observation = observed.get(cluster.host)
        if observation is None:
            continue
        if not is_reachable(observation):
            error = observation.get("error") or {}
            failures.append(Failure(cluster.host, "verify", f"does not answer: {error.get('message')}", error.get("hint") or "Run again then."))
            continue
        for waiting in not_ready(observation):
            remedy = f"kubectl -n {cluster.namespace} describe {waiting['name']}, then run again."
            failures.append(Failure(cluster.host, "verify: pods", f"{waiting['name']}: {waiting['reason']}", remedy))
        for idle in not_working(observation):
            remedy = f"Run site.yml: it restarts it. What it says: kubectl -n {cluster.namespace} logs deployment/{idle['name']}"
            failures.append(Failure(cluster.host, f"verify: {idle['name']}", idle["reason"], remedy))
        for name, reason in owed_restarts(observation).items():
            failures.append(Failure(cluster.host, f"verify: {name}", reason, "Run site.yml: it restarts it."))
        for what in observation.get("missing") or []:
            failures.append(Failure(cluster.host, "verify", f"{what} is missing", "Run again with the tag dataplane."))
    return failures


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What is wrong, and what to know."""

    failures: list[Failure]
    lines: list[str]


def judge_labels(
    site: Site, live: Mapping[str, t.Any], stored: Sequence[Mapping[str, t.Any]], project_domains: Sequence[Mapping[str, t.Any]]
) -> Verdict:
    """Judge every stored row and every project-domain, also those that the inventory does not have.

    :param live: the section ``clusters`` that flyteadmin reads.
    """
    placement = Placement.from_section(live)
    rows = {(row["project"], row["domain"], row["workflow"]): row["label"] for row in stored}
    astray = [
        f"{describe((row['project'], row['domain'], row['workflow']))}: label {row['label']!r}: {row['reason']}: it runs on any enabled cluster"
        for row in placement.astray(rows)
    ]
    unlabelled = placement.unlabelled(rows, [(place["project"], place["domain"]) for place in project_domains])
    lines = astray + [f"{place}: no label: it runs on any enabled cluster" for place in unlabelled]
    if not site.settings["flyte_strict_labels"]:
        return Verdict([], lines)
    host = site.control_plane.host
    failures = [Failure(host, "verify", line, "Set a label of labelClusterMap, or remove the row.") for line in astray]
    failures += [Failure(host, "verify", f"{place}: no label", "Set one: it runs on any enabled cluster.") for place in unlabelled]
    return Verdict(failures, lines)


def judge_canaries(canaries: Sequence[Mapping[str, t.Any]], host: str, hosts: Mapping[str, str]) -> tuple[str, list[Failure]]:
    """Return what the canaries showed: a table as text, and the failures.

    :param host: of the control plane, whose failure a project-domain's canary is.
    :param hosts: cluster name to host: a canary of our own is the failure of its cluster.
    """
    rows = [
        {
            "project_domain": f"{entry['project']}/{entry['domain']}",
            "label": f"{entry['label']} ({entry['level']})",
            "expected": ", ".join(entry["expected"]),
            "cluster": entry["cluster"],
            "phase": entry["phase"],
            "verdict": "NOT PROVEN" if entry["problem"] else "proven",
        }
        for entry in canaries
    ]
    failures = [_canary_failure(entry, host, hosts) for entry in canaries if entry["problem"]]
    return "\n".join(table(rows, ("project_domain", "label", "expected", "cluster", "phase", "verdict"))) + "\n", failures


def _canary_failure(entry: Mapping[str, t.Any], host: str, hosts: Mapping[str, str]) -> Failure:
    if entry["level"] == "execution":
        remedy = f"Mend what it names, then run playbooks/verify.yml again{': ' + entry['url'] if entry['url'] else ''}"
        return Failure(hosts.get(entry["expected"][0], host), "verify: canary", str(entry["problem"]), remedy)
    remedy = "Check labels with flyte_ecl_info, and the execution in the console; then run again."
    return Failure(host, "verify: canary", f"{entry['project']}/{entry['domain']}: {entry['problem']}", remedy)
