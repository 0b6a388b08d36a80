# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Something is done with many clusters at once; what goes wrong with one, also that it takes too long, is its own failure."""

from __future__ import annotations

import typing as t

from .._common.threads import WIDE, in_threads
from .errors import failure_of

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    _Item = t.TypeVar("_Item")
    _Result = t.TypeVar("_Result")

#: so many timeouts of one answer a cluster has for all of them, whatever it sends and however slowly
PATIENCE = 2


def each(
    work: Callable[[_Item], _Result],
    items: Sequence[_Item],
    *,
    seconds: float,
    failed: Callable[[_Item, dict[str, t.Any]], _Result],
    concurrency: int = WIDE,
) -> list[_Result]:
    """Return the results of ``work`` for all items, in their order.

    :param seconds: for one item, which is given up then.
    :param failed: returns the result of an item that failed, of what :func:`failure_of` says. A thread that was given up may still be at work.
    """

    def one(item: _Item) -> _Result:
        try:
            return work(item)
        except Exception as error:  # pylint: disable=broad-except  # one cluster's failure, whatever it is
            return failed(item, failure_of(error))

    return in_threads(one, items, concurrency, seconds=seconds, late=lambda item, why: failed(item, failure_of(why)))


def changed_in_each(
    work: Callable[[Mapping[str, t.Any]], dict[str, t.Any]], params: Mapping[str, t.Any]
) -> tuple[dict[str, dict[str, t.Any]], list[dict[str, t.Any]]]:
    """Change something in each of a module's clusters; return what became of those that took it, by their names, and the failures of the others.

    :param params: ``clusters``, ``concurrency`` and ``timeout``, of one answer; reading and writing takes several.
    """

    def failed(cluster: Mapping[str, t.Any], why: Mapping[str, t.Any]) -> dict[str, t.Any]:
        return {"failure": {"name": cluster["name"], "error": why["message"], "hint": why["hint"]}}

    found = each(work, params["clusters"], concurrency=params["concurrency"], seconds=2 * PATIENCE * params["timeout"], failed=failed)
    done = {cluster["name"]: entry for cluster, entry in zip(params["clusters"], found) if "failure" not in entry}
    return done, [entry["failure"] for entry in found if "failure" in entry]
