# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An installation made by hand from the guide is adopted: what is written is agreed with, but for what the guide gets wrong."""

from __future__ import annotations

import contextlib
import json
import pathlib
import subprocess
import sys
import typing as t

import pytest
import yaml
from by_hand import ACCOUNT, ADMINS, SECRETS, STRANGER, ByHand
from conftest import REPOSITORY, ArgumentWatch, Result, SiteUnderTest, as_json, differing
from lab import Lab
from lab_chart import chart_folder, chart_ref
from ports import free_range
from processes import interruptible

#: it needs no lab, or brings up its own: it runs beside the stories of the lab that the others share
pytestmark = pytest.mark.own_lab

VAULT_PASSWORD = "for-the-vault-of-this-test"
PLAN_KEY = "key-of-the-fingerprints-of-this-test"


class Adopting(SiteUnderTest):
    """Runs playbooks with an inventory in a file, and a vault password."""

    def __init__(self, lab: Lab, folder: pathlib.Path) -> None:
        super().__init__(lab, folder)
        self.to = folder / "adopted"
        (folder / "password").write_text(VAULT_PASSWORD, encoding="utf-8")
        kubeconfig = {"flyte_kubeconfig": str(lab.kubeconfig)}
        planes = {"west": {**kubeconfig, "flyte_kube_context": "dataplane2"}, "east": {**kubeconfig, "flyte_kube_context": "dataplane1"}}
        dead = {"gone": {"flyte_kube_host": "https://127.0.0.1:9", "flyte_kube_api_key": "dead-key-4711", "flyte_kube_validate_certs": False}}
        self.accesses: dict[str, t.Any] = {
            "all": {
                "vars": {
                    "flyte_admin_url": lab.admin_url,
                    "flyte_helm_binary": str(lab.folder / "bin" / "helm"),
                    "flyte_chart_ref": str(chart_ref()),
                    "flyte_aws_region": "us-east-2",
                    "flyte_aws_endpoint_url": lab.aws_url,
                    "flyte_aws_access_key": "testing",
                    "flyte_aws_secret_key": "testing",
                    "flyte_verify_propeller": False,
                    "flyte_wait_timeout": 120,
                    "flyte_adopt_to": str(self.to),
                },
                "children": {
                    "flyte_control_plane": {"hosts": {"hub": {**kubeconfig, "flyte_kube_context": "controlplane"}}},
                    "flyte_data_planes": {"hosts": planes | dead},
                },
            }
        }

    def play(self, playbook: str, *arguments: str, inventory: pathlib.Path | None = None, vault: bool = True) -> Result:
        """Run a playbook on the accesses, or on another inventory."""
        path = self.folder / "accesses.yml"
        path.write_text(yaml.safe_dump(self.accesses), encoding="utf-8")
        ansible = pathlib.Path(sys.executable).with_name("ansible-playbook")
        secret = ["--vault-password-file", str(self.folder / "password")] if vault else []
        command = [str(ansible), "-i", str(inventory or path), f"playbooks/{playbook}.yml", *secret, *arguments]
        answer = subprocess.run(command, cwd=REPOSITORY, env=self.environment(), capture_output=True, text=True, timeout=300, check=False)
        return Result(answer.returncode, answer.stdout + answer.stderr)

    def site_play(self, *arguments: str) -> Result:
        """Run site.yml on what was adopted."""
        return self.play("site", *arguments, inventory=self.to / "hosts.yml")

    def iam(self) -> dict[str, t.Any]:
        """Return all of IAM: providers, policies, roles with what they trust and may, each policy statement by statement."""
        client = self.lab.aws_client("iam")
        found: dict[str, t.Any] = {}
        for entry in client.list_open_id_connect_providers()["OpenIDConnectProviderList"]:
            provider = client.get_open_id_connect_provider(OpenIDConnectProviderArn=entry["Arn"])
            found[f"provider {entry['Arn']}"] = {key: provider[key] for key in ("Url", "ClientIDList", "ThumbprintList", "Tags")}
        for entry in client.list_policies(Scope="Local")["Policies"]:
            document = client.get_policy_version(PolicyArn=entry["Arn"], VersionId=entry["DefaultVersionId"])["PolicyVersion"]["Document"]
            found[f"policy {entry['PolicyName']}"] = document
        for entry in client.list_roles()["Roles"]:
            name = entry["RoleName"]
            attached = [policy["PolicyArn"] for policy in client.list_attached_role_policies(RoleName=name)["AttachedPolicies"]]
            inline = client.list_role_policies(RoleName=name)["PolicyNames"]
            document = entry["AssumeRolePolicyDocument"]
            found[f"role {name}"] = {"attached": sorted(attached), "inline": inline, **{key: value for key, value in document.items() if key != "Statement"}}
            found |= {f"trust of {name}: {json.dumps(statement, sort_keys=True)}": True for statement in document["Statement"]}
        return found

    def snapshots(self) -> dict[str, dict[str, str]]:
        """Return what there is in all clusters."""
        return {name: self.cluster(name).snapshot() for name in self.lab.clusters()}


