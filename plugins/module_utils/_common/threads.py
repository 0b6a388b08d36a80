# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work on many things at once."""

from __future__ import annotations

import concurrent.futures
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_Item = t.TypeVar("_Item")
_Result = t.TypeVar("_Result")

#: clusters that are asked at once where an answer is not sure to come: a thread that waits costs nothing else
WIDE = 256


def in_threads(work: Callable[[_Item], _Result], items: Sequence[_Item], concurrency: int) -> list[_Result]:
    """Return the results of ``work`` for all items, in their order, at most ``concurrency`` at a time."""
    if not items:
        return []
    with concurrent.futures.ThreadPoolExecutor(max_workers=max(1, min(concurrency, len(items)))) as pool:
        return list(pool.map(work, items))
