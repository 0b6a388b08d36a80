# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inputs of a launch plan: from plain values to Flyte's literals, by the types that the launch plan names. No I/O.

The JSON forms are those of flyteidl's ``core/types.proto`` and ``core/literals.proto``.
"""

from __future__ import annotations

import datetime
import json
import math
import re
import typing as t

from .._common.text import nearest
from .answers import Json, part, parts, text, texts

if t.TYPE_CHECKING:
    from collections.abc import Mapping

_INT64 = 1 << 63
_DURATION = re.compile(r"-?\d+(\.\d{1,9})?s")


class LiteralError(ValueError):
    """A value does not fit the type that the launch plan names."""


def literals(inputs: Mapping[str, t.Any], parameters: Mapping[str, Json]) -> Json:
    """Return the literal of each input.

    :param inputs: input name to plain value.
    :param parameters: ``expected_inputs.parameters`` of the launch plan.
    :raises LiteralError: what is wrong with all of them.
    """
    found: Json = {}
    problems = []
    for name, value in sorted(inputs.items()):
        if name not in parameters:
            problems.append(f"{name}: the launch plan has no such input, it has {', '.join(sorted(parameters)) or 'none'}.{nearest(name, sorted(parameters))}")
            continue
        try:
            found[name] = literal(value, part(parameters, name, "var", "type"))
        except LiteralError as error:
            problems.append(f"{name}: {error}")
    for name in sorted(parameters):
        if name not in inputs and not any(part(parameters, name).get(key) for key in ("default", "artifact_query", "artifact_id")):
            problems.append(f"{name}: is required: {describe(part(parameters, name, 'var', 'type'))}")
    if problems:
        raise LiteralError("; ".join(problems))
    return found


def describe(kind: Json) -> str:
    """Return a type as a person writes it."""
    if kind.get("simple"):
        return text(kind, "simple").lower()
    if kind.get("collection_type"):
        return f"list of {describe(part(kind, 'collection_type'))}"
    if kind.get("map_value_type"):
        return f"map of {describe(part(kind, 'map_value_type'))}"
    if kind.get("enum_type"):
        return f"one of {', '.join(texts(part(kind, 'enum_type'), 'values'))}"
    if kind.get("union_type"):
        return " or ".join(describe(variant) for variant in parts(part(kind, "union_type"), "variants"))
    return next((key for key, value in kind.items() if value), "an unknown type")


def literal(value: t.Any, kind: Json) -> Json:
    """Return a value as a literal of this type.

    :raises LiteralError: it does not fit.
    :raises ShapeError: the type is none that flyteadmin knows.
    """
    if kind.get("simple"):
        return _simple(value, text(kind, "simple"))
    if kind.get("collection_type"):
        if not isinstance(value, list):
            raise _misfit(value, kind)
        return {"collection": {"literals": [literal(item, part(kind, "collection_type")) for item in value]}}
    if kind.get("map_value_type"):
        if not isinstance(value, dict):
            raise _misfit(value, kind)
        return {"map": {"literals": {str(key): literal(item, part(kind, "map_value_type")) for key, item in value.items()}}}
    if kind.get("enum_type"):
        if value not in texts(part(kind, "enum_type"), "values"):
            raise _misfit(value, kind)
        return _primitive("string_value", value)
    if kind.get("union_type"):
        return _union(value, kind)
    if kind.get("blob"):
        if not isinstance(value, str):
            raise _misfit(value, kind)
        return {"scalar": {"blob": {"uri": value, "metadata": {"type": kind["blob"]}}}}
    if kind.get("structured_dataset_type") is not None:
        if not isinstance(value, str):
            raise _misfit(value, kind)
        return {"scalar": {"structured_dataset": {"uri": value, "metadata": {"structured_dataset_type": kind["structured_dataset_type"]}}}}
    raise LiteralError(f"inputs of the type {describe(kind)} cannot be given here")


def _misfit(value: t.Any, kind: Json) -> LiteralError:
    return LiteralError(f"{json.dumps(value, default=str)} is no {describe(kind)}")


def _primitive(field: str, value: t.Any) -> Json:
    return {"scalar": {"primitive": {field: value}}}


def _union(value: t.Any, kind: Json) -> Json:
    """Return the first variant that the value fits, as flytekit does."""
    for variant in parts(part(kind, "union_type"), "variants"):
        try:
            return {"scalar": {"union": {"value": literal(value, variant), "type": variant}}}
        except LiteralError:
            continue
    raise _misfit(value, kind)


def _simple(value: t.Any, name: str) -> Json:
    convert = _SIMPLE.get(name)
    if convert is None:
        raise LiteralError(f"inputs of the type {name.lower()} cannot be given here")
    found = convert(value)
    if found is None:
        raise _misfit(value, {"simple": name})
    return found


def _none(value: t.Any) -> Json | None:
    return {"scalar": {"none_type": {}}} if value is None else None


def _integer(value: t.Any) -> Json | None:
    # JSON of 64-bit integers is text (protojson).
    return _primitive("integer", str(value)) if isinstance(value, int) and not isinstance(value, bool) and -_INT64 <= value < _INT64 else None


def _float(value: t.Any) -> Json | None:
    fits = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    return _primitive("float_value", float(value)) if fits else None


def _string(value: t.Any) -> Json | None:
    return _primitive("string_value", value) if isinstance(value, str) else None


def _boolean(value: t.Any) -> Json | None:
    return _primitive("boolean", value) if isinstance(value, bool) else None


def _datetime(value: t.Any) -> Json | None:
    """Return a date and time, of ISO 8601; without an offset it is UTC."""
    try:
        moment = value if isinstance(value, datetime.datetime) else datetime.datetime.fromisoformat(str(value))
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.timezone.utc)
    return _primitive("datetime", moment.astimezone(datetime.timezone.utc).isoformat().replace("+00:00", "Z"))


def _duration(value: t.Any) -> Json | None:
    """Return a duration: seconds, or text like 90s."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        return _primitive("duration", f"{value:.9f}".rstrip("0").rstrip(".") + "s")
    return _primitive("duration", value) if isinstance(value, str) and _DURATION.fullmatch(value) else None


def _struct(value: t.Any) -> Json | None:
    return {"scalar": {"generic": value}} if isinstance(value, dict) else None


_SIMPLE: dict[str, t.Callable[[t.Any], Json | None]] = {
    "NONE": _none,
    "INTEGER": _integer,
    "FLOAT": _float,
    "STRING": _string,
    "BOOLEAN": _boolean,
    "DATETIME": _datetime,
    "DURATION": _duration,
    "STRUCT": _struct,
}
