# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file that a plan is written to, and the one that somebody approved."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.flyte.multicluster.plugins.module_utils._common import written
from ansible_collections.flyte.multicluster.plugins.module_utils._common.files import expanded, text_of
from ansible_collections.flyte.multicluster.plugins.module_utils._common.redaction import SECRETS
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.reader import NOT_SHOWN, Fault
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.approval import approved_plan, document, elsewhere, encoded, not_approved
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rows import Failure
from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import Refused

if t.TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Site
    from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rows import Row

_PLAN, _APPROVED, _KEY = "flyte_plan_file", "flyte_approved_plan", "flyte_plan_key"
_ANEW = f"Plan anew (--check -e {_PLAN}=FILE), and have it approved"
#: characters of a key of fingerprints, which whoever reads the plan must not be able to guess
_SHORTEST_KEY = 20


class PlanFiles:
    """Both files of a run, where it has them. What is wrong with one is refused before anything is asked."""

    def __init__(self, site: Site, read: Callable[[str, str], t.Any]) -> None:
        """Look at the files.

        :raises Refused: one cannot be used.
        """
        self._host, self._hosts = site.control_plane.host, [cluster.host for cluster in site.clusters]
        #: of the fingerprints of secrets of which nothing in a cluster is a key. A secret.
        self.key: str | None = str(read(self._host, _KEY) or "").strip() or None
        if self.key and len(self.key) < _SHORTEST_KEY:
            remedy = f"is shorter than {_SHORTEST_KEY} characters: who reads the plan could guess it, and then the secrets. Make one: openssl rand -hex 32."
            raise self._wrong(_KEY, NOT_SHOWN, remedy)
        #: what a plan is for, by name: known once the clusters were asked
        self.places: dict[str, str] = {}
        for name in (_PLAN, _APPROVED):
            if site.settings[name] == "":
                remedy = "is empty, as a variable that nobody set makes it: such a run would be held to nothing. Name the file, or leave it out."
                raise self._wrong(name, "", remedy)
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

    @property
    def holds(self) -> bool:
        """Whether a run is held to an approved plan."""
        return self._approved is not None

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
        lines = (elsewhere(SECRETS.data(self.places), self._approved, self._hosts) if self._approved is not None else []) + self.not_approved(rows)
        if lines:
            remedy = f"this run would do what that plan does not say. {_ANEW}:"
            raise Refused(str(Fault(self._host, _APPROVED, self._given, remedy)), *(f"  {line}" for line in lines))
        if self._plan and write:
            self._write(self._plan, encoded(document(rows, removed, self.places, SECRETS.data)))

    def not_approved(self, rows: Sequence[Row]) -> list[str]:
        """Return what of rows the approved plan does not say, as lines; nothing where the run has none."""
        return not_approved(document(rows, [], shown=SECRETS.data), self._approved) if self._approved is not None else []

    def failure(self, host: str, step: str, rows: Sequence[Row]) -> Failure | None:
        """Return why a step is not carried out that turned out to be another one than the plan said; None where it is what was approved."""
        lines = self.not_approved(rows)
        return Failure(host, step, f"not done, since {_APPROVED} does not say it: {'; '.join(lines)}", f"{_ANEW}.") if lines else None

    def _write(self, given: str, text: str) -> None:
        try:
            written.write(expanded(given), text)  # it holds no secret, and others have to read it
        except OSError as error:
            raise self._wrong(_PLAN, given, f"cannot be written: {error.strerror}.") from error
