# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an action does where it runs has the environment of the play, and ends as a module's end would: in a failure, never in an exception."""

from __future__ import annotations

import os
import types
import typing as t
from unittest import mock

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.client import KubeError
from ansible_collections.flyte.multicluster.plugins.module_utils._module import kube_operation
from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import InventoryAction, ModuleFailed


def action(*environment: dict[str, str], check: bool = False) -> InventoryAction:
    task = types.SimpleNamespace(environment=list(environment), check_mode=check, no_log=False, async_val=0)
    return InventoryAction(task, mock.MagicMock(), mock.MagicMock(), DataLoader(), Templar(DataLoader(), {}), None)


def test_what_runs_here_has_the_environment_of_the_play(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://before:1")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with action({"HTTPS_PROXY": "http://play:2"}, {"AWS_PROFILE": "task"})._environ():
        assert os.environ["HTTPS_PROXY"] == "http://play:2" and os.environ["AWS_PROFILE"] == "task"
    assert os.environ["HTTPS_PROXY"] == "http://before:1" and "AWS_PROFILE" not in os.environ


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


def test_what_only_reads_is_done_in_check_mode_too() -> None:
    operation = kube_operation(lambda: {}, lambda call: {"changed": False, "check_mode": call.check_mode})
    assert action(check=True).here(operation, {})["check_mode"] is True
    assert action(check=True).here(operation, {}, reads=True)["check_mode"] is False
