# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Work on many things at once, of which some never end."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._common.threads import Overdue, in_threads


def test_results_come_in_the_order_of_the_items() -> None:
    def work(number: int) -> int:
        time.sleep(0.02 * (5 - number))
        return number * number

    assert in_threads(work, range(5), 3) == [0, 1, 4, 9, 16]
    assert in_threads(work, [], 3) == []


def test_no_more_than_so_many_at_once() -> None:
    running, most, lock = 0, 0, threading.Lock()

    def work(_number: int) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.02)
        with lock:
            running -= 1

    in_threads(work, range(12), 4)
    assert most == 4


def test_what_work_raises_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        in_threads(lambda number: 1 // number, [1, 0], 2)


def test_one_that_never_ends_is_given_up_and_its_place_taken() -> None:
    never = threading.Event()

    def work(number: int) -> str:
        if number in (0, 1):
            never.wait()
        return f"done {number}"

    started = time.monotonic()
    # Two of two places are taken by what never ends: the others are done all the same.
    found = in_threads(work, range(6), 2, seconds=0.3, late=lambda number, why: f"late {number}: {why}")
    never.set()
    assert found[:2] == [f"late {number}: it did not answer everything within 0.3 s" for number in (0, 1)]
    assert found[2:] == [f"done {number}" for number in range(2, 6)] and time.monotonic() - started < 3
    with pytest.raises(Overdue):
        in_threads(lambda _number: threading.Event().wait(5), [0], 1, seconds=0.1)


def test_a_process_ends_though_a_thread_does_not() -> None:
    code = (
        "import threading, sys; sys.path[:0] = eval(sys.argv[1])\n"
        "from ansible_collections.flyte.multicluster.plugins.module_utils._common.threads import in_threads\n"
        "print(in_threads(lambda _item: threading.Event().wait(), [1], 1, seconds=0.1, late=lambda _item, _why: 'given up'))"
    )
    ran = subprocess.run([sys.executable, "-c", code, repr(sys.path)], capture_output=True, text=True, timeout=20, check=True)
    assert "given up" in ran.stdout
