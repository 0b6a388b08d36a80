# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A container as a process of this machine."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import signal
import subprocess
import time
import typing as t

from pods import now

#: As a kubelet: the first restart at once, then twice as long each time. A kubelet starts with 10 s and goes up to 300 s.
_BACK_OFF, _LONGEST_BACK_OFF = 2.0, 30.0
#: what ran for so long is started again without waiting
_LONG = 60.0
#: A process that lasted so long runs. A kubelet too needs about a second to see that a container started.
SETTLED = 1.5
#: A kubelet gives 30 s; what of the lab does not end in that time is of no use any more.
_GRACE = 5.0
#: as much of its log as a kubelet puts into the status
_MESSAGE = 2048


@dataclasses.dataclass(frozen=True)
class Program:
    """What a container runs: here, not in a container."""

    command: list[str]
    environment: dict[str, str]
    folder: pathlib.Path


class Container:
    """One container of a pod: its process, and how often and how it ended."""

    def __init__(self, name: str, log: pathlib.Path, *, message_from_log: bool) -> None:
        self.name = name
        self.restarts = 0
        #: how the process of before ended, as the status has it
        self.last: dict[str, t.Any] | None = None
        self._log = log
        self._log_from = 0
        self._message_from_log = message_from_log
        self._process: subprocess.Popen[bytes] | None = None
        self._started, self._started_text = 0.0, ""
        self._wait, self._again_at = 0.0, 0.0

    # -- what it does

    def start(self, program: Program) -> None:
        """Start its process, after the first time as a restart."""
        if self.last is not None:
            self.restarts += 1
        self._started, self._started_text = time.monotonic(), now()
        with open(self._log, "ab") as log:
            self._log_from = log.tell()
            try:
                self._process = subprocess.Popen(
                    program.command,
                    cwd=program.folder,
                    env=program.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except OSError as problem:
                self._ended(128, "StartError", f"exec: {problem}")

    def look(self) -> bool:
        """Return whether its process ended since the last look."""
        code = self._process.poll() if self._process else None
        if self._process is None or code is None:
            return False
        self._process = None
        self._ended(128 - code if code < 0 else code, "Completed" if code == 0 else "Error", self._tail())
        return True

    def _ended(self, code: int, reason: str, message: str) -> None:
        quickly = time.monotonic() - self._started < _LONG
        self._wait = min(self._wait * 2 or _BACK_OFF, _LONGEST_BACK_OFF) if quickly and self.last is not None else 0.0
        self._again_at = time.monotonic() + self._wait
        self.last = {"exitCode": code, "reason": reason, "message": message, "startedAt": self._started_text, "finishedAt": now()}

    def _tail(self) -> str:
        if not self._message_from_log:
            return ""
        with open(self._log, "rb") as log:
            log.seek(max(self._log_from, log.seek(0, os.SEEK_END) - _MESSAGE))
            return log.read().decode(errors="replace")

    def stop(self) -> None:
        """End its process and all that it started."""
        if self._process is None:
            return
        try:
            os.killpg(self._process.pid, signal.SIGTERM)
            self._process.wait(_GRACE)
        except (subprocess.TimeoutExpired, ProcessLookupError):
            pass
        try:
            os.killpg(self._process.pid, signal.SIGKILL)  # also what its first process left behind
        except ProcessLookupError:
            pass
        self._process.wait()
        self._process = None

    # -- what it is like

    @property
    def running(self) -> bool:
        """Whether it has a process."""
        return self._process is not None

    @property
    def settled(self) -> bool:
        """Whether its process has run for a moment."""
        return self.running and time.monotonic() - self._started > SETTLED

    @property
    def due(self) -> bool:
        """Whether it is to be started again now."""
        return not self.running and time.monotonic() >= self._again_at

    def state(self, pod: str) -> dict[str, t.Any]:
        """Return its state as the status of its pod has it."""
        if self.settled:
            return {"running": {"startedAt": self._started_text}}
        if self._wait:
            message = f"back-off {self._wait:g}s restarting failed container={self.name} pod={pod}"
            return {"waiting": {"reason": "CrashLoopBackOff", "message": message}}
        return {"terminated": self.last} if self.last else {"waiting": {"reason": "ContainerCreating"}}
