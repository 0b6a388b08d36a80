# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a live release's values is the user's own: without what the chart's files give, what this collection generates, and what has no effect. No I/O."""

from __future__ import annotations

import copy
import re
import typing as t

from .._helm.configuration import CHECKSUM_ANNOTATION
from .._helm.identity import IDENTITY_ANNOTATION
from .._helm.overrides import without_replaced
from .._helm.values import Values, lookup

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_ABSENT: t.Any = object()
_CUSTOM_DATA = "cluster_resource_manager.config.cluster_resources.customData"
_REFERENCE = re.compile(r"\{\{-?\s*\.Values\.([\w.]+)\s*-?\}\}")


def own_values(live: Mapping[str, t.Any], base: Mapping[str, t.Any], defaults: Mapping[str, t.Any]) -> Values:
    """Return what has to be given on top of the chart's files for a release to get the values that it has.

    :param live: the values that the release was given.
    :param base: of the chart's values files that this collection gives, merged.
    :param defaults: the chart's own, which hold where a release is given nothing.
    """
    found: Values = {}
    for key, value in live.items():
        below = base.get(key, _ABSENT)
        if isinstance(value, dict) and isinstance(below, dict):
            inner = defaults.get(key)
            difference = own_values(value, below, inner if isinstance(inner, dict) else {})
            if difference:
                found[key] = difference
        elif below is _ABSENT or below != value or type(below) is not type(value):
            found[key] = value
    for key, below in base.items():
        if key in live:
            continue
        default = defaults.get(key, _ABSENT)
        if isinstance(below, dict) and isinstance(default, dict):
            difference = own_values({}, below, default)
            if difference:
                found[key] = difference
        elif default is _ABSENT:
            found[key] = None  # Helm drops what is null
        elif default != below:
            found[key] = default
    return found


def without_generated(live: Mapping[str, t.Any]) -> Values:
    """Return a control plane's values without what the inventory says in another place: clusterConfigs, labelClusterMap, the volume of the credentials."""
    found = copy.deepcopy(dict(live))
    _drop(found, "configmap.clusters", "labelClusterMap", "clusterConfigs", "defaultExecutionLabel")
    for name, left in zip(("additionalVolumes", "additionalVolumeMounts"), without_replaced(found)):
        if isinstance(lookup(found, f"flyteadmin.{name}", []), list):
            _set_or_drop(found, "flyteadmin", name, left)
    # The guide's, which no template of the chart reads.
    _drop(found, "flyteadmin", "initContainerClusterSyncAdditionalVolumeMounts")
    for section in ("flyteadmin", "cluster_resource_manager", "flytepropeller", "flytescheduler"):
        _drop(found, f"{section}.podAnnotations", CHECKSUM_ANNOTATION, IDENTITY_ANNOTATION)
    return found


def _drop(values: Values, section: str, *names: str) -> None:
    holder = lookup(values, section)
    if not isinstance(holder, dict):
        return
    for name in names:
        holder.pop(name, None)
    if not holder:
        parent, _dot, key = section.rpartition(".")
        if parent:
            _drop(values, parent, key)
        else:
            values.pop(key, None)


def _set_or_drop(values: Values, section: str, name: str, left: Sequence[t.Any]) -> None:
    holder = lookup(values, section)
    if isinstance(holder, dict) and name in holder:
        if left:
            holder[name] = list(left)
        else:
            _drop(values, section, name)


def without_identities(live: Mapping[str, t.Any], base: Mapping[str, t.Any], key: str) -> Values:
    """Return a control plane's values without who the tasks of each domain are, which the inventory says: a list of the same quotas is the chart's own.

    :param key: of customData, ``defaultIamRole`` or ``gsa``.
    """
    found = copy.deepcopy(dict(live))
    given, charts = (_without_key(lookup(values, _CUSTOM_DATA), key) for values in (found, base))
    if given is not None and given == charts:
        _drop(found, _CUSTOM_DATA.rpartition(".")[0], "customData")
    return found


def _without_key(custom_data: t.Any, key: str) -> t.Any:
    if not isinstance(custom_data, list):
        return None
    return [
        {domain: [pair for pair in pairs or [] if key not in pair] for domain, pairs in of_domains.items()}
        for of_domains in custom_data
        if isinstance(of_domains, dict)
    ]


def identities_of(values: Mapping[str, t.Any], key: str) -> dict[str, str]:
    """Return who the tasks of each domain are by customData: domain to the value of a key, with references to other values filled in."""
    found: dict[str, str] = {}
    for of_domains in lookup(values, _CUSTOM_DATA, []):
        for domain, pairs in of_domains.items():
            for pair in pairs or []:
                text = (pair.get(key) or {}).get("value") if isinstance(pair, dict) else None
                taken = resolved(text, values)
                if taken:
                    found[str(domain)] = taken
    return found


def resolved(text: t.Any, values: Mapping[str, t.Any]) -> str | None:
    """Return a text of values with its plain references to other values filled in, None where it is none or one stays open."""
    if not isinstance(text, str):
        return None
    filled = _REFERENCE.sub(lambda match: str(lookup(values, match.group(1), match.group(0))), text)
    return None if "{{" in filled else filled


def effective(own: Mapping[str, t.Any], given: Mapping[str, t.Any], without: Mapping[str, t.Any]) -> Values:
    """Return those of the user's own values that make a difference: the others are this collection's to say, or nothing of the release uses them.

    :param given: all values of the release with them.
    :param without: all values of the release without them.
    """
    found: Values = {}
    for key, value in own.items():
        now, before = given.get(key, _ABSENT), without.get(key, _ABSENT)
        if isinstance(value, dict) and value and isinstance(now, dict):
            left = effective(value, now, before if isinstance(before, dict) else {})
            if left or not isinstance(before, dict):
                found[key] = left
        elif now is not before and now != before:
            found[key] = value
    return found


def shared(values: Sequence[Mapping[str, t.Any]]) -> Values:
    """Return what all of several values have alike."""
    first, *others = values
    found: Values = {}
    for key, value in first.items():
        if any(key not in other for other in others):
            continue
        if isinstance(value, dict) and all(isinstance(other[key], dict) for other in others):
            inner = shared([value, *(other[key] for other in others)])
            if inner or not any((value, *(other[key] for other in others))):
                found[key] = inner
        elif all(other[key] == value for other in others):
            found[key] = value
    return found


def without_shared(values: Mapping[str, t.Any], common: Mapping[str, t.Any]) -> Values:
    """Return what values have besides what is shared."""
    found: Values = {}
    for key, value in values.items():
        if key not in common:
            found[key] = value
        elif isinstance(value, dict) and isinstance(common[key], dict):
            left = without_shared(value, common[key])
            if left:
                found[key] = left
    return found
