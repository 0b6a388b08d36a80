# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The modules that talk to flyteadmin, against any flyteadmin: the double, or a real one by ``FLYTE_ADMIN_URL`` (see conftest.Flyteadmin).

Everything is read back with requests of the tests' own.
"""

from __future__ import annotations

import pathlib
import subprocess
import sys
import time
import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin import launch
from ansible_collections.flyte.multicluster.plugins.modules import flyte_canary, flyte_ecl, flyte_ecl_info, flyte_execution, flyte_execution_info
from conftest import REPOSITORY, Flyteadmin, Run
from workflow import register

WORKFLOW = "tests.placed"
#: all kinds of inputs
TYPES: dict[str, t.Any] = {
    "count": {"simple": "INTEGER"},
    "rate": {"simple": "FLOAT"},
    "text": {"simple": "STRING"},
    "flag": {"simple": "BOOLEAN"},
    "moment": {"simple": "DATETIME"},
    "pause": {"simple": "DURATION"},
    "hyperparameters": {"simple": "STRUCT"},
    "names": {"collection_type": {"simple": "STRING"}},
    "weights": {"map_value_type": {"simple": "FLOAT"}},
    "maybe": {"union_type": {"variants": [{"simple": "INTEGER"}, {"simple": "NONE"}]}},
}
INPUTS = {
    "count": 3,
    "rate": 0.5,
    "text": "x",
    "flag": True,
    "moment": "2026-11-24T05:00:00+01:00",
    "pause": 90,
    "hyperparameters": {"C": 0.1},
    "names": ["a", "b"],
    "weights": {"a": 1},
    "maybe": None,
}


def rows(*entries: tuple[str, str]) -> list[dict[str, t.Any]]:
    """Return rows as the modules take them."""
    found = []
    for place, label in entries:
        project, domain, workflow = (place.split("/") + ["", ""])[:3]
        found.append({"project": project, "domain": domain or None, "workflow": workflow or None, "label": label})
    return found


# -- labels


@pytest.mark.parametrize("level", ["", "/development", "/development/a.wf"])
def test_create_again_change_again_delete_again_each_in_check_mode_too(flyteadmin: Flyteadmin, run: Run, level: str) -> None:
    place = flyteadmin.projects[0] + level
    one = {**flyteadmin.options, **{key: value for key, value in rows((place, ""))[0].items() if value}}
    for label in flyteadmin.labels:
        before = flyteadmin.rows()
        planned = run(flyte_ecl, check=True, label=label, gather=True, **one)
        assert planned["changed"] and flyteadmin.rows() == before
        result = run(flyte_ecl, label=label, gather=True, **one)
        assert result["changed"] and flyteadmin.rows() == {place: label}
        assert {(entry["project"], entry["domain"]) for entry in result["project_domains"]} >= {(flyteadmin.projects[0], "development")}
        assert {key: result[key] for key in ("before", "after", "diff", "rows")} == {key: planned[key] for key in ("before", "after", "diff", "rows")}
        assert result["after"][0]["label"] == label and result["diff"]["after"] == f"{place}: {label}\n"
        assert not run(flyte_ecl, check=True, label=label, **one)["changed"] and not run(flyte_ecl, label=label, **one)["changed"]
    assert run(flyte_ecl, check=True, state="absent", **one)["changed"] and flyteadmin.rows()
    assert run(flyte_ecl, state="absent", **one)["changed"] and not flyteadmin.rows()
    assert not run(flyte_ecl, state="absent", **one)["changed"]


def test_a_thousand_rows_are_created_read_and_removed(flyteadmin: Flyteadmin, run: Run, sent: list[str]) -> None:
    project = flyteadmin.projects[0]
    many = rows(*[(f"{project}/development/wf.n{number}", flyteadmin.labels[number % 2]) for number in range(1000)])
    created = run(flyte_ecl, labels=many, concurrency=16, **flyteadmin.options)
    assert created["changed"] and len(created["after"]) == 1000 and len(flyteadmin.rows()) == 1000
    requests_of = [request for request in sent if request.startswith("PUT")]
    assert len(requests_of) == 1000
    sent.clear()
    assert not run(flyte_ecl, labels=many, **flyteadmin.options)["changed"]
    # What is already so costs one request, and where there is a login, that.
    assert [request for request in sent if "/api/v1/" in request] == ["GET /api/v1/matchable_attributes?resource_type=EXECUTION_CLUSTER_LABEL"]
    found = run(flyte_ecl_info, **flyteadmin.options)["rows"]
    assert len([row for row in found if row["project"] == project]) == 1000
    removed = run(flyte_ecl, labels=many, state="absent", concurrency=16, **flyteadmin.options)
    assert removed["changed"] and not removed["restored"] and not flyteadmin.rows()


def test_only_differences_are_written(flyteadmin: Flyteadmin, run: Run, sent: list[str]) -> None:
    project, (one, two) = flyteadmin.projects[0], flyteadmin.labels
    run(flyte_ecl, labels=rows((f"{project}/development", one), (f"{project}/production", one)), **flyteadmin.options)
    sent.clear()
    result = run(flyte_ecl, labels=rows((f"{project}/development", one), (f"{project}/production", two)), **flyteadmin.options)
    assert [row["label"] for row in result["before"]] == [one] and [row["label"] for row in result["after"]] == [two]
    assert [request for request in sent if request.startswith("PUT")] == [f"PUT /api/v1/project_domain_attributes/{project}/production"]


def test_a_workflow_label_equal_to_the_inherited_one_is_written(flyteadmin: Flyteadmin, run: Run) -> None:
    project, label = flyteadmin.projects[0], flyteadmin.labels[0]
    run(flyte_ecl, labels=rows((f"{project}/development", label), (f"{project}/development/a.wf", label)), **flyteadmin.options)
    assert flyteadmin.rows() == {f"{project}/development": label, f"{project}/development/a.wf": label}


@pytest.mark.parametrize("level", ["", "/development"])
def test_what_a_delete_takes_along_is_restored_and_said(flyteadmin: Flyteadmin, run: Run, level: str, tmp_path: pathlib.Path) -> None:
    project, (one, two) = flyteadmin.projects[0], flyteadmin.labels
    top, below = project + level, {f"{project}/development/a.wf": two, f"{project}/development/b.wf": one}
    run(flyte_ecl, labels=rows((top, one), *below.items(), (flyteadmin.projects[1], two)), **flyteadmin.options)
    one_row = {key: value for key, value in rows((top, ""))[0].items() if value}
    result = run(flyte_ecl, state="absent", **one_row, **flyteadmin.options)
    assert flyteadmin.rows() == {**below, flyteadmin.projects[1]: two}
    assert {row["workflow"] for row in result["restored"]} == {"a.wf", "b.wf"} and f"{project}/development/a.wf" in result["msg"]
    assert [row["label"] for row in result["before"]] == [one]
    assert result["journal"].startswith(str(tmp_path)) and not pathlib.Path(result["journal"]).exists()


_KILLED = """
import os, signal, sys, json
sys.path[:0] = [{collections!r}, {unit!r}]
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin import client as _admin
from ansible_collections.flyte.multicluster.plugins.modules import flyte_ecl
from module_arguments import patch_module_args
_admin.Admin.put_label = lambda *_arguments: os.kill(os.getpid(), signal.SIGKILL)
with patch_module_args(json.loads(sys.stdin.read())):
    flyte_ecl.main()
