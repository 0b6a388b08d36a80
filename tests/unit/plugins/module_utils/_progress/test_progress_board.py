# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is said of a run while it goes on, and what is shown of it."""

from __future__ import annotations

import builtins
import json
import os
import pathlib
import re
import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._common.progress import VARIABLE, Progress
from ansible_collections.flyte.multicluster.plugins.module_utils._common.redaction import SECRETS
from ansible_collections.flyte.multicluster.plugins.module_utils._progress.board import Board, duration
from ansible_collections.flyte.multicluster.plugins.module_utils._progress.drawing import drawn
from ansible_collections.flyte.multicluster.plugins.module_utils._status.words import columns

SIZE = os.terminal_size((100, 30))


def at_work() -> Board:
    """A run in which one cluster is done, one failed, and two are at work."""
    board = Board()
    board.begin("preflight", 0)
    board.works("dataplane_1", "is asked what is there", 1)
    board.begin("dataplane", 10)
    board.works("dataplane_1", "Helm installs or upgrades flyte-core-data", 11)
    board.works("dataplane_2", "waits for the FlyteWorkflow CRD does not serve", 12)
    board.works("dataplane_3", "Helm installs or upgrades flyte-core-data", 11)
    board.ended("dataplane_3")
    board.works("dataplane_4", "Helm installs or upgrades flyte-core-data", 11)
    board.ended("dataplane_4", failed=True)
    return board


def test_one_line_of_all() -> None:
    line = at_work().line(40)
    assert line == (
        "dataplane, 30 s: dataplane_1: Helm installs or upgrades flyte-core-data (29 s); dataplane_2: waits for the FlyteWorkflow CRD does not serve (28 s); "
        "1 done, 1 failed"
    )
    board = at_work()
    for number in range(10, 20):
        board.works(f"plane_{number}", "x", 39)
    assert "9 more are at work" in board.line(40) and board.line(40).count("(") == 3


def test_what_is_said_again_goes_on() -> None:
    board = Board()
    board.begin("verify", 0)
    for now in (1, 5):
        board.works("a", "waits", now)
    assert "a: waits (9 s)" in board.line(10)
    board.works("a", "waits for more", 9)
    assert "a: waits for more (1 s)" in board.line(10)


def test_a_failure_stays_one() -> None:
    board = at_work()
    board.works("dataplane_4", "again", 50)
    board.finish()
    assert board.cells["dataplane_4"] == {"dataplane": "failed"} and board.cells["dataplane_2"] == {"dataplane": "done"} and not board.doing


def test_stages_by_clusters() -> None:
    board = at_work()
    rows, more = board.rows(40, 3)
    assert board.stages() == ["preflight", "dataplane"] and more == 1
    assert [row[0] for row in rows] == ["dataplane_4", "dataplane_1", "dataplane_2"] and rows[1][1:3] == ["✓", "…"] and rows[0][1:3] == ["", "✗"]


@pytest.mark.parametrize("rich", [True, False])
def test_the_drawing_fits_on_the_terminal(rich: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not rich:
        original = builtins.__import__

        def without(name: str, *arguments: t.Any, **more: t.Any) -> t.Any:
            if name.startswith("rich"):
                raise ImportError(name)
            return original(name, *arguments, **more)

        monkeypatch.setattr(builtins, "__import__", without)
    else:
        pytest.importorskip("rich")
    board = at_work()
    for number in range(100):
        board.works(f"[red]plane_{number}" + "日" * 40, "waits for \x1b[2J everything " * 9, 39)
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in drawn(board, 40, SIZE)]
    assert len(lines) <= SIZE.lines and all(columns(line) < SIZE.columns for line in lines)
    assert any("dataplane_4" in line and "✗" in line for line in lines) and "[red]plane_" in "".join(lines) and "\x1b" not in "".join(lines)


def test_what_is_no_line_is_left_out() -> None:
    board = Board()
    board.begin("ecl", 0)
    board.read('nonsense\n[]\n{"cluster": 1}\n{"cluster": "a", "what": "b", "time": "x"}\n{"cluster": "a\\u001b", "what": "b", "time": 1}\n')
    assert list(board.doing) == ["a\ufffd"]


@pytest.mark.parametrize(("seconds", "text"), [(-1, "0 s"), (59.9, "59 s"), (119, "119 s"), (125, "2 min 5 s")])
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


# -- what steps say


def test_nobody_listens_by_default(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    Progress().say("a", "b")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "gone"))
    Progress().say("a", "b")
    assert not list(tmp_path.iterdir())


def test_lines_are_appended_without_secrets(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    file = tmp_path / "said"
    file.touch()
    monkeypatch.setenv(VARIABLE, str(file))
    SECRETS.know("hush-hush-4711")
    said = Progress()
    said.hosts = {"name": "host"}
    for what in ("waits for hush-hush-4711", "waits for hush-hush-4711", "x" * 9999):
        said.say("name", what)
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert [line["cluster"] for line in lines] == ["host", "host"] and lines[0]["what"] == "waits for ********" and len(lines[1]["what"]) == 400


def test_a_link_is_not_followed(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    (tmp_path / "theirs").touch()
    (tmp_path / "link").symlink_to(tmp_path / "theirs")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "link"))
    Progress().say("a", "b")
    assert (tmp_path / "theirs").read_bytes() == b""
