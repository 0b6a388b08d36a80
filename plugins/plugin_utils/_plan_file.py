# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file that a plan is written to, and the one that somebody approved."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.flyte.multicluster.plugins.module_utils._common.files import expanded, text_of
from ansible_collections.flyte.multicluster.plugins.module_utils._common.redaction import SECRETS
from ansible_collections.flyte.multicluster.plugins.module_utils._common.written import write
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.reader import Fault
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.approval import approved_plan, document, encoded, not_approved
from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import Refused

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Site
    from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rows import Row

_PLAN, _APPROVED = "flyte_plan_file", "flyte_approved_plan"


class PlanFiles:
    """Both files of a run, where it has them. What is wrong with one is refused before anything is asked."""

    def __init__(self, site: Site) -> None:
        """Look at the files.

        :raises Refused: one cannot be used.
        """
        self._host = site.control_plane.host
        self._plan: str | None = site.settings[_PLAN]
        self._given: str | None = site.settings[_APPROVED]
        self._approved = self._read(self._given) if self._given else None
        folder = os.path.dirname(expanded(self._plan)) if self._plan else None
        if folder and not os.path.isdir(folder):
            raise self._wrong(_PLAN, self._plan, f"there is no folder {folder}.")

    @property
    def wanted(self) -> bool:
        """Whether a run needs all of its plan: it is written down, or held to one."""
        return bool(self._plan or self._approved)

    def _wrong(self, variable: str, value: t.Any, remedy: str) -> Refused:
        return Refused(str(Fault(self._host, variable, value, remedy)))

    def _read(self, path: str) -> dict[str, t.Any]:
        try:
            return approved_plan(text_of(expanded(path)))
        except OSError as error:
            raise self._wrong(_APPROVED, path, f"{error.strerror}.") from error
        except UnicodeDecodeError as error:
            raise self._wrong(_APPROVED, path, "is no text in UTF-8: it has to be what flyte_plan_file wrote.") from error
        except ValueError as error:
            raise self._wrong(_APPROVED, path, f"{error}.") from error

    def use(self, rows: Sequence[Row], removed: Sequence[str], *, write: bool) -> None:
        """Hold a run to the approved plan, and write down its own.

        :param removed: what is taken away, as lines.
        :param write: whether this is the first plan of the run.
        :raises Refused: it would do anything else, or the file cannot be written.
        """
        if not self.wanted:
            return
        plan = SECRETS.data(document(rows, removed))
        lines = not_approved(plan, self._approved) if self._approved is not None else []
        if lines:
            remedy = f"this run would do what that plan does not say. Plan anew (--check -e {_PLAN}=FILE), and have it approved:"
            raise Refused(str(Fault(self._host, _APPROVED, self._given, remedy)), *(f"  {line}" for line in lines))
        if self._plan and write:
            self._write(self._plan, encoded(plan))

    def _write(self, given: str, text: str) -> None:
        """Write a file, whole or not at all."""
        try:
            write(expanded(given), text)
        except OSError as error:
            raise self._wrong(_PLAN, given, f"cannot be written: {error.strerror}.") from error
