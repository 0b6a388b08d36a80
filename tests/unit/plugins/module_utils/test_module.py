# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a module does gives the same as a module and where an action runs it: checks, defaults, failures, and no secret."""

from __future__ import annotations

import dataclasses
import json
import sys
import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.client import KubeError
from ansible_collections.flyte.multicluster.plugins.module_utils._common.redaction import SECRETS, Redactor
from ansible_collections.flyte.multicluster.plugins.module_utils._module import Call, Operation, OperationFailed, admin_operation, kube_operation
from ansible_collections.flyte.multicluster.plugins.module_utils._module import run_here, run_module
from module_arguments import patch_module_args

TOKEN = "a-token-of-4711"
LEARNED = "learned-by-the-way-4712"
OPTIONS: dict[str, dict[str, t.Any]] = {
    "token": {"type": "str", "no_log": True},
    "host": {"type": "str"},
    "kubeconfig": {"type": "raw", "no_log": True},
    "number": {"type": "int", "default": 3},
    "what": {"type": "str", "required": True},
}


def work(call: Call) -> dict[str, t.Any]:
    """Say what was given; fail where that is wanted."""
    SECRETS.know(LEARNED)
    if call.params["what"] == "fail":
        raise KubeError("api", f"{call.params['kubeconfig']} and {call.params['token']} are refused", hint="Look there.")
    if call.params["what"] == "warn":
        call.warn("a warning")
    return {"changed": not call.check_mode, "number": call.params["number"], "said": f"{call.params['what']} {call.params['token']} {LEARNED}"}


OPERATION = kube_operation(lambda: dict(OPTIONS), work, mutually_exclusive=[("token", "host")])


def forget(secrets: Redactor) -> None:
    """Forget all secrets, as a new process."""
    secrets._forms.clear()


def as_module(capsys: pytest.CaptureFixture[str], arguments: dict[str, t.Any], *, check: bool) -> dict[str, t.Any]:
    with patch_module_args({**arguments, "_ansible_check_mode": check}), pytest.raises(SystemExit):
        run_module(OPERATION)
    found: dict[str, t.Any] = json.loads(capsys.readouterr().out)
    return found


def as_here(arguments: dict[str, t.Any], *, check: bool, operation: Operation = OPERATION) -> dict[str, t.Any]:
    try:
        return run_here(operation, arguments, check_mode=check, warn=lambda _text: None)
    except OperationFailed as error:
        return {"failed": True, "msg": str(error), **error.result}


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("arguments", [{"what": "x"}, {"what": "x", "number": "7"}, {"what": "x", "token": TOKEN}, {"what": "fail", "kubeconfig": "/the/path"}])
def test_both_ways_give_the_same(capsys: pytest.CaptureFixture[str], arguments: dict[str, t.Any], check: bool) -> None:
    module = as_module(capsys, arguments, check=check)
    forget(SECRETS)
    here = as_here(arguments, check=check)
    module.pop("invocation", None)
    assert {key: module[key] for key in here} == here and set(module) == set(here)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "missing required arguments: what"),
        ({"what": "x", "number": "many"}, "'number' is of type"),
        ({"what": "x", "wrong": 1}, "wrong"),
        ({"what": "x", "token": TOKEN, "host": "y"}, "mutually exclusive: token|host"),
    ],
)
def test_both_ways_refuse_the_same(capsys: pytest.CaptureFixture[str], arguments: dict[str, t.Any], said: str) -> None:
    module, here = as_module(capsys, arguments, check=False), as_here(arguments, check=False)
    assert module["failed"] and said in module["msg"] and here["failed"] and said in here["msg"] and TOKEN not in here["msg"]


def test_no_secret_is_in_what_it_returns_and_nothing_else_is_replaced() -> None:
    SECRETS.know("flyteadmin")  # somebody's password: a name here
    found = as_here({"what": "flyteadmin", "token": TOKEN}, check=False)
    assert TOKEN not in found["said"] and found["said"].startswith("flyteadmin ")
    failed = as_here({"what": "fail", "token": TOKEN, "kubeconfig": "/the/path"}, check=False)
    assert failed["msg"].startswith("/the/path and ") and failed["msg"].endswith(". Look there.")


def test_what_was_known_before_is_taken_out_of_what_had_it_in_hands_again() -> None:
    for _run in range(2):
        assert LEARNED not in as_here({"what": "x"}, check=False)["said"]


def test_what_a_failure_has_besides_its_text_is_without_secrets_too() -> None:
    class Half(KubeError):
        result = {"canaries": [{"problem": f"{TOKEN} is refused"}]}

    def half(_call: Call) -> dict[str, t.Any]:
        raise Half("api", "half of it failed")

    found = as_here({"what": "x", "token": TOKEN}, check=False, operation=kube_operation(lambda: dict(OPTIONS), half))
    assert found["failed"] and found["canaries"] and TOKEN not in json.dumps(found)


def test_a_secret_in_the_place_of_a_number_is_not_shown() -> None:
    assert TOKEN not in as_here({"what": "x", "token": TOKEN, "number": TOKEN}, check=False)["msg"]


def test_a_warning_reaches_the_caller() -> None:
    found: list[str] = []
    run_here(OPERATION, {"what": "warn"}, check_mode=False, warn=found.append)
    assert found == ["a warning"]


def test_a_missing_library_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "urllib3", None)
    monkeypatch.setitem(sys.modules, "requests", None)
    admin = admin_operation(lambda: {}, lambda _call, _settings: {})
    assert "(urllib3)" in as_here({"what": "x"}, check=False)["msg"]
    assert "(requests)" in as_here({"url": "http://127.0.0.1:1"}, check=False, operation=admin)["msg"]


@pytest.mark.parametrize("secret", [TOKEN, 'with "quotes" and \\', "of two\nlines", "ünïcode-4713", "4714471447"])
def test_no_secret_is_in_a_result_whatever_it_looks_like(secret: str) -> None:
    def told(call: Call) -> dict[str, t.Any]:
        return {"nested": [{"text": f"before {call.params['token']} after", "plain": call.params["token"], "fine": "a name"}], "number": 4714471447}

    result = run_here(dataclasses.replace(OPERATION, work=told), {"what": "x", "token": secret}, check_mode=False, warn=lambda _text: None)
    assert secret not in str(result["nested"]) and secret not in result["nested"][0]["text"] and result["nested"][0]["fine"] == "a name"
    assert (str(result["number"]) == "4714471447") == (secret != "4714471447")
