# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a run writes for people is whole, and nothing else is lost by it."""

from __future__ import annotations

import os
import pathlib
import stat

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._common.written import write


def test_a_file_is_replaced_and_has_its_mode(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text("before", encoding="utf-8")
    write(str(path), "after", 0o600)
    assert path.read_text(encoding="utf-8") == "after" and stat.S_IMODE(path.stat().st_mode) == 0o600 and os.listdir(tmp_path) == ["plan.json"]


def test_what_a_link_leads_to_is_written(tmp_path: pathlib.Path) -> None:
    (tmp_path / "www").mkdir()
    link = tmp_path / "status.html"
    link.symlink_to("www/index.html")
    for text in ("new", "newer"):
        write(str(link), text)
        assert link.is_symlink() and (tmp_path / "www" / "index.html").read_text(encoding="utf-8") == text


@pytest.mark.parametrize("through_a_link", [False, True])
def test_what_is_no_file_stays_what_it_is(tmp_path: pathlib.Path, through_a_link: bool) -> None:
    """A device would be gone for the whole machine: /dev/null, where somebody wants no file."""
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    with pytest.raises(OSError, match="no regular file"):
        write(str(link if through_a_link else pipe), "text")
    assert stat.S_ISFIFO(pipe.stat().st_mode) and sorted(os.listdir(tmp_path)) == ["link", "pipe"]
    with pytest.raises(OSError, match="no regular file"):
        write(str(tmp_path), "text")
