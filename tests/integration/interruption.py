# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Drivers that kill a run, where one of its tasks begins or before one of its requests: nobody gets a chance to put anything in order."""

from __future__ import annotations

import pathlib
import signal
import subprocess
import time
import typing as t

import yaml
from conftest import REPOSITORY, SiteUnderTest
from processes import kill_tree

#: seconds until a run has come to its task
_LONGEST = 240.0
_CALLBACKS = pathlib.Path(__file__).parent / "callback_plugins"
_KILLING = pathlib.Path(__file__).parent / "killing"


def tasks_of(playbook: str) -> list[str]:
    """Return the names of the tasks that a run of a playbook begins, in their order."""
    found: list[str] = []
    for play in yaml.safe_load((REPOSITORY / "playbooks" / f"{playbook}.yml").read_text(encoding="utf-8")):
        imported = play.get("ansible.builtin.import_playbook")
        found += tasks_of(imported.removesuffix(".yml")) if imported else _names(play["tasks"], REPOSITORY)
    return found


def _names(tasks: list[dict[str, t.Any]], folder: pathlib.Path) -> t.Iterator[str]:
    for task in tasks:
        if "block" in task:
            yield from _names([*task["block"], *task.get("always", [])], folder)
        elif "ansible.builtin.import_role" in task:
            role = REPOSITORY / "roles" / task["ansible.builtin.import_role"]["name"].rpartition(".")[2] / "tasks"
            yield from _names(yaml.safe_load((role / "main.yml").read_text(encoding="utf-8")), role)
        else:
            yield task["name"]
            if "ansible.builtin.include_tasks" in task:
                yield from _names(yaml.safe_load((folder / task["ansible.builtin.include_tasks"]).read_text(encoding="utf-8")), folder)


class Told(t.NamedTuple):
    """A run, and the tasks that it began."""

    code: int
    tasks: list[str]
    output: str


def run_held(site: SiteUnderTest, playbook: str, *arguments: str, at: int = 0) -> Told:
    """Run a playbook and kill it, with all its processes, where its task of this number begins; with 0 it runs to its end."""
    noted, output = site.folder / f"tasks-{time.monotonic_ns()}", site.folder / "held.log"
    noted.touch()
    own = {"ANSIBLE_CALLBACK_PLUGINS": str(_CALLBACKS), "ANSIBLE_CALLBACKS_ENABLED": "hold_at", "FLYTE_TEST_TASKS": str(noted), "FLYTE_TEST_HOLD_AT": str(at)}
    with open(output, "wb") as log, subprocess.Popen(
        site.command(f"{playbook}.yml", *arguments),
        cwd=REPOSITORY,
        env={**site.environment(), **own},
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:
        try:
            ended = time.monotonic() + _LONGEST
            while process.poll() is None and not (at and len(_lines(noted)) >= at):
                assert time.monotonic() < ended, f"{playbook}.yml did not come to its task {at}"
                time.sleep(0.05)
        finally:
            kill_tree(process)
    return Told(process.returncode, _lines(noted), output.read_text(encoding="utf-8", errors="replace"))


def run_killed_before(site: SiteUnderTest, text: str, *arguments: str, playbook: str = "site.yml") -> None:
    """Run a playbook, which is killed before it sends a request whose body has this text."""
    own = {"PYTHONPATH": str(_KILLING), "FLYTE_TEST_KILL_AT": text}
    command = site.command(playbook, *arguments)
    output = site.folder / "killed.log"
    with open(output, "wb") as log, subprocess.Popen(
        command, cwd=REPOSITORY, env={**site.environment(), **own}, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
    ) as process:
        try:
            process.wait(timeout=_LONGEST)
        finally:
            kill_tree(process)
    assert process.returncode == -signal.SIGKILL, output.read_text(encoding="utf-8", errors="replace")[-4000:]


def _lines(path: pathlib.Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()
