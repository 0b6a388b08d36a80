# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan is made of. No I/O, no credentials, only fingerprints."""

from __future__ import annotations

import dataclasses
import typing as t

from .._helm.shown_values import Change

#: the steps of a run, in the order in which they are carried out; each is a role and a tag
STEPS = ("eks_cluster", "iam", "dataplane", "credentials", "controlplane", "ecl", "namespaces", "rotate", "verify")
#: what the module flyte_cluster_info returns for a cluster
Observation = t.Mapping[str, t.Any]
Observations = t.Mapping[str, Observation]
_RESTART = "restart "
#: how the action of a row begins that Helm carries out
RELEASE = "Helm release "
WAIT_FOR_EXECUTIONS = "wait for executions"
#: of flyteadmin's clusters and labels a row has details
_SAID = "configmap.clusters."


@dataclasses.dataclass(frozen=True)
class Row:
    """One thing that will be done."""

    host: str
    step: str
    action: str
    reason: str
    #: what people care about of it, in words
    details: tuple[str, ...] = ()
    #: what changes, value by value; those whose details say so already are not shown again
    changes: tuple[Change, ...] = ()
    #: what of it somebody changed by hand before
    drift: tuple[Change, ...] = ()
    #: what changes in the objects, as lines
    objects: tuple[str, ...] = ()
    #: what changes and is said by the reason or the details already: an approved plan holds it, too
    held: tuple[Change, ...] = ()

    def lines(self) -> list[str]:
        """Return it as text: one line, and below it what changes."""
        said = {change.path for change in self.drift}
        below = [*self.details]
        below += [f"changed by hand: {line}" for change in self.drift for line in change.lines()]
        below += [line for change in self.changes if change.path not in said and not change.path.startswith(_SAID) for line in change.lines()]
        below += ["in the objects:", *(f"  {line}" for line in self.objects)] if self.objects else []
        return [f"{self.host}: {self.step}: {self.action}: {self.reason}", *(f"    {line}" for line in below)]


@dataclasses.dataclass(frozen=True)
class Failure:
    """One line of the closing table: what failed, at what, and what to do."""

    host: str
    step: str
    problem: str
    remedy: str


def is_reachable(observation: Observation | None) -> bool:
    """Return whether a cluster was asked and answered."""
    return bool(observation and observation.get("reachable"))


def control_plane_of(observed: Observations, host: str) -> t.Mapping[str, t.Any]:
    """Return what only the control plane's observation has: credentials, clusters, probes and the journal."""
    return (observed.get(host) or {}).get("control_plane") or {}


def not_ready(observation: Observation | None) -> list[t.Mapping[str, str]]:
    """Return the Deployments of the release that are not ready, each with ``name`` and ``reason``."""
    return list(((observation or {}).get("deployments") or {}).get("not_ready") or [])


def not_working(observation: Observation | None) -> list[t.Mapping[str, str]]:
    """Return the Deployments that do not do their work though their pods are ready, each with ``name`` and ``reason``."""
    waiting = {entry["name"] for entry in not_ready(observation)}
    return [entry for entry in (observation or {}).get("not_working") or [] if f"deployment/{entry['name']}" not in waiting]


#: why Deployments start anew that a run of Helm would leave as they are
MAY_HAVE_READ = "it may have read that"
#: the same, where a run before this one was to do it
OWED = "what it reads was put right, and the run that did it ended before it started it anew"


def owed_restarts(observation: Observation | None) -> dict[str, str]:
    """Return the Deployments that a run was to start anew, and was ended before it did, with why."""
    return dict.fromkeys((observation or {}).get("restarts_due") or [], OWED)


def idle_restarts(observation: Observation | None) -> dict[str, str]:
    """Return the Deployments that are started anew since their pods are ready and do nothing, with why."""
    return {entry["name"]: entry["reason"] for entry in not_working(observation)}


def restart_rows(host: str, step: str, restarts: t.Mapping[str, str]) -> list[Row]:
    """Return which Deployments are started anew.

    :param restarts: why, by their names.
    """
    return [Row(host, step, f"{_RESTART}{name}", reason) for name, reason in restarts.items()]


def restarts_of(rows: t.Iterable[Row]) -> dict[str, list[str]]:
    """Return the Deployments that rows start anew, by inventory host."""
    found: dict[str, list[str]] = {}
    for row in rows:
        if row.action.startswith(_RESTART):
            found.setdefault(row.host, []).append(row.action.removeprefix(_RESTART))
    return found
