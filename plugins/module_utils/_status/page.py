# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The status as one HTML page that asks nobody for anything. No I/O."""

from __future__ import annotations

import base64
import hashlib
import typing as t

from .._common.text import first
from .markup import Markup, element, joined
from .model import RENEW, STATES, ClusterStatus, LabelStatus, Place, Problem, Status
from .script import SCRIPT
from .style import STYLE
from .svg import STATE_CLASS, picture
from .topology import ANYWHERE, Topology, topology_of
from .words import NOTHING, clean, counts_text, enabled_text, number, percent, pods_text, reached_text, release_text, sentence, token_text

if t.TYPE_CHECKING:
    from collections.abc import Iterable

#: headings of the table of clusters; pods are the Deployments that are ready, failed are executions of the last day
_HEADINGS = (
    "Cluster", "State", "Gets work", "Kubernetes", "Release", "Token", "Checks", "Pods", "Labels", "Running", "Failed",
)  # fmt: skip
#: columns of numbers
_NUMBERS = ("Running", "Failed")


def page(status: Status) -> str:
    """Return the page."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{_policy()}">'),
        element("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name_="color-scheme", content="light dark"),
        element("meta", name_="referrer", content="no-referrer"),
        element("title", f"Flyte clusters: {counts_text(status.counts())}"),
        # No icon: a browser would ask for one.
        element("link", rel="icon", href="data:,"),
        element("style", Markup(STYLE)),
    )
    labels = status.labels
    topology = None if labels is None else topology_of(status)
    body = element(
        "body",
        element("a", "To the clusters", href="#clusters", class_="skip"),
        _header(status),
        element(
            "main",
            _todo(status),
            _picture(topology) if topology else None,
            _clusters(status),
            _labels(status, labels, topology) if labels is not None and topology else None,
            _notes(status),
        ),
        element("footer", f"Written by flyte.multicluster, playbooks/status.yml, {status.time}. This page asks nobody for anything: it is as it was then."),
        element("script", Markup(SCRIPT)),
    )
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n"


def _policy() -> str:
    """Return the policy: nothing but this page's own style and script, and no request."""
    style, script = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (STYLE, SCRIPT))
    return f"default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; img-src data:; base-uri 'none'; form-action 'none'"


def _state(state: str) -> Markup:
    return element("span", state, class_=f"state {STATE_CLASS[state]}")


def _header(status: Status) -> Markup:
    running = [cluster.running for cluster in status.clusters if cluster.running is not None]
    states = [element("li", element("b", count), _state(state)) for state, count in status.counts().items()]
    if running:
        failed = sum(cluster.failed or 0 for cluster in status.clusters)
        states += [element("li", element("b", sum(running)), "executions running"), element("li", element("b", failed), "failed in the last day")]
    return element(
        "header",
        element("h1", "Flyte clusters"),
        element("p", status.url, ", observed ", element("time", status.time, datetime=status.time), class_="muted"),
        element("ul", *states, class_="states"),
    )


# -- what to do


def _todo(status: Status) -> Markup:
    """Return what to do: clusters with the same problems stand together."""
    alike: dict[tuple[Problem, ...], list[int]] = {}
    for place, cluster in enumerate(status.clusters):
        due = [Problem(f"its token is due: {cluster.token_due}", RENEW)] if cluster.token_due else []
        problems = (*cluster.problems, *due)
        if problems:
            alike.setdefault(problems, []).append(place)
    items = [_item(status.clusters, places, problems) for problems, places in alike.items()]
    items += [_label_item(label) for label in status.labels or [] if label.problem]
    without = status.unlabelled()
    if without:
        items.append(_plain_item(f"{len(without)} without a label", f"{_some(without)}: Flyte runs it on any enabled cluster.", "Set a label."))
    found = element("ul", *items, class_="todo", tabindex="0", aria_label="What to do") if items else element("p", "Nothing to do.")
    return element("section", element("h2", f"What to do ({len(items)})" if items else "What to do"), found)


