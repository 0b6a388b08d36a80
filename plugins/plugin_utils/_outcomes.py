# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the steps of a run gave so far: the results that their tasks registered, by inventory host."""

from __future__ import annotations

import functools
import typing as t

from ansible_collections.flyte.multicluster.plugins.plugin_utils._known import from_rows

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rows import Failure
    from ansible_collections.flyte.multicluster.plugins.plugin_utils._variables import HostVariables


class Outcomes:
    """Reads the results of the given names on the given hosts. A result has ``failures``, rows by inventory host."""

    def __init__(self, variables: HostVariables, hosts: Sequence[str], names: Sequence[str]) -> None:
        self._variables, self._hosts, self._names = variables, hosts, names

    def of(self, name: str) -> dict[str, t.Any] | None:
        """Return a result that some host has, None where that task did not run."""
        return next((result for host in self._hosts if (result := self._variables.result(host, name))), None)

    @functools.cached_property
    def all(self) -> list[dict[str, t.Any]]:
        """All results; one that a task registered on several hosts at once, once."""
        found: list[dict[str, t.Any]] = []
        for name in self._names:
            for host in self._hosts:
                result = self._variables.result(host, name)
                if result is not None and result not in found:
                    found.append(result)
        return found

    @property
    def changed(self) -> bool:
        """Whether any of them changed something."""
        return any(result.get("changed") for result in self.all)

    @property
    def made_by_other(self) -> bool:
        """Whether a run beside this one was faster with something that this one wanted, too: its pods may be starting still."""
        return any(result.get("made_by_other") for result in self.all)

    def failures(self) -> list[Failure]:
        """Return what failed, each once."""
        rows = [row for result in self.all for row in result.get("failures") or []]
        return list(dict.fromkeys(from_rows(rows)))
