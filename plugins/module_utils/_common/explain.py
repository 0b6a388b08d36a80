# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tracebacks of what was caught and said in words: for who asks for them (``flyte_explain: true``, or -vvv), without secrets."""

from __future__ import annotations

import os
import traceback

from .redaction import SECRETS

#: the variable of the environment by which an action tells its modules
VARIABLE = "FLYTE_EXPLAIN"
_MOST = 20


class Notes:
    """Keeps the tracebacks of a process, as text."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        #: whether somebody asks for them
        self.wanted = bool(os.environ.get(VARIABLE))

    def note(self, error: BaseException) -> None:
        """Keep the traceback of an exception that was caught."""
        if self.wanted and len(self._texts) < _MOST:
            self._texts.append("".join(traceback.format_exception(error)))

    def taken(self) -> list[str]:
        """Return all that was kept, without the secrets that are known by now, and forget it."""
        texts, self._texts = self._texts, []
        return [SECRETS.text(text) for text in texts]


#: of this process
NOTES = Notes()