"""


def _killed(arguments: dict[str, t.Any]) -> None:
    """Run flyte_ecl in a process of its own that is killed when it is about to write the first row."""
    import json

    script = _KILLED.format(collections=str(REPOSITORY / ".collections"), unit=str(REPOSITORY / "tests" / "unit"))
    answer = subprocess.run([sys.executable, "-c", script], input=json.dumps(arguments), text=True, capture_output=True, check=False)
    assert answer.returncode == -9, answer.stdout + answer.stderr


def test_a_run_killed_between_delete_and_restore_loses_nothing(flyteadmin: Flyteadmin, run: Run, tmp_path: pathlib.Path) -> None:
    project, (one, two) = flyteadmin.projects[0], flyteadmin.labels
    workflow, other = f"{project}/development/a.wf", flyteadmin.projects[1]
    run(flyte_ecl, labels=rows((f"{project}/development", one), (workflow, two)), **flyteadmin.options)
    common = {**flyteadmin.options, "journal": str(tmp_path / "journal"), "retry_for": 1}
    _killed({**common, "state": "absent", "project": project, "domain": "development"})
    assert not flyteadmin.rows() and list((tmp_path / "journal").iterdir())
    # A second run, about something else altogether, is killed too: what the first one left is still there.
    _killed({**common, "project": other, "label": one})
    assert list((tmp_path / "journal").iterdir())
    result = run(flyte_ecl, project=other, label=one, **common)
    assert flyteadmin.rows() == {other: one, workflow: two}
    assert [row["workflow"] for row in result["restored"]] == ["a.wf"] and workflow in result["msg"]
    assert not list((tmp_path / "journal").iterdir())
    assert not run(flyte_ecl, project=other, label=one, **common)["changed"]


def test_a_second_delete_after_a_kill_keeps_what_the_first_one_left(flyteadmin: Flyteadmin, run: Run, tmp_path: pathlib.Path) -> None:
    (first, second), (one, two) = flyteadmin.projects, flyteadmin.labels
    left, right = f"{first}/development/a.wf", f"{second}/development/b.wf"
    run(flyte_ecl, labels=rows((f"{first}/development", one), (left, two), (f"{second}/development", one), (right, two)), **flyteadmin.options)
    common = {**flyteadmin.options, "journal": str(tmp_path / "journal"), "retry_for": 1, "state": "absent", "domain": "development"}
    _killed({**common, "project": first})
    _killed({**common, "project": second})
    assert not flyteadmin.rows()
    run(flyte_ecl, **{**common, "project": first})
    assert flyteadmin.rows() == {left: two, right: two}


def test_other_kinds_of_attributes_are_never_touched(flyteadmin: Flyteadmin, run: Run) -> None:
    project = flyteadmin.projects[0]
    path = f"/api/v1/project_domain_attributes/{project}/development"
    limits = {"task_resource_attributes": {"defaults": {"cpu": "1"}, "limits": {"cpu": "2"}}}
    flyteadmin.call("PUT", path, {"attributes": {"project": project, "domain": "development", "matching_attributes": limits}})
    before = flyteadmin.call("GET", f"{path}?resource_type=TASK_RESOURCE")
    try:
        run(
            flyte_ecl,
            labels=rows((f"{project}/development", flyteadmin.labels[0]), (f"{project}/development/a.wf", flyteadmin.labels[0])),
            **flyteadmin.options,
        )
        run(flyte_ecl, state="absent", project=project, domain="development", **flyteadmin.options)
        run(flyte_ecl, labels=rows((f"{project}/staging", flyteadmin.labels[0])), purge=[project], **flyteadmin.options)
        assert flyteadmin.call("GET", f"{path}?resource_type=TASK_RESOURCE") == before
    finally:
        flyteadmin.call("DELETE", path, {"project": project, "domain": "development", "resource_type": "TASK_RESOURCE"})


def test_purge_is_limited_to_the_given_projects(flyteadmin: Flyteadmin, run: Run) -> None:
    (first, second), (one, two) = flyteadmin.projects, flyteadmin.labels
    run(flyte_ecl, labels=rows((f"{first}/development", one), (f"{first}/staging/x", one), (second, two)), **flyteadmin.options)
    run(flyte_ecl, labels=rows((f"{first}/production", one)), purge=[first], **flyteadmin.options)
    assert flyteadmin.rows() == {f"{first}/production": one, second: two}


def test_an_unknown_label_is_refused_before_anything_is_written(flyteadmin: Flyteadmin, run: Run, sent: list[str]) -> None:
    project, label = flyteadmin.projects[0], flyteadmin.labels[0]
    typo = label[:-2] + label[-1]
    known = rows((f"{project}/development", label), (f"{project}/production", typo))
    result = run(flyte_ecl, labels=known, known_labels=flyteadmin.labels, **flyteadmin.options)
    assert result["failed"] and f"{project}/production: unknown label '{typo}'. Did you mean '{label}'?" in result["msg"]
    assert not sent and not flyteadmin.rows()


@pytest.mark.parametrize(("place", "said"), [("nope/development", "no active project 'nope'"), ("{}/nodomain", "has no domain 'nodomain'")])
def test_an_unknown_place_is_refused_before_anything_is_written(flyteadmin: Flyteadmin, run: Run, place: str, said: str) -> None:
    project, label = flyteadmin.projects[0], flyteadmin.labels[0]
    result = run(flyte_ecl, labels=rows((f"{project}/development", label), (place.format(project), label)), **flyteadmin.options)
    assert result["failed"] and said in result["msg"] and "Nothing was written" in result["msg"]
    assert not flyteadmin.rows()


def test_info_says_where_a_label_comes_from_and_where_it_leads(flyteadmin: Flyteadmin, run: Run) -> None:
    project, (one, two) = flyteadmin.projects[0], flyteadmin.labels
    run(flyte_ecl, labels=rows((project, one), (f"{project}/production", two), (f"{project}/production/x", "typo")), **flyteadmin.options)
    label_map = {two: [{"id": "a", "weight": 0.2}, {"id": "b", "weight": 0.6}, {"id": "off", "weight": 0.2}], one: [{"id": "off", "weight": 1}]}
    known = {"label_cluster_map": label_map, "enabled_clusters": ["a", "b"], **flyteadmin.options}
    found = run(flyte_ecl_info, project=project, domain="production", workflow="y", **known)
    assert found["effective"] == {"label": two, "level": "project-domain", "clusters": {"a": 0.25, "b": pytest.approx(0.75)}}
    assert run(flyte_ecl_info, project=project, domain="production", workflow="x", **known)["effective"]["level"] == "workflow"
    assert run(flyte_ecl_info, project=project, domain="staging", **known)["effective"] == {"label": one, "level": "project", "clusters": {}}
    problems = {row["label"]: row["problem"] for row in found["rows"] if row["project"] == project}
    assert problems == {one: "all of its clusters are disabled", two: None, "typo": "labelClusterMap has no such label"}
    levels = {(place["project"], place["domain"]): place["level"] for place in found["project_domains"]}
    assert levels[(project, "staging")] == "project" and levels[(project, "production")] == "project-domain"
    assert levels[(flyteadmin.projects[1], "staging")] is None
    default = run(flyte_ecl_info, project=flyteadmin.projects[1], default_execution_label=two, **known)["effective"]
    assert (default["label"], default["level"]) == (two, "default")


# -- executions


@pytest.fixture(name="registered")
def _registered(flyteadmin: Flyteadmin) -> Flyteadmin:
    """A flyteadmin with a workflow of all kinds of inputs, and one of none in two project-domains."""
    project = flyteadmin.projects[0]
    for domain in ("development", "production"):
        register(flyteadmin.url, project, domain, WORKFLOW, "v1", session=flyteadmin.session)
    register(flyteadmin.url, project, "development", f"{WORKFLOW}.inputs", "v1", inputs=TYPES, session=flyteadmin.session)
    return flyteadmin


def _execution(registered: Flyteadmin, name: str, domain: str = "development") -> dict[str, t.Any]:
    return t.cast("dict[str, t.Any]", registered.call("GET", f"/api/v1/executions/{registered.projects[0]}/{domain}/{name}"))


def test_an_execution_runs_where_its_label_leads(registered: Flyteadmin, run: Run) -> None:
    project, (one, two) = registered.projects[0], registered.labels
    run(flyte_ecl, labels=rows((f"{project}/development", one)), **registered.options)
    common = {**registered.options, "project": project, "domain": "development", "launch_plan": WORKFLOW, "wait": False}
    found = run(flyte_execution, expect_cluster=[registered.clusters[one]], **common)
    assert found["changed"] and found["version"] == "v1" and found["execution"]["cluster"] == registered.clusters[one], found
    assert found["execution"]["namespace"] == f"{project}-development"
    assert found["execution"]["url"] == f"{registered.url}/console/projects/{project}/domains/development/executions/{found['execution']['name']}"
    direct = _execution(registered, found["execution"]["name"])
    assert direct["spec"]["metadata"]["system_metadata"]["execution_cluster"] == registered.clusters[one]
    labelled = run(flyte_execution, execution_cluster_label=two, labels={"purpose": "test"}, expect_cluster=[registered.clusters[two]], **common)
    assert labelled["execution"]["cluster"] == registered.clusters[two]
    assert _execution(registered, labelled["execution"]["name"])["spec"]["labels"] == {"values": {"purpose": "test"}}


def test_an_execution_that_ran_elsewhere_fails(registered: Flyteadmin, run: Run) -> None:
    project, (one, two) = registered.projects[0], registered.labels
    run(flyte_ecl, labels=rows((f"{project}/development", one)), **registered.options)
    found = run(flyte_execution, project=project, domain="development", launch_plan=WORKFLOW, expect_cluster=[registered.clusters[two]], **registered.options)
    assert found["failed"] and f"ran on {registered.clusters[one]}, not on {registered.clusters[two]}" in found["msg"]
    assert found["execution"]["cluster"] == registered.clusters[one]


def test_an_unknown_label_of_an_execution_is_refused(registered: Flyteadmin, run: Run, sent: list[str]) -> None:
    common = {**registered.options, "project": registered.projects[0], "domain": "development", "launch_plan": WORKFLOW}
    for known in ({"known_labels": registered.labels},):
        found = run(flyte_execution, execution_cluster_label="no-such-label", **known, **common)
        assert found["failed"] and "Nothing was launched" in found["msg"] and not sent


def test_inputs_become_what_the_launch_plan_says(registered: Flyteadmin, run: Run) -> None:
    common = {**registered.options, "project": registered.projects[0], "domain": "development", "launch_plan": f"{WORKFLOW}.inputs", "wait": False}
    found = run(flyte_execution, inputs=INPUTS, **common)
    assert found.get("execution"), found
    name = found["execution"]["name"]
    stored = registered.call("GET", f"/api/v1/data/executions/{registered.projects[0]}/development/{name}")["full_inputs"]["literals"]
    primitive = {key: next(iter(stored[key]["scalar"]["primitive"].values())) for key in ("count", "rate", "text", "flag", "moment", "pause")}
    assert primitive == {"count": "3", "rate": 0.5, "text": "x", "flag": True, "moment": "2026-11-24T04:00:00Z", "pause": "90s"}
    assert stored["hyperparameters"]["scalar"]["generic"] == {"C": 0.1}
    assert [item["scalar"]["primitive"]["string_value"] for item in stored["names"]["collection"]["literals"]] == ["a", "b"]
    assert stored["weights"]["map"]["literals"]["a"]["scalar"]["primitive"]["float_value"] == 1
    assert "none_type" in stored["maybe"]["scalar"]["union"]["value"]["scalar"]


def test_wrong_inputs_are_said_all_together_and_nothing_is_launched(registered: Flyteadmin, run: Run, sent: list[str]) -> None:
    wrong = {**INPUTS, "count": "three", "flagg": True, "names": "a", "moment": "yesterday"}
    del wrong["text"]
    common = {**registered.options, "project": registered.projects[0], "domain": "development", "launch_plan": f"{WORKFLOW}.inputs"}
    for check in (True, False):
        found = run(flyte_execution, check=check, inputs=wrong, **common)
        for part in ('count: "three" is no integer', "Did you mean 'flag'?", 'names: "a" is no list of string', "text: is required: string", "is no datetime"):
            assert part in found["msg"], (part, found["msg"])
    assert not [request for request in sent if request.startswith("POST /api/v1/executions")]


def test_what_is_not_registered_is_said(registered: Flyteadmin, run: Run) -> None:
    common = {**registered.options, "project": registered.projects[0], "domain": "development"}
    for version in (None, "v9"):
        found = run(flyte_execution, launch_plan="nope" if version is None else WORKFLOW, version=version, **common)
        assert found["failed"] and "pyflyte register" in found["msg"], found


def test_a_named_execution_is_launched_once(registered: Flyteadmin, run: Run) -> None:
    name = f"t{time.time_ns():x}"
    common = {**registered.options, "project": registered.projects[0], "domain": "development", "wait": False, "name": name}
    assert run(flyte_execution, check=True, launch_plan=WORKFLOW, **common)["changed"]
    assert run(flyte_execution, launch_plan=WORKFLOW, **common)["changed"]
    again = run(flyte_execution, launch_plan=WORKFLOW, **common)
    assert not again["changed"] and again["execution"]["name"] == name
    other = run(flyte_execution, launch_plan=f"{WORKFLOW}.inputs", inputs=INPUTS, **common)
    assert other["failed"] and "of another launch plan is there already" in other["msg"]


def test_an_execution_is_waited_for(registered: Flyteadmin, run: Run) -> None:
    if not registered.finishes:
        pytest.skip("no propeller: FLYTE_TEST_FINISHES=1 where the data planes run one")
    found = run(flyte_execution, project=registered.projects[0], domain="development", launch_plan=WORKFLOW, wait_timeout=60, **registered.options)
    assert found["execution"]["phase"] == "SUCCEEDED" and found["execution"]["error"] is None


@pytest.mark.parametrize("abort", [True, False])
def test_an_execution_that_does_not_end_in_time_is_aborted_by_choice(registered: Flyteadmin, run: Run, abort: bool) -> None:
    if registered.double:
        registered.double.planes.finish_after = -1  # it never ends
    common = {**registered.options, "project": registered.projects[0], "domain": "development", "launch_plan": WORKFLOW}
    found = run(flyte_execution, wait_timeout=0.5, abort_on_timeout=abort, **common)
    assert found["failed"] and "did not end within 0.5 s" in found["msg"] and ("It was aborted" in found["msg"]) == abort
    assert (_execution(registered, found["execution"]["name"])["closure"]["phase"] in ("ABORTING", "ABORTED")) == abort


@pytest.mark.parametrize("phase", ["SUCCEEDED", "FAILED"])
def test_one_that_ends_in_the_moment_in_which_it_is_aborted_is_what_it_ended_as(registered: Flyteadmin, run: Run, phase: str) -> None:
    if registered.double is None:
        pytest.skip("nobody can say when an execution of a real flyteadmin ends")
    registered.double.planes.finish_after = -1
    registered.double.planes.ends_before_aborted = phase
    common = {**registered.options, "project": registered.projects[0], "domain": "development", "launch_plan": WORKFLOW}
    found = run(flyte_execution, wait_timeout=0.5, abort_on_timeout=True, **common)
    assert bool(found.get("failed")) == (phase == "FAILED") and found["execution"]["phase"] == phase, found
    assert "did not end" not in str(found.get("msg"))


def test_one_that_is_said_to_have_ended_and_runs_is_a_failure(registered: Flyteadmin, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is none that succeeded, whatever flyteadmin means."""
    if registered.double is None:
        pytest.skip("a real flyteadmin says it of none that runs")
    monkeypatch.setattr(launch, "abort", lambda *_place, **_cause: False)
    registered.double.planes.finish_after = -1
    common = {**registered.options, "project": registered.projects[0], "domain": "development", "launch_plan": WORKFLOW}
    found = run(flyte_execution, wait_timeout=0.5, abort_on_timeout=True, **common)
    assert found["failed"] and "did not end within 0.5 s" in found["msg"] and "says that it has ended" in found["msg"]


