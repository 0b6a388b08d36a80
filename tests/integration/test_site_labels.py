# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Labels and placement on a site that is built: what is stored, what is proven, and what a killed run leaves."""

from __future__ import annotations

import json
import pathlib
import re
import subprocess
import sys

import pytest
import requests
from conftest import REPOSITORY, ArgumentWatch, SiteUnderTest

sys.path.insert(0, str(REPOSITORY / "tests" / "lab"))

import binaries  # noqa: E402
from workflow import execution, register  # noqa: E402

pytestmark = pytest.mark.built_site

WORKFLOW = "example.training_workflow"
JOURNAL = "/api/v1/namespaces/flyte/configmaps/flyte-multicluster-ecl-journal"
FLYTEKIT = pathlib.Path(sys.prefix + "-flytekit") / "bin"


def _put(site: SiteUnderTest, place: str, label: str) -> None:
    """Write a row as somebody else would."""
    parts = place.split("/")
    level = {1: "project_attributes", 2: "project_domain_attributes", 3: "workflow_attributes"}[len(parts)]
    body = {**dict(zip(("project", "domain", "workflow"), parts)), "matching_attributes": {"execution_cluster_label": {"value": label}}}
    requests.put(f"{site.lab.admin_url}/api/v1/{level}/{place}", json={"attributes": body}, timeout=10).raise_for_status()


def _delete(site: SiteUnderTest, place: str) -> None:
    parts = place.split("/")
    level = {1: "project_attributes", 2: "project_domain_attributes", 3: "workflow_attributes"}[len(parts)]
    body = {**dict(zip(("project", "domain", "workflow"), parts)), "resource_type": "EXECUTION_CLUSTER_LABEL"}
    requests.delete(f"{site.lab.admin_url}/api/v1/{level}/{place}", json=body, timeout=10).raise_for_status()


def test_every_stored_row_and_every_project_domain_is_judged(site: SiteUnderTest) -> None:
    """Also rows that the inventory does not have."""
    assert site.run().code == 0
    _put(site, "team1/staging/somebody.elses", "labl1")
    try:
        report = site.run(playbook="verify.yml")
        assert report.code == 0, report.output
        text = report.flat
        assert "team1/staging/somebody.elses: label 'labl1': labelClusterMap has no such label: it runs on any enabled cluster" in text
        assert "team1/staging: no label: it runs on any enabled cluster" in text
        strict = site.run("-e", "flyte_strict_labels=true", playbook="verify.yml")
        assert strict.code != 0 and "2 thing(s) could not be done" in strict.output, strict.output
    finally:
        _delete(site, "team1/staging/somebody.elses")
    whole = site.changed_copy()
    whole.variables["flyte_execution_cluster_labels"].append({"project": "team1", "domain": "staging", "label": "label1"})
    assert whole.run("--tags", "ecl,verify", "-e", "flyte_strict_labels=true").code == 0
    _delete(site, "team1/staging")


def test_the_canary_proves_where_every_labelled_project_domain_runs(site: SiteUnderTest) -> None:
    for project, domain in (("team1", "development"), ("team1", "production"), *(("project1", name) for name in ("development", "staging", "production"))):
        register(site.lab.admin_url, project, domain, WORKFLOW, "v1")
    # Its version too: other tests register newer ones of the same lab, with inputs that are required.
    canary = ("-e", f"flyte_canary_workflow={WORKFLOW}", "-e", "flyte_canary_version=v1")
    result = site.run(*canary, playbook="verify.yml")
    assert result.code == 0, result.output
    proven = re.findall(r"(\S+/\S+) +(\S+) \((\S+)\) +(\S+) +(\S+) +SUCCEEDED +proven", result.output)
    assert ("team1/production", "label2", "project-domain", "dataplane_2", "dataplane_2") in proven and len(proven) == 5, result.output
    # The clusters themselves say so too.
    found = requests.get(f"{site.lab.admin_url}/api/v1/executions/team1/production?limit=100", headers={"Accept": "application/json"}, timeout=10).json()
    ours = [entry for entry in found["executions"] if ((entry["spec"]["labels"] or {}).get("values") or {}).get("flyte.multicluster/canary")][-1]
    name = ours["id"]["name"]
    assert [plane for plane in (host.replace("_", "") for host in site.planes) if name in site.cluster(plane).workflows("team1-production")] == ["dataplane2"]
    # Nothing is launched in check mode, and a workflow that is not registered is said.
    before = len(found["executions"])
    assert site.run("--check", *canary, playbook="verify.yml").code == 0
    wrong = site.run("-e", "flyte_canary_workflow=nope", "-e", '{"flyte_canary_projects": ["team1"]}', playbook="verify.yml")
    assert wrong.code != 0 and "pyflyte register" in wrong.output, wrong.output
    found = requests.get(f"{site.lab.admin_url}/api/v1/executions/team1/production?limit=100", headers={"Accept": "application/json"}, timeout=10).json()
    assert len(found["executions"]) == before


