# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in the picture of the topology: places, labels and clusters, many alike as one. No I/O."""

from __future__ import annotations

import dataclasses
import itertools
import typing as t

from .model import NOT_READY, STRAY, ClusterStatus, LabelStatus, Place, Status, Target
from .words import clean, percent

#: of more clusters, those that are alike stand as one
_ALONE = 12
#: lines of places of one label
_PLACE_LINES = 6
#: rounds in which labels and nodes are put beside what they are linked with
_ROUNDS = 40
ANYWHERE = "no label"
_BAD = (NOT_READY, STRAY)


@dataclasses.dataclass
class ClusterNode:
    """A cluster, or several of one state to which the same labels lead in the same way."""

    members: list[str]
    #: numbers of the members in the status; none where flyteadmin does not have the cluster
    numbers: list[int]
    state: str
    running: int | None

    @property
    def name(self) -> str:
        """What is written on it."""
        return self.members[0] if len(self.members) == 1 else f"{self.members[0]} … {self.members[-1]}"


@dataclasses.dataclass
class Link:
    """What a label gives a node."""

    label: int
    node: int
    share: float
    why: str | None
    members: int

    @property
    def text(self) -> str:
        """What is written on it."""
        each = percent(self.share)
        return each if self.members == 1 else f"{self.members} × {each}"


@dataclasses.dataclass
class LabelNode:
    """A label, and the places that have it."""

    name: str
    problem: str | None
    default: bool
    places: list[str]
    #: all of them, for who wants to read them
    title: str


@dataclasses.dataclass
class Topology:
    """Everything in the picture."""

    labels: list[LabelNode]
    nodes: list[ClusterNode]
    links: list[Link]


def topology_of(status: Status) -> Topology:
    """Return what stands in the picture."""
    labels = [*(status.labels or [])]
    unlabelled = status.unlabelled()
    nodes = _nodes(status, labels)
    by_name = {name: number for number, node in enumerate(nodes) for name in node.members}
    links = [link for number, label in enumerate(labels) for link in _links(number, label, nodes, by_name)]
    made = [_label_node(label, [place for place in status.places or [] if place.label == label.name]) for label in labels]
    if unlabelled:
        made.append(_label_node(LabelStatus(ANYWHERE, (), "any enabled cluster"), unlabelled))
    return _ordered(Topology(made, nodes, links))


def _nodes(status: Status, labels: list[LabelStatus]) -> list[ClusterNode]:
    """Return the nodes of clusters: first those of the status, then those that only labels name."""
    targets: dict[str, list[tuple[int, Target]]] = {}
    for number, label in enumerate(labels):
        for target in label.targets:
            targets.setdefault(target.cluster, []).append((number, target))
    clusters = [(number, cluster) for number, cluster in enumerate(status.clusters) if cluster.target]
    alone = len(clusters) <= _ALONE
    bad_alone = sum(cluster.state in _BAD for _number, cluster in clusters) <= _ALONE
    groups: dict[t.Hashable, list[tuple[int, ClusterStatus]]] = {}
    for number, cluster in clusters:
        signature = (cluster.state, tuple((place, target.weight, target.why) for place, target in targets.get(cluster.name, [])))
        key: t.Hashable = number if alone or (bad_alone and cluster.state in _BAD) else signature
        groups.setdefault(key, []).append((number, cluster))
    made = [_node(group) for group in groups.values()]
    unknown = [name for name in targets if name not in {cluster.name for _number, cluster in clusters}]
    return made + [ClusterNode([name], [], "flyteadmin does not have it", None) for name in unknown]


def _node(group: list[tuple[int, ClusterStatus]]) -> ClusterNode:
    running = [cluster.running for _number, cluster in group]
    known = [count for count in running if count is not None]
    return ClusterNode(
        [cluster.name for _number, cluster in group],
        [number for number, _cluster in group],
        group[0][1].state,
        sum(known) if len(known) == len(running) else None,
    )


def _links(number: int, label: LabelStatus, nodes: list[ClusterNode], by_name: dict[str, int]) -> list[Link]:
    """Return what a label gives the nodes; the members of one get the same."""
    return [
        Link(number, node, target.share, target.why, len(nodes[node].members))
        for target in label.targets
        if nodes[node := by_name[target.cluster]].members[0] == target.cluster
    ]


def _label_node(label: LabelStatus, places: list[Place]) -> LabelNode:
    lines = _place_lines(places)
    shown = lines if len(lines) <= _PLACE_LINES else [*lines[: _PLACE_LINES - 1], f"and {len(lines) - _PLACE_LINES + 1} more lines: {len(places)} in all"]
    return LabelNode(label.name, label.problem, label.default, shown, "\n".join(lines))


