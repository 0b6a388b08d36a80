# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text for people: the nearest known name, the first of many, tables, ages."""

from __future__ import annotations

import difflib
import textwrap
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def nearest(wrong: t.Any, known: Sequence[str]) -> str:
    """Return a sentence that names the most similar of the known names, or nothing."""
    found = difflib.get_close_matches(str(wrong), list(known), n=1, cutoff=0.5)
    return f" Did you mean {found[0]!r}?" if found else ""


def table(rows: Sequence[Mapping[str, t.Any]], columns: Sequence[str]) -> list[str]:
    """Return rows as lines of aligned text, for a message."""
    cells = [[column.replace("_", " ").upper() for column in columns]]
    cells += [["-" if row.get(column) in (None, "", []) else str(row[column]) for column in columns] for row in rows]
    widths = [max(len(line[number]) for line in cells) for number in range(len(columns))]
    return ["  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip() for line in cells]


def wrapped(rows: Sequence[Mapping[str, t.Any]], widths: Mapping[str, int]) -> list[dict[str, str]]:
    """Return rows whose long cells are broken over further rows, so that a table fits on a screen."""
    broken = []
    for row in rows:
        cells = {column: textwrap.wrap(str(row.get(column) or "-"), width, break_on_hyphens=False) for column, width in widths.items()}
        for number in range(max(len(lines) for lines in cells.values())):
            broken.append({column: lines[number] if number < len(lines) else " " for column, lines in cells.items()})
    return broken


def first(names: Sequence[str], most: int, separator: str = ", ") -> str:
    """Return so many names, and how many more there are."""
    more = len(names) - most
    return separator.join(names[:most]) + (f" and {more} more" if more > 0 else "")


def age(seconds: float | None) -> str:
    """Return an age as kubectl shows it."""
    if seconds is None:
        return "-"
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= 2 * size:
            return f"{int(seconds // size)}{unit}"
    return f"{int(seconds)}s"


def visible(text: str) -> str:
    """Return a text with what a screen would not show, or obey, written out; lines stay lines."""
    return text if text.isprintable() else "".join(char if char.isprintable() or char == "\n" else repr(char)[1:-1] for char in text)
