# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody has who installs the tarball into an environment of the oldest versions that are supported, without any ansible.cfg.

``FLYTE_TEST_VERSIONS=newest`` takes the newest ones that this Python can have instead, and ``FLYTE_TEST_HELM`` names
another Helm than the lab's, for example a Helm 4.
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
import subprocess
import sys
import typing as t

import pytest
import yaml
from conftest import REPOSITORY, Result, SiteUnderTest

sys.path.insert(0, str(REPOSITORY / "tests" / "checks"))

import lab as lab_module  # noqa: E402
from clean_environment import NEWEST, OLDEST, build, environment, install  # noqa: E402
from ports import free_range  # noqa: E402
from processes import interruptible, kill_tree  # noqa: E402

#: it needs no lab, or brings up its own: it runs beside the stories of the lab that the others share
pytestmark = pytest.mark.own_lab

VERSIONS = NEWEST if os.environ.get("FLYTE_TEST_VERSIONS") == "newest" else OLDEST


class Stranger(SiteUnderTest):
    """A site that is made from the installed collection."""

    def __init__(self, lab: lab_module.Lab, folder: pathlib.Path, programs: pathlib.Path) -> None:
        super().__init__(lab, folder)
        self.programs = programs
        self.variables["flyte_helm_binary"] = os.environ.get("FLYTE_TEST_HELM") or self.variables["flyte_helm_binary"]
        self.variables["flyte_verify_propeller"] = False  # this lab runs none
        del self.planes["dataplane_2"]
        self.variables["flyte_labels"] = {"label1": [{"cluster": "dataplane_1", "weight": 1}]}
        self.variables["flyte_execution_cluster_labels"] = [{"project": "team1", "domain": "development", "label": "label1"}]

    def command(self, playbook: str, *arguments: str) -> list[str]:
        """Return the command line, with the inventory written to a file."""
        path = self.folder / "inventory.yml"
        path.write_text(yaml.safe_dump(self.inventory), encoding="utf-8")
        return [str(self.programs / "ansible-playbook"), "-i", str(path), playbook, *arguments]

    def environment(self) -> dict[str, str]:
        """Return the environment: no ansible.cfg, and no collection but the installed ones."""
        return {**environment(self.programs.parent), "XDG_STATE_HOME": str(self.folder)}

    def run(self, *arguments: str, playbook: str = "flyte.multicluster.site", timeout: float = 300) -> Result:
        """Run a playbook to its end, from a folder in which nothing is."""
        command = self.command(playbook, *arguments)
        with subprocess.Popen(
            command, cwd=self.folder, env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
        ) as process:
            try:
                output = process.communicate(timeout=timeout)[0].decode()
            finally:
                kill_tree(process)
        return Result(process.returncode, output)


@pytest.fixture(scope="module", name="stranger")
def _stranger(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Stranger]:
    with contextlib.ExitStack() as stack:
        stack.enter_context(interruptible())
        folder = tmp_path_factory.mktemp("installed")
        programs = install(folder / "environment", build(folder), VERSIONS, "ansible-runner>=2.4")
        lab = lab_module.Lab(tmp_path_factory.mktemp("stranger-lab"), stack.enter_context(free_range()), propeller=False)
        stack.callback(lab.down)
        lab.up(1)
        yield Stranger(lab, tmp_path_factory.mktemp("stranger"), programs)


def _quiet(result: Result) -> Result:
    """Fail where something is shown that nobody can do anything about, or that nobody can read."""
    for noise in ("[WARNING]", "DEPRECATION", "deprecated", "Traceback"):
        assert noise not in result.output, (noise, result.output)
    # Several lines in one string are one line of \n's by Ansible's own callback.
    assert not re.search(r'"[^"]*\\n[^"]*\\n', result.output), result.output
    return result


def test_the_site_from_the_tarball(stranger: Stranger) -> None:
    refused = _quiet(stranger.run("-e", "flyte_provider=azure"))
    assert refused.code != 0 and "controlplane: flyte_provider = 'azure'" in refused.output, refused.output
    made = _quiet(stranger.run())
    assert made.code == 0, made.output
    assert re.search(r'^ +"dataplane_1: dataplane: Helm release flyte-core-data: install flyte-core', made.output, re.MULTILINE), made.output
    again = _quiet(stranger.run("--check", "--diff"))
    assert again.code == 0 and not any(again.changed.values()), again.output
    assert stranger.labels() == {"team1/development": "label1"}
    assert set(stranger.configs()) == {"dataplane_1"}