def _some(places: list[Place]) -> str:
    return first([place.text for place in places], 6)


def _item(clusters: list[ClusterStatus], places: list[int], problems: tuple[Problem, ...]) -> Markup:
    names = [element("li", element("a", clusters[place].name, href=f"#c{place}")) for place in places]
    by_remedy: dict[str, list[str]] = {}
    for problem in problems:
        by_remedy.setdefault(problem.remedy, []).append(sentence(problem.what))
    said: list[Markup] = []
    for remedy, whats in by_remedy.items():
        said += [_long([element("li", what) for what in whats]), element("p", remedy, class_="muted")]
    return element("li", _long(names), element("div", *said), data_clusters=" ".join(map(str, places)))


def _label_item(label: LabelStatus) -> Markup:
    said = f"{label.problem}: what has it runs on any enabled cluster"
    return _plain_item(f"label {label.name}", sentence(said), "Give it an enabled cluster, or take it from what has it.")


def _plain_item(name: str, what: str, remedy: str) -> Markup:
    return element("li", element("b", name), element("div", element("p", what), element("p", remedy, class_="muted")))


# -- the picture


def _picture(topology: Topology) -> Markup:
    several = any(len(node.members) > 1 for node in topology.nodes)
    alike = " Clusters of one state to which the same labels lead in the same way stand as one; the table has each." if several else ""
    legend = (
        "The percentage is a cluster's share of what has the label. Red and dashed: leads nowhere, or to a cluster that is not in the inventory. "
        f"Grey and dotted: drained, it gets nothing new.{alike}"
    )
    shown = element("div", picture(topology), class_="scroll picture", tabindex="0", role="region", aria_label="Picture of the topology")
    return element("section", element("h2", "Where work goes"), element("figure", shown, element("figcaption", legend, class_="muted")))


# -- the table of clusters


def _clusters(status: Status) -> Markup:
    chips = [element("button", state, type="button", data_state=STATE_CLASS[state], aria_pressed="false") for state in status.counts()]
    tools = element(
        "div",
        element(
            "input", id="search", type="search", placeholder="Filter: name, label, version, …  ( / )", aria_label="Filter clusters", aria_controls="clusters"
        ),
        *(chips if len(chips) > 1 else []),
        element("span", f"{len(status.clusters)} clusters", id="count", role="status", class_="muted"),
        class_="tools",
    )
    heads = [
        element("th", element("button", name, type="button"), scope="col", aria_sort="none", class_="number" if name in _NUMBERS else None)
        for name in _HEADINGS
    ]
    rows = [_row(place, cluster) for place, cluster in enumerate(status.clusters)]
    table = element("table", element("thead", element("tr", *heads)), element("tbody", *rows), id="clusters", aria_label="Clusters")
    return element(
        "section", element("h2", "Clusters"), tools, element("div", table, class_="scroll clusters", tabindex="0", role="region", aria_label="Clusters")
    )


def _row(place: int, cluster: ClusterStatus) -> Markup:
    where = "control plane" if cluster.control_plane else None
    labels = [element("li", f"{clean(share.label)} {percent(share.share)}" if share.share else f"{clean(share.label)}: nothing") for share in cluster.labels]
    remedies = dict.fromkeys(problem.remedy for problem in cluster.problems if problem.remedy)
    return element(
        "tr",
        element("th", cluster.name, element("small", where, class_="muted") if where else None, scope="row"),
        element("td", _state(cluster.state), *(element("small", remedy) for remedy in remedies), data_sort=STATES.index(cluster.state), class_="state-cell"),
        element("td", enabled_text(cluster)),
        element(
            "td",
            reached_text(cluster),
            element("small", cluster.endpoint.removeprefix("https://"), class_="endpoint", title=cluster.endpoint) if cluster.endpoint else None,
        ),
        element("td", release_text(cluster), element("small", cluster.chart) if cluster.chart else None, *_drift(cluster)),
        element("td", token_text(cluster), data_sort=cluster.token_age or 0, class_="nowrap due" if cluster.token_due else "nowrap"),
        element("td", *_checks(cluster)),
        element("td", pods_text(cluster)),
        element("td", _long(labels)),
        element("td", number(cluster.running), data_sort=cluster.running if cluster.running is not None else -1, class_="number"),
        element("td", number(cluster.failed), data_sort=cluster.failed if cluster.failed is not None else -1, class_="number"),
        id=f"c{place}",
        data_cluster=place,
        data_state=STATE_CLASS[cluster.state],
    )


