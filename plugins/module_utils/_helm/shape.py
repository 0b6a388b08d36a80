# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether values have the shape that the chart's own have: Helm takes any, and what its templates make of a wrong one nobody means. No I/O."""

from __future__ import annotations

import dataclasses
import math
import typing as t

from .values import merge

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclasses.dataclass(frozen=True)
class _Each:
    """A list, each element of which has this shape."""

    of: t.Any


#: what we read of lists and mappings that the chart may leave empty; ``*`` is any key
_READ: dict[str, t.Any] = {
    "flyteadmin": {"additionalVolumes": _Each({}), "additionalVolumeMounts": _Each({})},
    "cluster_resource_manager": {"config": {"cluster_resources": {"customData": _Each({"*": _Each({"*": {}})})}}},
    "configmap": {
        "adminServer": {"auth": {"authorizedUris": _Each("")}},
        "clusters": {"labelClusterMap": {"*": _Each({})}, "clusterConfigs": _Each({})},
        "namespace_config": {"namespace_mapping": {"template": ""}},
        "task_logs": {"plugins": {"logs": {"templates": _Each({"displayName": ""})}}},
    },
}
#: the chart has an empty mapping there, and its templates take a list
_MAPPINGS_OR_LISTS = ("podEnv",)
#: what templates hand on to Kubernetes as it is, which takes text alone there: ``true`` and ``1`` are refused when Helm has begun
_TEXTS_ONLY = frozenset({"annotations", "podAnnotations", "labels", "podLabels", "matchLabels", "nodeSelector"})
_ENVIRONMENTS = frozenset({"env", "podEnv"})
_TEXT = "has to be text, put it in quotes: Kubernetes takes nothing else there"
_ANY: t.Any = object()


def shape_of(*chart: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the shape that values have to have.

    :param chart: the chart's own values, and its values files for this release.
    """
    return _with_read(merge(chart), _READ)


def _with_read(shape: t.Any, read: Mapping[str, t.Any]) -> dict[str, t.Any]:
    found = dict(shape) if isinstance(shape, dict) else {}
    for key, item in read.items():
        found[key] = _with_read(found.get(key), item) if isinstance(item, dict) else item
    return found


def shape_problems(values: Mapping[str, t.Any], shape: Mapping[str, t.Any]) -> Iterator[tuple[str, str]]:
    """Yield the path of each value of a wrong shape, and what is wrong with it, without the value, which may be a password."""
    yield from _compared(values, shape, "")
    yield from _odd(values, "")


def _odd(values: t.Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield the keys of which Helm and we make different texts, so that a release would differ for ever, and the numbers that JSON does not have."""
    if isinstance(values, float) and not math.isfinite(values):
        yield path, f"is {values}, which Helm cannot hand on: put it in quotes if it is a text"
    items = values.items() if isinstance(values, dict) else ((f"[{number}]", item) for number, item in enumerate(values)) if isinstance(values, list) else ()
    for key, item in items:
        below = f"{path}{key}" if isinstance(values, list) else f"{path}.{key}" if path else str(key)
        if key in _TEXTS_ONLY:
            yield from ((f"{below}.{name}", _TEXT) for name, value in _scalars(item) if not isinstance(value, str))
        if key in _ENVIRONMENTS and isinstance(item, list):
            for number, entry in enumerate(item):
                yield from ((f"{below}[{number}].value", _TEXT) for _name, value in _scalars(entry, "value") if not isinstance(value, str))
        if not isinstance(key, str) and (isinstance(key, bool) or not isinstance(key, int)):
            yield below, f"has a key that YAML makes {type(key).__name__} of: put it in quotes"
        yield from _odd(item, below)


def _scalars(item: t.Any, *names: str) -> Iterator[tuple[t.Any, t.Any]]:
    """Yield the values of a mapping, or those of some names, that are neither empty nor have values in them."""
    for name, value in item.items() if isinstance(item, dict) else ():
        if value is not None and not isinstance(value, (dict, list)) and (not names or name in names):
            yield name, value


def _compared(given: t.Any, shape: t.Any, path: str) -> Iterator[tuple[str, str]]:
    if given is None or shape is None or shape is _ANY or (path.rpartition(".")[2] in _MAPPINGS_OR_LISTS and isinstance(given, list)):
        return
    wanted = _kind(shape)
    if wanted != _kind(given):
        # Text and numbers are taken for each other by most templates.
        if wanted in ("a mapping", "a list", "true or false") or _kind(given) in ("a mapping", "a list"):
            yield path, f"is {_said(given)}, and has to be {wanted}, as in the chart's own values; null takes away what the chart has there"
        return
    if isinstance(given, dict):
        for key, item in given.items():
            yield from _compared(item, shape.get(key, shape.get("*", _ANY)), f"{path}.{key}" if path else str(key))
    elif isinstance(given, list):
        element = _element(shape)
        for number, item in enumerate(given):
            if item is None and element is not _ANY:
                yield f"{path}[{number}]", f"is empty, and has to be {_kind(element)}, as the others of the chart's list"
            yield from _compared(item, element, f"{path}[{number}]")


def _element(shape: t.Any) -> t.Any:
    """Return the shape of a list's elements, as far as those of the chart agree on one."""
    if isinstance(shape, _Each):
        return shape.of
    kinds = {_kind(item) for item in shape}
    return {} if kinds == {"a mapping"} else "" if kinds == {"text"} else _ANY


def _kind(value: t.Any) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, (list, tuple, _Each)):
        return "a list"
    if isinstance(value, bool):
        return "true or false"
    return "a number" if isinstance(value, (int, float)) else "text"


def _said(value: t.Any) -> str:
    kind = _kind(value)
    return f"the text {value!r}" if isinstance(value, str) and value.lower() in ("true", "false", "yes", "no", "on", "off", "") else kind
