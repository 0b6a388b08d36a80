# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody has who installs the tarball into an environment of the oldest versions that are supported, without any ansible.cfg.

``FLYTE_TEST_VERSIONS=newest`` takes the newest ones that this Python can have instead, and ``FLYTE_TEST_HELM`` names
another Helm than the lab's, for example a Helm 4.
"""

from __future__ import annotations

import contextlib
import itertools
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
from job_pods import JobPods

sys.path.insert(0, str(REPOSITORY / "tests" / "checks"))
sys.path.insert(0, str(REPOSITORY / "tests" / "lab"))

import lab as lab_module  # noqa: E402
from clean_environment import NEWEST, OLDEST, build, environment, install  # noqa: E402
from ports import free_range  # noqa: E402
from processes import interruptible, kill_tree  # noqa: E402
from workflow import register  # noqa: E402

#: it needs no lab, or brings up its own: it runs beside the stories of the lab that the others share
pytestmark = pytest.mark.own_lab

LABELS = {"team1/development": "label1", "team1/production": "label2"}
VERSIONS = NEWEST if os.environ.get("FLYTE_TEST_VERSIONS") == "newest" else OLDEST


class Stranger(SiteUnderTest):
    """A site that is made from the installed collection."""

    def __init__(self, lab: lab_module.Lab, folder: pathlib.Path, programs: pathlib.Path) -> None:
        super().__init__(lab, folder)
        self.programs = programs
        self.more: dict[str, str] = {}
        self.variables["flyte_helm_binary"] = os.environ.get("FLYTE_TEST_HELM") or self.variables["flyte_helm_binary"]
        self.variables["flyte_execution_cluster_labels"] = [
            {"project": "team1", "domain": "development", "label": "label1"},
            {"project": "team1", "domain": "production", "label": "label2"},
        ]

    def command(self, playbook: str, *arguments: str) -> list[str]:
        """Return the command line, with the inventory written to a file."""
        path = self.folder / "inventory.yml"
        path.write_text(yaml.safe_dump(self.inventory), encoding="utf-8")
        return [str(self.programs / "ansible-playbook"), "-i", str(path), playbook, *arguments]

    def environment(self) -> dict[str, str]:
        """Return the environment: no ansible.cfg, and no collection but the installed ones."""
        return {**environment(self.programs.parent), "XDG_STATE_HOME": str(self.folder), **self.more}

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
        lab = lab_module.Lab(tmp_path_factory.mktemp("stranger-lab"), stack.enter_context(free_range()))
        stack.callback(lab.down)
        lab.up(2)
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
    assert stranger.labels() == LABELS
    assert set(stranger.configs()) == {"dataplane_1", "dataplane_2"}


def test_its_status_and_its_verification(stranger: Stranger) -> None:
    status = _quiet(stranger.run(playbook="flyte.multicluster.status"))
    assert status.code == 0 and re.search(r"^\W+dataplane_1 .*ready", status.output, re.MULTILINE), status.output
    assert (verified := _quiet(stranger.run(playbook="flyte.multicluster.verify"))).code == 0, verified.output


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
    other.variables["flyte_execution_cluster_labels"].append({"project": "team1", "domain": "staging", "label": "label1"})
    labelled = _quiet(other.run(playbook=str(stranger.folder / "labels.yml")))
    assert labelled.code == 0 and other.labels() == {**LABELS, "team1/staging": "label1"}, labelled.output
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
    assert stranger.labels() == {**LABELS, "team1/staging": "label1"}, "labels that the inventory does not have stay"
    events = [json.loads(path.read_text(encoding="utf-8")) for path in (artifacts / "job_events").glob("*.json")]
    stats = [event["event_data"] for event in events if event["event"] == "playbook_on_stats"]
    assert len(stats) == 1 and stats[0]["ok"].get("controlplane") and not stats[0]["failures"], stats
    shown = "".join(path.read_text(encoding="utf-8") for path in artifacts.rglob("*") if path.is_file() and path.name != "command")
    token = stranger.cluster("controlplane").secret("cluster-credentials")["dataplane_1_token"]
    assert token not in shown and "lab-only" not in shown


def _tree(path: pathlib.Path) -> dict[str, float]:
    """Return when every file in a folder was changed last, compiled ones left out."""
    return {str(item): item.stat().st_mtime for item in (path, *path.rglob("*")) if item.is_file() and item.suffix != ".pyc"}


# -- the examples of the documentation, last, since they change the site

WORKFLOW = "example.training_workflow"
#: what of a plugin's examples changes something, on this site
CHANGES = {
    "flyte_adopt": 1,
    "flyte_canary": 2,
    "flyte_cluster_credentials": 2,
    "flyte_dataplane_rights": 1,
    "flyte_ecl": 2,
    "flyte_execution": 2,
    "flyte_oidc_provider": 1,
    "flyte_pod_identity": 1,
    "flyte_propeller_identity": 1,
}
CLIENT, SECRET = "flyte-automation", "the-secret-of-this-test"
MODULES = sorted(path.stem for path in (REPOSITORY / "plugins" / "modules").glob("*.py"))


@pytest.fixture(scope="module", name="documented")
def _documented(stranger: Stranger) -> Stranger:
    """Have what examples name: files, credentials in the environment, a workflow, a tagged EKS cluster."""
    lab, folder = stranger.lab, stranger.folder
    token = stranger.cluster("controlplane").secret("cluster-credentials")["dataplane_2_token"]
    stranger.more = {
        "KUBECONFIG": str(lab.kubeconfig),
        "AWS_URL": lab.aws_url,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "DATAPLANE2_TOKEN": token,
        "ANSIBLE_VAULT_PASSWORD_FILE": str(folder / "vault-password"),
        "HOME": str(folder),
    }
    (folder / "vault-password").write_text("of this test", encoding="utf-8")
    (folder / "client-secret").write_text(SECRET, encoding="utf-8")
    (folder / "dataplane3.pem").write_bytes(pathlib.Path(stranger.cluster("dataplane1").ca_file).read_bytes())
    (folder / "vaulted.yml").write_text(yaml.safe_dump({"vaulted_token": token, "vaulted_secret": "of-its-own"}), encoding="utf-8")
    for domain in ("development", "staging", "production"):
        register(lab.admin_url, "team1", domain, WORKFLOW, "v1", inputs={"hyperparameters": {"simple": "STRUCT"}})
    return stranger


def on_the_lab(stranger: Stranger, text: str) -> str:
    """Put the lab's addresses and files in the place of those that examples name."""
    lab, folder = stranger.lab, stranger.folder
    places = {
        "https://flyte.example.com": lab.admin_url,
        "https://dataplane2.example.com": lab.api_url("dataplane2"),
        "https://10.20.0.5:443": lab.api_url("dataplane1"),
        "/etc/ssl/dataplane2.pem": stranger.cluster("dataplane2").ca_file,
        "/run/secrets/flyte": str(folder / "client-secret"),
        "flyte-dataplane-1": "flyte-dataplane1",
    }
    for name, here in places.items():
        text = text.replace(name, here)
    return text


