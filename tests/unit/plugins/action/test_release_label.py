# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Our label on a release: before Helm runs and after it, also where Helm fails; and alone, where the release is as wanted."""

from __future__ import annotations

import base64
import gzip
import json
import types
import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.action.flyte_release import ActionModule
from ansible_collections.flyte.multicluster.plugins.module_utils._common.redaction import SECRETS as KNOWN
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.label import LABEL, label_value
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.values import digest
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.planner import Chart
from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import ModuleFailed
from ansible_collections.flyte.multicluster.plugins.plugin_utils._known import Known
from api_server import RECORDS, SECRETS, ApiServer, helm_record
from conftest import REPOSITORY, Inventory, site_of

CHART = Chart(str(REPOSITORY / "tests" / "lab" / "chart" / "flyte-core"), "flyte-core", "v1")
RECORD = "sh.helm.release.v1.flyte-core-data.v{}"
BEFORE = digest({"a": 1})


class Case:
    """A data plane whose release has the values ``{"a": 1}`` of a label of ours, and the action on it."""

    def __init__(self, inventory: Inventory, server: ApiServer) -> None:
        inventory["dataplane_1"].pop("flyte_kube_context")
        inventory["dataplane_1"].update(flyte_kube_host=server.url, flyte_kube_api_key="the-token")
        release = {"name": "flyte-core-data", "revision": 1, "secret": RECORD.format(1), "values_digest": BEFORE, "status": "deployed", "age": 500}
        self.release: dict[str, t.Any] = {**release, "chart": "flyte-core", "version": "v1", "given": label_value(BEFORE)}
        self.known = Known(site_of(inventory), {"dataplane_1": {"release": self.release}}, None, CHART)
        self.server, self.helms = server, list[list[str]]()
        self.answer: dict[str, t.Any] = {"changed": True, "status": {"revision": "2"}}
        self.failure: ModuleFailed | None = None
        action = ActionModule.__new__(ActionModule)
        action.variables = types.SimpleNamespace(read=lambda host, name: inventory[host].get(name))
        action.task_vars = {"inventory_hostname": "dataplane_1", "groups": {"flyte_control_plane": ["controlplane"]}}
        action._task = types.SimpleNamespace(check_mode=False, environment=[])
        action.module = self._module
        self.action = action
        self.wanted = digest(self.known.values_of(action.variables.read)(self.known.site.cluster("dataplane_1"), None))

    def _module(self, name: str, _arguments: t.Any, **_how: t.Any) -> t.Any:
        assert name == "kubernetes.core.helm"
        self.helms.append(self.written)
        if self.failure:
            raise self.failure  # pylint: disable=raising-bad-type
        return self.answer

    def run(self, **plan: t.Any) -> dict[str, t.Any]:
        self.action.task_vars["found"] = {**self.known.as_dict(), "releases": ["dataplane_1"], "marks": [], **plan}
        return t.cast("dict[str, t.Any]", self.action.act({"plan": "found", "credentials": {}}))

    @property
    def written(self) -> list[str]:
        """The labels that were written, each with the revision."""
        patches = [(path, json.loads(body)) for method, path, _headers, body in self.server.seen if method == "PATCH"]
        return [f"{path.rpartition('.')[2]} {patch['metadata']['labels'][LABEL]}" for path, patch in patches]


@pytest.fixture
def case(inventory: Inventory) -> t.Iterator[Case]:
    with ApiServer({RECORDS: {"items": []}}) as server:
        yield Case(inventory, server)


def test_it_is_there_before_helm_runs_and_after_it(case: Case) -> None:
    assert case.run() == {"changed": True, "failures": []}
    both, after = f"v1 {label_value(BEFORE, case.wanted)}", f"v2 {label_value(case.wanted)}"
    assert case.helms == [[both]] and case.written == [both, after]


def test_what_somebody_else_gave_does_not_become_ours_before_helm_ran(case: Case) -> None:
    case.release["given"] = None
    case.run()
    assert case.written == [f"v1 {label_value(case.wanted)}", f"v2 {label_value(case.wanted)}"]


def test_a_new_release_gets_it_after_helm(case: Case) -> None:
    case.known.observed["dataplane_1"]["release"] = None
    case.answer = {"changed": True, "status": {"revision": "1"}}
    assert case.run()["changed"] and case.helms == [[]] and case.written == [f"v1 {label_value(case.wanted)}"]


