# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a run writes for people comes whole, and takes the place of a file alone."""

from __future__ import annotations

import os
import pathlib
import stat
import threading

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._common.written import write


def test_a_file_is_replaced_and_nothing_else_is_left(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "file"
    for text in ("one", "two"):
        write(str(path), text)
        assert path.read_text(encoding="utf-8") == text and list(tmp_path.iterdir()) == [path]
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_pipe_is_written_to_and_stays_one(tmp_path: pathlib.Path) -> None:
    """As a device does: root, who may replace /dev/null, did."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(OSError, match="No such device"):  # nobody reads it: a run would wait for ever
        write(str(path), "text")
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(path.read_text(encoding="utf-8")), daemon=True)
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    reader.start()
    try:
        write(str(path), "text" * 100_000)
        reader.join(timeout=30)
    finally:
        os.close(handle)
    assert read == ["text" * 100_000] and stat.S_ISFIFO(path.stat().st_mode) and list(tmp_path.iterdir()) == [path]
