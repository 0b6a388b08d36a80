# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of values that no template of the chart reads: Helm takes each silently, and a mistyped one has no effect. No I/O.

The chart's own values do not have every key that its templates read, and many of its mappings are the user's (annotations, resources). So a key that the
chart's values do not have is a mistake only where they have another one beside it that it can be taken for.
"""

from __future__ import annotations

import re
import typing as t

from .parts import references

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

#: mappings whose keys are names of the user's, or of Kubernetes
_OPEN = re.compile(r".*(annotations|labels|selector|env|vars|limits|requests|manifest|data|affinity|secrets|types|labelClusterMap)", re.IGNORECASE)
#: letters of a key of which one, or two, may be wrong
_SHORTEST, _LONG = 5, 8
_COUNTERPARTS = (("min", "max"), ("max", "min"))


def mistyped_keys(values: Mapping[str, t.Any], chart: Mapping[str, t.Any], path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the path of each key that can be taken for one beside it in the chart's values, and that one.

    :param values: the user's.
    :param chart: the chart's own, all that belong to the release merged.
    """
    known = [key for key in chart if key != "*"]
    for key, item in values.items():
        below = f"{path}.{key}" if path else str(key)
        if key in chart:
            if isinstance(item, dict) and isinstance(chart[key], dict) and not _OPEN.fullmatch(key):
                yield from mistyped_keys(item, chart[key], below)
        elif isinstance(key, str) and "*" not in chart:
            meant = next((other for other in known if isinstance(other, str) and _taken_for(key, other)), None)
            if meant:
                yield below, meant


def unread_settings(settings: Iterable[str], chart: Mapping[str, t.Any], users: Iterable[Mapping[str, t.Any]]) -> list[str]:
    """Return the names in ``userSettings`` that nothing reads: neither the chart's values files nor the user's own values.

    :param settings: the user's names.
    :param chart: the chart's own, all that belong to the release merged.
    :param users: the user's values, which may refer to settings of their own.
    """
    form = chart.get("userSettings")
    own = [name for name in settings if name not in (form if isinstance(form, dict) else ())]
    read = set(references([chart, *users])) if own else set()
    return [] if None in read else [name for name in own if name not in read]


def _taken_for(key: str, known: str) -> bool:
    """Return whether one key was probably meant for another one; ``a1`` is not meant for ``a2``, nor a smallest for a largest."""
    plain, other = _plain(key), _plain(known)
    if plain == other:
        return True
    shortest = min(len(plain), len(other))
    if shortest < _SHORTEST or re.sub(r"\d", "", plain) == re.sub(r"\d", "", other):
        return False
    if any(plain.replace(one, two) == other for one, two in _COUNTERPARTS):
        return False
    return _differs_by(plain, other, 2 if shortest >= _LONG else 1)


def _plain(key: str) -> str:
    return re.sub(r"[-_.]", "", key).lower()


def _differs_by(one: str, two: str, most: int) -> bool:
    """Return whether at most so many letters are left out, added, wrong, or exchanged with the next."""
    if abs(len(one) - len(two)) > most:
        return False
    before: list[int] = []
    row = list(range(len(two) + 1))
    for number, letter in enumerate(one, 1):
        above, row_before, row = row, before, [number]
        for place, other in enumerate(two, 1):
            cost = min(above[place] + 1, row[place - 1] + 1, above[place - 1] + (letter != other))
            if number > 1 and place > 1 and letter == two[place - 2] and one[number - 2] == other:
                cost = min(cost, row_before[place - 2] + 1)
            row.append(cost)
        before = above
    return row[-1] <= most
