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


def test_a_file_is_replaced_has_its_mode_and_nothing_else_is_left(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "file"
    for text, mode in (("one", 0o644), ("two", 0o600)):
        write(str(path), text, mode)
        assert path.read_text(encoding="utf-8") == text and list(tmp_path.iterdir()) == [path] and stat.S_IMODE(path.stat().st_mode) == mode


def test_what_a_link_leads_to_is_written(tmp_path: pathlib.Path) -> None:
    (tmp_path / "www").mkdir()
    link = tmp_path / "status.html"
    link.symlink_to("www/index.html")
    for text in ("new", "newer"):
        write(str(link), text)
        assert link.is_symlink() and (tmp_path / "www" / "index.html").read_text(encoding="utf-8") == text


@pytest.mark.parametrize("through_a_link", [False, True])
def test_a_pipe_is_written_to_and_stays_one(tmp_path: pathlib.Path, through_a_link: bool) -> None:
    """As a device does: root, who may replace /dev/null, did."""
    path, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(path)
    link.symlink_to(path)
    given = str(link if through_a_link else path)
    with pytest.raises(OSError, match="No such device"):  # nobody reads it: a run would wait for ever
        write(given, "text")
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(path.read_text(encoding="utf-8")), daemon=True)
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    reader.start()
    try:
        write(given, "text" * 100_000)
        reader.join(timeout=30)
    finally:
        os.close(handle)
    assert read == ["text" * 100_000] and stat.S_ISFIFO(path.stat().st_mode) and sorted(os.listdir(tmp_path)) == ["link", "pipe"]


def test_a_folder_is_refused(tmp_path: pathlib.Path) -> None:
    with pytest.raises(OSError):
        write(str(tmp_path), "text")
    assert list(tmp_path.iterdir()) == []
