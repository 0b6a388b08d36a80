# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads files that the inventory names. A pipe that nobody writes to, or a device without an end, would keep a run for ever or take all memory."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import typing as t

if t.TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterable

#: no kubeconfig, values file, certificate or token is larger
MOST_BYTES = 16 << 20


def expanded(path: str) -> str:
    """Return the absolute path of a file that an option names."""
    return os.path.abspath(os.path.expanduser(path))


def bytes_of(path: str) -> bytes:
    """Return what is in a file.

    :raises OSError: it is not there, no regular file, or too large.
    :raises ValueError: it cannot be the name of a file.
    """
    # A pipe is opened only where that does not wait for who writes to it.
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        found = os.fstat(file.fileno())
        if stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        if not stat.S_ISREG(found.st_mode) and not os.path.samestat(found, os.stat(os.devnull)):
            raise OSError(errno.EINVAL, "it is a pipe or a device, not a regular file", path)
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise OSError(errno.EFBIG, f"it is larger than {MOST_BYTES >> 20} MiB", path)
    return content


def text_of(path: str) -> str:
    """Return the text in a file in UTF-8.

    :raises OSError: as of :func:`bytes_of`.
    :raises ValueError: it is no text.
    """
    return bytes_of(path).decode("utf-8").replace("\r\n", "\n")


def digest_of(folders: Iterable[pathlib.Path]) -> str:
    """Return a digest of all files in folders: of their paths there, and of what is in them."""
    content = hashlib.sha256()
    for folder in folders:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            data = path.read_bytes()
            content.update(f"{path.relative_to(folder).as_posix()}\0{len(data)}\0".encode("utf-8", "surrogateescape") + data)
    return content.hexdigest()
