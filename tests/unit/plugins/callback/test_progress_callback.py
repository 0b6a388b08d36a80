# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The callback progress in runs of Ansible: lines in a log, a table on a terminal, and nothing at all where it is not enabled."""

from __future__ import annotations

import os
import pathlib
import pty
import re
import subprocess
import sys
import time
import typing as t

import pytest
from api_server import ALL_SECRETS, ApiServer
from conftest import REPOSITORY

PLAY = """
- hosts: all
  connection: local
  gather_facts: false
  tasks:
    - name: Somebody else's task
      ansible.builtin.command: sh -c "echo listened=${{FLYTE_MULTICLUSTER_PROGRESS:-to nobody}}"
      register: other
    - ansible.builtin.debug: {{var: other.stdout}}
    - name: Ask
      flyte.multicluster.flyte_cluster_info:
        timeout: 30
        clusters: [{{name: dataplane_1, host: "{url}", api_key: hush-hush-4711}}]
"""


@pytest.fixture(name="play")
def _play(tmp_path: pathlib.Path) -> t.Iterator[pathlib.Path]:
    """A play on an API server that takes its time."""

    def secrets(_headers: t.Any) -> t.Any:
        time.sleep(3.5)
        return {"items": []}

    with ApiServer({ALL_SECRETS: secrets}) as server:
        path = tmp_path / "play.yml"
        path.write_text(PLAY.format(url=server.access["host"]), encoding="utf-8")
        yield path


def command(play: pathlib.Path) -> list[str]:
    programs = pathlib.Path(sys.executable).parent
    return [str(programs / "ansible-playbook"), "-i", "localhost,", "-e", f"ansible_python_interpreter={sys.executable}", str(play)]


def environment(**more: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "FLYTE_"))}
    return {**kept, "TERM": "xterm", "ANSIBLE_COLLECTIONS_PATH": str(REPOSITORY / ".collections"), **more}


ENABLED = {"ANSIBLE_CALLBACKS_ENABLED": "flyte.multicluster.progress", "FLYTE_PROGRESS_INTERVAL": "1"}


def test_lines_in_a_log(play: pathlib.Path, tmp_path: pathlib.Path) -> None:
    found = subprocess.run(
        command(play),
        env=environment(ANSIBLE_LOCAL_TEMP=str(tmp_path / "tmp"), **ENABLED),
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert found.returncode == 0, found.stdout + found.stderr
    lines = [line for line in found.stdout.splitlines() if line.startswith("cluster_info, ")]
    assert any(re.search(r"dataplane_1: is asked what is there \([1-9]\d* s\)", line) for line in lines), found.stdout
    assert "hush" not in found.stdout and not re.search("^command", found.stdout, re.MULTILINE) and "\x1b[" not in found.stdout
    assert "WARNING" not in found.stderr and not list((tmp_path / "tmp").rglob("flyte-progress")) and "listened=to nobody" not in found.stdout


def test_two_playbooks_of_one_command(play: pathlib.Path, tmp_path: pathlib.Path) -> None:
    own = environment(ANSIBLE_LOCAL_TEMP=str(tmp_path / "tmp"), **ENABLED)
    found = subprocess.run([*command(play), str(play)], env=own, cwd=REPOSITORY, capture_output=True, text=True, timeout=120, check=False)
    assert found.returncode == 0 and "WARNING" not in found.stderr, found.stdout + found.stderr
    assert all("dataplane_1: is asked what is there" in part for part in found.stdout.split("PLAY RECAP")[:2]), found.stdout


def test_nothing_where_it_is_not_enabled(play: pathlib.Path) -> None:
    own = environment(ANSIBLE_STDOUT_CALLBACK="ansible.builtin.default")
    found = subprocess.run(command(play), env=own, cwd=REPOSITORY, capture_output=True, text=True, timeout=120, check=False)
    assert found.returncode == 0 and "listened=to nobody" in found.stdout and "is asked" not in found.stdout, found.stdout


def test_a_table_on_a_terminal(play: pathlib.Path) -> None:
    own, theirs = pty.openpty()
    process = subprocess.Popen(command(play), env=environment(COLUMNS="120", **ENABLED), cwd=REPOSITORY, stdout=theirs, stderr=theirs, stdin=theirs)
    os.close(theirs)
    said = b""
    while True:
        try:
            got = os.read(own, 1 << 16)
        except OSError:  # its other end is closed
            break
        if not got:
            break
        said += got
    os.close(own)
    assert process.wait(timeout=60) == 0, said
    text = said.decode("utf-8", "replace")
    assert "is asked what is there" in text and "cluster_info, " in text
    # Each drawing is taken away again, the last one too: it is below all output.
    heights = [int(height) for height in re.findall(r"\x1b\[(\d+)A\x1b\[J", text)]
    assert len(heights) >= 2 and "PLAY RECAP" in text and "is asked" not in text[text.rindex("\x1b[J") :]