def test_executions_are_listed_by_cluster_and_phase(registered: Flyteadmin, run: Run) -> None:
    project, (one, two) = registered.projects[0], registered.labels
    names = []
    for label in (one, two, two):
        common = {"project": project, "domain": "development", "launch_plan": WORKFLOW, "wait": False, **registered.options}
        names.append(run(flyte_execution, execution_cluster_label=label, **common)["execution"]["name"])
    found = run(flyte_execution_info, projects=[project], cluster=registered.clusters[two], **registered.options)["executions"]
    assert {names[1], names[2]} <= {entry["name"] for entry in found} and names[0] not in {entry["name"] for entry in found}
    assert {entry["cluster"] for entry in found} == {registered.clusters[two]}
    aborted = run(flyte_execution_info, projects=[project], domains=["development"], phases=["TIMED_OUT"], **registered.options)["executions"]
    assert not {entry["name"] for entry in aborted} & set(names)
    typo = run(flyte_execution_info, projects=[project + "x"], **registered.options)
    assert typo["failed"] and f"Did you mean '{project}'?" in typo["msg"]


# -- the canary


def test_the_canary_proves_every_labelled_project_domain(registered: Flyteadmin, run: Run) -> None:
    if not registered.finishes:
        pytest.skip("no propeller: FLYTE_TEST_FINISHES=1 where the data planes run one")
    project, (one, two) = registered.projects[0], registered.labels
    run(flyte_ecl, labels=rows((f"{project}/development", one), (f"{project}/production", two)), **registered.options)
    common = {"launch_plan": WORKFLOW, "projects": [project], "wait_timeout": 60, **registered.placement, **registered.options}
    planned = run(flyte_canary, check=True, **common)
    assert planned["changed"] and {entry["cluster"] for entry in planned["canaries"]} == {None}
    found = run(flyte_canary, **common)
    assert not found.get("failed"), found
    assert {(entry["domain"], entry["cluster"], entry["phase"], entry["problem"]) for entry in found["canaries"]} == {
        ("development", registered.clusters[one], "SUCCEEDED", None),
        ("production", registered.clusters[two], "SUCCEEDED", None),
    }