def _drift(cluster: ClusterStatus) -> Iterable[Markup]:
    return (element("small", f"drift: {clean(what)}", class_="due") for what in cluster.drift)


def _long(items: list[Markup], most: int = 4) -> Markup:
    """Return a list; of a long one, the rest can be opened."""
    if not items:
        return Markup(NOTHING)
    shown = element("ul", *items[:most], class_="plain")
    if len(items) <= most:
        return shown
    return joined([shown, element("details", element("summary", f"{len(items) - most} more"), element("ul", *items[most:], class_="plain"))])


def _checks(cluster: ClusterStatus) -> list[t.Any]:
    """Return what was looked at: rights, CRD, leader, namespaces; what is as it should be in one line."""
    facts = [("rights", cluster.rights, cluster.rights_missing), ("CRD", cluster.crd, []), ("leader", cluster.leader, [])]
    good = [name for name, value, _missing in facts if value]
    found = [element("div", "✓ ", ", ".join(good))] if good else []
    found += [_check(name, missing) for name, value, missing in facts if value is False]
    if cluster.namespaces_missing:
        found.append(_check("namespaces", cluster.namespaces_missing))
    return found or [NOTHING]


def _check(name: str, missing: list[str]) -> Markup:
    more = f": {', '.join(missing[:4])}{' …' if len(missing) > 4 else ''} missing" if missing else " missing"
    return element("div", f"✕ {name}{more}", class_="bad")


# -- labels, as text


def _labels(status: Status, labels: list[LabelStatus], topology: Topology) -> Markup:
    numbers = {cluster.name: place for place, cluster in enumerate(status.clusters)}
    order = {label.name: place for place, label in enumerate(topology.labels)}
    rows = [_label_row(label, order.get(label.name, 0), numbers, status.places) for label in labels]
    unlabelled = status.unlabelled()
    if unlabelled:
        nothing = LabelStatus(ANYWHERE, (), "runs on any enabled cluster")
        rows.append(_label_row(nothing, order.get(ANYWHERE, 0), numbers, [Place(p.project, p.domain, p.workflow, ANYWHERE, None) for p in unlabelled]))
    heads = [element("th", name, scope="col") for name in ("Label", "Leads to", "Projects and workflows that have it")]
    table = element("table", element("thead", element("tr", *heads)), element("tbody", *rows), id="labels", aria_label="Labels")
    return element("section", element("h2", "Labels"), element("div", table, class_="scroll", tabindex="0", role="region", aria_label="Labels"))


def _label_row(label: LabelStatus, place: int, numbers: dict[str, int], places: list[Place] | None) -> Markup:
    targets = [
        element("li", f"{clean(target.cluster)} {percent(target.share)}" if target.share else f"{clean(target.cluster)}: nothing, {target.why}")
        for target in label.targets
    ]
    own = [element("li", found.text) for found in places or [] if found.label == label.name]
    known = " ".join(str(numbers[target.cluster]) for target in label.targets if target.cluster in numbers)
    problem = element("small", label.problem, class_="bad") if label.problem else element("small", "default label") if label.default else None
    return element(
        "tr",
        element("th", label.name, problem, scope="row"),
        element("td", _long(targets, 8)),
        element("td", _long(own, 8) if places is not None else "not known"),
        data_label=place,
        data_clusters=known,
    )


def _notes(status: Status) -> Markup:
    if not status.notes:
        return Markup("")
    return element("section", element("h2", "Not known"), element("ul", *(element("li", note) for note in status.notes), class_="notes"))
