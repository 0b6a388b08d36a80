# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong with one cluster. Whatever it is, it is that cluster's failure and never the run's.

Texts of exceptions that are not ours are not shown: they may hold what was read, a token for example.
"""

from __future__ import annotations

import contextlib
import typing as t

from .._common.explain import NOTES
from .._common.text import visible

if t.TYPE_CHECKING:
    from collections.abc import Iterator


#: the ``reason`` of an answer that was longer than what is read of one; none of Kubernetes' own
TOO_LARGE = "too large"


class KubeError(Exception):
    """A request failed. ``hint`` says what to do.

    ``kind`` is ``config`` (the options are wrong), ``access`` (what they name is broken), ``unreachable`` or ``api``.
    """

    def __init__(self, kind: str, message: str, *, status: int = 0, reason: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.status = status
        self.reason = reason
        self.hint = hint

    @property
    def is_absent(self) -> bool:
        """Whether the server answered that there is no such object."""
        return self.status == 404

    @property
    def is_too_large(self) -> bool:
        """Whether the answer was longer than what is read of one."""
        return self.reason == TOO_LARGE


@contextlib.contextmanager
def reading(what: str, remedy: str) -> Iterator[None]:
    """Make whatever is wrong with an object an error that names it.

    :raises KubeError: of the kind ``api``, for an exception that does not say itself what to do.
    """
    try:
        yield
    except Exception as error:
        if hasattr(error, "hint") or isinstance(error, ImportError):
            raise
        NOTES.note(error)
        raise KubeError("api", f"{what} cannot be read ({type(error).__name__})", hint=remedy) from error


def failure_of(error: Exception) -> dict[str, t.Any]:
    """Return an exception as a failure of one cluster: ``kind``, ``message`` and ``hint``."""
    if hasattr(error, "hint"):  # one of ours
        # It quotes what a server says, which a screen must not obey.
        said, hint = visible(str(getattr(error, "message", None) or error)), visible(str(error.hint))
        return {"kind": getattr(error, "kind", "api"), "message": said, "hint": hint}
    if isinstance(error, ImportError):
        hint = "Install it for the Python interpreter that runs this module."
        return {"kind": "config", "message": f"the Python library {error.name} is missing", "hint": hint}
    NOTES.note(error)
    hint = "Check that an API server of Kubernetes answers there, and no proxy or login page; if it does, "
    hint += "report this as a bug, with what flyte_explain: true shows."
    return {"kind": "api", "message": f"its answers cannot be understood ({type(error).__name__})", "hint": hint}