_KILLED = """
import json, os, signal, sys
sys.path[:0] = [{collections!r}, {unit!r}]
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin import client as _admin
from ansible_collections.flyte.multicluster.plugins.modules import flyte_ecl
from module_arguments import patch_module_args
_admin.Admin.put_label = lambda *_arguments: os.kill(os.getpid(), signal.SIGKILL)
with patch_module_args(json.loads(sys.stdin.read())):
    flyte_ecl.main()
"""


def test_a_run_killed_between_delete_and_restore_loses_nothing_on_any_machine(site: SiteUnderTest, tmp_path: pathlib.Path) -> None:
    """The rows are in the control plane: a later run finds them without any file of the first machine."""
    hub = site.cluster("controlplane")
    before = site.labels()
    _put(site, "team1/development/somebody.elses", "label2")
    arguments = {
        "url": site.lab.admin_url,
        "state": "absent",
        "project": "team1",
        "domain": "development",
        "control_plane": {"kubeconfig": str(site.lab.kubeconfig), "context": "controlplane"},
        "journal": str(tmp_path),
    }
    script = _KILLED.format(collections=str(REPOSITORY / ".collections"), unit=str(REPOSITORY / "tests" / "unit"))
    killed = subprocess.run([sys.executable, "-c", script], input=json.dumps(arguments), text=True, capture_output=True, timeout=60, check=False)
    assert killed.returncode == -9, killed.stdout + killed.stderr
    assert not [place for place in site.labels() if place.startswith("team1/development")] and not list(tmp_path.iterdir())
    assert "somebody.elses" in hub.get(JOURNAL)["data"]["rows.json"]
    planned = site.run("--tags", "ecl", "--check", "--diff")
    assert planned.code == 0 and "+team1/development/somebody.elses: label2" in planned.output and hub.get(JOURNAL)
    result = site.run("--tags", "ecl", "--diff")
    assert result.code == 0, result.output
    assert site.labels() == {**before, "team1/development/somebody.elses": "label2"} and hub.get(JOURNAL) is None
    assert "team1/development/somebody.elses" in result.output.partition("Say which rows were restored")[2]
    # It is nobody's in the inventory: only a purge of that project removes it.
    assert not site.run("--tags", "ecl").changed["controlplane"]
    purged = site.changed_copy()
    purged.variables["flyte_execution_cluster_labels_purge"] = ["team1"]
    assert purged.run("--tags", "ecl").code == 0 and site.labels() == before


def test_a_flyteadmin_that_wants_a_token_gets_one_and_no_secret_is_shown(site: SiteUnderTest) -> None:
    secret, propellers = "the-clients-secret-0815", "the-propellers-secret-0816"
    own = site.changed_copy()
    own.variables.update(flyte_propeller_client_id="flytepropeller", flyte_propeller_client_secret=propellers)
    assert own.run().code == 0
    # The canary's executions end only if flytepropeller can log in too.
    site.lab.admin_restart("flyte-automation", secret, others={"flytepropeller": propellers})
    try:
        refused = own.run("--tags", "ecl,verify")
        assert refused.code != 0 and "set flyte_client_id and flyte_client_secret" in refused.flat, refused.output
        known = own.changed_copy()
        known.variables.update(flyte_client_id="flyte-automation", flyte_client_secret=secret)
        with ArgumentWatch() as arguments:
            result = known.run("-vvv", "--diff", "-e", f"flyte_canary_workflow={WORKFLOW}", "-e", "flyte_canary_version=v1")
            status = known.run("-vvv", playbook="status.yml")
        assert result.code == 0 and status.code == 0, result.output[-3000:] + status.output[-3000:]
        assert "proven" in result.output and set(result.changed.values()) == {0}
        seen = result.output + status.output + "\n".join(arguments.seen)
        assert secret not in seen and propellers not in seen and not re.search(r"Bearer (?!\*)", seen) and "eyJhbGciOiAibm9uZSJ9" not in seen
        wrong = known.changed_copy()
        wrong.variables["flyte_client_secret"] = "wrong-secret-4711"
        denied = wrong.run("--tags", "ecl", "-vvv")
        assert denied.code != 0 and "invalid_client" in denied.output and "wrong-secret-4711" not in denied.output
    finally:
        site.lab.admin_restart()


