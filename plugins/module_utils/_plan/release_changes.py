# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What changes in a release, put into its row of the plan; and the refusal of what would be lost. No I/O, no secrets."""

from __future__ import annotations

import dataclasses
import typing as t

from .._helm.identity import IDENTITY_ANNOTATION
from .._helm.configuration import CHECKSUM_ANNOTATION
from .._helm.shown_values import NOT_SET, Change
from .releases import VALUES_DIFFER
from .rows import Row

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .._inventory.site import Cluster
    from .planner import Chart

_CHECKSUMS = (CHECKSUM_ANNOTATION, IDENTITY_ANNOTATION)
_IN_ORDER = "only the order of what stands in its values, or what of them is empty"


def with_changes(
    row: Row,
    release: Mapping[str, t.Any] | None,
    chart: Chart,
    *,
    changes: Sequence[Change] | None,
    drift: Sequence[Change] = (),
    objects: Sequence[str] = (),
) -> Row:
    """Return the row of a release with what changes in it.

    :param release: what was observed of it, None where it is installed.
    :param changes: of its values, None where they are as they were.
    """
    found = [_chart_change(release, chart)] if release is None or (release["chart"], release["version"]) != (chart.name, chart.version) else []
    found += [_without_checksum(change) for change in changes or []]
    reason = f"{row.reason}: {_IN_ORDER}" if row.reason == VALUES_DIFFER and changes is not None and not changes else row.reason
    return dataclasses.replace(
        row, reason=reason, changes=tuple(found), drift=tuple(_without_checksum(change) for change in drift), objects=tuple(objects)
    )


def _chart_change(release: Mapping[str, t.Any] | None, chart: Chart) -> Change:
    return Change("chart", f"{release['chart']} {release['version']}" if release else None, f"{chart.name} {chart.version}")


def _without_checksum(change: Change) -> Change:
    """Return a change as it is before the credentials are stored: it only says that pods start anew. A checksum of a weak secret would let it be guessed."""
    if not any(name in change.path for name in _CHECKSUMS):
        return change
    return Change(change.path, "of what is mounted" if change.before else None, "of what is mounted then: pods start anew" if change.after else None)


def loss_lines(cluster: Cluster, losses: Sequence[Change], *, foreign: bool) -> list[str]:
    """Return the refusal of a run that would take away what somebody gave a release, nothing where it would not.

    :param foreign: whether the release is none that this collection made.
    """
    if not losses:
        return []
    whose = "it was not made by this collection, and has values of its own" if foreign else "it was changed by hand, and has values"
    lines = [f"{cluster.host}: the Helm release {cluster.release} in the namespace {cluster.namespace}: {whose} that this run would take away:"]
    lines += [f"  {_loss(change)}" for change in losses]
    names = ", ".join(_quoted(change.path) for change in losses)
    return [
        *lines,
        f"  Take each into the inventory of {cluster.host} (flyte_values, or a file of flyte_values_files), or give it up: flyte_drop_values: [{names}]",
    ]


def _loss(change: Change) -> str:
    line = change.lines()[0] if "\n" not in f"{change.before}{change.after}" else f"{change.path}: a text of {len(str(change.before).splitlines())} lines"
    return f"{line.removesuffix(f' -> {NOT_SET}')}" if change.after is None else line


def _quoted(path: str) -> str:
    return "'" + path.replace("'", "''") + "'" if any(mark in path for mark in "[]\",: ") else path
