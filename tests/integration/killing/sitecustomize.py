# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Kills a run before it sends a request whose body has a text: between two requests nothing of a playbook begins at which it could be held."""

import http.client
import os
import signal

_TEXT = os.environ.get("FLYTE_TEST_KILL_AT", "").encode()
_SEND = http.client.HTTPConnection.send


def _send(connection: http.client.HTTPConnection, data: object) -> None:
    if _TEXT and isinstance(data, bytes) and _TEXT in data:
        for process in (os.getppid(), os.getpid()):  # a task's process has a group of its own
            os.kill(process, signal.SIGKILL)
    _SEND(connection, data)  # type: ignore[arg-type]


http.client.HTTPConnection.send = _send  # type: ignore[method-assign,assignment]
