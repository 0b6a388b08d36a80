# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an action does where it runs has the environment of the play, and ends as a module's end would: in a failure, never in an exception."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import types
import typing as t
from unittest import mock

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.flyte.multicluster.plugins.action import flyte_plan
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.client import KubeError
from ansible_collections.flyte.multicluster.plugins.module_utils._common.redaction import SECRETS
from ansible_collections.flyte.multicluster.plugins.module_utils._module import kube_operation
from ansible_collections.flyte.multicluster.plugins.plugin_utils import _action
from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import InventoryAction, ModuleFailed, Refused
from conftest import REPOSITORY


def action(*environment: dict[str, str], check: bool = False) -> InventoryAction:
    task = types.SimpleNamespace(environment=list(environment), check_mode=check, no_log=False, async_val=0)
    return InventoryAction(task, mock.MagicMock(), mock.MagicMock(), DataLoader(), Templar(DataLoader(), {}), None)


def test_what_runs_here_has_the_environment_of_the_play(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://before:1")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with action({"HTTPS_PROXY": "http://play:2"}, {"AWS_PROFILE": "task"})._environ():
        assert os.environ["HTTPS_PROXY"] == "http://play:2" and os.environ["AWS_PROFILE"] == "task"
    assert os.environ["HTTPS_PROXY"] == "http://before:1" and "AWS_PROFILE" not in os.environ


@pytest.mark.parametrize(("platform", "proxy", "asks_nobody"), [("darwin", {}, True), ("darwin", {"HTTPS_PROXY": "http://p:1"}, False), ("linux", {}, False)])
def test_no_proxy_of_the_system_is_asked_for_in_a_forked_process_of_macos(
    monkeypatch: pytest.MonkeyPatch, platform: str, proxy: dict[str, str], asks_nobody: bool
) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    for name, value in proxy.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    with action()._environ():
        assert (os.environ.get("no_proxy") == "*") is asks_nobody
    assert "no_proxy" not in os.environ


TELLING = """\
from ansible.module_utils.basic import AnsibleModule

module = AnsibleModule({})
module.warn("it lacks a plugin")
module.deprecate("it will be otherwise", date="2099-01-01", collection_name="some.body")
module.exit_json(changed=True, answer=["kept", {"warnings": ["kept, too"]}])
"""
RUNNING = """\
from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import InventoryAction


class ActionModule(InventoryAction):
    def act(self, arguments):
        return self.module("telling", {})
"""


def test_nobody_is_told_what_a_module_will_do_otherwise_one_day(tmp_path: pathlib.Path) -> None:
    """amazon.aws.iam_role says so of a result in every run, whatever it is given, and kubernetes.core.helm wants a plugin.

    Played by the Ansible that is there, each version of which has another way to hand warnings on: a module alone is heard, one that an action runs is not.
    """
    tasks = [{"telling": None}, {"running": None, "register": "ran"}, {"ansible.builtin.debug": {"var": "ran"}}]
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "vars": {"ansible_python_interpreter": sys.executable}}
    for name, text in {"library/telling.py": TELLING, "action_plugins/running.py": RUNNING}.items():
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text, encoding="utf-8")
    said = []
    for name, some in (("alone", tasks[:1]), ("run", tasks[1:])):
        (tmp_path / f"{name}.yml").write_text(json.dumps([{**play, "tasks": some}]), encoding="utf-8")
        command = [str(pathlib.Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", f"{name}.yml"]
        environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(REPOSITORY / ".collections"), "ANSIBLE_DEPRECATION_WARNINGS": "true"}
        environment |= {"ANSIBLE_LOCAL_TEMP": str(tmp_path), "ANSIBLE_REMOTE_TEMP": str(tmp_path)}
        answer = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert answer.returncode == 0, answer.stdout + answer.stderr
        said.append(answer.stdout + answer.stderr)
    assert all(text in said[0] for text in ("it lacks a plugin", "it will be otherwise"))
    assert not any(text in said[1] for text in ("it lacks a plugin", "it will be otherwise", "DEPRECATION", "[WARNING]")), said[1]
    assert '"changed": true' in said[1] and "kept, too" in said[1]


@pytest.mark.parametrize(("count", "shown"), [(3, 3), (50, 50), (700, 51)])
def test_as_many_faults_are_named_as_somebody_reads(count: int, shown: int) -> None:
    lines = Refused(*(f"fault {number}" for number in range(count))).lines
    assert len(lines) == shown and lines[0] == "fault 0" and (count <= 50 or lines[-1] == "And 650 more: correct these first.")


def test_a_line_ends_and_no_secret_is_cut_in_two() -> None:
    SECRETS.know("correct-horse-4711")
    (line,) = Refused(f"{'a' * 1995}correct-horse-4711{'b' * 5000}").lines
    assert len(line) < 2030 and line.endswith("(7003 characters)") and "correct" not in line and "*****" in line


def test_what_a_screen_would_obey_is_written_out() -> None:
    assert Refused("a: b = 'c\x1b[2J\u202ed'\nx\x00").lines == ["a: b = 'c\\x1b[2J\\u202ed'\nx\\x00"]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (KubeError("api", "it is refused", hint="Look there."), "it is refused. Look there."),
        (ValueError("secret-4711"), "the module itself broke, which is a bug: please report it with what -e flyte_explain=true shows"),
    ],
)
def test_whatever_it_ends_by_is_a_failure(error: Exception, said: str) -> None:
    def work(_call: t.Any) -> dict[str, t.Any]:
        raise error

    with pytest.raises(ModuleFailed) as found:
        action().here(kube_operation(lambda: {}, work), {})
    assert str(found.value) == said and found.value.result["failed"]


