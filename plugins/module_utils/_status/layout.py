# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where everything stands in the picture of the topology: three columns, nothing on top of anything. No I/O."""

from __future__ import annotations

import dataclasses
import typing as t

from .topology import ClusterNode, LabelNode, Link, Topology, links_by

if t.TYPE_CHECKING:
    from collections.abc import Sequence

#: left edge and width of each column
PLACES, LABELS, CLUSTERS = (8.0, 330.0), (370.0, 250.0), (830.0, 290.0)
WIDTH = 1128.0
TOP, BOTTOM, GAP = 34.0, 10.0, 12.0
LINE, PAD = 16.0, 8.0
#: between the places where links leave a label, and where they reach a node
_PORT, _ARRIVAL = 16.0, 7.0
#: of a link, this much goes straight: what is written on it stands there
STRAIGHT = 76.0


@dataclasses.dataclass(frozen=True)
class Box:
    """A rectangle."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Its right edge."""
        return self.x + self.width

    @property
    def middle(self) -> float:
        """The height of its middle."""
        return self.y + self.height / 2


@dataclasses.dataclass(frozen=True)
class Curve:
    """A link, from a label to a node."""

    link: Link
    start: tuple[float, float]
    end: tuple[float, float]


@dataclasses.dataclass(frozen=True)
class Layout:
    """The whole picture."""

    height: float
    #: by number of the label; None where nothing has it, or that is not known
    places: list[Box | None]
    labels: list[Box]
    nodes: list[Box]
    curves: list[Curve]


def layout_of(topology: Topology) -> Layout:
    """Return where everything stands."""
    by_label, by_node = links_by(topology, "label"), links_by(topology, "node")
    row_heights = [max(_places_height(label), _label_height(label, by_label.get(number, []))) for number, label in enumerate(topology.labels)]
    node_heights = [_node_height(node, by_node.get(number, [])) for number, node in enumerate(topology.nodes)]
    inner = max(_total(row_heights), _total(node_heights), LINE)
    if _total(row_heights) >= _total(node_heights):
        rows = _stacked(row_heights, inner)
        nodes = _settled(
            node_heights, _wanted(rows, row_heights, [[link.label for link in by_node.get(number, [])] for number in range(len(node_heights))]), inner
        )
    else:
        nodes = _stacked(node_heights, inner)
        rows = _settled(
            row_heights, _wanted(nodes, node_heights, [[link.node for link in by_label.get(number, [])] for number in range(len(row_heights))]), inner
        )
    labels, places = [], []
    for number, label in enumerate(topology.labels):
        high, room, start = _label_height(label, by_label.get(number, [])), row_heights[number], TOP + rows[number]
        labels.append(Box(LABELS[0], start + (room - high) / 2, LABELS[1], high))
        own = _places_height(label)
        places.append(Box(PLACES[0], start + (room - own) / 2, PLACES[1], own) if own else None)
    boxes = [Box(CLUSTERS[0], TOP + start, CLUSTERS[1], high) for start, high in zip(nodes, node_heights)]
    return Layout(TOP + inner + BOTTOM, places, labels, boxes, _curves(labels, boxes, by_label, by_node))


def _places_height(label: LabelNode) -> float:
    return 2 * PAD + LINE * len(label.places) if label.places else 0.0


def _label_height(label: LabelNode, links: Sequence[Link]) -> float:
    return max(2 * PAD + LINE * (1 + bool(label.problem or label.default)), 2 * PAD + _PORT * len(links))


def _node_height(_node: ClusterNode, links: Sequence[Link]) -> float:
    return max(2 * PAD + 2 * LINE, 2 * PAD + _ARRIVAL * len(links))


def _total(heights: Sequence[float]) -> float:
    return sum(heights) + GAP * max(len(heights) - 1, 0)


def _stacked(heights: Sequence[float], room: float) -> list[float]:
    """Return the tops of boxes that fill the room evenly; few are not torn apart."""
    spare = min(max(room - _total(heights), 0.0) / max(len(heights), 1), GAP)
    tops, top = [], (room - _total(heights) - spare * max(len(heights) - 1, 0)) / 2
    for height in heights:
        tops.append(top)
        top += height + GAP + spare
    return tops


def _wanted(tops: Sequence[float], heights: Sequence[float], neighbours: Sequence[Sequence[int]]) -> list[float | None]:
    """Return the middle of what each box is linked with, None where that is nothing."""
    return [sum(tops[number] + heights[number] / 2 for number in near) / len(near) if near else None for near in neighbours]


def _settled(heights: Sequence[float], middles: Sequence[float | None], room: float) -> list[float]:
    """Return the tops of boxes in their order, each as near to where it wants to be as the others let it."""
    tops: list[float] = []
    end = 0.0
    for height, middle in zip(heights, middles):
        top = end if middle is None else max(end, middle - height / 2)
        tops.append(top)
        end = top + height + GAP
    limit = room
    for number in range(len(tops) - 1, -1, -1):
        tops[number] = max(min(tops[number], limit - heights[number]), 0.0)
        limit = tops[number] - GAP
    return tops


def _curves(labels: Sequence[Box], nodes: Sequence[Box], by_label: dict[int, list[Link]], by_node: dict[int, list[Link]]) -> list[Curve]:
    """Return the links: none begins where another one begins, or ends where another one ends."""
    ends = {}
    for number, links in by_node.items():
        box = nodes[number]
        for place, link in enumerate(sorted(links, key=lambda link: labels[link.label].middle)):
            ends[(link.label, link.node)] = (box.x, box.middle + (place - (len(links) - 1) / 2) * _ARRIVAL)
    curves = []
    for number, links in by_label.items():
        box = labels[number]
        for place, link in enumerate(sorted(links, key=lambda link: nodes[link.node].middle)):
            start = (box.right, box.middle + (place - (len(links) - 1) / 2) * _PORT)
            curves.append(Curve(link, start, ends[(link.label, link.node)]))
    return curves
