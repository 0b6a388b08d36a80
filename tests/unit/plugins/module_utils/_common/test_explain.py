# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tracebacks of what was caught: only for who asks, and without secrets."""

from __future__ import annotations

from ansible_collections.flyte.multicluster.plugins.module_utils._common.explain import Notes


def _error() -> Exception:
    try:
        raise ValueError("inside")
    except ValueError as error:
        return error


def test_nothing_is_kept_where_nobody_asks() -> None:
    notes = Notes()
    notes.wanted = False
    notes.note(_error())
    assert notes.taken() == []


def test_what_is_kept_is_given_once() -> None:
    notes = Notes()
    notes.wanted = True
    notes.note(_error())
    first = notes.taken()
    assert len(first) == 1 and "ValueError: inside" in first[0] and "test_explain.py" in first[0] and notes.taken() == []
