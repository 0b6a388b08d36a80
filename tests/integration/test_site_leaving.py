# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A data plane that is drained, one that is dead and given up, and what is done when it comes back; one that is removed while its token is rotated."""

from __future__ import annotations

import json
import re
import typing as t

import pytest
from conftest import SiteUnderTest, until
from processes import kill_tree
from test_tokens import Calls, _started, _tokens
from workflow import execution, launch, register

pytestmark = pytest.mark.built_site

HOST, PLANE = "dataplane_2", "dataplane2"
SLEEP = "lab.leaving"
GIVEN = ("-e", f"cluster={HOST}", "-e", json.dumps({"labels": {"label2": [{"cluster": "dataplane_1", "weight": 1}]}}))


def _closure(site: SiteUnderTest, name: str) -> dict[str, t.Any]:
    return t.cast("dict[str, t.Any]", execution(site.lab.admin_url, "team1", "production", name)["closure"])


def _cluster_of(site: SiteUnderTest, name: str) -> str:
    return str(execution(site.lab.admin_url, "team1", "production", name)["spec"]["metadata"]["system_metadata"]["execution_cluster"])


@pytest.fixture(name="running")
def _running(site: SiteUnderTest) -> str:
    """An execution whose task runs on the second data plane."""
    assert site.run().code == 0
    until(lambda: bool(site.cluster(PLANE).get("/api/v1/namespaces/team1-production/resourcequotas/project-quota")), "namespaces")
    register(site.lab.admin_url, "team1", "production", SLEEP, "v1", args=["sleep", "900"])
    name = launch(site.lab.admin_url, "team1", "production", SLEEP, "v1")
    until(lambda: _closure(site, name)["phase"] == "RUNNING", "running execution")
    return name


def test_a_drained_plane_gets_nothing_new_and_keeps_what_runs(site: SiteUnderTest, running: str) -> None:
    drained = site.changed_copy()
    drained.planes[HOST]["flyte_cluster_enabled"] = False
    refused = drained.run()
    assert refused.code != 0 and "label2" in refused.flat and "Nothing was changed" in refused.flat, refused.output
    drained.variables["flyte_labels"]["label2"] = [{"cluster": HOST, "weight": 0.5}, {"cluster": "dataplane_1", "weight": 0.5}]
    result = drained.run()
    assert result.code == 0 and site.configs()[HOST]["enabled"] is False, result.output
    names = [launch(site.lab.admin_url, "team1", "production", SLEEP, "v1") for _number in range(3)]
    assert {_cluster_of(site, name) for name in names} == {"dataplane_1"} and _closure(site, running)["phase"] == "RUNNING"
    status = drained.run(playbook="status.yml")
    assert status.code == 0 and re.search(rf"{HOST} +drained +no ", status.output), status.output
    back = site.run()
    assert back.code == 0 and site.configs()[HOST]["enabled"] is True, back.output


def test_a_dead_plane_is_given_up_with_force_and_removed_whole_once_it_is_back(site: SiteUnderTest, running: str) -> None:
    hub, plane = site.cluster("controlplane"), site.cluster(PLANE)
    assert plane.secret("flyteadmin-token")
    site.lab.stop(PLANE)
    try:
        refused = site.run(*GIVEN, playbook="remove.yml")
        assert refused.code != 0 and "flyte_remove_force=true" in refused.flat and HOST in site.configs(), refused.output
        forced = site.run(*GIVEN, "-e", "flyte_remove_force=true", playbook="remove.yml")
        assert forced.code == 0, forced.output
        assert "does not answer: the release, the token and the namespaces in it stay" in forced.flat, forced.output
        assert "RUNNING) left on dataplane_2" in forced.flat and "wait for executions" not in forced.flat, forced.output
    finally:
        site.lab.start(PLANE)
    assert HOST not in site.configs() and not [key for key in hub.secret("cluster-credentials") if key.startswith(HOST)]
    assert site.label_map()["label2"] == [{"id": "dataplane_1", "weight": 1}]
    assert plane.revisions("flyte-core-data") and plane.secret("flyteadmin-token") and _closure(site, running)["phase"] == "RUNNING"
    # It is back, and what is in it goes by the same command; namespaces of projects stay where nobody wants them to go.
    held = site.run(*GIVEN, playbook="remove.yml")
    if held.code:  # flytepropeller is at the workflow still, and nobody can abort it any more
        assert re.search(r"flytepropeller has not ended \d FlyteWorkflow", held.flat), held.output
        for workflow in plane.workflows("team1-production"):
            plane.delete(f"/apis/flyte.lyft.com/v1alpha1/namespaces/team1-production/flyteworkflows/{workflow}")
        held = site.run(*GIVEN, playbook="remove.yml")
    assert held.code == 0, held.output
    assert not plane.revisions("flyte-core-data") and not plane.secret("flyteadmin-token") and not plane.secret("flyte-secret-auth")
    assert plane.get("/api/v1/namespaces/team1-production") and f"{HOST}: namespaces of projects stay (flyte_remove_namespaces)" in held.flat, held.output
    assert "Nothing of dataplane_2 is left." in site.run(*GIVEN, playbook="remove.yml").output
    made = site.run()
    assert made.code == 0 and HOST in site.configs(), made.output


def test_a_removal_beside_a_rotation(site: SiteUnderTest) -> None:
    """Whatever comes first, flyteadmin never has a token that is refused, and what one of the two leaves to be done the next run does."""
    assert site.run().code == 0
    with Calls(site) as calls:
        runs = [_started(site), _started(site, *GIVEN, "-e", "flyte_remove_executions=abort", playbook="remove.yml")]
        try:
            codes = [run.wait(timeout=240) for run in runs]
        finally:
            for run in runs:
                kill_tree(run)
    assert not calls.problems and {entry["status"] for entry in calls.answers} == {201}, (codes, calls.problems, calls.answers[-5:])
    again = site.run(*GIVEN, "-e", "flyte_remove_executions=abort", playbook="remove.yml")
    assert again.code == 0 and HOST not in site.configs(), (codes, again.output)
    assert not [key for key in site.cluster("controlplane").secret("cluster-credentials") if key.startswith(HOST)]
    smaller = site.changed_copy()
    del smaller.planes[HOST]
    smaller.variables["flyte_labels"]["label2"] = [{"cluster": "dataplane_1", "weight": 1}]
    assert smaller.run("-e", "flyte_rotate=due", playbook="rotate.yml").code == 0 and len(_tokens(site.cluster("dataplane1"))) == 1
    assert smaller.run().code == 0 and set(smaller.run().changed.values()) == {0}
    made = site.run()
    assert made.code == 0 and HOST in site.configs(), made.output