def test_a_warning_is_without_secrets() -> None:
    found = action()
    found._display = mock.MagicMock()
    SECRETS.know("secret-4711")
    found._warn("it said secret-4711")
    assert "secret-4711" not in str(found._display.warning.call_args)


def test_no_key_of_a_kubeconfig_stays_in_a_file(tmp_path: pathlib.Path) -> None:
    """A task's process is ended, without what Python does at its exit: the client library would remove its files then."""
    kubeconfig = {
        "current-context": "x",
        "clusters": [{"name": "x", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "x", "user": {"client-key-data": "a2V5LTQ3MTE=", "client-certificate-data": "Y2VydA==", "auth-provider": {}}}],
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
    }
    script = f"""
import json, os, sys, tempfile
sys.path.insert(0, {str(REPOSITORY / ".collections")!r})
tempfile.tempdir = {str(tmp_path)!r}
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.configuration import configuration_of, forget_files
found = configuration_of({{"kubeconfig": json.loads(sys.stdin.read())}})
print(os.path.exists(found.key_file), open(found.key_file).read())
forget_files()
os._exit(0)
"""
    answer = subprocess.run([sys.executable, "-u", "-c", script], input=json.dumps(kubeconfig), capture_output=True, text=True, check=True, timeout=60)
    assert answer.stdout.split() == ["True", "key-4711"] and not list(tmp_path.iterdir())


@pytest.mark.parametrize("breaks", [True, False])
def test_files_of_keys_go_at_the_end_of_every_task(monkeypatch: pytest.MonkeyPatch, breaks: bool) -> None:
    ended: list[bool] = []
    monkeypatch.setattr(_action, "forget_files", lambda: ended.append(True))

    def act(_self: InventoryAction, _arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        if breaks:
            raise ValueError("broken")
        return {"changed": False}

    monkeypatch.setattr(InventoryAction, "act", act)
    monkeypatch.setattr(InventoryAction, "_explains", lambda _self: False)
    one = action()
    one._task.args, one._task.action = {}, "flyte_step"
    assert bool(one.run(None, {"hostvars": {}}).get("failed")) is breaks and ended == [True]


def test_a_missing_library_is_refused_before_any_change() -> None:
    _action.refuse_without("json", "kubernetes")
    with pytest.raises(_action.Refused, match=r"has no library no_such_library: .*python\S* -m pip install no_such_library"):
        _action.refuse_without("json", "no_such_library")


@pytest.mark.parametrize(
    ("groups", "given", "said"),
    [
        ([], {"scope": "all"}, "Nothing was changed."),
        (["flyte_todo_eks_cluster"], {"scope": "all"}, "Only the step eks_cluster was done."),
        (["flyte_todo_prune"], {"scope": "remove"}, "Nothing more was changed."),
        ([], {"scope": "remove"}, "Nothing was changed."),
        (["flyte_todo_rotate"], {"scope": "rotate", "due": True}, "Nothing more was changed."),
        ([], {"scope": "rotate", "due": False}, "Nothing was changed."),
    ],
)
def test_a_plan_that_is_refused_in_the_middle_of_a_run_says_so(groups: list[str], given: dict[str, t.Any], said: str) -> None:
    found = flyte_plan.ActionModule.__new__(flyte_plan.ActionModule)
    found.task_vars, found._given = {"groups": dict.fromkeys(groups, [])}, given
    assert found.untouched == said


def test_a_plan_is_found_by_the_name_of_its_variable_and_no_template_is_looked_through() -> None:
    """``dataplane_plan: "{{ preflight_plan }}"`` is what the roles are given."""
    runner, plan = action(), {"known": "{}", "releases": ["dataplane_1"], "without": {"known": "{ }"}}
    templates: list[t.Any] = []
    runner._templar = types.SimpleNamespace(template=lambda text: templates.append(text) or plan)  # type: ignore[func-returns-value]
    runner.task_vars = {"preflight_plan": plan, "dataplane_plan": "{{ preflight_plan }}", "chosen": "{{ a if b else c }}"}
    assert runner.plan_named("preflight_plan") == runner.plan_named("dataplane_plan") == plan
    assert runner.plan_named("dataplane_plan.without") == {"known": "{ }"} and not templates
    assert runner.plan_named("chosen") == plan and templates == ["{{ a if b else c }}"]
    for wrong in ("nothing", "preflight_plan.releases", "preflight_plan.nothing"):
        with pytest.raises(Refused, match=f"{wrong}: no variable of this name has what flyte_plan returned"):
            runner.plan_named(wrong)
    for value in ("{{ preflight_plan }}", str(plan), ""):
        with pytest.raises(Refused, match="give the name of the variable"):
            runner.plan_named(value)
