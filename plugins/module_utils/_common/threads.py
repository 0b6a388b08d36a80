# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work on many things at once; one that does not end is given up, whatever it waits in."""

from __future__ import annotations

import collections
import threading
import time
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_Item = t.TypeVar("_Item")
_Result = t.TypeVar("_Result")

#: clusters that are asked at once where an answer is not sure to come: a thread that waits costs nothing else. Of more, all that answer would share
#: this process so that a busy machine takes them for dead
WIDE = 64


class Overdue(Exception):
    """Work on one thing took too long and was given up."""

    kind = "unreachable"
    hint = "Check that the server answers, and what stands in front of it; flyte_request_timeout sets the time to wait."

    def __init__(self, seconds: float) -> None:
        super().__init__(f"it did not answer everything within {seconds:g} s")


class _Job(t.Generic[_Item, _Result]):
    """All items, what is being done, and what came of it."""

    def __init__(self, work: Callable[[_Item], _Result], items: Sequence[_Item], seconds: float | None) -> None:
        self._work, self._items, self._seconds = work, items, seconds
        self._waiting = collections.deque(range(len(items)))
        self._since: dict[int, float] = {}
        self._results: dict[int, _Result | BaseException] = {}
        self._done = threading.Condition()

    def start_thread(self) -> None:
        """Start one more thread. A daemon, so that one that never ends does not keep the process from ending."""
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        while True:
            with self._done:
                if not self._waiting:
                    return
                index = self._waiting.popleft()
                self._since[index] = time.monotonic()
            try:
                result: _Result | BaseException = self._work(self._items[index])
            except BaseException as error:  # pylint: disable=broad-except  # raised where the results are waited for
                result = error
            with self._done:
                if index in self._results:
                    return  # given up meanwhile: another thread has this one's place
                self._settle(index, result)

    def _settle(self, index: int, result: _Result | BaseException) -> None:
        self._since.pop(index)
        self._results[index] = result
        self._done.notify()

    def wait(self, late: Callable[[_Item, Overdue], _Result] | None) -> list[_Result]:
        """Wait for all results; those that are overdue are what ``late`` says."""
        with self._done:
            while len(self._results) < len(self._items):
                self._done.wait(self._give_up(late))
        results = [self._results[index] for index in range(len(self._items))]
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return t.cast("list[_Result]", results)

    def _give_up(self, late: Callable[[_Item, Overdue], _Result] | None) -> float | None:
        """Give up what is overdue; return in how many seconds the next may be."""
        if self._seconds is None:
            return None
        now = time.monotonic()
        for index in [index for index, since in self._since.items() if now - since >= self._seconds]:
            overdue = Overdue(self._seconds)
            self._settle(index, late(self._items[index], overdue) if late else overdue)
            self.start_thread()
        # Whatever is started from now on has its whole time before it.
        return max(min(self._since.values(), default=now) + self._seconds - now, 0.01)


def in_threads(
    work: Callable[[_Item], _Result],
    items: Sequence[_Item],
    concurrency: int,
    *,
    seconds: float | None = None,
    late: Callable[[_Item, Overdue], _Result] | None = None,
) -> list[_Result]:
    """Return the results of ``work`` for all items, in their order, at most ``concurrency`` at a time.

    :param seconds: for one item. A thread that takes longer is left to itself, and its place given to another one.
    :param late: returns the result of an item that took longer.
    :raises Overdue: where there is no ``late``; what ``work`` raises is raised too.
    """
    job = _Job(work, items, seconds)
    for _number in range(min(max(1, concurrency), len(items))):
        job.start_thread()
    return job.wait(late)


def within(seconds: float, work: Callable[[], _Result]) -> _Result:
    """Return the result of ``work``.

    :raises Overdue: it took longer; what it raises is raised too.
    """
    return in_threads(lambda _nothing: work(), [None], 1, seconds=seconds)[0]
