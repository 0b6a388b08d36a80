# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The progress as lines for a terminal: by the library rich where it is installed, plain otherwise. No I/O."""

from __future__ import annotations

import io
import typing as t

from .._status.terminal import aligned
from .._status.words import shortened
from .board import Board, duration

if t.TYPE_CHECKING:
    import os

#: lines that a terminal keeps for the output itself
_REST = 8
_FEWEST = 3


def drawn(board: Board, now: float, size: os.terminal_size) -> list[str]:
    """Return the progress as lines that fit on a terminal of this size."""
    most = max(_FEWEST, size.lines - _REST)
    rows, more = board.rows(now, most)
    title = f"{board.stage or 'flyte'}, {duration(now - board.stage_since)}" + (f", {more} clusters more" if more else "")
    heads = ["cluster", *board.stages(), "doing"]
    try:
        return _rich(title, heads, rows, size.columns - 1)
    except ImportError:
        return [shortened(line, size.columns - 1) for line in [title, *aligned([heads, *rows])]]


def _rich(title: str, heads: list[str], rows: list[list[str]], width: int) -> list[str]:
    """Return a table drawn by rich.

    :raises ImportError: it is not installed.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    colours = {"✓": "green", "✗": "red", "…": "yellow"}
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="dim")
    for place, head in enumerate(heads):
        table.add_column(head, justify="left" if place in (0, len(heads) - 1) else "center", no_wrap=True, overflow="ellipsis")
    for row in rows:
        # Text, not markup: a cluster's name is whatever somebody called it.
        table.add_row(*(Text(cell, style=colours.get(cell, "")) for cell in row))
    console = Console(file=io.StringIO(), force_terminal=True, width=max(width, 20), legacy_windows=False)
    console.print(table)
    return t.cast("io.StringIO", console.file).getvalue().rstrip("\n").split("\n")
