# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong with flyteadmin."""

from __future__ import annotations

import typing as t

from .hints import CHECK_URL

if t.TYPE_CHECKING:
    from collections.abc import Mapping


class AdminError(Exception):
    """A request failed: what was tried, flyteadmin's own code and message, and what to do."""

    def __init__(self, message: str, *, status: int = 0, code: t.Any = None, hint: str = "", result: Mapping[str, t.Any] | None = None) -> None:
        super().__init__(f"{message} {hint}".strip())
        self.message = message
        self.status = status
        self.code = code
        self.hint = hint
        #: what the module returns besides the message
        self.result = dict(result or {})


class ShapeError(AdminError):
    """An answer is JSON, but none of flyteadmin's."""

    def __init__(self, message: str) -> None:
        super().__init__(message, hint=CHECK_URL)
