# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values by key path: ``flyteadmin.replicaCount``, ``configmap.clusters.clusterConfigs[dataplane_1].endpoint``. No I/O.

An entry of a list has the name that it has itself: ``name`` or ``id``, the mount path of a second mount, the domain of an entry of customData. Where the
entries of a list have none, or not each one of its own, they are numbered. A key with a dot in it stands in quotes: ``annotations["a.b/c"]``.
"""

from __future__ import annotations

import json
import re
import typing as t

from .._common.redaction import is_secret_place
from .parts import texts

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_PLAIN = re.compile(r"[\w-]+\Z")
#: what an entry of a list may be called by
_NAMES = ("name", "id", "mountPath", "displayName")


class Leaf(t.NamedTuple):
    """A value that is no mapping, and no list of mappings."""

    value: t.Any
    #: whether its place says that it is a secret
    secret: bool


def leaves(values: Mapping[str, t.Any]) -> dict[str, Leaf]:
    """Return the values by path. What is empty is none: it takes away nothing and gives nothing."""
    return dict(_leaves(values, "", ()))


def _leaves(value: t.Any, path: str, keys: tuple[str, ...]) -> Iterator[tuple[str, Leaf]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, _below(path, str(key)), (*keys, str(key)))
    elif isinstance(value, (list, tuple)) and value and all(isinstance(item, dict) for item in value):
        for name, item in _named(value):
            # The name of an entry says what its value is: env: [{name: PASSWORD, value: …}].
            yield from ((below, leaf) for below, leaf in _leaves(item, f"{path}[{name}]", (*keys, name)) if below != f"{path}[{name}].name")
    elif not path:
        return
    else:
        yield path, Leaf(_plain(value), is_secret_place(keys))


def _below(path: str, key: str) -> str:
    if not _PLAIN.match(key):
        return f"{path}[{json.dumps(key)}]"
    return f"{path}.{key}" if path else key


def _named(entries: Sequence[Mapping[str, t.Any]]) -> Iterator[tuple[str, t.Any]]:
    """Yield the entries of a list with their names."""
    for key in _NAMES:
        names = [entry.get(key) for entry in entries]
        if all(isinstance(name, str) and name for name in names) and len(set(names)) == len(names):
            yield from zip(t.cast("list[str]", names), entries)
            return
    only = [list(entry)[0] for entry in entries if len(entry) == 1]
    if len(only) == len(entries) == len(set(only)):
        # As customData has it: a list of one domain each, and of one setting each below it.
        yield from ((str(name), entry[name]) for name, entry in zip(only, entries))
        return
    yield from ((str(number), entry) for number, entry in enumerate(entries))


def _plain(value: t.Any) -> t.Any:
    """Return a value as Helm stores it: as JSON, where 1.0 is 1."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return {str(key): _plain(item) for key, item in value.items()} if isinstance(value, dict) else value


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
