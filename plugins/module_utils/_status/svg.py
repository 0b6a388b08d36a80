# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The topology as SVG. Colours and fonts are the page's; nothing here is an attribute ``style``. No I/O."""

from __future__ import annotations

import typing as t

from .layout import CLUSTERS, LABELS, LINE, PAD, PLACES, STRAIGHT, WIDTH, Box, Curve, Layout, layout_of
from .markup import Markup, element, joined
from .model import DRAINED, NEW, NOT_ASKED, NOT_READY, READY, STRAY
from .topology import ANYWHERE, ClusterNode, LabelNode, Topology
from .words import clean, columns, shortened

if t.TYPE_CHECKING:
    from collections.abc import Iterable

#: colours of links, by label
COLOURS = 8
#: width of a letter of the picture's font, at the most, and of a small one
_LETTER, _SMALL = 7.4, 6.8
_GLYPH = 16.0
#: the class of a state
STATE_CLASS = {READY: "ready", NOT_READY: "bad", STRAY: "stray", DRAINED: "drained", NEW: "new", NOT_ASKED: "unknown"}
GONE = "gone"


def picture(topology: Topology) -> Markup:
    """Return the picture; its text alternative is the table of labels, which stands below it."""
    layout = layout_of(topology)
    titles = [("Projects and workflows", PLACES), ("Labels", LABELS), ("Clusters", CLUSTERS)]
    return element(
        "svg",
        element("title", _title(topology), id="picture-title"),
        element("desc", "The table of labels below says the same as text.", id="picture-desc"),
        element("g", joined(element("text", title, x=x, y=20, class_="column") for title, (x, _width) in titles)),
        element("g", joined(_link(curve, _link_class(curve, topology)) for curve in layout.curves), class_="links"),
        element("g", joined(_label(number, topology, layout) for number in range(len(topology.labels)))),
        element("g", joined(_node(number, node, layout.nodes[number], topology) for number, node in enumerate(topology.nodes))),
        element("g", joined(_share(curve, _link_class(curve, topology)) for curve in layout.curves)),
        viewBox=f"0 0 {WIDTH:.0f} {layout.height:.0f}",
        width=WIDTH,
        height=layout.height,
        role="img",
        aria_labelledby="picture-title picture-desc",
    )


def _title(topology: Topology) -> str:
    clusters = sum(len(node.members) for node in topology.nodes)
    labels = sum(label.name != ANYWHERE for label in topology.labels)
    return f"{labels} labels lead to {clusters} clusters"


def _rect(box: Box, class_: str) -> Markup:
    return element("rect", x=box.x, y=box.y, width=box.width, height=box.height, rx=6, class_=class_)


def _lines(lines: Iterable[tuple[str, str]], x: float, box: Box, width: float) -> Markup:
    """Return lines of text in the middle of a box."""
    given = list(lines)
    first = box.middle - LINE * len(given) / 2 + 12
    room = {class_: int(width / (_SMALL if class_.startswith("small") else _LETTER)) for _text, class_ in given}
    return joined(element("text", shortened(text, room[class_]), x=x, y=first + LINE * place, class_=class_) for place, (text, class_) in enumerate(given))


# -- labels and places


def _label(number: int, topology: Topology, layout: Layout) -> Markup:
    label, box, places = topology.labels[number], layout.labels[number], layout.places[number]
    bad = " bad" if label.problem else ""
    more = label.problem or ("default label" if label.default else None)
    lines = [(label.name, "name"), *([(more, f"small{bad}")] if more else [])]
    own = element(
        "g",
        element("title", f"{clean(label.name)}{': ' + clean(label.problem) if label.problem else ''}"),
        _rect(box, f"label{bad} c{number % COLOURS}"),
        _lines(lines, box.x + PAD + 4, box, box.width - 2 * PAD - 4),
        class_="node",
        data_label=number,
    )
    return joined([_places(label, places, box, number) if places else None, own])


def _places(label: LabelNode, box: Box, target: Box, number: int) -> Markup:
    bad = " bad" if label.problem else ""
    return element(
        "g",
        element("title", Markup(_escaped_lines(label.title))),
        element("path", d=f"M{box.right:.1f} {box.middle:.1f}H{target.x:.1f}", class_=f"has{bad}"),
        _rect(box, f"places{bad}"),
        _lines([(line, "place") for line in label.places], box.x + PAD, box, box.width - 2 * PAD),
        class_="node",
        data_label=number,
    )


def _escaped_lines(text: str) -> str:
    return "\n".join(joined([line]) for line in text.split("\n"))


# -- clusters


def _node(number: int, node: ClusterNode, box: Box, topology: Topology) -> Markup:
    class_ = STATE_CLASS.get(node.state, GONE)
    many = f"{len(node.members)} clusters, " if len(node.members) > 1 else ""
    running = f", {node.running} running" if node.running else ""
    idle = "" if any(link.node == number for link in topology.links) else ", no label"
    x = box.x + PAD + _GLYPH
    return element(
        "g",
        element("title", Markup(_escaped_lines("\n".join(clean(member) for member in node.members)))),
        _rect(box, f"cluster {class_}"),
        _glyph(box, class_),
        _lines([(node.name, "name"), (f"{many}{node.state}{idle}{running}", f"small {class_}")], x, box, box.right - PAD - x),
        class_="node",
        data_node=number,
        data_clusters=" ".join(map(str, node.numbers)),
    )


def _glyph(box: Box, class_: str) -> Markup:
    """Return a sign for a state, which no colour is needed to tell."""
    x, y = box.x + PAD + 4, box.middle - LINE / 2
    if class_ in ("bad", "stray", GONE):
        return element("path", d=f"M{x - 4:.1f} {y - 4:.1f}l8 8m0 -8l-8 8", class_=f"glyph {class_}")
    if class_ == "ready":
        return element("circle", cx=x, cy=y, r=4, class_="glyph ready")
    return element("circle", cx=x, cy=y, r=4, class_=f"glyph open {class_}")


# -- links


def _link_class(curve: Curve, topology: Topology) -> str:
    link = curve.link
    if link.share and topology.nodes[link.node].state == STRAY:
        return "astray"
    if link.share:
        return f"c{link.label % COLOURS}"
    return "drained" if link.why and "flyteadmin" not in link.why else "bad"


def _link(curve: Curve, class_: str) -> Markup:
    (x1, y1), (x2, y2) = curve.start, curve.end
    bend = x1 + STRAIGHT
    half = (x2 - bend) / 2
    path = f"M{x1:.1f} {y1:.1f}H{bend:.1f}C{bend + half:.1f} {y1:.1f} {x2 - half:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
    width = 1.2 + 3.3 * min(curve.link.share * curve.link.members, 1.0)
    return element("path", d=path, class_=f"link {class_}", stroke_width=width, data_label=curve.link.label, data_node=curve.link.node)


def _share(curve: Curve, class_: str) -> Markup:
    """Return what is written on a link, on a ground of its own: nothing goes through it."""
    x, y = curve.start
    text = shortened(curve.link.text, int((STRAIGHT - 14) / _SMALL))
    ground = element("rect", x=x + 7, y=y - 7, width=columns(text) * _SMALL + 6, height=14, rx=3, class_="ground")
    said = element("text", text, x=x + 10, y=y + 4, class_="small" if curve.link.share else f"small {class_}")
    return element("g", ground, said, class_="share", data_label=curve.link.label, data_node=curve.link.node)