def _place_lines(places: list[Place]) -> list[str]:
    """Return places as lines: the domains of a project in one, projects with the same domains in one, each workflow in one."""
    domains: dict[str, list[str]] = {}
    for place in places:
        if not place.workflow:
            domains.setdefault(place.project, []).append(place.domain)
    alike: dict[tuple[str, ...], list[str]] = {}
    for project, names in domains.items():
        alike.setdefault(tuple(names), []).append(project)
    lines = []
    for shared, projects in alike.items():
        said = ", ".join(clean(name) for name in shared if name)
        lines += [f"{clean(project)}{': ' + said if said else ''}" for project in projects] if len(projects) < 3 else [_many(projects, said)]
    return lines + [clean(place.text) for place in places if place.workflow]


def _many(projects: list[str], domains: str) -> str:
    return f"{len(projects)} projects {clean(projects[0])} … {clean(projects[-1])}{': ' + domains if domains else ''}"


def _ordered(topology: Topology) -> Topology:
    """Return it with labels and nodes in an order in which links are short and few cross."""
    pairs = [(link.label, link.node) for link in topology.links]
    label_order, node_order = _walked(len(topology.labels), len(topology.nodes), pairs)
    best = _length(label_order, node_order, pairs), label_order, node_order
    backwards = [(node, label) for label, node in pairs]
    for _round in range(_ROUNDS):
        node_order = _by_neighbours(node_order, label_order, backwards)
        label_order = _by_neighbours(label_order, node_order, pairs)
        best = min(best, (_length(label_order, node_order, pairs), label_order, node_order))
    _least, label_order, node_order = best
    new_label = {old: new for new, old in enumerate(label_order)}
    new_node = {old: new for new, old in enumerate(node_order)}
    links = [dataclasses.replace(link, label=new_label[link.label], node=new_node[link.node]) for link in topology.links]
    return Topology([topology.labels[old] for old in label_order], [topology.nodes[old] for old in node_order], links)


def _walked(labels: int, nodes: int, pairs: list[tuple[int, int]]) -> tuple[list[int], list[int]]:
    """Return labels and nodes as they are met from link to link: what has nothing to do with one another does not cross. What has no link comes last."""
    of_label: dict[int, list[int]] = {}
    of_node: dict[int, list[int]] = {}
    for label, node in pairs:
        of_label.setdefault(label, []).append(node)
        of_node.setdefault(node, []).append(label)
    label_order: dict[int, None] = {}
    node_order: dict[int, None] = {}
    # From those with the fewest links: the ends of a chain are met first.
    for start in sorted(of_label, key=lambda label: (sum(len(of_node[node]) for node in of_label[label]), label)):
        waiting = [start]
        while waiting:
            label = waiting.pop(0)
            if label in label_order:
                continue
            label_order[label] = None
            for node in sorted(of_label[label], key=lambda node: len(of_node[node])):
                node_order.setdefault(node)
                waiting += of_node[node]
    return [*label_order, *(number for number in range(labels) if number not in label_order)], [
        *node_order, *(number for number in range(nodes) if number not in node_order)
    ]  # fmt: skip


def _length(label_order: list[int], node_order: list[int], pairs: list[tuple[int, int]]) -> float:
    """Return how long all links are together, in shares of the height."""
    label_at = {number: place / len(label_order) for place, number in enumerate(label_order)}
    node_at = {number: place / len(node_order) for place, number in enumerate(node_order)}
    return sum(abs(label_at[label] - node_at[node]) for label, node in pairs)


def _by_neighbours(order: list[int], others: list[int], links: list[tuple[int, int]]) -> list[int]:
    """Return an order by the mean position of what each is linked with; what is linked with nothing comes last."""
    position = {number: place for place, number in enumerate(others)}
    near: dict[int, list[int]] = {number: [] for number in order}
    for own, other in links:
        near[own].append(position[other])
    return sorted(order, key=lambda number: (not near[number], sum(near[number]) / len(near[number]) if near[number] else 0.0))


def links_by(topology: Topology, key: str) -> dict[int, list[Link]]:
    """Return the links of each label or of each node."""
    ordered = sorted(topology.links, key=lambda link: (getattr(link, key), link.node, link.label))
    return {number: list(links) for number, links in itertools.groupby(ordered, key=lambda link: getattr(link, key))}