def examples_of(path: str) -> str:
    """Return the examples of a plugin."""
    text = (REPOSITORY / "plugins" / path).read_text(encoding="utf-8")
    if path.endswith(".yml"):
        return str(yaml.safe_load(text)["EXAMPLES"])
    return text.partition('EXAMPLES = r"""')[2].partition('"""')[0]


def _as_plays(examples: list[dict[str, t.Any]]) -> list[tuple[bool, list[dict[str, t.Any]]]]:
    """Return plays, those that stand together, and whether they log in to flyteadmin."""
    if "hosts" in examples[0]:
        return [(False, examples)]
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False}
    return [(login, [{**play, "tasks": list(tasks)}]) for login, tasks in itertools.groupby(examples, lambda task: "client_id" in str(task))]


@pytest.mark.parametrize("path", [*(f"modules/{name}.py" for name in MODULES), "filter/trust_policy.yml"])
def test_examples_run_as_they_stand(documented: Stranger, tmp_path: pathlib.Path, path: str) -> None:
    """All of a plugin, one after the other; the flyteadmin of those that log in wants a token."""
    name, changed = pathlib.Path(path).stem, 0
    site = documented.changed_copy()
    if name == "flyte_adopt":
        # Of accesses alone: the example finds the planes, under the names of their contexts.
        site.planes.clear()
        for variable in ("flyte_labels", "flyte_execution_cluster_labels"):
            del site.variables[variable]
    for number, (login, plays) in enumerate(_as_plays(yaml.safe_load(on_the_lab(documented, examples_of(path))))):
        playbook = documented.folder / f"{name}-{number}.yml"
        playbook.write_text(yaml.safe_dump(plays, sort_keys=False), encoding="utf-8")
        with contextlib.ExitStack() as stack:
            if login:
                documented.lab.admin_restart(CLIENT, SECRET)
                stack.callback(documented.lab.admin_restart)
            stack.enter_context(JobPods(documented.cluster("controlplane"), tmp_path))
            ran = _quiet(site.run("-e", f"@{documented.folder / 'vaulted.yml'}", playbook=str(playbook)))
        assert ran.code == 0, ran.output
        changed += sum(ran.changed.values())
    assert changed == CHANGES.get(name, 0)


def test_the_example_of_the_inventory_plugin(documented: Stranger) -> None:
    documented.lab.aws_client("eks").create_cluster(
        name="tagged", version="1.34", roleArn="arn:aws:iam::123456789012:role/eks", resourcesVpcConfig={"subnetIds": []}, tags={"flyte": "dataplane"}
    )
    (documented.folder / "dataplanes.eks.yml").write_text(examples_of("inventory/eks.py"), encoding="utf-8")
    command = [str(documented.programs / "ansible-inventory"), "-i", "dataplanes.eks.yml", "--list"]
    answer = subprocess.run(command, cwd=documented.folder, env=documented.environment(), capture_output=True, text=True, timeout=60, check=False)
    assert answer.returncode == 0 and not answer.stderr, answer.stderr
    found = json.loads(answer.stdout)
    assert found["flyte_data_planes"]["hosts"] == found["region_us_east_2"]["hosts"] == ["tagged"]
    assert found["_meta"]["hostvars"]["tagged"]["flyte_cluster_enabled"] is True
