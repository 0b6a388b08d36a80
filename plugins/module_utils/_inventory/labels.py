# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What labelClusterMap and the execution cluster labels of the inventory have to be. No I/O."""

from __future__ import annotations

import math
import re
import typing as t
import unicodedata

from .._common.text import nearest
from .._labels.canary import PREFIX, is_canary_label
from .checks import WEIGHT_TOLERANCE, is_identifier
from .keys import MOST, label_problem
from .site import Label

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .reader import Reader
    from .site import Cluster


def label_cluster_map(reader: Reader, host: str, labels: Mapping[str, t.Any], targets: Sequence[Cluster]) -> dict[str, list[dict[str, t.Any]]]:
    known = [cluster.name for cluster in targets]
    result: dict[str, list[dict[str, t.Any]]] = {}
    for label, entries in labels.items():
        variable = f"flyte_labels.{str(label)[:MOST]}"
        problem = label_problem(label)
        if problem:
            reader.fault(host, "flyte_labels", label if not isinstance(label, str) else label[: MOST + 1], f"the name of a label {problem}")
            continue
        if is_canary_label(label):
            reader.fault(host, variable, label, f"begins with {PREFIX}, as the labels of the canary do (flyte_canary_labels): choose another name.")
        if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
            reader.fault(host, variable, entries, "has to be a list like [{cluster: NAME, weight: 1}].")
            continue
        before = len(reader.faults)
        checked = [_label_entry(reader, host, variable, entry, known) for entry in entries]
        names = [entry["cluster"] for entry in checked]
        for name in sorted({name for name in names if names.count(name) > 1}):
            reader.fault(host, variable, name, "stands twice in this label: give each cluster one weight.")
        if len(reader.faults) == before:
            total = sum(entry["weight"] for entry in checked)
            if abs(total - 1) > WEIGHT_TOLERANCE:
                weights = {entry["cluster"]: entry["weight"] for entry in checked}
                reader.fault(host, variable, weights, f"the weights of a label have to sum to 1, these sum to {total:g}.")
        result[str(label)] = checked
    return result


def _unknown_keys(reader: Reader, host: str, variable: str, entry: Mapping[str, t.Any], known: Sequence[str]) -> None:
    for key in entry:
        if key not in known:
            reader.fault(host, f"{variable}.{key}", entry[key], f"is an unknown key, known are {', '.join(known)}.{nearest(key, known)}")


def _label_entry(reader: Reader, host: str, variable: str, entry: Mapping[str, t.Any], known: Sequence[str]) -> dict[str, t.Any]:
    _unknown_keys(reader, host, variable, entry, ("cluster", "weight"))
    name = str(entry.get("cluster", ""))
    if name not in known:
        reader.fault(host, f"{variable}.cluster", entry.get("cluster"), f"is no cluster of the inventory: {', '.join(known)}.{nearest(name, known)}")
    weight = _weight(entry.get("weight"))
    if weight is None or not 0 <= weight <= 1:
        reader.fault(host, f"{variable}.weight", entry.get("weight"), f"the weight of {name or 'a cluster'} has to be a number from 0 to 1.")
    return {"cluster": name, "weight": weight or 0}


def _weight(value: t.Any) -> float | int | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    if math.isnan(number) or math.isinf(number):
        return None
    return int(number) if number.is_integer() else number


def _is_name(value: t.Any) -> bool:
    """Return whether this is a name, or none at all. ``False`` and ``''`` are neither: taken for no workflow, they would move the whole domain."""
    return value is None or (isinstance(value, str) and bool(value) and value.isprintable() and " " not in value)


#: it stands in the path of a URL
_WORKFLOW = re.compile(r"(?!\.+$)[^/?#%]{1,255}")
_ROW_KEYS = ("project", "domain", "workflow", "label")


