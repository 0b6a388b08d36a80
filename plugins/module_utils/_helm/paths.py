# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values by key path: ``flyteadmin.replicaCount``, ``configmap.clusters.clusterConfigs[dataplane_1].endpoint``. No I/O.

An entry of a list has the name that it has itself: ``name``, ``id`` or ``key``, the mount path of a second mount, the domain of an entry of customData. Where
the entries of a list have none, or not each one of its own, they are numbered. A key with a dot in it stands in quotes: ``annotations["a.b/c"]``.
"""

from __future__ import annotations

import json
import re
import typing as t

from .._common.redaction import is_secret_place
from .parts import texts
from .values import key_text

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_PLAIN = re.compile(r"[\w-]+\Z")
#: what an entry of a list may be called by
_NAMES = ("name", "id", "key", "mountPath", "displayName")
#: of them, what an entry has for nothing else: it is not said again where it is the entry's name
_ONLY_NAMES = ("name", "key")


class Leaf(t.NamedTuple):
    """A value that is no mapping, and no list of mappings; in lists also an empty mapping, and an entry that has nothing but its name."""

    value: t.Any
    #: whether its place says that it is a secret
    secret: bool


def leaves(values: Mapping[str, t.Any]) -> dict[str, Leaf]:
    """Return the values by path. An empty mapping is none: it takes away nothing and gives nothing. In a list it is one: Helm replaces lists whole."""
    return dict(_leaves(values, "", ()))


def _leaves(value: t.Any, path: str, keys: tuple[str, ...], *, in_list: bool = False) -> Iterator[tuple[str, Leaf]]:
    if isinstance(value, dict) and (value or not in_list):
        for key, item in value.items():
            yield from _leaves(item, _below(path, key_text(key)), (*keys, key_text(key)), in_list=in_list)
    elif value and _has_entries(value):
        for name, item, below in _named(value, path):
            yield from _of_entry(item, below, keys, name)
    elif path:
        yield path, Leaf(_plain(value), value != {} and is_secret_place(keys))


def _of_entry(item: t.Any, path: str, keys: tuple[str, ...], name: str) -> Iterator[tuple[str, Leaf]]:
    """Yield what an entry of a list has besides its name, or the entry itself, which holds no more than its path says."""
    said = [f"{path}.{key}" for key in _ONLY_NAMES]
    # The name of an entry says what its value is: env: [{name: PASSWORD, value: …}].
    found = [(below, leaf) for below, leaf in _leaves(item, path, (*keys, name), in_list=True) if below not in said or leaf.value != name]
    yield from found or [(path, Leaf(_plain(item), secret=False))]


def entries(values: Mapping[str, t.Any]) -> dict[str, list[str]]:
    """Return the names of the entries of lists of mappings, in their order, by the path of the list; none of an empty list."""
    return dict(_entries(values, ""))


def _entries(value: t.Any, path: str) -> Iterator[tuple[str, list[str]]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _entries(item, _below(path, key_text(key)))
    elif _has_entries(value):
        named = list(_named(value, path))
        yield path, [name for name, _item, _below in named]
        for _name, item, below in named:
            yield from _entries(item, below)


def emptied(values: Mapping[str, t.Any], other: Mapping[str, t.Any], path: str = "") -> dict[str, Leaf]:
    """Return the empty mappings that stand where other values have something, and no mapping: Helm gives them in its place.

    :param other: the values that would be there without them.
    """
    found: dict[str, Leaf] = {}
    for key, item in values.items():
        there = other.get(key)
        if isinstance(item, dict) and isinstance(there, dict):
            found |= emptied(item, there, _below(path, key_text(key)))
        elif item == {} and there:
            found[_below(path, key_text(key))] = Leaf({}, secret=False)
    return found


def entry_paths(value: t.Any, path: str) -> list[tuple[t.Any, str]]:
    """Return the entries of a list of mappings, each with its path."""
    return [(item, below) for _name, item, below in _named(value, path)] if _has_entries(value) else []


def _has_entries(value: t.Any) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(item, dict) for item in value)


def moved(before: Mapping[str, list[str]], after: Mapping[str, list[str]]) -> list[str]:
    """Return the paths of lists of which entries that both have stand in another order."""
    return sorted(path for path in before.keys() & after.keys() if _common(before[path], after[path]) != _common(after[path], before[path]))


def _common(names: Sequence[str], others: Sequence[str]) -> list[str]:
    return [name for name in names if name in others]


def _below(path: str, key: str) -> str:
    if not _PLAIN.match(key):
        return f"{path}[{json.dumps(key)}]"
    return f"{path}.{key}" if path else key


def _named(entries: Sequence[Mapping[str, t.Any]], path: str) -> Iterator[tuple[str, t.Any, str]]:
    """Yield the entries of a list with their names and their paths."""
    for key in _NAMES:
        names = [entry.get(key) for entry in entries]
        if all(isinstance(name, str) and name for name in names) and len(set(names)) == len(names):
            yield from ((name, entry, entry_path(path, name)) for name, entry in zip(t.cast("list[str]", names), entries))
            return
    only = [list(entry)[0] for entry in entries if len(entry) == 1]
    if len(only) == len(entries) == len(set(only)):
        # As customData has it: a list of one domain each, and of one setting each below it.
        yield from ((key_text(name), entry[name], entry_path(path, key_text(name))) for name, entry in zip(only, entries))
        return
    yield from ((str(number), entry, f"{path}[{number}]") for number, entry in enumerate(entries))


def entry_path(path: str, name: str) -> str:
    """Return the path of an entry of a list by its name; one that could be taken for a number, or for more than a name, stands in quotes."""
    quoted = name.isdigit() or any(mark in name for mark in "[]'")
    return f"{path}['{name}']" if quoted else f"{path}[{name}]"


def _plain(value: t.Any) -> t.Any:
    """Return a value as Helm stores it: as JSON, where 1.0 is 1."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return {key_text(key): _plain(item) for key, item in value.items()} if isinstance(value, dict) else value


def is_below(path: str, given: str) -> bool:
    """Return whether a path is one that somebody gave, or below it."""
    return path == given or path.startswith((f"{given}.", f"{given}["))


def is_any_below(path: str, given: Sequence[str]) -> bool:
    """Return whether a path is one of those that somebody gave, or below one."""
    return any(is_below(path, one) for one in given)


def texts_at(values: Mapping[str, t.Any], given: Sequence[str]) -> list[str]:
    """Return the texts that stand at paths that somebody gave, or below them."""
    return [text for path, leaf in leaves(values).items() if is_any_below(path, given) for _place, text in texts(leaf.value)]


def unknown_paths(given: Sequence[str], *trees: Mapping[str, t.Any]) -> list[str]:
    """Return the paths that somebody gave and at which none of the trees has anything."""
    found = {path for tree in trees for path in leaves(tree)}
    return [one for one in given if not any(is_below(path, one) for path in found)]


def prefixes(paths: Iterable[str]) -> set[str]:
    """Return everything above paths: where a mapping, or a list with names, stands."""
    found: set[str] = set()
    for path in paths:
        found.update(path[: match.start()] for match in re.finditer(r"[.\[]", path))
    return found
