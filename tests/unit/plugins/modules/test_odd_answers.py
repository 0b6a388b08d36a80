# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whatever flyteadmin, or something in its place, answers: a module fails with what to do, and never with a traceback."""

from __future__ import annotations

import copy
import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.modules import flyte_canary, flyte_ecl, flyte_ecl_info, flyte_execution, flyte_execution_info
from conftest import Run
from scripted import Answer, Scripted, as_json, clean_environment  # noqa: F401  pylint: disable=unused-import

JSON = {"Content-Type": "application/json"}
PROJECTS = {"projects": [{"id": "team1", "domains": [{"id": "development"}]}]}
ROWS = {"configurations": [{"project": "team1", "domain": "", "workflow": "", "attributes": {"execution_cluster_label": {"value": "label1"}}}]}
EXECUTION = {
    "id": {"project": "team1", "domain": "development", "name": "f1"},
    "spec": {"launch_plan": None, "metadata": {"system_metadata": {"execution_cluster": "dataplane_1", "namespace": "team1-development"}}},
    "closure": {"phase": "SUCCEEDED", "workflow_id": {"name": "wf"}, "error": {"message": "x"}},
}
EXECUTIONS = {"executions": [EXECUTION], "token": ""}
IDENTITY = {"project": "team1", "domain": "development", "name": "wf", "version": "v1"}
PLAN = {"id": IDENTITY, "spec": {"workflow_id": IDENTITY}, "closure": {"expected_inputs": {"parameters": {"a": {"var": {"type": {"simple": "STRING"}}}}}}}

NO_ANSWERS: dict[str, Answer | None] = {
    "a page": (200, {"Content-Type": "text/html"}, b"<html><title>Sign in</title></html>"),
    "a page that says it is JSON": (200, JSON, b"<!doctype html><p>"),
    "a list": as_json(200, []),
    "a list of lists": as_json(200, [[]]),
    "a number": as_json(200, 7),
    "null": as_json(200, None),
    "another object": as_json(200, {"status": "ok"}),
    "an empty object": as_json(200, {}),
    "text": (200, {"Content-Type": "text/plain"}, b"ok"),
    "half of it": (200, JSON, b'{"configurations": ['),
    "no body": (200, JSON, b""),
    "no body and no type": (204, {}, b""),
    "another encoding": (200, {"Content-Type": "application/json; charset=no-such"}, b"\xff\xfe{}"),
    "not what it says to be packed as": (200, {**JSON, "Content-Encoding": "gzip"}, b"no gzip"),
    "an error": as_json(500, {"code": 13, "message": "database is gone"}),
    "an error without text": as_json(500, {}),
    "an error that is a list": as_json(500, ["x"]),
    "an error without a body": (502, {}, b""),
    "an error that is a page": (503, {"Content-Type": "text/html"}, b"<html>"),
    "not found": as_json(404, {"error": "not found"}),
    "unauthorized": (401, {}, b""),
    "forbidden": (403, {}, b""),
    "a redirect to nowhere": (302, {}, b""),
    "nothing": None,
}


def _checked(found: dict[str, t.Any]) -> None:
    assert found.get("failed") and "exception" not in found, found
    # What to do is the last sentence.
    assert any(hint in found["msg"] for hint in ("Check ", "Set ", "flyteadmin wants", "This account may not", "own log", "check url")), found["msg"]


@pytest.mark.parametrize("answer", NO_ANSWERS.values(), ids=NO_ANSWERS.keys())
def test_what_is_no_answer_is_a_failure_that_says_what_to_do(run: Run, answer: Answer | None) -> None:
    modules: list[tuple[t.Any, dict[str, t.Any]]] = [
        (flyte_ecl_info, {}),
        (flyte_execution_info, {}),
        (flyte_ecl, {"project": "team1", "label": "label1"}),
        (flyte_execution, {"project": "team1", "domain": "development", "launch_plan": "wf"}),
        (flyte_canary, {"launch_plan": "wf", "label_cluster_map": {}, "enabled_clusters": []}),
    ]
    for module, arguments in modules:
        with Scripted(answer) as server:
            _checked(run(module, url=server.url, retry_for=0, **arguments))


def _spoilt(message: t.Any, path: tuple[t.Any, ...], value: t.Any) -> t.Any:
    spoilt = copy.deepcopy(message)
    place = spoilt
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return spoilt


def _paths(message: t.Any, path: tuple[t.Any, ...] = ()) -> list[tuple[t.Any, ...]]:
    """Return the place of every value in a message."""
    items = message.items() if isinstance(message, dict) else enumerate(message) if isinstance(message, list) else ()
    return [found for key, value in items for found in ((*path, key), *_paths(value, (*path, key)))]


@pytest.mark.parametrize("value", [[], [7], {"x": 7}, 7, "x", None], ids=repr)
@pytest.mark.parametrize(
    ("module", "answers", "spoilt"),
    [
        (flyte_ecl_info, [ROWS, PROJECTS], 0),
        (flyte_ecl_info, [ROWS, PROJECTS], 1),
        (flyte_execution_info, [PROJECTS, EXECUTIONS], 0),
        (flyte_execution_info, [PROJECTS, EXECUTIONS], 1),
        (flyte_execution, [PLAN, {}, EXECUTION], 0),
        (flyte_execution, [PLAN, {}, EXECUTION], 2),
    ],
    ids=["label rows", "projects", "projects of executions", "executions", "launch plan", "execution"],
)
def test_any_value_in_any_place_is_read_or_a_failure_that_says_what_to_do(run: Run, module: t.Any, answers: list[t.Any], spoilt: int, value: t.Any) -> None:
    """Every place of every answer gets a value of every kind."""
    launch = {"project": "team1", "domain": "development", "launch_plan": "wf", "version": "v1", "inputs": {"a": "x"}, "wait": False}
    failed = 0
    for path in _paths(answers[spoilt]):
        script = [as_json(200, _spoilt(answer, path, value) if number == spoilt else answer) for number, answer in enumerate(answers)]
        with Scripted(*script) as server:
            # No time to wait: a phase that is none stays so.
            found = run(module, url=server.url, retry_for=0, **({**launch, "wait_timeout": 0} if module is flyte_execution else {}))
        assert "exception" not in found and found.get("msg", "") != "MODULE FAILURE", (path, found)
        if found.get("failed"):
            failed += 1
            assert found["msg"].rstrip()[-1] in ".)" or "flyte_ecl_info" in found["msg"] or "/console/" in found["msg"], (path, found["msg"])
    assert failed or value in (None, "x", []), "every place takes this"


def test_a_page_that_leads_to_itself_ends(run: Run) -> None:
    with Scripted(as_json(200, PROJECTS), as_json(200, {**EXECUTIONS, "token": "100"})) as server:
        found = run(flyte_execution_info, url=server.url)
    assert found["failed"] and "the same one again" in found["msg"] and len(server.seen) == 3