def test_the_canary_says_where_placement_is_wrong(registered: Flyteadmin, run: Run) -> None:
    """A configuration that says otherwise than flyteadmin has it, a label that leads nowhere, and a workflow that is not registered."""
    project, (one, two) = registered.projects[0], registered.labels
    run(flyte_ecl, labels=rows((f"{project}/development", one), (f"{project}/production", "typo"), (f"{project}/staging", two)), **registered.options)
    claimed = {one: [{"id": registered.clusters[two], "weight": 1}], two: [{"id": registered.clusters[two], "weight": 1}]}
    found = run(
        flyte_canary,
        launch_plan=WORKFLOW,
        projects=[project],
        wait_timeout=20 if registered.finishes else 1,
        label_cluster_map=claimed,
        enabled_clusters=sorted(registered.clusters.values()),
        **registered.options,
    )
    problems = {entry["domain"]: entry["problem"] for entry in found["canaries"]}
    assert found["failed"] and "3 of 3 canaries" in found["msg"]
    assert problems["development"] == f"ran on {registered.clusters[one]}, not on {registered.clusters[two]}"
    assert "label 'typo' leads to no enabled cluster: it ran on " in problems["production"] and "pyflyte register" in problems["staging"]


def test_the_canarys_own_label_counts_first(registered: Flyteadmin, run: Run) -> None:
    if not registered.finishes:
        pytest.skip("no propeller: FLYTE_TEST_FINISHES=1 where the data planes run one")
    project, (one, two) = registered.projects[0], registered.labels
    run(flyte_ecl, labels=rows((f"{project}/development", one), (f"{project}/development/{WORKFLOW}", two)), **registered.options)
    common = {"launch_plan": WORKFLOW, "projects": [project], "wait_timeout": 60, **registered.placement, **registered.options}
    (canary,) = run(flyte_canary, **common)["canaries"]
    assert (canary["label"], canary["level"], canary["cluster"], canary["problem"]) == (two, "workflow", registered.clusters[two], None)