@contextlib.contextmanager
def made_by(hand: type[ByHand], folders: pytest.TempPathFactory) -> t.Iterator[Adopting]:
    """A lab with an installation that somebody made, and what adopts it."""
    with interruptible(), free_range() as port:  # pylint: disable=contextmanager-generator-missing-cleanup
        lab = Lab(folders.mktemp("lab"), port, propeller=False)
        try:
            lab.up(2)
            folder = folders.mktemp("adopting")
            hand(lab, folder / "by-hand").install()
            yield Adopting(lab, folder)
        finally:
            lab.down()


@pytest.fixture(name="made", scope="module")
def _made(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Adopting]:
    with made_by(ByHand, tmp_path_factory) as made:
        yield made


def _with_secret(folder: pathlib.Path, secrets: t.Iterable[str]) -> list[str]:
    wanted = [secret.encode() for secret in secrets]
    found = []
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            if path.is_file() and any(secret in path.read_bytes() for secret in wanted):
                found.append(str(path))
    return found


def test_without_a_vault_password_nothing_is_asked_or_written(made: Adopting) -> None:
    result = made.play("adopt", vault=False)
    assert result.code != 0 and "There is no vault password" in result.flat and not made.to.exists(), result.output


def test_adopting_reads_only_and_keeps_secrets_out_of_everything(made: Adopting) -> None:
    before = made.snapshots()
    tokens = made.cluster("controlplane").secret("cluster-credentials")
    secrets = (*SECRETS, VAULT_PASSWORD, "dead-key-4711", *(value for key, value in tokens.items() if key.endswith("_token")))
    planned = made.play("adopt", "--check", "--diff")
    assert "dataplane_1" in planned.output and not made.to.exists(), planned.output[-3000:]
    with ArgumentWatch() as arguments:
        result = made.play("adopt", "-vvv", "--diff")
    # One candidate is dead: it is named, and everything else is written.
    assert result.code != 0 and "Clusters that could not be asked: gone. Everything else was written." in result.flat, result.output[-3000:]
    assert made.snapshots() == before
    assert sorted(str(path.relative_to(made.to)) for path in made.to.rglob("*") if path.is_file()) == [
        "group_vars/all/vault.yml", "hosts.yml", "values-controlplane.yaml", "values-dataplane_1.yaml", "values-dataplanes.yaml",
    ]  # fmt: skip
    seen = result.output + planned.output + "\n".join(arguments.seen)
    assert not [secret for secret in secrets if secret in seen]
    assert not _with_secret(made.to, secrets) and not _with_secret(made.temporary, secrets)
    assert (made.to / "group_vars/all/vault.yml").read_text(encoding="utf-8").startswith("$ANSIBLE_VAULT;1.1;AES256")
    hosts = yaml.safe_load((made.to / "hosts.yml").read_text(encoding="utf-8").replace("!unsafe ", ""))["all"]
    assert hosts["vars"]["flyte_iam_policy_name"] == "flyte-bucket-access" and hosts["vars"]["flyte_provider"] == "aws"
    hub = hosts["children"]["flyte_control_plane"]["hosts"]["hub"]
    assert hub["flyte_drop_values"] == ["flyteconsole.replicaCuont"]
    assert hub["flyte_release_name"] == "flyte-core-control" and hub["flyte_eks_cluster"] == "flyte-controlplane"
    planes = hosts["children"]["flyte_data_planes"]["hosts"]
    assert {name: (own["flyte_kube_context"], own["flyte_eks_cluster"]) for name, own in planes.items()} == {
        "dataplane_1": ("dataplane1", "flyte-dataplane1"),
        "dataplane_2": ("dataplane2", "flyte-dataplane2"),
    }
    assert "another release" not in result.output and "Helm has a release flyte-core of this chart there, too" in (made.to / "hosts.yml").read_text(
        encoding="utf-8"
    )