def label_rows(reader: Reader, host: str, settings: Mapping[str, t.Any], labels: Mapping[str, t.Any]) -> list[Label]:
    rows: list[Label] = []
    seen: set[tuple[str, str, str]] = set()
    for number, entry in enumerate(settings["flyte_execution_cluster_labels"]):
        variable = f"flyte_execution_cluster_labels[{number}]"
        if not isinstance(entry, dict):
            reader.fault(host, variable, entry, "has to be a mapping with project, domain, workflow and label.")
            continue
        _unknown_keys(reader, host, variable, entry, _ROW_KEYS)
        wrong = [key for key in _ROW_KEYS if not _is_name(entry.get(key))]
        for name in wrong:
            remedy = "has to be text without white space, or left out: what is no text, or an empty one, is not taken for none."
            reader.fault(host, f"{variable}.{name}", entry[name], remedy)
        if wrong:
            continue
        row = Label(*(str(entry.get(key) or "") for key in _ROW_KEYS))
        if not row.project:
            reader.fault(host, f"{variable}.project", entry.get("project"), "is required.")
        elif not is_identifier(row.project):
            reader.fault(host, f"{variable}.project", row.project, "is no name of a project: at most 63 lower-case letters, digits and '-'.")
        if row.workflow and not row.domain:
            reader.fault(host, f"{variable}.domain", None, "is required where a workflow is given.")
        if row.domain and row.domain not in settings["flyte_domains"]:
            known = [str(domain) for domain in settings["flyte_domains"]]
            reader.fault(host, f"{variable}.domain", row.domain, f"is none of flyte_domains: {', '.join(known)}.{nearest(row.domain, known)}")
        if row.workflow and not _WORKFLOW.fullmatch(row.workflow):
            remedy = "is no name of a workflow: at most 255 characters, none of them a control character or one of /?#%, not dots alone."
            reader.fault(host, f"{variable}.workflow", row.workflow, remedy)
        elif row.workflow != unicodedata.normalize("NFKC", row.workflow):
            remedy = f"is another Unicode form of {unicodedata.normalize('NFKC', row.workflow)!r}, under which Python registers it."
            reader.fault(host, f"{variable}.workflow", row.workflow, remedy)
        if row.label not in labels:
            known = list(labels)
            reader.fault(host, f"{variable}.label", entry.get("label"), f"is none of flyte_labels: {', '.join(known)}.{nearest(row.label, known)}")
        key = (row.project, row.domain, row.workflow)
        if key in seen:
            reader.fault(host, variable, "/".join(part for part in key if part), "stands twice: one label for each project, domain and workflow.")
        seen.add(key)
        rows.append(row)
    return rows


def check_used_labels(
    reader: Reader, host: str, labels: Mapping[str, t.Any], rows: Sequence[Label], default: str | None, targets: Sequence[Cluster]
) -> None:
    """Check that the labels that rows, or executions without one, have lead to an enabled cluster."""
    if default is not None and default not in labels:
        known_labels = list(labels)
        remedy = f"is none of flyte_labels: {', '.join(known_labels)}.{nearest(default, known_labels)}"
        reader.fault(host, "flyte_default_execution_label", default, remedy)
    enabled = {cluster.name for cluster in targets if cluster.enabled}
    known = {cluster.name for cluster in targets}
    for label in sorted({*(row.label for row in rows), str(default)} & set(labels)):
        entries = labels[label]
        if any(entry["cluster"] not in known for entry in entries):
            continue  # said already
        if not any(entry["cluster"] in enabled and entry["weight"] > 0 for entry in entries):
            reader.fault(
                host,
                f"flyte_labels.{label}",
                [entry["cluster"] for entry in entries],
                "all of its clusters are disabled, but execution cluster labels, or flyte_default_execution_label, use it: "
                "Flyte would run those workflows on any other cluster, silently. "
                "Enable one of them (flyte_cluster_enabled), or move those rows to another label first.",
            )
    if targets and not enabled:
        reader.fault("inventory", "flyte_cluster_enabled", False, "no cluster is enabled: flyteadmin does not start so.")
