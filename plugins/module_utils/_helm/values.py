# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Helm values: read, merged and compared as Helm does it. No I/O."""

from __future__ import annotations

import copy
import functools
import hashlib
import json
import re
import typing as t

from .yaml_nodes import refuse_odd

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Values = dict[str, t.Any]


def parse(text: str, *, strict: bool = False) -> Values:
    """Read a values file as Helm does: no dates, and ``y``, ``n`` and ``1e3`` as Go's YAML takes them.

    :param strict: whether a key that stands twice is refused.
    :raises ValueError: the text is no YAML mapping, or one that cannot become plain data. It quotes nothing of the text.
    """
    import yaml

    try:
        reader = _loader()(text)
        node = reader.get_single_node()
        if node is None:
            return {}
        refuse_odd(node, strict=strict)
        content = reader.construct_document(node)
    except yaml.YAMLError as error:
        raise ValueError(f"no YAML: {_said(error)}") from error
    except RecursionError as error:
        raise ValueError("no YAML: it is nested too deep") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        encrypted = text.startswith("$ANSIBLE_VAULT;")
        raise ValueError("encrypted by Ansible Vault, and read by Helm as it is: put what is in it into flyte_values" if encrypted else "no YAML mapping")
    return t.cast("Values", content)


@functools.cache
def _loader() -> t.Any:
    """Return a loader that resolves plain scalars as Go's YAML does. Made once: it is no small part of reading a small file."""
    import yaml

    base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    loader: t.Any = type("_HelmLoader", (base,), {"yaml_implicit_resolvers": copy.deepcopy(base.yaml_implicit_resolvers)})
    for first, resolvers in list(loader.yaml_implicit_resolvers.items()):
        loader.yaml_implicit_resolvers[first] = [pair for pair in resolvers if pair[0] != "tag:yaml.org,2002:timestamp"]
    loader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)$"), list("-+0123456789."))
    return loader


def _said(error: Exception) -> str:
    """Return what a parser says and where, without the text that it stands in."""
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None) or getattr(error, "reason", None) or type(error).__name__
    if "another document" in str(problem):
        problem = "a second document ('---') begins here, and Helm reads only the first"
    return f"line {mark.line + 1}: {problem}" if mark else str(problem)


def merge(layers: Iterable[Mapping[str, t.Any]]) -> Values:
    """Merge values as ``helm -f a -f b`` does: maps by key, anything else (lists too) replaced whole.

    What only one layer has is not copied - every release of every run is merged of some hundred maps: nobody changes values in place.
    """
    merged: Values = {}
    for layer in layers:
        merged = _merged(merged, layer)
    return merged


def _merged(base: Values, layer: Mapping[str, t.Any]) -> Values:
    found = dict(base)
    for key, value in layer.items():
        before = found.get(key)
        found[key] = _merged(before, value) if isinstance(value, dict) and isinstance(before, dict) else value
    return found


def _canonical(value: t.Any) -> t.Any:
    if isinstance(value, dict):
        return {key_text(key): _canonical(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_canonical(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)  # Helm stores values as JSON, where 1.0 is 1
    return value


def key_text(key: t.Any) -> str:
    """Return the key of a mapping as Helm has it: as JSON, where that of ``on: x`` is true, and of ``1.0: x`` 1."""
    if isinstance(key, str):
        return key
    return json.dumps(key) if isinstance(key, bool) else str(_canonical(key))


def digest(values: Mapping[str, t.Any] | None) -> str:
    """Return a digest of values, the same for what was given to Helm and what its release says was given."""
    return digest_of_canonical(_canonical(dict(values or {})))


def digest_of_canonical(values: Mapping[str, t.Any] | None) -> str:
    """Return the digest of values as :func:`from_json` reads them: a hundred releases take a second less to look for what differs from that."""
    text = json.dumps(values or {}, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def from_json(text: bytes) -> t.Any:
    """Read JSON; a number that is whole is one in whatever form it stands there, as :func:`_canonical` makes it of YAML's.

    :raises ValueError: it is none.
    """
    return json.loads(text, parse_float=_number)


def _number(text: str) -> float | int:
    found = float(text)
    return int(found) if found.is_integer() else found


def without(values: Values, place: str) -> Values:
    """Return values without what stands at a place, its keys with dots between them; the same where nothing does."""
    for key, item in values.items():
        if key == place:
            return {name: other for name, other in values.items() if name != key}
        if isinstance(key, str) and isinstance(item, dict) and place.startswith(f"{key}."):
            found = without(item, place.removeprefix(f"{key}."))
            if found is not item:
                return {**values, key: found}
    return values


def lookup(values: Mapping[str, t.Any], path: str, default: t.Any = None) -> t.Any:
    """Return the value at a dotted path."""
    current: t.Any = values
    for part in path.split("."):
        if not isinstance(current, dict) or part not in current:
            return default
        current = current[part]
    return default if current is None else current
