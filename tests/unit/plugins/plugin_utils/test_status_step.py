# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The step status: what flyteadmin says, the files that it writes, and the table at the end of a failed run."""

from __future__ import annotations

import datetime
import email.utils
import json
import pathlib
import time
import types
import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._common.redaction import SECRETS
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.counts import Counts
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Site
from ansible_collections.flyte.multicluster.plugins.plugin_utils import _status_steps
from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import Refused
from ansible_collections.flyte.multicluster.plugins.plugin_utils._known import Known
from ansible_collections.flyte.multicluster.plugins.plugin_utils._outcomes import Outcomes
from ansible_collections.flyte.multicluster.plugins.plugin_utils._status_steps import report, show_status
from ansible_collections.flyte.multicluster.plugins.plugin_utils._steps import Work
from conftest import Double, Inventory
from scripted import Scripted, as_json, clean_environment  # noqa: F401  pylint: disable=unused-import
from status_sites import dead, observation, small

FAILURE = {"host": "dataplane_1", "step": "dataplane", "problem": "Helm said no", "remedy": "Mend it."}


def work_of(site: Site, observed: dict[str, t.Any], plan: dict[str, t.Any], *, check_mode: bool = False, again: t.Any = None) -> Work:
    action = types.SimpleNamespace(
        check_mode=check_mode,
        here=lambda _operation, arguments: {"clusters": {entry["name"]: again(entry["name"]) for entry in arguments["clusters"]}},
        variables=types.SimpleNamespace(read=lambda _host, _name: None),
    )
    return Work(t.cast("t.Any", action), Known(site, observed, None, None), plan, [], Outcomes(t.cast("t.Any", None), [], []))


@pytest.fixture(name="status")
def _status(inventory: Inventory, admin: Double, tmp_path: pathlib.Path) -> Work:
    for variables in inventory.values():
        variables |= {"flyte_admin_url": admin.url, "flyte_status_json": str(tmp_path / "state.json"), "flyte_status_page": str(tmp_path / "page.html")}
    site, observed, _asked = small(inventory)
    return work_of(site, observed, {"drift": [], "notes": ["said before"]})


def test_table_json_and_page(status: Work, admin: Double, tmp_path: pathlib.Path) -> None:
    found = show_status(status)
    assert found["lines"][0].startswith("CLUSTER ") and "said before" in found["lines"]
    assert json.loads((tmp_path / "state.json").read_text(encoding="utf-8")) == json.loads(json.dumps(found["status"]))
    assert found["status"]["format"] == 1 and {place["project"] for place in found["status"]["places"]} == {"project1", "team1"}
    assert "<h1>Flyte clusters</h1>" in (tmp_path / "page.html").read_text(encoding="utf-8")
    assert sorted(found["files"]) == sorted(str(path) for path in tmp_path.iterdir()), "nothing else was left there"
    # Labels and projects, and two questions for each of six project-domains.
    assert len(admin.requests) == 2 + 12


def test_check_mode_writes_nothing(status: Work, tmp_path: pathlib.Path) -> None:
    status.action.check_mode = True  # type: ignore[misc]
    found = show_status(status)
    assert not list(tmp_path.iterdir()) and found["files"] == [] and f"{tmp_path / 'page.html'} is not written in check mode" in found["lines"]


@pytest.mark.parametrize("variable", ["flyte_status_json", "flyte_status_page"])
def test_a_file_that_cannot_be_is_refused_in_words(status: Work, admin: Double, tmp_path: pathlib.Path, variable: str) -> None:
    for path in (tmp_path / "none" / "x", tmp_path):
        status.known.site.settings[variable] = str(path)
        with pytest.raises(Refused, match=f"controlplane: {variable} = '{path}'"):
            show_status(status)
    assert not admin.requests


def test_a_folder_that_nobody_may_write_to_is_said(status: Work) -> None:
    status.known.site.settings["flyte_status_json"] = "/proc/flyte.json"
    with pytest.raises(Refused, match="flyte_status_json.*it cannot be written: "):
        show_status(status)


@pytest.mark.parametrize("answer", [None, as_json(401, {}), (200, {}, b"<html>"), as_json(200, {"configurations": 1})], ids=repr)
def test_whatever_answers_for_flyteadmin_the_clusters_are_shown(status: Work, answer: t.Any) -> None:
    with Scripted(answer) as server:
        status.known.site.settings["flyte_admin_url"] = server.url
        found = show_status(status)
    assert [cluster["running"] for cluster in found["status"]["clusters"]] == [None] * 4
    assert any(line.startswith("Executions are unknown") for line in found["lines"]) and found["lines"][2].startswith("dataplane_1    ready")


def test_flyteadmin_is_not_waited_for(status: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_status_steps, "_COUNT", 0.2)
    monkeypatch.setattr(_status_steps, "counted", lambda *_arguments: time.sleep(5))
    started = time.monotonic()
    found = show_status(status)
    assert time.monotonic() - started < 3 and found["status"]["places"] and found["status"]["clusters"][1]["running"] is None


def test_failures_of_the_last_day_are_those_by_flyteadmins_clock(status: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[datetime.datetime] = []

    def counted(_admin: t.Any, _places: t.Any, now: datetime.datetime) -> Counts:
        seen.append(now)
        return Counts({}, {}, [])

    monkeypatch.setattr(_status_steps, "counted", counted)
    behind = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)
    with Scripted((200, {"Date": email.utils.format_datetime(behind)}, b'{"configurations": [], "projects": []}')) as server:
        status.known.site.settings["flyte_admin_url"] = server.url
        show_status(status)
    assert abs((seen[0] - behind).total_seconds()) < 5


def test_no_secret_is_in_what_servers_say(status: Work, tmp_path: pathlib.Path) -> None:
    secret = "an&even<worse>secret"
    SECRETS.know(secret)
    broken = dead()
    broken["error"]["message"] = f"refused: {secret}"
    status.known.observed["dataplane_1"] = broken
    found = show_status(status)
    for text in (str(found), *(path.read_text(encoding="utf-8") for path in tmp_path.iterdir())):
        assert secret not in text and "even&lt;worse" not in text and "refused: ********" in text


def test_a_failed_run_ends_with_all_clusters_as_they_are_now(inventory: Inventory) -> None:
    site, observed, _asked = small(inventory)
    observed["dataplane_2"] = dead()
    asked: list[str] = []

    def again(name: str) -> dict[str, t.Any]:
        asked.append(name)
        return observed[name] if name == "controlplane" else observation(missing=["the FlyteWorkflow CRD"])

    plan = {"rows": [], "failures": [FAILURE]}
    found = report(work_of(site, observed, plan, again=again))
    assert found["failed"] and "Helm said no" in "".join(found["table"]) and [line.split()[0] for line in found["status_table"]] == [
        "CLUSTER", "controlplane", "dataplane_1", "dataplane_2", "dataplane_old"
    ]  # fmt: skip
    # One that did not answer costs its timeout once.
    assert asked == ["controlplane", "dataplane_1"] and "not ready" in found["status_table"][2] and "no answer" in found["status_table"][3]
    assert "status_table" not in report(work_of(site, observed, {"failures": [FAILURE]}, again=again))
    assert report(work_of(site, observed, {"rows": [], "failures": []}, again=again)) == {}
