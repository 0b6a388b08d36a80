# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that a run writes for people: whole or not at all."""

from __future__ import annotations

import os
import tempfile


def write(path: str, text: str) -> None:
    """Write a file at once: who reads it meanwhile sees the former one. A device or a pipe is written to, and stays what it is.

    :raises OSError: it cannot be written, or nobody reads a pipe.
    """
    if os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):
        # As root a file would come in the place of /dev/null, and everything on the machine that throws something away would fill it.
        handle = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        os.set_blocking(handle, True)
        with open(handle, "w", encoding="utf-8") as file:
            file.write(text)
        return
    folder = os.path.dirname(path)
    handle, scratch = tempfile.mkstemp(dir=folder, prefix=f".{os.path.basename(path)[:40]}-")
    try:
        with open(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
        os.chmod(scratch, 0o644)
        os.replace(scratch, path)
    except BaseException:
        os.unlink(scratch)
        raise
