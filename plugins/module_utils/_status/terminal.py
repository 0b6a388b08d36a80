# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The status for a terminal: a line for each cluster, and what to do. No I/O."""

from __future__ import annotations

import typing as t

from .._common.text import first
from .model import RENEW
from .words import (
    NOTHING,
    clean,
    columns,
    counts_text,
    enabled_text,
    number,
    padded,
    pods_text,
    reached_text,
    release_text,
    sentence,
    share_text,
    shortened,
    token_text,
)

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from .model import ClusterStatus, Status

#: of a cluster with more labels, so many are shown
_LABELS = 3
_WIDEST = 32
#: of more problems, the JSON and the page have all
MOST_PROBLEMS = 20
_HEADER = ("CLUSTER", "STATE", "ENABLED", "KUBERNETES", "CHART", "RELEASE", "TOKEN", "READY", "RUNNING", "FAILED", "LABELS")


def table_lines(status: Status) -> list[str]:
    """Return a line for each cluster."""
    return aligned([_HEADER, *map(_row, status.clusters)])


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows as lines whose cells begin at the same columns."""
    widths = [max(columns(row[place]) for row in rows) for place in range(len(rows[0]))]
    return ["  ".join(padded(cell, width) for cell, width in zip(row, widths)).rstrip() for row in rows]


def _row(cluster: ClusterStatus) -> list[str]:
    labels = [shortened(share_text(share), _WIDEST) for share in cluster.labels]
    more = f",+{len(labels) - _LABELS}" if len(labels) > _LABELS else ""
    return [
        shortened(cluster.name, _WIDEST),
        cluster.state,
        enabled_text(cluster),
        shortened(reached_text(cluster), _WIDEST),
        shortened(cluster.chart or NOTHING, _WIDEST),
        shortened(release_text(cluster), _WIDEST),
        token_text(cluster),
        pods_text(cluster),
        number(cluster.running),
        number(cluster.failed),
        (",".join(labels[:_LABELS]) or NOTHING) + more,
    ]


def problem_lines(status: Status) -> list[str]:
    """Return what is wrong and what to do, what is drained, due or away from the inventory, and what is not known."""
    found = [f"{clean(cluster.name)}: {sentence(problem.what)} {sentence(problem.remedy)}".rstrip() for cluster, problem in status.problems()]
    more = [f"and {len(found) - MOST_PROBLEMS} more: flyte_status_json and flyte_status_page show all"] if len(found) > MOST_PROBLEMS else []
    return found[:MOST_PROBLEMS] + more + _more_lines(status)


def _more_lines(status: Status) -> list[str]:
    due = [f"{clean(cluster.name)}: its token is due: {sentence(cluster.token_due)} {RENEW}" for cluster in status.clusters if cluster.token_due]
    drift = [f"{clean(cluster.name)}: drift: {clean(what)}" for cluster in status.clusters for what in cluster.drift]
    astray = [f"label {clean(label.name)}: {clean(label.problem)}: what has it runs on any enabled cluster" for label in status.labels or [] if label.problem]
    without = [place.text for place in status.unlabelled()]
    unlabelled = [f"{len(without)} project-domain(s) without a label run on any enabled cluster: {clean(first(without, 6))}"] if without else []
    return due + drift + astray + unlabelled + [clean(note) for note in status.notes]


def status_lines(status: Status) -> list[str]:
    """Return the whole status."""
    about = problem_lines(status)
    return [*table_lines(status), "", f"{len(status.clusters)} clusters: {counts_text(status.counts())}.", *about]
