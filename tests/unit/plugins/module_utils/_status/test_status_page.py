# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The page as text: escaped, asks nobody, and everything in the picture has a place of its own."""

from __future__ import annotations

import base64
import hashlib
import html.parser
import re
import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._status.layout import Box, layout_of
from ansible_collections.flyte.multicluster.plugins.module_utils._status.markup import Markup, element, escaped
from ansible_collections.flyte.multicluster.plugins.module_utils._status.page import page
from ansible_collections.flyte.multicluster.plugins.module_utils._status.topology import topology_of
from conftest import Inventory
from status_sites import HOSTILE, hostile, large, small, status_of_site

Make = t.Callable[[Inventory], t.Any]
SITES: list[Make] = [small, large, hostile]
#: elements of the page; one that a name brought in would be another one
ELEMENTS = {
    "html", "head", "meta", "title", "link", "style", "body", "a", "header", "main", "footer", "section", "h1", "h2", "p", "ul", "li", "b", "div", "span",
    "time",
    "figure", "figcaption", "svg", "desc", "g", "text", "path", "rect", "circle", "table", "thead", "tbody", "tr", "th", "td", "small", "details", "summary",
    "input", "button", "script",
}  # fmt: skip


class Read(html.parser.HTMLParser):
    """Notes elements, attributes and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "link", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.mark.parametrize("site", SITES)
def test_the_page_is_whole_and_asks_nobody(site: Make, inventory: Inventory) -> None:
    text = page(status_of_site(site(inventory)))
    read = Read(text)
    assert not read.open and {name for name, _attributes in read.elements} <= ELEMENTS
    assert [name for name, _attributes in read.elements].count("script") == 1
    for name, attributes in read.elements:
        assert not [key for key in attributes if key.startswith("on") or key in ("style", "src", "srcset", "action", "xlink:href")], (name, attributes)
        assert (attributes.get("href") or "#").startswith(("#", "data:,")), attributes
    assert "url(" not in text and "@import" not in text
    identifiers = [attributes["id"] for _name, attributes in read.elements if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))


def test_its_policy_allows_its_own_style_and_script_only(inventory: Inventory) -> None:
    text = page(status_of_site(small(inventory)))
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)
    assert policy and policy.group(1).startswith("default-src 'none'; ")
    for name in ("style", "script"):
        found = re.search(rf"<{name}>(.*?)</{name}>", text, re.DOTALL)
        assert found and f"'sha256-{base64.b64encode(hashlib.sha256(found.group(1).encode()).digest()).decode()}'" in policy.group(1)


def test_names_are_text(inventory: Inventory) -> None:
    text = page(status_of_site(hostile(inventory)))
    shown = "".join(Read(text).text)
    for name in HOSTILE[:4]:
        assert name in shown
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", text) and "<img" not in text and "</svg></style>" not in text


@pytest.mark.parametrize("site", SITES)
def test_everything_that_is_known_stands_in_it(site: Make, inventory: Inventory) -> None:
    status = status_of_site(site(inventory))
    rows = [attributes for name, attributes in Read(page(status)).elements if name == "tr"]
    assert [attributes["data-cluster"] for attributes in rows if "data-cluster" in attributes] == [str(place) for place in range(len(status.clusters))]
    without = any(place.label is None for place in status.places or [])
    assert sum("data-label" in attributes for attributes in rows) == len(status.labels or []) + without
    topology = topology_of(status)
    members = [name for node in topology.nodes for name in node.members]
    assert len(members) == len(set(members)) and {cluster.name for cluster in status.clusters if cluster.target} <= set(members)
    # As many links as there are entries of labels, each once, those of nodes with several members together.
    assert sum(link.members for link in topology.links) == sum(len(label.targets) for label in status.labels or [])
    assert sum(bool(label.title) for label in topology.labels) == len({place.label for place in status.places or []})


def apart(one: Box, other: Box) -> bool:
    return one.right <= other.x or other.right <= one.x or one.y + one.height <= other.y or other.y + other.height <= one.y


@pytest.mark.parametrize("site", SITES)
def test_nothing_in_the_picture_is_on_top_of_anything(site: Make, inventory: Inventory) -> None:
    layout = layout_of(topology_of(status_of_site(site(inventory))))
    boxes = [box for box in [*layout.places, *layout.labels, *layout.nodes] if box]
    assert all(apart(one, other) for place, one in enumerate(boxes) for other in boxes[place + 1 :])
    assert all(box.y >= 0 and box.y + box.height <= layout.height for box in boxes)
    ends = [curve.start for curve in layout.curves] + [curve.end for curve in layout.curves]
    assert len(ends) == len(set(ends))
    for curve in layout.curves:
        label, node = layout.labels[curve.link.label], layout.nodes[curve.link.node]
        assert curve.start[0] == label.right and label.y < curve.start[1] < label.y + label.height
        assert curve.end[0] == node.x and node.y < curve.end[1] < node.y + node.height


def test_many_alike_stand_as_one_and_those_that_are_unwell_alone(inventory: Inventory) -> None:
    topology = topology_of(status_of_site(large(inventory)))
    assert len(topology.nodes) < 60 and max(len(node.members) for node in topology.nodes) >= 5
    unwell = [node for node in topology.nodes if node.state in ("not ready", "not in the inventory")]
    assert len(unwell) == 4 and all(len(node.members) == 1 for node in unwell)
    assert topology.labels[-1].name == "no label" and topology.labels[-1].places == ["team-59: production", "team-60: development, production, staging"]


def test_links_hardly_cross(inventory: Inventory) -> None:
    layout = layout_of(topology_of(status_of_site(large(inventory))))
    curves = layout.curves
    crossed = sum((one.start[1] - other.start[1]) * (one.end[1] - other.end[1]) < 0 for place, one in enumerate(curves) for other in curves[place + 1 :])
    assert len(curves) > 50 and crossed < len(curves)


def test_markup() -> None:
    assert element("a", "<&>", None, Markup("<b>"), href='"x"', hidden=True, title=None) == '<a href="&quot;x&quot;" hidden>&lt;&amp;&gt;<b></a>'
    assert escaped(Markup("<b>")) == "<b>" and element("rect", x=1.0, y=0.25) == '<rect x="1" y="0.2"></rect>'