def test_its_status_and_its_verification(stranger: Stranger) -> None:
    status = _quiet(stranger.run(playbook="flyte.multicluster.status"))
    assert status.code == 0 and re.search(r"^\W+dataplane_1 .*ready", status.output, re.MULTILINE), status.output
    assert (verified := _quiet(stranger.run(playbook="flyte.multicluster.verify"))).code == 0, verified.output


#: those whose first example needs nothing but a cluster, flyteadmin and AWS as the lab has them; tests/unit/test_documentation.py checks the options of all
EXAMPLES = (
    "flyte_sa_token",
    "flyte_cluster_info",
    "flyte_dataplane_rights",
    "flyte_ecl_info",
    "flyte_ecl",
    "flyte_execution_info",
    "flyte_aws_info",
    "flyte_oidc_provider",
)
#: those whose first example is a play, on the hosts of an inventory
PLAYS = ("flyte_plan", "flyte_release", "flyte_step")


def examples_of(module: str) -> str:
    """Return the examples of a module."""
    return (REPOSITORY / "plugins" / "modules" / f"{module}.py").read_text(encoding="utf-8").partition('EXAMPLES = r"""')[2].partition('"""')[0]


def test_first_examples_of_modules_run_as_they_stand(stranger: Stranger) -> None:
    # Only flyteadmin's address is another one.
    tasks = [yaml.safe_load(examples_of(name).replace("https://flyte.example.com", stranger.lab.admin_url))[0] for name in EXAMPLES]
    path = stranger.folder / "examples.yml"
    path.write_text(yaml.safe_dump([{"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}]), encoding="utf-8")
    more = {"KUBECONFIG": str(stranger.lab.kubeconfig), "AWS_URL": stranger.lab.aws_url, "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    command = [str(stranger.programs / "ansible-playbook"), str(path), "--check"]
    answer = subprocess.run(command, cwd=stranger.folder, env={**stranger.environment(), **more}, capture_output=True, text=True, timeout=200, check=False)
    assert answer.returncode == 0 and f"ok={len(EXAMPLES)}" in answer.stdout, answer.stdout + answer.stderr


@pytest.mark.parametrize("module", PLAYS)
def test_first_examples_of_actions_run_as_they_stand(stranger: Stranger, module: str) -> None:
    path = stranger.folder / f"{module}.yml"
    path.write_text(yaml.safe_dump([yaml.safe_load(examples_of(module))[0]]), encoding="utf-8")
    ran = stranger.run("--check", playbook=str(path))
    assert ran.code == 0 and not any(ran.changed.values()), ran.output


def test_a_failure_is_a_table_that_can_be_read(stranger: Stranger) -> None:
    other = stranger.changed_copy()
    other.planes["gone"] = {"flyte_eks_cluster": "flyte-gone", "flyte_kube_host": "https://127.0.0.1:9", "flyte_kube_api_key": "abc", "flyte_kubeconfig": None}
    found = other.run("--check", "-e", "flyte_iam_manage=false", "-e", "flyte_data_plane_role_arn=arn:aws:iam::123456789012:role/d")
    assert found.code != 0 and "could not be done; everything else was." in found.output, found.output
    assert re.search(r'^ +"gone +observe +', found.output, re.MULTILINE), found.output


def playbooks_of(page: str) -> dict[str, str]:
    """Return the playbooks of a page of the documentation, by the file name in their first line."""
    text = (REPOSITORY / "docs" / page).read_text(encoding="utf-8")
    blocks: list[str] = re.findall(r"^```yaml\n(# \S+\.yml\n.*?)^```", text, re.MULTILINE | re.DOTALL)
    return {block.split("\n", 1)[0][2:]: block for block in blocks}


def test_roles_in_a_playbook_of_ones_own(stranger: Stranger) -> None:
    found = playbooks_of("roles.md")
    assert set(found) == {"labels.yml", "announced.yml"}
    for name, text in found.items():
        (stranger.folder / name).write_text(text, encoding="utf-8")
    other = stranger.changed_copy()
    # Of a project that the roles trust already: these playbooks leave IAM alone, and verify says what is still to be done.
    other.variables["flyte_execution_cluster_labels"].append({"project": "team1", "domain": "production", "label": "label1"})
    labelled = _quiet(other.run(playbook=str(stranger.folder / "labels.yml")))
    assert labelled.code == 0 and other.labels() == {"team1/development": "label1", "team1/production": "label1"}, labelled.output
    other.inventory["all"]["children"]["flyte_control_plane"]["vars"]["flyte_values"]["flyteadmin"]["podAnnotations"] = {"example.com/by": "own"}
    announced = _quiet(other.run(playbook=str(stranger.folder / "announced.yml")))
    assert announced.code == 0 and "Helm release flyte-core: values differ" in announced.output, announced.output
    pods = other.cluster("controlplane").get("/apis/apps/v1/namespaces/flyte/deployments/flyteadmin")["spec"]["template"]["metadata"]["annotations"]
    assert pods["example.com/by"] == "own"


def test_ansible_runner_as_awx_uses_it(stranger: Stranger) -> None:
    """The project is read only, credentials come by variables and files, and what it writes is in its own folder, the home of what runs there."""
    private, elsewhere = stranger.folder / "runner", stranger.folder / "elsewhere"
    for name in ("project", "inventory", "env", "tmp", "home"):
        (private / name).mkdir(parents=True)
    elsewhere.mkdir()
    site = stranger.changed_copy()
    for name in ("flyte_kubeconfig", "flyte_aws_access_key", "flyte_aws_secret_key"):
        del site.variables[name]
    (private / "inventory" / "hosts.yml").write_text(yaml.safe_dump(site.inventory), encoding="utf-8")
    (private / "project" / "site.yml").write_text("- import_playbook: flyte.multicluster.site\n", encoding="utf-8")
    (private / "env" / "kubeconfig").write_bytes(stranger.lab.kubeconfig.read_bytes())
    (private / "env" / "kubeconfig").chmod(0o600)
    (private / "env" / "extravars").write_text(json.dumps({"flyte_kubeconfig": str(private / "env" / "kubeconfig")}), encoding="utf-8")
    credentials = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    given = {**stranger.environment(), "HOME": str(private / "home"), "TMPDIR": str(private / "tmp"), "ANSIBLE_LOCAL_TEMP": str(private / "tmp"), **credentials}
    given |= {"ANSIBLE_REMOTE_TEMP": str(private / "tmp"), "XDG_STATE_HOME": str(private / "tmp")}
    for path in (private / "project", elsewhere):
        path.chmod(0o555)
    watched = [private / "project", private / "inventory", private / "env", elsewhere, stranger.lab.kubeconfig, stranger.programs.parent / "collections"]
    before = [_tree(path) for path in watched]
    command = [str(stranger.programs / "ansible-runner"), "run", str(private), "--playbook", "site.yml", "--ident", "awx", "--quiet"]
    answer = subprocess.run(command, cwd=elsewhere, env=given, capture_output=True, text=True, timeout=300, check=False)
    artifacts = private / "artifacts" / "awx"
    said = (artifacts / "stdout").read_text(encoding="utf-8")
    assert answer.returncode == 0 and (artifacts / "status").read_text(encoding="utf-8") == "successful", answer.stderr + said
    assert [_tree(path) for path in watched] == before
    assert stranger.labels() == {"team1/development": "label1", "team1/production": "label1"}, "labels that the inventory does not have stay"
    events = [json.loads(path.read_text(encoding="utf-8")) for path in (artifacts / "job_events").glob("*.json")]
    stats = [event["event_data"] for event in events if event["event"] == "playbook_on_stats"]
    assert len(stats) == 1 and stats[0]["ok"].get("controlplane") and not stats[0]["failures"], stats
    shown = "".join(path.read_text(encoding="utf-8") for path in artifacts.rglob("*") if path.is_file() and path.name != "command")
    token = stranger.cluster("controlplane").secret("cluster-credentials")["dataplane_1_token"]
    assert token not in shown and "lab-only" not in shown


def _tree(path: pathlib.Path) -> dict[str, float]:
    """Return when every file in a folder was changed last, compiled ones left out."""
    return {str(item): item.stat().st_mtime for item in (path, *path.rglob("*")) if item.is_file() and item.suffix != ".pyc"}
