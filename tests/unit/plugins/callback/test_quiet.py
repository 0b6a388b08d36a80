# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What did nothing is not shown, but with -v."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.callback import quiet
from conftest import REPOSITORY

PLAYBOOK = """
- name: Says something
  hosts: localhost
  gather_facts: false
  tasks:
    - {name: Is fine, ansible.builtin.assert: {that: true}}
    - {name: Says, ansible.builtin.debug: {msg: [the plan, "a: 'b'"]}}
    - {name: Is skipped, ansible.builtin.debug: {msg: unseen}, when: false}
- name: Says what others are shown as
  hosts: localhost
  gather_facts: false
  vars: {failures: [{host: one, remedy: its remedy}], table: [a line]}
  tasks:
    - {name: Shows a variable, ansible.builtin.debug: {var: failures}}
    - {name: Shows another, ansible.builtin.debug: {var: table}}
    - {name: Shows results, ansible.builtin.debug: {var: results}, vars: {results: [of the first]}}
    - {name: Says it of each, ansible.builtin.debug: {msg: "of {{ item }}"}, loop: [item_1, item_2]}
- {name: Has nobody, hosts: "localhost:!localhost", gather_facts: false}
- name: Does nothing
  hosts: localhost
  gather_facts: false
  tasks: [{name: Is fine too, ansible.builtin.assert: {that: true}}]
- name: Changes
  hosts: localhost
  gather_facts: false
  tasks:
    - {name: Changes something, ansible.builtin.add_host: {name: other}, changed_when: true}
    - {name: Fails, ansible.builtin.assert: {that: false, fail_msg: for a reason}}
"""


def output(folder: pathlib.Path, *arguments: str) -> list[str]:
    """Return what a run prints."""
    (folder / "play.yml").write_text(PLAYBOOK, encoding="utf-8")
    command = [str(pathlib.Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", "-c", "local", str(folder / "play.yml"), *arguments]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")} | {"ANSIBLE_NOCOLOR": "1"}
    answer = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=120, check=False)
    return [line.rstrip(" *") for line in answer.stdout.splitlines() if line.strip()]


def test_what_did_nothing_is_left_out(tmp_path: pathlib.Path) -> None:
    lines = output(tmp_path)
    assert lines[:4] == ["PLAY [Says something]", "TASK [Says]", "the plan", "a: 'b'"]
    start = lines.index("PLAY [Changes]")
    assert lines[start : start + 3] == ["PLAY [Changes]", "TASK [Changes something]", "changed: [localhost]"]
    text = "\n".join(lines)
    between = "\n".join(lines[4:start])
    assert between.startswith("PLAY [Says what others are shown as]\nTASK [Shows a variable]")
    assert all(said in between for said in ("its remedy", "TASK [Shows another]", "a line", "of the first", "TASK [Says it of each]", "of item_1", "of item_2"))
    assert "for a reason" in text and lines[-2].startswith("PLAY RECAP") and "changed=1" in lines[-1]
    assert not any(word in text for word in ("Is fine", "unseen", "Has nobody", "no hosts matched", "Does nothing"))


@pytest.mark.parametrize("arguments", [("-v",)])
def test_with_v_everything_is_shown(tmp_path: pathlib.Path, arguments: tuple[str, ...]) -> None:
    text = "\n".join(output(tmp_path, *arguments))
    for title in ("PLAY [Has nobody]", "PLAY [Does nothing]", "TASK [Is fine too]", "TASK [Is skipped]", "skipping: [localhost]", "ok: [localhost]"):
        assert title in text, text


RESULT = {
    "msg": "2 thing(s) could not be done\nand more",
    "failures": [{"host": "dataplane_1", "step": "verify", "problem": "it's wrong", "remedy": "no"}],
    "observed": {"dataplane_1": {"a": 1}},
    "status_table": ["NAME  STATE"],
    "table": ["CLUSTER      FAILED AT       WHAT" + " " * 50 + "WHAT TO DO", "dataplane_1  verify: canary  it's wrong: no"],
}


def test_a_failure_of_ours_is_its_lines_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """No line of a table is folded, and what is for the steps that follow is left out."""
    callback = quiet.CallbackModule()
    monkeypatch.setattr(callback._display, "verbosity", 0)
    assert callback._dump_results(RESULT).splitlines() == ["", *(f"    {line}" for line in (*RESULT["msg"].splitlines(), "NAME  STATE", *RESULT["table"]))]
    assert "observed" in callback._dump_results({"observed": "of a module of somebody else"})


@pytest.mark.parametrize(
    ("result", "said"),
    [
        # as dnf says which packages there are none of, and iptables which table it was
        ({"msg": "Failed to install some of the specified packages", "failures": ["No package x available."], "rc": 1}, "No package x"),
        ({"msg": "no", "table": "filter", "chain": "INPUT"}, "INPUT"),
        ({"failures": RESULT["failures"], "more": "said"}, "dataplane_1"),  # debug: var=failures
        ({"table": ["a line"]}, "a line"),
        ({"table": {"key": "its value"}, "msg": "no"}, "its value"),
    ],
)
def test_what_somebody_elses_module_says_is_shown_whole(monkeypatch: pytest.MonkeyPatch, result: dict[str, t.Any], said: str) -> None:
    callback = quiet.CallbackModule()
    monkeypatch.setattr(callback._display, "verbosity", 0)
    text = callback._dump_results(dict(result))
    assert said in text and all(key in text for key in result)


def test_a_screen_does_not_obey_what_a_server_says(monkeypatch: pytest.MonkeyPatch) -> None:
    callback = quiet.CallbackModule()
    monkeypatch.setattr(callback._display, "verbosity", 0)
    text = callback._dump_results({**RESULT, "msg": "it says \x1b[2J\rall is well\nand more"})
    assert "\x1b" not in text and "\r" not in text and text.startswith("\n    it says \\x1b[2J\\rall is well\n    and more\n")


def test_with_v_a_failure_of_ours_has_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    callback = quiet.CallbackModule()
    monkeypatch.setattr(callback._display, "verbosity", 1)
    text = callback._dump_results(RESULT)
    assert all(key in text for key in RESULT)


def test_a_refusal_is_its_lines_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    callback = quiet.CallbackModule()
    monkeypatch.setattr(callback._display, "verbosity", 0)
    lines = ["Nothing was changed.", "dataplane_1: flyte_kube_context: 'a: b' " + "is none of the contexts of this kubeconfig, " * 3]
    result = {"failed": True, "changed": False, "msg": lines, "_ansible_no_log": False}
    assert callback._dump_results(result).splitlines() == ["", *(f"    {line}" for line in lines)]
    assert "assertion" in callback._dump_results({**result, "assertion": "of somebody else"})
