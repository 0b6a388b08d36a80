# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of a run while it goes on: stages by clusters. No I/O."""

from __future__ import annotations

import dataclasses
import json
import typing as t

from .._plan.rows import STEPS
from .._status.words import clean, shortened

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: the stages of a run, in their order; others come after them
STAGES = ("preflight", *STEPS, "report")
WORKING, DONE, FAILED = "working", "done", "failed"
_SIGNS = {DONE: "✓", FAILED: "✗", WORKING: "…"}
#: clusters that one line names
_NAMED = 3
_WHAT = 70


def duration(seconds: float) -> str:
    """Return a time that passes, as a person reads it."""
    whole = max(0, int(seconds))
    return f"{whole} s" if whole < 120 else f"{whole // 60} min {whole % 60} s"


@dataclasses.dataclass
class Doing:
    """What a cluster is doing, and since when."""

    what: str
    since: float


class Board:
    """Stages by clusters."""

    def __init__(self) -> None:
        self.stage, self.stage_since = "", 0.0
        self.cells: dict[str, dict[str, str]] = {}
        self.doing: dict[str, Doing] = {}

    def begin(self, stage: str, now: float) -> None:
        """A task of a stage begins; what was done before is done."""
        if stage != self.stage:
            self.finish()
            self.stage, self.stage_since = stage, now

    def finish(self) -> None:
        """Nobody works any more: whoever worked until now, and did not fail, is done with the stage."""
        for cluster in list(self.doing):
            self.ended(cluster)

    def works(self, cluster: str, what: str, now: float) -> None:
        """A cluster does something from now on."""
        name, said = clean(cluster), clean(what)
        before = self.doing.get(name)
        if before is None or before.what != said:
            self.doing[name] = Doing(said, now)
        stages = self.cells.setdefault(name, {})
        if stages.get(self.stage) != FAILED:
            stages[self.stage] = WORKING

    def ended(self, cluster: str, *, failed: bool = False) -> None:
        """A cluster is done with the stage."""
        name = clean(cluster)
        self.doing.pop(name, None)
        stages = self.cells.setdefault(name, {})
        if stages.get(self.stage) != FAILED:
            stages[self.stage] = FAILED if failed else DONE

    def read(self, text: str) -> None:
        """Take what steps said, one JSON object a line; what is none is left out."""
        for line in text.splitlines():
            try:
                said = json.loads(line)
                self.works(str(said["cluster"]), str(said["what"]), float(said["time"]))
            except (ValueError, TypeError, KeyError, OverflowError):
                continue

    # -- shown

    def line(self, now: float) -> str:
        """Return all of it as one line."""
        states = [stages.get(self.stage) for stages in self.cells.values()]
        counts = ", ".join(f"{states.count(state)} {state}" for state in (DONE, FAILED) if states.count(state))
        oldest = sorted(self.doing.items(), key=lambda entry: entry[1].since)
        said = [f"{shortened(name, 32)}: {shortened(doing.what, _WHAT)} ({duration(now - doing.since)})" for name, doing in oldest[:_NAMED]]
        more = [f"{len(oldest) - _NAMED} more are at work"] if len(oldest) > _NAMED else []
        head = f"{self.stage or 'flyte'}, {duration(now - self.stage_since)}"
        return f"{head}: {'; '.join([*said, *more, *([counts] if counts else [])]) or 'at work'}"

    def stages(self) -> list[str]:
        """Return the stages that some cluster was in, in their order."""
        seen = {stage for stages in self.cells.values() for stage in stages}
        return [stage for stage in STAGES if stage in seen] + sorted(seen - set(STAGES))

    def rows(self, now: float, most: int) -> tuple[list[list[str]], int]:
        """Return a row for each cluster - its name, a sign for each stage, what it is doing - and how many are left out.

        :param most: rows; those that fail or work come first.
        """
        order = sorted(self.cells, key=lambda name: (FAILED not in self.cells[name].values(), name not in self.doing, name))
        stages = self.stages()
        return [self._row(name, stages, now) for name in order[:most]], max(0, len(order) - most)

    def _row(self, name: str, stages: Iterable[str], now: float) -> list[str]:
        cells: Mapping[str, str] = self.cells[name]
        doing = self.doing.get(name)
        what = f"{shortened(doing.what, _WHAT)} ({duration(now - doing.since)})" if doing else ""
        return [shortened(name, 32), *(_SIGNS.get(cells.get(stage, ""), "") for stage in stages), what]
