# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that a run writes for people: whole or not at all."""

from __future__ import annotations

import os
import tempfile


def write(path: str, text: str, mode: int = 0o644) -> None:
    """Write a file at once: who reads it meanwhile sees the former one. What a link leads to is written; a device or a pipe stays one, and is written to.

    :param mode: who may read it: by default everybody, as the umask of a user who writes a report would have it.
    :raises OSError: it cannot be written, or nobody reads a pipe.
    """
    place = os.path.realpath(path)
    if os.path.exists(place) and not os.path.isfile(place) and not os.path.isdir(place):
        # As root a file would come in the place of /dev/null, and everything on the machine that throws something away would fill it.
        handle = os.open(place, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        os.set_blocking(handle, True)
        with open(handle, "w", encoding="utf-8") as file:
            file.write(text)
        return
    handle, scratch = tempfile.mkstemp(dir=os.path.dirname(place), prefix=f".{os.path.basename(place)[:40]}-")
    try:
        with open(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
        os.chmod(scratch, mode)
        os.replace(scratch, place)
    except BaseException:
        os.unlink(scratch)
        raise
