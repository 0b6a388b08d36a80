# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Planning of execution cluster labels: pure code."""

from __future__ import annotations

from ansible_collections.flyte.multicluster.plugins.module_utils._labels.rows import deletes, plan


def test_deletes_come_with_what_they_take_along() -> None:
    current = {("p", "", ""): "l", ("p", "d", ""): "l", ("p", "d", "w"): "l", ("q", "", ""): "l"}
    changes = plan(current, {}, [("p", "", ""), ("p", "d", "")])
    assert [change.key for change in deletes(changes)] == [("p", "", "")]
    assert changes[0].restores == ((("p", "d", "w"), "l"),)


def test_a_row_that_is_restored_gets_its_wanted_value() -> None:
    current = {("p", "d", ""): "l", ("p", "d", "w"): "old"}
    changes = plan(current, {("p", "d", "w"): "new"}, [("p", "d", "")])
    assert changes[0].restores == ((("p", "d", "w"), "new"),)
