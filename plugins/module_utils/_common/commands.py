# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs programs that the inventory names. One that does not end, or prints without end, would keep a run for ever or take all memory."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import signal
import subprocess
import time
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: no credential and no version is longer
MOST_PRINTED = 1 << 20


def printed_by(command: Sequence[str], *, seconds: float, environment: Mapping[str, str] | None = None, folder: str | None = None) -> tuple[int, bytes]:
    """Return the code with which a program ended, and what it printed. What it says on standard error is not kept.

    :raises OSError: it cannot be run, or prints too much.
    :raises ValueError: the command cannot be one.
    :raises subprocess.TimeoutExpired: it did not end in time.
    """
    ended = time.monotonic() + seconds
    # A session of its own, so that what it started ends with it.
    with subprocess.Popen(
        list(command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, cwd=folder, start_new_session=True
    ) as process:
        try:
            printed = _read(process, ended)
            process.wait(max(ended - time.monotonic(), 0))
        except subprocess.TimeoutExpired:
            _kill(process)
            raise subprocess.TimeoutExpired(list(command), seconds) from None
        except BaseException:
            _kill(process)
            raise
    return process.returncode, printed


def _read(process: subprocess.Popen[bytes], ended: float) -> bytes:
    pipe, found = t.cast("t.IO[bytes]", process.stdout).fileno(), bytearray()
    while True:
        if not select.select([pipe], [], [], max(ended - time.monotonic(), 0))[0]:
            raise subprocess.TimeoutExpired(process.args, 0)
        part = os.read(pipe, 1 << 16)
        if not part:
            return bytes(found)
        found += part
        if len(found) > MOST_PRINTED:
            raise OSError(errno.EFBIG, f"it prints more than {MOST_PRINTED >> 20} MiB")


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
