# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: progress
type: notification
short_description: Show what each cluster is doing, and since when
version_added: 0.1.0
author:
  - flyte.multicluster contributors (!UNKNOWN)
description:
  - While a playbook of this collection runs, shows its stages and its clusters. On a terminal that is a table below the output, which is drawn anew each half
    second, with colours where the Python library C(rich) is installed; elsewhere, in the log of a job for example, one line every few seconds while
    something goes on.
  - Waits say what they wait for. No secret is shown.
  - It is off by default, and costs nothing then. What steps say goes through a file in the temporary folder of the run, which is removed at its end.
requirements:
  - enable it, by C(ANSIBLE_CALLBACKS_ENABLED=flyte.multicluster.progress) or C(callbacks_enabled) in ansible.cfg
options:
  interval:
    description: Seconds between two lines, where there is no terminal.
    type: float
    default: 5
    env:
      - name: FLYTE_PROGRESS_INTERVAL
    ini:
      - section: callback_flyte_progress
        key: interval
  terminal:
    description: Whether a table is drawn. V(auto) draws one where the output is a terminal.
    type: str
    choices: [auto, never]
    default: auto
    env:
      - name: FLYTE_PROGRESS_TERMINAL
    ini:
      - section: callback_flyte_progress
        key: terminal
"""

import contextlib
import os
import shutil
import sys
import threading
import time
import typing as t

from ansible import constants as C
from ansible.plugins.callback import CallbackBase
from ansible_collections.flyte.multicluster.plugins.module_utils._common.progress import VARIABLE
from ansible_collections.flyte.multicluster.plugins.module_utils._progress.board import Board
from ansible_collections.flyte.multicluster.plugins.module_utils._progress.drawing import drawn

_COLLECTION = "flyte.multicluster."
#: seconds between two drawings, and between two looks at what was said
_TICK = 0.5


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Shows the progress of a run. Nothing of a run depends on it."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "flyte.multicluster.progress"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args: t.Any, **kwargs: t.Any) -> None:
        super().__init__(*args, **kwargs)
        self._board, self._lock, self._ended = Board(), threading.RLock(), threading.Event()
        self._path, self._offset, self._height = "", 0, 0
        self._main, self._own, self._next = os.getpid(), False, 0.0
        self._thread: threading.Thread | None = None
        self._drawing, self._steps_aside = False, False

    # -- the run

    def v2_playbook_on_start(self, playbook: t.Any) -> None:  # noqa: ARG002
        """Begin to listen. One command may have several playbooks."""
        self._end()
        self._board, self._ended, self._offset = Board(), threading.Event(), 0
        self._path = os.path.join(C.DEFAULT_LOCAL_TMP, "flyte-progress")
        os.close(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        os.environ[VARIABLE] = self._path
        self._drawing = self.get_option("terminal") == "auto" and sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        if self._drawing:
            self._clear_before_others()
        self._next = time.time() + float(self.get_option("interval"))
        self._thread = threading.Thread(target=self._go_on, daemon=True)
        self._thread.start()

    def v2_playbook_on_task_start(self, task: t.Any, is_conditional: bool) -> None:  # noqa: ARG002
        """A task begins: of which stage, its role says."""
        role = getattr(task, "_role", None)
        name = str(role.get_name()) if role else ""
        with self._lock:
            self._read()
            self._own = name.startswith(_COLLECTION) or str(task.action).startswith(_COLLECTION)
            if self._own:
                self._board.begin(name.removeprefix(_COLLECTION) if role else str(task.action).removeprefix(f"{_COLLECTION}flyte_"), time.time())

    def v2_runner_on_start(self, host: t.Any, task: t.Any) -> None:
        """A host begins with a task."""
        with self._lock:
            if self._own:
                self._board.works(str(host.get_name()), str(task.get_name()).rpartition(" : ")[2], time.time())

    def v2_runner_on_ok(self, result: t.Any) -> None:
        """A host has done a task."""
        self._result(result, failed=False)

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:  # noqa: ARG002
        """A host has failed, or a step has, for those that it names."""
        self._result(result, failed=True)

    def v2_runner_on_unreachable(self, result: t.Any) -> None:
        """A host does not answer."""
        self._result(result, failed=True)

    def v2_runner_on_skipped(self, result: t.Any) -> None:
        """A host has nothing to do."""
        self._result(result, failed=False)

    def v2_playbook_on_stats(self, stats: t.Any) -> None:  # noqa: ARG002
        """The run has ended."""
        self._end()

    def _end(self) -> None:
        self._ended.set()
        if self._thread:
            self._thread.join(timeout=5)
        with self._quietly():
            self._clear()
            self._drawing = False
        os.environ.pop(VARIABLE, None)
        with contextlib.suppress(OSError):
            os.unlink(self._path)

    def _result(self, result: t.Any, *, failed: bool) -> None:
        # ansible-core 2.18 has these with an underscore only.
        content = getattr(result, "result", None) or getattr(result, "_result", None) or {}
        host = getattr(result, "host", None) or getattr(result, "_host", None)
        if host is None or not self._own:
            return
        rows = [row for row in content.get("failures") or [] if isinstance(row, dict)] if isinstance(content, dict) else []
        with self._lock:
            self._read()
            for row in rows:
                self._board.ended(str(row.get("host")), failed=True)
            self._board.ended(str(host.get_name()), failed=failed and not rows)
            # A task that is for many clusters at once runs on one host.
            self._board.finish() if rows or "failures" in content or "rows" in content else None

    # -- shown

    def _read(self) -> None:
        """Take what steps said since the last time. The caller holds the lock."""
        with contextlib.suppress(OSError), open(self._path, "rb") as file:
            file.seek(self._offset)
            said = file.read(1 << 20)
            whole = said[: said.rfind(b"\n") + 1]
            self._offset += len(whole)
            self._board.read(whole.decode("utf-8", "replace"))

    def _go_on(self) -> None:
        while not self._ended.wait(_TICK):
            with self._lock:
                self._read()
                now = time.time()
                at_work = self._own and bool(self._board.doing)
                line = self._board.line(now)
                lines = drawn(self._board, now, shutil.get_terminal_size()) if self._drawing and at_work else []
            if self._drawing:
                self._draw(lines)
            elif at_work and now >= self._next:
                self._next = now + float(self.get_option("interval"))
                self._display.display(line)

    def _draw(self, lines: list[str]) -> None:
        with self._quietly():
            self._clear()
            if lines:
                sys.stdout.write("".join(f"{line}\n" for line in lines))
                sys.stdout.flush()
            self._height = len(lines)

    def _clear(self) -> None:
        """Take away what was drawn. Nobody else writes meanwhile."""
        if self._height:
            sys.stdout.write(f"\r\x1b[{self._height}A\x1b[J")
            sys.stdout.flush()
        self._height = 0

    def _quietly(self) -> t.Any:
        """Return what nobody writes within, and within which no process is made: Ansible's own lock for both."""
        return getattr(self._display, "_lock", None) or contextlib.nullcontext()

    def _clear_before_others(self) -> None:
        """Take away what was drawn before Ansible writes something: it stands below all output."""
        if self._steps_aside:
            return
        self._steps_aside = True
        original = self._display.display

        def display(*args: t.Any, **kwargs: t.Any) -> t.Any:
            if os.getpid() != self._main:
                return original(*args, **kwargs)  # of a task's process: it goes to this one
            with self._quietly():
                self._clear()
                return original(*args, **kwargs)

        self._display.display = display
