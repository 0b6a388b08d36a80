# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What changes in a release, put into its row of the plan; and the refusal of what would be lost. No I/O, no secrets."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from .._helm.configuration import CHECKSUM_ANNOTATION
from .._helm.identity import IDENTITY_ANNOTATION
from .._helm.paths import is_below
from .._helm.shown_values import NOT_SET, Change
from .releases import VALUES_DIFFER
from .rows import Row

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .._inventory.site import Cluster
    from .planner import Chart

_CHECKSUMS = (CHECKSUM_ANNOTATION, IDENTITY_ANNOTATION)
#: parts of the chart's values that many parts of it read
_OF_MANY = ("common", "configmap", "secrets", "userSettings")
_EMPTY = "only empty mappings, which take nothing away and give nothing"


def with_changes(
    row: Row,
    release: Mapping[str, t.Any] | None,
    chart: Chart,
    *,
    changes: Sequence[Change] | None,
    drift: Sequence[Change] = (),
    objects: Sequence[str] = (),
    unused: Sequence[Change] = (),
) -> Row:
    """Return the row of a release with what changes in it.

    :param unused: what is taken out of its values and makes no difference: it is named, and held, and not shown value by value.

    :param release: what was observed of it, None where it is installed.
    :param changes: of its values, None where they are as they were.
    """
    found = [_chart_change(release, chart)] if release is None or (release["chart"], release["version"]) != (chart.name, chart.version) else []
    found += [_without_checksum(change) for change in changes or []]
    reason = f"{row.reason}: {_EMPTY}" if row.reason == VALUES_DIFFER and changes is not None and not changes and not unused else row.reason
    details = (*row.details, *([f"taken out, since nothing here uses it: {_places(unused)}"] if unused else []))
    mended = tuple(_without_checksum(change) for change in drift)
    said = dataclasses.replace(row, reason=reason, details=details, objects=tuple(objects))
    return dataclasses.replace(said, changes=tuple(found), drift=mended, held=tuple(unused))


def _places(found: Sequence[Change]) -> str:
    """Return where values stand, for people: by parts of the chart."""
    counts: dict[str, int] = {}
    for change in found:
        parts = re.split(r"[.\[]", change.path)
        place = ".".join(parts[: 2 if parts[0] in _OF_MANY else 1])
        counts[place] = counts.get(place, 0) + 1
    return ", ".join(f"{place} ({count})" for place, count in counts.items())


def _chart_change(release: Mapping[str, t.Any] | None, chart: Chart) -> Change:
    return Change("chart", f"{release['chart']} {release['version']}" if release else None, f"{chart.name} {chart.version}")


def _without_checksum(change: Change) -> Change:
    """Return a change as it is before the credentials are stored: it only says that pods start anew. A checksum of a weak secret would let it be guessed."""
    if not any(name in change.path for name in _CHECKSUMS):
        return change
    shown = ("of what is mounted" if change.before else None, "of what is mounted then: pods start anew" if change.after else None)
    return dataclasses.replace(change, before=shown[0], after=shown[1])


def loss_lines(cluster: Cluster, losses: Sequence[Change], *, foreign: bool, odd: Mapping[str, str] | None = None) -> list[str]:
    """Return the refusal of a run that would take away what somebody gave a release, nothing where it would not.

    :param foreign: whether the release is none that this collection made.
    :param odd: why the inventory cannot have what stands at a path, and what can be done about it.
    """
    if not losses:
        return []
    whose = "it was not made by this collection, and has values of its own" if foreign else "it was changed by hand, and has values"
    lines = [f"{cluster.host}: the Helm release {cluster.release} in the namespace {cluster.namespace}: {whose} that this run would take away:"]
    lines += [f"  {_loss(change)}{_oddity(change.path, odd or {})}" for change in losses]
    names = ", ".join(_quoted(change.path) for change in losses)
    return [
        *lines,
        f"  Take each into the inventory of {cluster.host} (flyte_values, or a file of flyte_values_files), or give it up: flyte_drop_values: [{names}]",
    ]


def _oddity(path: str, odd: Mapping[str, str]) -> str:
    place = next((place for place in odd if is_below(path, place)), None)
    return f" ({'it' if place == path else place} {odd[place]})" if place else ""


def _loss(change: Change) -> str:
    line = change.lines()[0] if "\n" not in f"{change.before}{change.after}" else f"{change.path}: a text of {len(str(change.before).splitlines())} lines"
    return f"{line.removesuffix(f' -> {NOT_SET}')}" if change.after is None else line


def _quoted(path: str) -> str:
    return "'" + path.replace("'", "''") + "'" if any(mark in path for mark in "[]\",: ") else path