def test_what_is_there_is_not_overwritten(made: Adopting) -> None:
    result = made.play("adopt")
    assert result.code != 0 and "hosts.yml" in result.flat and "exists: choose another folder, or -e flyte_adopt_force=true" in result.flat, result.output
    again = made.play("adopt", "-e", "flyte_adopt_force=true")
    assert again.changed["hub"] == 0 and "hosts.yml: written" not in again.output, again.output[-2000:]


def test_without_its_values_the_first_run_is_refused_with_what_would_be_lost(made: Adopting) -> None:
    before, iam = made.snapshots(), made.iam()
    result = made.site_play("-e", json.dumps({"flyte_values_files": [], "flyte_values": {}, "flyte_drop_values": []}))
    assert result.code != 0 and "Nothing was changed." in result.output, result.output
    assert made.snapshots() == before and made.iam() == iam
    assert "hub: the Helm release flyte-core-control in the namespace flyte: it was not made by this collection" in result.flat
    for loss in ("flyteadmin.replicaCount: 5 -> ", "flyteconsole.replicaCount: 3 -> ", "flyteadmin.env[SMTP_PASSWORD].value: secret:"):
        assert loss in result.flat, result.output
    assert "flyteconsole.replicaCuont: 4 (it is no key of the chart, which has 'replicaCount' there" in result.flat
    assert "dataplane_1: the Helm release flyte-core-data" in result.flat and "flytepropeller.podAnnotations.team: ml" in result.flat
    assert not [secret for secret in SECRETS if secret in result.output]


def _issuer(made: Adopting, name: str) -> str:
    url: str = made.lab.aws_client("eks").describe_cluster(name=f"flyte-{name}")["cluster"]["identity"]["oidc"]["issuer"]
    return url.removeprefix("https://")


