# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ctrl-C on the contributors' one entry point leaves no lab: nox kills what it runs half a second later, if nobody says otherwise."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest
from conftest import REPOSITORY

TEST = """
import pathlib, time
import pytest

PLACE = pathlib.Path(__file__).parent

@pytest.fixture
def lab():
    (PLACE / "up").touch()
    yield
    time.sleep(2)  # what ending a lab takes
    (PLACE / "down").touch()

def test_on_a_lab(lab):
    time.sleep(60)
"""


def test_a_test_ends_its_lab(tmp_path: pathlib.Path) -> None:
    pytest.importorskip("nox")
    (tmp_path / "test_slow.py").write_text(TEST, encoding="utf-8")
    command = [sys.executable, "-m", "nox", "-R", "--no-install", "--session", "integration", "--", str(tmp_path / "test_slow.py"), "-p", "no:cacheprovider"]
    with subprocess.Popen(command, cwd=REPOSITORY, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        ended = time.monotonic() + 60
        while not (tmp_path / "up").exists() and process.poll() is None and time.monotonic() < ended:
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        process.wait(60)
    assert (tmp_path / "up").exists() and (tmp_path / "down").exists()
