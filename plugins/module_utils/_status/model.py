# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of a site as plain data: what the table, the JSON and the page show. No I/O, no secret."""

from __future__ import annotations

import dataclasses
import typing as t

#: of the JSON; a change that a reader would notice makes it the next
FORMAT = 1

READY, NOT_READY, DRAINED, STRAY, NEW, NOT_ASKED = "ready", "not ready", "drained", "not in the inventory", "not deployed", "not asked"
#: what is done about a token that is due
RENEW = "Run rotate.yml."
#: the states of clusters, the worst first
STATES = (NOT_READY, STRAY, NEW, NOT_ASKED, DRAINED, READY)


@dataclasses.dataclass(frozen=True)
class Problem:
    """What is wrong with a cluster, and what to do."""

    what: str
    remedy: str


@dataclasses.dataclass(frozen=True)
class Share:
    """What a label gives a cluster: its weight as configured, and its share of the executions, 0 where it gets none."""

    label: str
    weight: float
    share: float


@dataclasses.dataclass
class ClusterStatus:
    """One cluster: of the inventory, or only of flyteadmin's configuration. None is what is not known."""

    name: str
    #: the inventory's name for it
    host: str | None
    control_plane: bool
    #: whether workflows can run on it
    target: bool
    state: str
    #: whether flyteadmin has it, and places work there
    configured: bool | None = None
    enabled: bool | None = None
    reachable: bool | None = None
    endpoint: str | None = None
    kubernetes: str | None = None
    #: ``name``, ``revision``, ``status``, ``age`` (seconds)
    release: dict[str, t.Any] | None = None
    chart: str | None = None
    #: what site.yml would change of the release, and Deployments of another size
    drift: list[str] = dataclasses.field(default_factory=list)
    #: seconds; and why it is due, None where it is not
    token_age: int | None = None
    token_due: str | None = None
    #: whether flyteadmin's own token has the rights that it needs there, and what it lacks
    rights: bool | None = None
    rights_missing: list[str] = dataclasses.field(default_factory=list)
    crd: bool | None = None
    leader: bool | None = None
    deployments: int | None = None
    deployments_ready: int | None = None
    namespaces_missing: list[str] = dataclasses.field(default_factory=list)
    labels: list[Share] = dataclasses.field(default_factory=list)
    #: executions that have not ended, and those of the last day that failed
    running: int | None = None
    failed: int | None = None
    problems: list[Problem] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True)
class Target:
    """A cluster that a label names."""

    cluster: str
    weight: float
    share: float
    #: why it gets nothing, None where it gets something
    why: str | None


@dataclasses.dataclass(frozen=True)
class LabelStatus:
    """A label of labelClusterMap, or one that only stored rows name."""

    name: str
    targets: tuple[Target, ...]
    #: why it leads to no enabled cluster, None where it does
    problem: str | None
    default: bool = False


@dataclasses.dataclass(frozen=True)
class Place:
    """A project, a project-domain or a workflow, and the label that holds there, None where none does."""

    project: str
    domain: str
    workflow: str
    label: str | None
    level: str | None

    @property
    def text(self) -> str:
        """The place as a person writes it."""
        return "/".join(part for part in (self.project, self.domain, self.workflow) if part)


@dataclasses.dataclass
class Status:
    """A site at one moment."""

    #: RFC 3339, UTC
    time: str
    #: where flyteadmin is
    url: str
    clusters: list[ClusterStatus]
    #: None where flyteadmin's configuration is not known
    labels: list[LabelStatus] | None
    #: None where flyteadmin did not say
    places: list[Place] | None
    #: what could not be found out, and what concerns no cluster
    notes: list[str] = dataclasses.field(default_factory=list)

    def as_dict(self) -> dict[str, t.Any]:
        """Return plain data."""
        return {"format": FORMAT, **dataclasses.asdict(self)}

    def unlabelled(self) -> list[Place]:
        """Return the places for which no label holds: what is there runs on any enabled cluster."""
        return [place for place in self.places or [] if place.label is None]

    def counts(self) -> dict[str, int]:
        """Return how many clusters are in each state, the worst first, those that are in none left out."""
        found = [cluster.state for cluster in self.clusters]
        return {state: found.count(state) for state in STATES if state in found}

    def problems(self) -> list[tuple[ClusterStatus, Problem]]:
        """Return all problems, those of the control plane first."""
        return [(cluster, problem) for cluster in self.clusters for problem in cluster.problems]
