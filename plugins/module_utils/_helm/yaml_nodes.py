# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What YAML allows and a values file must not have: aliases that contain themselves or explode, tags, keys that stand twice. No I/O."""

from __future__ import annotations

import typing as t

#: nodes that a file may have with its aliases written out; the chart's own have five thousand
MOST_NODES = 200_000
_DEEPEST = 100
_PLAIN = frozenset(f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "map", "seq", "merge", "value"))


def refuse_odd(node: t.Any, *, strict: bool) -> None:
    """Refuse a document, as PyYAML composed it, that cannot become plain data.

    :param strict: whether it is a person's own, in which a key that stands twice is a mistake.
    :raises ValueError: it has what no values file has.
    """
    _size(node, {}, [])
    if strict:
        _refuse_twice(node, set())


def _size(node: t.Any, known: dict[int, int], above: list[int]) -> int:
    """Return how many nodes there are with all aliases written out; refuse tags on the way."""
    if id(node) in above:
        raise ValueError(f"{_place(node)}: it contains itself: an alias ('*…') stands within its own anchor ('&…')")
    if len(above) >= _DEEPEST:
        raise ValueError(f"{_place(node)}: it is nested more than {_DEEPEST} levels deep")
    if id(node) not in known:
        if node.tag not in _PLAIN:
            raise ValueError(f"{_place(node)}: the YAML tag {_shown(node.tag)!r} is none that Helm takes: write the value itself")
        above.append(id(node))
        known[id(node)] = 1 + sum(_size(child, known, above) for child in _children(node))
        above.pop()
    if known[id(node)] > MOST_NODES:
        raise ValueError(f"{_place(node)}: its aliases ('*…') make more than {MOST_NODES} values of it")
    return known[id(node)]


def _children(node: t.Any) -> list[t.Any]:
    if isinstance(node.value, str):
        return []
    return [child for item in node.value for child in (item if isinstance(item, tuple) else (item,))]


def _refuse_twice(node: t.Any, seen: set[int]) -> None:
    if id(node) in seen:
        return
    seen.add(id(node))
    keys = [key for key, _value in node.value] if node.tag == "tag:yaml.org,2002:map" else []
    found: set[str] = set()
    for key in keys:
        name = str(key.value)
        if name in found:
            raise ValueError(f"{_place(key)}: the key {name!r} stands twice: one of them has no effect")
        found.add(name)
    for child in _children(node):
        _refuse_twice(child, seen)


def _place(node: t.Any) -> str:
    return f"line {node.start_mark.line + 1}"


def _shown(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!")