@pytest.mark.skipif(not (FLYTEKIT / "pyflyte").exists(), reason="flytekit does not support this Python")
def test_the_real_flytekit_and_flytectl_agree_with_the_modules(site: SiteUnderTest) -> None:
    """flytekit registers and runs; our module runs the same workflow; each reads the other's execution. flytectl reads the label."""
    config = site.folder / "flytekit.yaml"
    config.write_text(f"admin:\n  endpoint: dns:///127.0.0.1:{site.lab.admin_grpc_port}\n  insecure: true\n", encoding="utf-8")
    example = REPOSITORY / "tests" / "lab" / "example.py"
    place = ["--project", "team1", "--domain", "production"]
    image = ["--image", "cr.flyte.org/flyteorg/flytekit:py3.11-latest"]
    pyflyte = [str(FLYTEKIT / "pyflyte"), "-c", str(config)]

    def run(*command: str) -> str:
        answer = subprocess.run(command, cwd=site.folder, env=site.environment(), capture_output=True, text=True, timeout=120, check=False)
        assert answer.returncode == 0, answer.stdout + answer.stderr
        return answer.stdout + answer.stderr

    run(*pyflyte, "register", *place, *image, "--version", "from-flytekit", str(example))
    theirs = run(*pyflyte, "run", "--remote", *image, *place, str(example), "training_workflow", "--hyperparameters", '{"C": 0.1}')
    their_name = re.findall(r"/executions/(?:team1/production/)?([a-z0-9]+)", theirs)[-1]
    arguments = {
        "url": site.lab.admin_url,
        "project": "team1",
        "domain": "production",
        "launch_plan": WORKFLOW,
        "version": "from-flytekit",
        "inputs": {"hyperparameters": {"C": 0.1}},
        "expect_cluster": ["dataplane_2"],
        "wait_timeout": 120,
    }
    ansible = str(pathlib.Path(sys.executable).with_name("ansible"))
    command = [ansible, "localhost", "-i", "localhost,", "-c", "local", "-e", f"ansible_python_interpreter={sys.executable}"]
    ours = subprocess.run(
        [*command, "-m", "flyte.multicluster.flyte_execution", "-a", json.dumps(arguments)],
        cwd=REPOSITORY, env=site.environment(), capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert ours.returncode == 0 and "phase: SUCCEEDED" in ours.stdout, ours.stdout + ours.stderr
    our_name = re.findall(r"name: (f\w+)", ours.stdout)[-1]
    script = (
        "import sys; from flytekit.configuration import Config; from flytekit.remote import FlyteRemote\n"
        "remote = FlyteRemote(Config.auto(sys.argv[1]))\n"
        "for name in sys.argv[2:]:\n"
        "    found = remote.client.get_execution(__import__('flytekit').models.core.identifier.WorkflowExecutionIdentifier('team1', 'production', name))\n"
        "    print(name, found.spec.metadata.system_metadata.execution_cluster, found.closure.phase)\n"
    )
    read = run(str(FLYTEKIT / "python"), "-c", script, str(config), their_name, our_name)
    assert f"{their_name} dataplane_2 " in read and f"{our_name} dataplane_2 4" in read, read  # 4 is SUCCEEDED
    for name in (their_name, our_name):
        found = execution(site.lab.admin_url, "team1", "production", name)
        assert found["spec"]["metadata"]["system_metadata"]["execution_cluster"] == "dataplane_2"
    flytectl = [str(binaries.find("flytectl")), "--config", str(config), "get", "execution-cluster-label", "-p", "team1", "-d", "production"]
    # A clean environment: flytectl 0.9.8 panics where it holds a variable named ADMIN.
    label = subprocess.run(flytectl, env={"HOME": str(site.folder), "PATH": "/usr/bin:/bin"}, capture_output=True, text=True, timeout=30, check=True)
    assert json.loads(label.stdout)["value"] == "label2"
