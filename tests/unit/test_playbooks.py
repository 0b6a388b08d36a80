# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plays run on the controller, whatever the inventory says of its hosts for other playbooks."""

from __future__ import annotations

import pathlib

import pytest
import yaml
from conftest import REPOSITORY


@pytest.mark.parametrize("path", sorted((REPOSITORY / "playbooks").glob("*.yml")), ids=lambda path: path.name)
def test_a_play_on_clusters_runs_here(path: pathlib.Path) -> None:
    plays = [play for play in yaml.safe_load(path.read_text(encoding="utf-8")) if play["hosts"] != "localhost"]
    assert plays
    for play in plays:
        # A variable of the inventory counts more than the keyword of a play, and less than a variable of a play.
        assert play["connection"] == "local" and play["vars"]["ansible_connection"] == "local" and play["vars"]["ansible_become"] is False, play["name"]
