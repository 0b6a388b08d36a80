# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels and their rows as an inventory can have them. What it cannot have stays where it is, since nothing is pruned; it is said. No I/O."""

from __future__ import annotations

import dataclasses
import typing as t

from .._inventory.checks import WEIGHT_TOLERANCE
from .._inventory.keys import label_problem
from .._labels.canary import is_canary_label
from .._labels.rows import describe

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclasses.dataclass
class FoundLabels:
    """What the inventory gets, and what has to be said about it."""

    labels: dict[str, list[dict[str, t.Any]]]
    rows: list[dict[str, str]]
    default: str | None
    #: comments of flyte_labels, and of flyte_execution_cluster_labels
    about_labels: list[str]
    about_rows: list[str]


def found_labels(clusters: Mapping[str, t.Any], rows: Mapping[tuple[str, str, str], str]) -> FoundLabels:
    """Return the labels and rows of an installation.

    :param clusters: clusterConfigs, labelClusterMap and defaultExecutionLabel as flyteadmin reads them.
    :param rows: the stored rows, by project, domain and workflow.
    """
    enabled = {str(entry["name"]): entry.get("enabled") is True for entry in clusters.get("clusterConfigs") or []}
    labels: dict[str, list[dict[str, t.Any]]] = {}
    about: list[str] = []
    for label, entries in (clusters.get("labelClusterMap") or {}).items():
        if is_canary_label(label):
            continue
        taken, notes = _entries(label, entries or [], enabled)
        about += notes
        if taken:
            labels[label] = taken
    serving = {label for label, entries in labels.items() if any(enabled[entry["cluster"]] and entry["weight"] > 0 for entry in entries)}
    known = clusters.get("labelClusterMap") or {}
    left_out = {label for label, entries in known.items() if label not in labels and any(_serves(entry, enabled) for entry in entries or [])}
    kept, about_rows = _rows(rows, known, serving, left_out)
    default = clusters.get("defaultExecutionLabel")
    if default and default not in serving:
        about.append(f"defaultExecutionLabel {default!r} leads to no enabled cluster and is left out: such executions run on any enabled cluster, silently.")
        default = None
    return FoundLabels(labels, kept, default, about, about_rows)


def _serves(entry: Mapping[str, t.Any], enabled: Mapping[str, bool]) -> bool:
    weight = entry.get("weight", 0)
    return enabled.get(str(entry.get("id")), False) and isinstance(weight, (int, float)) and weight > 0


def _entries(label: str, entries: Iterable[Mapping[str, t.Any]], known: Mapping[str, bool]) -> tuple[list[dict[str, t.Any]], list[str]]:
    """Return the entries of a label, with weights that sum to 1 as flyteadmin takes them, and what has to be said."""
    weights: dict[str, float] = {}
    strangers: list[str] = []
    given = list(entries)
    problem = label_problem(label)
    if problem:
        return [], [f"label {label[:80]!r} is left out, and stays as it is in flyteadmin: its name {problem}"]
    for entry in given:
        name, weight = str(entry.get("id")), entry.get("weight", 0)
        if name not in known:
            strangers.append(name)
        elif isinstance(weight, (int, float)) and not isinstance(weight, bool) and weight >= 0:
            weights[name] = weights.get(name, 0) + weight
    notes = [f"label {label}: {', '.join(strangers)} is no cluster of clusterConfigs: left out, flyteadmin passes over it."] if strangers else []
    total = sum(weights.values())
    if not total:
        return [], [*notes, f"label {label}: no cluster with a weight is left: left out, it stays as it is in flyteadmin."]
    if abs(total - 1) > WEIGHT_TOLERANCE:
        notes.append(f"label {label}: the weights summed to {total:g}, and have to sum to 1: they are written as flyteadmin takes them.")
        weights = _summing_to_one(weights, total)
    return [{"cluster": name, "weight": _plain(weight)} for name, weight in weights.items()], notes


def _summing_to_one(weights: Mapping[str, float], total: float) -> dict[str, float]:
    rounded = {name: round(weight / total, 4) for name, weight in weights.items()}
    last = list(rounded)[-1]
    rounded[last] = round(1 - sum(weight for name, weight in rounded.items() if name != last), 4)
    return rounded


def _plain(weight: float) -> float | int:
    return int(weight) if float(weight).is_integer() else weight


def _rows(
    rows: Mapping[tuple[str, str, str], str], known: Mapping[str, t.Any], serving: set[str], left_out: set[str]
) -> tuple[list[dict[str, str]], list[str]]:
    kept, about = [], []
    for key, label in sorted(rows.items()):
        if is_canary_label(label):
            continue
        if label in serving:
            named = dict(zip(("project", "domain", "workflow"), key))
            kept.append({**{name: value for name, value in named.items() if value}, "label": label})
        elif label in left_out:
            about.append(f"{describe(key)}: the label {label!r} is left out above, and so is this row: both stay as they are.")
        else:
            why = "leads to no enabled cluster" if label in known else "is no label of labelClusterMap"
            about.append(
                f"{describe(key)}: {label!r} {why}: it runs on any enabled cluster, silently. The row is left out, and stays as it is; give it a label."
            )
    return kept, about