def _trusted(issuer: str, operator: str, subjects: t.Sequence[str], dot: str = "") -> str:
    """Return a statement as a key of what IAM has; IAM has a list of one as it was given."""
    condition = {f"{issuer}{dot}:aud": "sts.amazonaws.com", f"{issuer}{dot}:sub": subjects}
    principal = {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{issuer}"}
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRoleWithWebIdentity", "Condition": {operator: condition}}
    return f"trust of flyte-dataplane-role: {json.dumps(statement, sort_keys=True)}"


def _agrees_on_iam(made: Adopting, before: t.Mapping[str, t.Any]) -> None:
    """Of all of IAM, only the guide's two statements became others; what is not Flyte's is there as it was."""
    one, two = _issuer(made, "dataplane1"), _issuer(made, "dataplane2")
    guides = ["system:serviceaccount:flyte:flytepropeller", "system:serviceaccount:*:default"]
    places = [f"system:serviceaccount:{project}-{domain}:default" for project in ("project1", "team1") for domain in ("development", "production", "staging")]
    own = ["system:serviceaccount:flyte:flytepropeller", *places]
    gone = {_trusted(one, "StringLike", guides, dot="."), _trusted(two, "StringLike", guides)}
    after = {_sorted(key): value for key, value in made.iam().items()}
    come = {_trusted(one, "StringEquals", own), _trusted(two, "StringEquals", own)}
    found = differing({_sorted(key): value for key, value in before.items()}, after)
    assert set(found) == {_sorted(key) for key in gone | come}, as_json(found)
    assert f"trust of flyte-dataplane-role: {json.dumps(ADMINS, sort_keys=True)}" in after and any(STRANGER in key for key in after)


def _sorted(key: str) -> str:
    """Return a key with the lists of its statement in one order, and a list of one as IAM may have it."""
    start, mark, text = key.partition(": {")
    if not mark:
        return key
    content = json.loads(f"{{{text}")
    for pairs in (content.get("Condition") or {}).values():
        pairs |= {name: sorted([value] if isinstance(value, str) else value) for name, value in pairs.items()}
    return f"{start}: {json.dumps(content, sort_keys=True)}"


def test_the_site_agrees_but_for_what_the_guide_gets_wrong(made: Adopting, tmp_path: pathlib.Path) -> None:
    """The plan says it, is approved, and just that is done."""
    before, iam, path = made.snapshots(), made.iam(), tmp_path / "plan.json"
    key = ("-e", f"flyte_plan_key={PLAN_KEY}")
    planned = made.site_play("--check", "--diff", *key, "-e", f"flyte_plan_file={path}")
    assert planned.code == 0, planned.output[-5000:]
    assert made.snapshots() == before and made.iam() == iam
    text = planned.flat
    assert "repaired condition keys with the guide's stray dot, which never matched" in text
    assert f"{_issuer(made, 'dataplane2')}: no longer trusted: system:serviceaccount:*:default" in text
    assert f"{_issuer(made, 'controlplane')}: kept subjects of others: {STRANGER}" in text
    roles = [row["what"] for row in json.loads(path.read_text(encoding="utf-8"))["rows"] if row["step"] == "iam" and row["changes"]]
    assert roles == ["role flyte-dataplane-role"]
    _says_a_reason_for_each_value(path)
    approved = (*key, "-e", f"flyte_approved_plan={path}")
    for more, said in (
        (("-e", "flyte_propeller_client_secret=another-secret-0815"), "Secret flyte-secret-auth: client_secret: "),
        (("-e", json.dumps({"flyte_projects": ["project1", "later"]})), "role flyte-dataplane-role: statement["),
    ):
        other = made.site_play(*approved, *more)
        assert other.code != 0 and "Nothing was changed." in other.output and said in other.flat, other.output[-3000:]
        assert made.snapshots() == before and made.iam() == iam
    result = made.site_play("--diff", "-vvv", *approved)
    assert result.code == 0, result.output[-5000:]
    seen = result.output + planned.output + path.read_text(encoding="utf-8")
    assert not [secret for secret in SECRETS if secret in seen] and PLAN_KEY not in path.read_text(encoding="utf-8")
    _agrees_on_iam(made, iam)
    second = made.site_play()
    assert second.code == 0 and set(second.changed.values()) == {0}, second.output[-5000:]
    # Once more by the same plan: all of it is done.
    again = made.site_play(*approved)
    assert again.code == 0 and set(again.changed.values()) == {0}, again.output[-5000:]
    # What the person had is there still, whatever file it was in, or none.
    cluster = made.cluster("controlplane")
    deployments = {name: cluster.get(f"/apis/apps/v1/namespaces/flyte/deployments/{name}") for name in ("flyteadmin", "flyteconsole", "syncresources")}
    assert deployments["flyteadmin"]["spec"]["replicas"] == 5 and deployments["flyteconsole"]["spec"]["replicas"] == 3
    assert cluster.secret("db-pass")["pass.txt"] == SECRETS[0]
    plane = made.cluster("dataplane2").get("/apis/apps/v1/namespaces/flyte/deployments/flytepropeller")
    assert plane["spec"]["replicas"] == 2 and plane["spec"]["template"]["metadata"]["annotations"]["team"] == "ml"
    assert made.labels() == {"team1/development": "label1", "team1/production": "label2", "project1/development/example.training_workflow": "project1"}


def _says_a_reason_for_each_value(path: pathlib.Path) -> None:
    """Of each release only what the guide got wrong, or what every installation has, is shown; and of that each value with why."""
    rows = [row for row in json.loads(path.read_text(encoding="utf-8"))["rows"] if row["what"].startswith("Helm release ")]
    assert [row["host"] for row in rows] == ["dataplane_1", "dataplane_2", "hub"]
    # Its domains' roles, the accounts' roles that the guide has from its own example.
    wrong = ("defaultIamRole", "eks.amazonaws.com/role-arn")
    for row in rows:
        unexplained = [change for change in row["changes"] if not change.get("why") and not any(name in change["path"] for name in wrong)]
        assert not unexplained, as_json(unexplained)
        assert any(detail.startswith("taken out, since nothing here uses it: ") for detail in row["details"])


def test_what_is_changed_by_hand_afterwards_is_said_as_drift(made: Adopting, tmp_path: pathlib.Path) -> None:
    helm = [str(made.lab.folder / "bin" / "helm"), "--kubeconfig", str(made.lab.kubeconfig), "--kube-context", "controlplane", "--namespace", "flyte"]
    chart = str(chart_folder(tmp_path))
    command = ["upgrade", "flyte-core-control", chart, "--reuse-values", "--set", "flyteconsole.replicaCount=7"]
    subprocess.run([*helm, *command], capture_output=True, check=True, timeout=120)
    said = made.site_play("--check")
    assert said.code == 0 and "changed by hand: flyteconsole.replicaCount: 7 -> 3" in said.flat, said.output
    assert made.site_play().code == 0
    assert made.cluster("controlplane").get("/apis/apps/v1/namespaces/flyte/deployments/flyteconsole")["spec"]["replicas"] == 3