def test_where_helm_does_not_say_its_revision_it_is_looked_for(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    newest = {"items": [helm_record(revision=3)]}

    def made(*arguments: t.Any, **how: t.Any) -> t.Any:
        case.server.answers[RECORDS] = newest
        return case._module(*arguments, **how)

    case.action.module = made
    case.answer = {"changed": True}
    case.run()
    assert case.written == [f"v1 {label_value(BEFORE, case.wanted)}"]  # that revision has other values than ours
    case.server.answers[RECORDS] = {"items": []}
    monkeypatch.setattr("ansible_collections.flyte.multicluster.plugins.action.flyte_release.digest", lambda _values: digest({"a": 1}))
    case.run()
    assert case.written[-1] == f"v3 {label_value(BEFORE)}"


def test_where_helm_fails_what_it_says_is_the_failure(case: Case) -> None:
    case.failure = ModuleFailed({"failed": True, "msg": "no", "stderr": "Error: no room"})
    result = case.run()
    assert result["failed"] and "no room" in result["msg"]
    case.server.answers[f"PATCH {SECRETS}/{RECORD.format(1)}"] = 403
    refused = case.run()
    assert refused["failed"] and refused["failures"][0]["host"] == "dataplane_1" and len(case.helms) == 1


def test_what_helm_echoes_of_passwords_and_marked_values_is_hidden(inventory: Inventory) -> None:
    inventory["dataplane_1"].update(flyte_values={"mine": {"word": "correct-horse-4711", "password": "staple-4711"}}, flyte_secret_values=["mine.word"])
    with ApiServer({RECORDS: {"items": []}}) as server:
        case = Case(inventory, server)
        case.failure = ModuleFailed({"failed": True, "msg": "no", "stderr": "Error: cannot make {word: correct-horse-4711, password: staple-4711}"})
        result = case.run()
    assert "correct-horse-4711" in result["msg"] and "4711" not in KNOWN.text(result["msg"])


@pytest.mark.parametrize(("as_wanted", "runs"), [(True, 1), (False, 2)])
def test_a_first_run_that_was_slower_waits_for_the_other_one(case: Case, monkeypatch: pytest.MonkeyPatch, as_wanted: bool, runs: int) -> None:
    case.known.observed["dataplane_1"]["release"] = None
    case.known.chart = Chart(CHART.path, "flyte-core", "v1.16.8")
    said = ["Error: INSTALLATION FAILED: release: already exists"]

    def slower(*arguments: t.Any, **how: t.Any) -> t.Any:
        case.server.answers[RECORDS] = {"items": [helm_record()]}
        case.failure = ModuleFailed({"failed": True, "msg": "no", "stderr": said.pop()}) if said else None
        return case._module(*arguments, **how)

    case.action.module = slower
    if as_wanted:
        monkeypatch.setattr("ansible_collections.flyte.multicluster.plugins.action.flyte_release.digest", lambda _values: BEFORE)
    # Its pods are waited for by both.
    assert case.run() == {"changed": not as_wanted, "failures": [], **({"made_by_other": True} if as_wanted else {})} and len(case.helms) == runs


def test_a_release_as_wanted_gets_the_label_alone(case: Case) -> None:
    case.release["given"] = None
    assert case.run(releases=[], marks=["dataplane_1"]) == {"changed": True, "failures": []}
    assert case.written == [f"v1 {label_value(BEFORE)}"] and case.helms == []
    assert case.run(releases=[]) == {"changed": False, "failures": []} and len(case.written) == 1
    case.action._task.check_mode = True
    assert case.run(releases=[], marks=["dataplane_1"])["changed"] and len(case.written) == 1


def _found(case: Case, revision: int, values: dict[str, t.Any], label: str | None) -> None:
    """Let the cluster have a newer revision than was seen."""
    record = helm_record(revision=revision)
    record["metadata"]["labels"] |= {LABEL: label} if label else {}
    content = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(record["data"]["release"]))))
    content["config"] = values
    record["data"]["release"] = base64.b64encode(base64.b64encode(gzip.compress(json.dumps(content).encode()))).decode()
    case.server.answers[RECORDS] = {"items": [record]}


def test_a_release_that_somebody_changed_meanwhile_is_left(case: Case) -> None:
    _found(case, 2, {"by": "hand"}, label_value(BEFORE))
    found = case.run()
    assert found["failed"] and "was changed since this run looked at it (revision 1 -> 2)" in found["msg"] and case.helms == []
    # One of a run of ours beside this one is what it always was: the last one wins.
    _found(case, 2, {"of": "ours"}, label_value(digest({"of": "ours"})))
    assert case.run()["changed"] and len(case.helms) == 1


@pytest.mark.parametrize(("values", "left"), [({"a": 1}, False), ({"disabled": 1}, False), ({"without": 1}, False), ({"of": "another run"}, True)], ids=repr)
def test_a_removal_leaves_what_a_run_beside_it_made_while_it_waited(case: Case, values: dict[str, t.Any], left: bool) -> None:
    """Its second rollout would take a cluster that was added since then out of flyteadmin's configuration again."""
    _found(case, 2, values, label_value(digest(values)))
    expected = [BEFORE, digest({"disabled": 1})]
    plane = case.known.site.cluster("dataplane_1")
    found = case.action._changed_meanwhile(case.known, plane, "controlplane", {"without": 1}, expected)
    assert (found is not None) == left
    assert found is None or ("(revision 1 -> 2)" in found.problem and "Run again" in found.remedy)
    assert case.action._changed_meanwhile(case.known, plane, "controlplane", {"without": 1}, None) is None


def test_a_release_that_somebody_made_meanwhile_is_left(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Helm would upgrade it, whoever made it."""
    case.known.observed["dataplane_1"]["release"] = None
    _found(case, 1, {"by": "hand"}, None)
    found = case.run()
    assert found["failed"] and "was changed since this run looked at it (revision none -> 1)" in found["msg"] and case.helms == []
    # One of a run of ours that was faster has its label, or the values that this one gives.
    _found(case, 1, {"of": "ours"}, label_value(digest({"of": "ours"})))
    assert case.run()["changed"] and len(case.helms) == 1
    _found(case, 1, {"by": "hand"}, None)
    monkeypatch.setattr("ansible_collections.flyte.multicluster.plugins.action.flyte_release.digest", lambda _values: digest({"by": "hand"}))
    assert case.run()["changed"] and len(case.helms) == 2


def test_values_that_became_others_since_the_plan_are_no_longer_approved(case: Case) -> None:
    case.known.site.settings["flyte_approved_plan"] = "plan.json"
    found = case.run(digests={"dataplane_1": "another"})
    assert found["failed"] and "a file, a variable or a look-up gives other values" in found["msg"] and case.helms == []
    assert case.run(digests={"dataplane_1": case.wanted})["changed"]
    case.known.site.settings["flyte_approved_plan"] = None
    assert case.run(digests={"dataplane_1": "another"})["changed"]
