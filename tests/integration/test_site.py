# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The main job, as one story on one lab: each test goes on where the one before ended. Everything is read back directly."""

from __future__ import annotations

import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import requests
from conftest import ArgumentWatch, Cluster, SiteUnderTest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lab"))

import binaries  # noqa: E402
from workflow import execution, launch, register, wait_for_end  # noqa: E402

HUB, PLANE1, PLANE2, PLANE3 = "controlplane", "dataplane1", "dataplane2", "dataplane3"
WORKFLOW = "example.training_workflow"
LEASE = "/apis/coordination.k8s.io/v1/namespaces/flyte/leases/propeller-leader"


def _aws_is_empty(site: SiteUnderTest) -> bool:
    iam = site.lab.aws_client("iam")
    return not iam.list_roles()["Roles"] and not iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]


def test_check_mode_on_an_empty_lab_plans_and_writes_nothing(site: SiteUnderTest) -> None:
    before = {name: site.cluster(name).snapshot() for name in (HUB, PLANE1, PLANE2)}
    result = site.run("--check", "--diff")
    assert result.code == 0, result.output
    assert "dataplane_1: dataplane: Helm release flyte-core-data: install flyte-core" in result.output
    assert "clusterConfigs: dataplane_2: https://127.0.0.1" in result.output
    assert "team1 production  label2" in result.output
    assert {name: site.cluster(name).snapshot() for name in (HUB, PLANE1, PLANE2)} == before
    assert _aws_is_empty(site)


def test_verify_never_succeeds_on_nothing(site: SiteUnderTest) -> None:
    asked = site.run("-e", "flyte_strict_labels=true", "-e", f"flyte_canary_workflow={WORKFLOW}", playbook="verify.yml")
    assert asked.code != 0, asked.output
    for part in ("flyte-core in the namespace flyte", "dataplane_1   verify     there is no release flyte-core-data", "3 thing(s) could not be done"):
        assert part in asked.output, asked.output
    nobody = site.changed_copy()
    nobody.inventory = {"all": {"hosts": {"somebody": {}}}}
    for playbook in ("site.yml", "verify.yml", "status.yml"):
        found = nobody.run(playbook=playbook)
        assert found.code != 0 and "flyte_control_plane" in found.output, found.output


def test_a_faulty_inventory_is_refused_before_any_change(site: SiteUnderTest) -> None:
    """All faults in one run; each kind of fault has a unit test of its own."""
    faulty = site.changed_copy()
    faulty.variables["flyte_labels"] = {"label1": [{"cluster": "dataplane_1", "weight": 0.5}], "label2": [{"cluster": "dataplane_9", "wieght": 1}]}
    faulty.variables["flyte_buckets"] = ["Not_A_Bucket"]
    faulty.variables["flyte_data_plane_role_arn"] = "notanarn"
    faulty.planes["dataplane_1"]["flyte_kube_host"] = "https://bob:a-password-4711/x@10.0.0.1"
    faulty.planes["dataplane_2"].update(flyte_api_endpoint="http://10.0.0.1", flyte_kube_proxy="proxy a-password-4711@host")
    before = {name: site.cluster(name).snapshot() for name in (HUB, PLANE1, PLANE2)}
    result = faulty.run("-vvv")
    assert result.code != 0 and "a-password-4711" not in result.output
    text = re.sub(r"\s+", " ", result.output)
    for part in (
        "controlplane: flyte_labels.label1 = {'dataplane_1': 0.5}",
        "these sum to 0.5",
        "'dataplane_9': is no cluster of the inventory: dataplane_1, dataplane_2. Did you mean",
        "flyte_labels.label2.wieght = 1: is an unknown key, known are cluster, weight. Did you mean 'weight'?",
        "flyte_buckets = 'Not_A_Bucket'",
        "dataplane_2: flyte_api_endpoint = 'http://10.0.0.1': has to be an https URL",
        "dataplane_1: flyte_kube_host: must not hold credentials: give flyte_kube_api_key",
        "dataplane_2: flyte_kube_proxy: has to be an http or https URL",
        "dataplane_1: flyte_data_plane_role_arn = 'notanarn': has to be the ARN of an IAM role",
    ):
        # The output may quote an apostrophe by doubling it.
        assert part in text.replace("''", "'"), (part, result.output)
    assert {name: site.cluster(name).snapshot() for name in (HUB, PLANE1, PLANE2)} == before
    assert _aws_is_empty(site)


def test_a_placeholder_of_the_chart_is_refused_before_any_change(site: SiteUnderTest) -> None:
    faulty = site.changed_copy()
    faulty.variables["flyte_user_settings"] = {"certificateArn": "arn:x", "dbPassword": "a-password-4711"}
    before = {name: site.cluster(name).snapshot() for name in (HUB, PLANE1, PLANE2)}
    result = faulty.run("-vvv")
    assert result.code != 0 and "a-password-4711" not in result.output
    text = re.sub(r"\s+", " ", result.output).replace("''", "'")
    assert "controlplane: userSettings.rdsHost = '<RDS_HOST>': this placeholder of the chart is still there: set flyte_user_settings.rdsHost." in text
    for plane in ("dataplane_1", "dataplane_2"):
        assert f"{plane}: userSettings.logGroup = '<LOG_GROUP_NAME>'" in text and f"{plane}: userSettings.rdsHost" not in text
    assert {name: site.cluster(name).snapshot() for name in (HUB, PLANE1, PLANE2)} == before and _aws_is_empty(site)


def test_values_of_another_shape_and_another_chart_are_refused_before_any_change(site: SiteUnderTest) -> None:
    faulty = site.changed_copy()
    path = faulty.folder / "it's wrong, values.yaml"
    path.write_text("flytepropeller: &again {podAnnotations: a-password-4711, image: *again}\n", encoding="utf-8")
    faulty.planes["dataplane_1"]["flyte_values"] = {"flyteadmin": "a-password-4711"}
    faulty.planes["dataplane_2"]["flyte_values_files"] = [str(path)]
    result = faulty.run("-vvv")
    text = re.sub(r"\s+", " ", result.output).replace("''", "'")
    assert result.code != 0 and "a-password-4711" not in result.output and "Traceback" not in result.output
    assert "dataplane_1: flyte_values.flyteadmin: is text, and has to be a mapping" in text
    assert "it's wrong, values.yaml" in text and "line 1: it contains itself" in text
    other = site.changed_copy()
    chart = other.folder / "nginx"
    chart.mkdir()
    (chart / "Chart.yaml").write_text("name: nginx\nversion: 1.0.0\n", encoding="utf-8")
    other.variables["flyte_chart_ref"] = str(chart)
    result = other.run()
    assert result.code != 0 and "is the chart 'nginx': it has to be flyte-core" in re.sub(r"\s+", " ", result.output).replace("''", "'")
    assert _aws_is_empty(site)


def test_an_access_that_helm_cannot_be_given_is_refused(site: SiteUnderTest) -> None:
    faulty = site.changed_copy()
    faulty.planes["dataplane_2"].update(flyte_kube_username="me", flyte_kube_password="a-password-4711")
    result = faulty.run("-vvv")
    assert result.code != 0 and _aws_is_empty(site) and "a-password-4711" not in result.output
    assert "dataplane_2: flyte_kube_username and flyte_kube_password: Kubernetes has no basic authentication any more" in result.flat


def test_an_eks_cluster_without_issuer_is_refused(site: SiteUnderTest) -> None:
    eks = site.lab.aws_client("eks")
    eks.create_cluster(
        name="no-oidc", version="1.34", roleArn="arn:aws:iam::123456789012:role/eks", resourcesVpcConfig={"subnetIds": []}, tags={"issuer": "none"}
    )
    faulty = site.changed_copy()
    faulty.planes["dataplane_2"]["flyte_eks_cluster"] = "no-oidc"
    result = faulty.run()
    assert result.code != 0 and _aws_is_empty(site)
    assert "dataplane_2: flyte_eks_cluster = 'no-oidc': this EKS cluster has no OIDC issuer" in re.sub(r"\s+", " ", result.output).replace("''", "'")


def test_a_dead_data_plane_does_not_keep_the_others_from_being_finished(site: SiteUnderTest) -> None:
    """The first run ever, with one of two data planes stopped."""
    site.lab.stop(PLANE2)
    try:
        result = site.run()
    finally:
        site.lab.start(PLANE2)
    assert result.code != 0
    assert re.search(r"dataplane_2 +observe +https://127.0.0.1:\d+ does not answer", result.output), result.output
    assert list(site.configs()) == ["dataplane_1"]
    assert set(site.cluster(HUB).secret("cluster-credentials")) == {"dataplane_1_token", "dataplane_1_cacert"}
    # The label of the dead plane leads nowhere yet: its rows are held back, and that is said.
    assert site.labels() == {"team1/development": "label1", "project1": "label1"}
    assert "label2" in result.output


def test_the_next_run_completes_it_and_shows_no_secret(site: SiteUnderTest) -> None:
    with ArgumentWatch() as arguments:
        result = site.run("--diff", "-vvv")
    assert result.code == 0, result.output[-6000:]
    hub = site.cluster(HUB)
    stored = hub.secret("cluster-credentials")
    assert set(stored) == {f"dataplane_{number}_{kind}" for number in (1, 2) for kind in ("token", "cacert")}
    for number, plane in ((1, PLANE1), (2, PLANE2)):
        token = site.cluster(plane).secret("flyteadmin-token")
        assert (stored[f"dataplane_{number}_token"], stored[f"dataplane_{number}_cacert"]) == (token["token"], token["ca.crt"])
        # What flyteadmin will do with it: exactly this token opens exactly this endpoint.
        endpoint = site.configs()[f"dataplane_{number}"]["endpoint"]
        ca_file = site.folder / "ca.crt"
        ca_file.write_text(token["ca.crt"], encoding="utf-8")
        headers = {"Authorization": f"Bearer {stored[f'dataplane_{number}_token']}"}
        assert requests.get(f"{endpoint}/api/v1/namespaces", headers=headers, verify=str(ca_file), timeout=10).status_code == 200
    keys = [path.read_text(encoding="utf-8") for path in (site.lab.folder / "kwok" / "clusters").glob("*/pki/*.key")]
    lines = [line for key in keys for line in key.splitlines() if len(line) > 30]
    secrets = [value for name, value in stored.items() if name.endswith("_token")] + lines
    assert len(secrets) > 10
    secrets.append(site.variables["flyte_user_settings"]["dbPassword"])
    seen = result.output + "\n".join(arguments.seen)
    assert not [secret[:12] for secret in secrets if secret in seen]
    # In no file either: not in the inventory's folder, not in Ansible's and not in Helm's temporary ones.
    tokens = [value.encode() for name, value in stored.items() if name.endswith("_token")]
    temporary = pathlib.Path(tempfile.gettempdir())
    files = [*site.folder.glob("**/*"), *(pathlib.Path.home() / ".ansible").glob("**/*"), *temporary.glob("*"), *temporary.glob("ansible*/**/*")]
    files += site.lab.temporary.rglob("*")
    assert not [path for path in files if any(token in _content(path) for token in tokens)]


def test_a_run_that_takes_away_too_much_or_names_an_unknown_project_is_refused_before_any_change(site: SiteUnderTest) -> None:
    before = site.trust(), site.labels(), {name: site.cluster(name).snapshot() for name in (HUB, PLANE1, PLANE2)}
    smaller = site.changed_copy()
    smaller.variables["flyte_execution_cluster_labels"] = [{"project": "project1", "label": "label1"}, {"project": "projekt1", "label": "label1"}]
    result = smaller.run()
    text = re.sub(r"\s+", " ", result.output).replace("''", "'")
    assert result.code != 0 and "flyteadmin has no active project 'projekt1'. Did you mean 'project1'?" in text
    assert "flyte_removal_limit = 0.25: this run would take away 6 of 16 accounts that roles trust: team1-development:default of" in text
    assert (site.trust(), site.labels(), {name: site.cluster(name).snapshot() for name in (HUB, PLANE1, PLANE2)}) == before


def test_what_helm_would_make_of_it_is_read_back_before_it_is_installed(site: SiteUnderTest) -> None:
    before = site.cluster(HUB).revisions("flyte-core")
    bent = site.changed_copy()
    bent.inventory["all"]["children"]["flyte_control_plane"]["vars"]["flyte_values"]["configmap"] = {"clusters": {"labelClusterMap": {"sneaked": []}}}
    result = bent.run()
    assert result.code != 0 and "label sneaked: is none of the plan's" in re.sub(r"\s+", " ", result.output).replace("''", "'"), result.output
    assert site.cluster(HUB).revisions("flyte-core") == before


def _content(path: pathlib.Path) -> bytes:
    """Return a file's content; temporary files of others come and go."""
    try:
        return path.read_bytes() if path.is_file() and path.stat().st_size < 1 << 20 else b""
    except OSError:
        return b""


def test_everything_is_as_the_guide_wants_it(site: SiteUnderTest) -> None:
    hub = site.cluster(HUB)
    deployment = hub.get("/apis/apps/v1/namespaces/flyte/deployments/flyteadmin")["spec"]["template"]
    volumes = {volume["name"]: volume for volume in deployment["spec"]["volumes"]}
    assert volumes["cluster-credentials"]["secret"]["secretName"] == "cluster-credentials"
    mounts = {mount["name"]: mount["mountPath"] for mount in deployment["spec"]["containers"][0]["volumeMounts"]}
    assert mounts["cluster-credentials"] == "/var/run/credentials"
    checksum = deployment["metadata"]["annotations"]["flyte.multicluster/credentials-checksum"]
    assert len(checksum) == 64
    sync = hub.get("/apis/apps/v1/namespaces/flyte/deployments/syncresources")["spec"]["template"]["metadata"]["annotations"]
    assert sync["flyte.multicluster/credentials-checksum"] == checksum
    resources = hub.get("/api/v1/namespaces/flyte/configmaps/flyte-clusterresourcesync-config")["data"]["cluster_resources.yaml"]
    assert resources.count("role/flyte-dataplane-role") == 3
    assert "3000Mi" in resources and resources.count("projectQuotaCpu") == 3  # values-eks.yaml's quotas are still there
    # flyteadmin's syncresources made the namespaces there, with the default account's role.
    for plane in (PLANE1, PLANE2):
        account = site.cluster(plane).get("/api/v1/namespaces/team1-production/serviceaccounts/default")
        assert account["metadata"]["annotations"]["eks.amazonaws.com/role-arn"].endswith("role/flyte-dataplane-role")
        propeller = site.cluster(plane).get("/api/v1/namespaces/flyte/configmaps/flyte-propeller-config")["data"]
        assert f"127.0.0.1:{site.lab.admin_grpc_port}" in propeller["admin.yaml"]
        assert "namespace: flyte" in propeller["core.yaml"] and "<" not in propeller["storage.yaml"] + propeller["core.yaml"]
        deployment = site.cluster(plane).get("/apis/apps/v1/namespaces/flyte/deployments/flytepropeller")
        assert f"dataplane_{plane[-1]}" in deployment["spec"]["template"]["spec"]["containers"][0]["command"]
        # Nothing of the control plane: no password of its database, no Ingress for Services that are not there.
        assert not site.cluster(plane).secret("db-pass")
        assert not site.cluster(plane).get("/apis/networking.k8s.io/v1/namespaces/flyte/ingresses")["items"]
    assert hub.secret("db-pass") == {"pass.txt": "lab-only"}
    assert site.labels() == {
        "team1/development": "label1",
        "team1/production": "label2",
        "team1/development/example.pinned_workflow": "label2",
        "project1": "label1",
    }


def test_the_real_flytectl_reads_the_labels_that_were_written(site: SiteUnderTest) -> None:
    config = site.folder / "flytectl.yaml"
    config.write_text(f"admin:\n  endpoint: dns:///127.0.0.1:{site.lab.admin_grpc_port}\n  insecure: true\n", encoding="utf-8")
    for place, label in site.labels().items():
        project, domain, workflow = (place.split("/") + ["", ""])[:3]
        if not domain:
            continue  # flytectl has no project level
        command = [str(binaries.find("flytectl")), "--config", str(config), "get", "execution-cluster-label", "-p", project, "-d", domain]
        # A clean environment: flytectl 0.9.8 panics where it holds a variable named ADMIN.
        environment = {"HOME": str(site.folder), "PATH": "/usr/bin:/bin"}
        answer = subprocess.run([*command, *filter(None, [workflow])], env=environment, capture_output=True, text=True, timeout=30, check=True)
        assert json.loads(answer.stdout)["value"] == label


def test_iam_is_as_the_guide_wants_it(site: SiteUnderTest) -> None:
    iam = site.lab.aws_client("iam")
    arn = "arn:aws:iam::123456789012:policy/flyte-s3"
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    policy = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]["Statement"]
    assert [(entry["Action"], entry["Resource"]) for entry in policy] == [
        (["s3:DeleteObject*", "s3:GetObject*", "s3:ListBucket", "s3:PutObject*"], ["arn:aws:s3:::flyte-lab*", "arn:aws:s3:::flyte-lab*/*"])
    ]
    assert len(iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]) == 3
    control, data = site.trust("flyte-controlplane-role"), site.trust()
    assert len(control) == 1 and len(data) == 2
    subjects = {key.rpartition(":")[2]: value for key, value in control[0]["Condition"]["StringEquals"].items()}
    assert subjects == {"aud": "sts.amazonaws.com", "sub": ["system:serviceaccount:flyte:flyteadmin", "system:serviceaccount:flyte:datacatalog"]}
    assert {next(iter(entry["Condition"])) for entry in data} == {"StringEquals"}
    subjects = next(value for key, value in data[0]["Condition"]["StringEquals"].items() if key.endswith(":sub"))
    assert "system:serviceaccount:team1-production:default" in subjects and not any("*" in subject for subject in subjects)
    for role in ("flyte-controlplane-role", "flyte-dataplane-role"):
        assert [policy["PolicyArn"] for policy in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]] == [arn]


def _state(site: SiteUnderTest, *names: str) -> dict[str, object]:
    clusters = {name: site.cluster(name) for name in names}
    return {name: (cluster.snapshot(), cluster.pods()) for name, cluster in clusters.items()}


def test_a_second_run_changes_nothing(site: SiteUnderTest) -> None:
    before = _state(site, HUB, PLANE1, PLANE2)
    result = site.run()
    assert result.code == 0 and set(result.changed.values()) == {0}, result.output
    assert _state(site, HUB, PLANE1, PLANE2) == before
    assert site.cluster(HUB).revisions("flyte-core") == before_revisions(before)


def before_revisions(before: dict[str, object]) -> list[str]:
    """Return the names of the hub's Helm records in a state."""
    snapshot = before[HUB][0]  # type: ignore[index]
    return sorted(name.rpartition("/")[2] for name in snapshot if ".release.v1." in name)


def test_check_mode_after_it_reports_no_change(site: SiteUnderTest) -> None:
    result = site.run("--check", "--diff")
    assert result.code == 0 and set(result.changed.values()) == {0}, result.output


def test_a_workflow_runs_on_the_cluster_of_its_label_also_after_the_label_moved(site: SiteUnderTest) -> None:
    url = site.lab.admin_url
    for domain in ("development", "production"):
        register(url, "team1", domain, WORKFLOW, "v1")
    assert _launch(site, "production") == "dataplane_2"
    moved = site.changed_copy()
    moved.variables["flyte_execution_cluster_labels"][1]["label"] = "label1"
    result = moved.run("--tags", "ecl", "--diff")
    assert result.code == 0 and "-team1/production: label2" in result.output and "+team1/production: label1" in result.output
    assert _launch(site, "production") == "dataplane_1"
    assert site.run("--tags", "ecl").code == 0
    assert _launch(site, "production") == "dataplane_2"


def _launch(site: SiteUnderTest, domain: str) -> str:
    """Launch the workflow; return the cluster that both flyteadmin and the clusters themselves name."""
    name = launch(site.lab.admin_url, "team1", domain, WORKFLOW, "v1")
    cluster = execution(site.lab.admin_url, "team1", domain, name)["spec"]["metadata"]["system_metadata"]["execution_cluster"]
    holders = [plane for plane in (PLANE1, PLANE2) if name in site.cluster(plane).workflows(f"team1-{domain}")]
    assert holders == [cluster.replace("_", "")]
    return str(cluster)


def test_a_third_data_plane_is_one_line_and_changes_nothing_else_also_when_runs_are_killed(site: SiteUnderTest) -> None:
    site.lab.up(3)
    before = _state(site, PLANE1, PLANE2)
    statements = site.trust()
    tokens = site.cluster(HUB).secret("cluster-credentials")
    template = site.cluster(HUB).get("/apis/apps/v1/namespaces/flyte/deployments/flyteadmin")["spec"]["template"]
    site.planes["dataplane_3"] = {"flyte_kube_context": PLANE3, "flyte_eks_cluster": "flyte-dataplane3"}
    killed = [site.run_and_kill(seconds) for seconds in (3, 4.5, 6, 7.5, 9)]
    assert killed[0] and _state(site, PLANE1, PLANE2) == before
    # Also while one that is registered does not answer: it holds nobody.
    site.lab.stop(PLANE2)
    try:
        without = site.run()
    finally:
        site.lab.start(PLANE2)
    assert without.code != 0 and re.search(r"dataplane_2 +observe +https://127.0.0.1:\d+ does not answer", without.output), without.output
    assert list(site.configs()) == ["dataplane_1", "dataplane_2", "dataplane_3"] and "not rolled out" not in without.output
    admin = site.cluster(HUB).get("/apis/apps/v1/namespaces/flyte/deployments/flyteadmin")
    wanted, status = admin["spec"]["replicas"], admin["status"]
    assert (status["observedGeneration"], status["updatedReplicas"], status["readyReplicas"]) == (admin["metadata"]["generation"], wanted, wanted), status
    assert admin["spec"]["template"] != template
    _wait_for_a_leader(site.cluster(PLANE2))
    before = _state(site, PLANE1, PLANE2)
    result = site.run()
    assert result.code == 0, result.output
    assert not {"dataplane_1", "dataplane_2"} & {host for host, count in result.changed.items() if count}
    assert _state(site, PLANE1, PLANE2) == before
    after = site.cluster(HUB).secret("cluster-credentials")
    assert {key: after[key] for key in tokens} == tokens and set(after) - set(tokens) == {"dataplane_3_token", "dataplane_3_cacert"}
    assert list(site.configs()) == ["dataplane_1", "dataplane_2", "dataplane_3"]
    assert site.trust()[:2] == statements and len(site.trust()) == 3
    assert set(site.run().changed.values()) == {0}


def _wait_for_a_leader(plane: Cluster) -> None:
    """Wait until flytepropeller leads again: what is ready and does nothing would be started anew."""
    renewed = plane.get(LEASE)["spec"]["renewTime"]
    for _attempt in range(240):
        if plane.get(LEASE)["spec"]["renewTime"] != renewed:
            return
        time.sleep(0.5)
    raise AssertionError("no leader within two minutes")


def test_an_installation_that_helm_has_no_record_of_is_taken_over(site: SiteUnderTest) -> None:
    """So a run leaves it that is killed in the first installation. Flytepropeller has written the webhook's Secret by then, without Helm's labels."""
    plane = site.cluster(PLANE3)
    secrets = "/api/v1/namespaces/flyte/secrets"
    certificate = plane.secret("flyte-pod-webhook")["tls.crt"]
    assert "labels" not in plane.get(f"{secrets}/flyte-pod-webhook")["metadata"]
    for record in plane.get(f"{secrets}?labelSelector=owner%3Dhelm")["items"]:
        plane.delete(f"{secrets}/{record['metadata']['name']}")
    result = site.run()
    assert result.code == 0 and "dataplane_3: dataplane: Helm release flyte-core-data: install" in result.flat, result.output
    assert plane.get(f"{secrets}/flyte-pod-webhook")["metadata"]["annotations"]["meta.helm.sh/release-name"] == "flyte-core-data"
    assert plane.secret("flyte-pod-webhook")["tls.crt"] == certificate and set(site.run().changed.values()) == {0}


def test_keys_and_statements_of_others_stay(site: SiteUnderTest) -> None:
    hub = site.cluster(HUB)
    hub.patch("/api/v1/namespaces/flyte/secrets/cluster-credentials", {"data": {"somebody_elses": "a2VwdA==", "dataplane_1_token": "d3Jvbmc="}})
    iam = site.lab.aws_client("iam")
    foreign = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    statements = site.trust()
    # A statement of somebody else, and one of ours that was damaged.
    document = {"Version": "2012-10-17", "Statement": [foreign, *statements[:2]]}
    iam.update_assume_role_policy(RoleName="flyte-dataplane-role", PolicyDocument=json.dumps(document))
    result = site.run("--diff")
    assert result.code == 0, result.output
    stored = hub.secret("cluster-credentials")
    assert stored["somebody_elses"] == "kept"
    assert stored["dataplane_1_token"] == site.cluster(PLANE1).secret("flyteadmin-token")["token"]
    assert site.trust() == [foreign, *statements]
    # The checksum is that of before, and pods that came in between would have read the wrong token: they start anew.
    template = hub.get("/apis/apps/v1/namespaces/flyte/deployments/flyteadmin")["spec"]["template"]
    assert "kubectl.kubernetes.io/restartedAt" in template["metadata"]["annotations"]


def test_a_new_token_restarts_flyteadmin(site: SiteUnderTest) -> None:
    plane, hub = site.cluster(PLANE1), site.cluster(HUB)
    pods = {name for name in hub.pods() if name.startswith(("flyteadmin", "syncresources"))}
    before = hub.secret("cluster-credentials")["dataplane_1_token"]
    plane.delete("/api/v1/namespaces/flyte/secrets/flyteadmin-token")
    # Under the same name Kubernetes would sign the very same token again.
    site.variables["flyte_token_secret"] = "flyteadmin-token-2"
    result = site.run()
    assert result.code == 0, result.output
    assert before != hub.secret("cluster-credentials")["dataplane_1_token"] == plane.secret("flyteadmin-token-2")["token"]
    deadline = time.monotonic() + 20
    while pods & set(hub.pods()) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert not pods & set(hub.pods())
    assert _launch(site, "development") == "dataplane_1"


def test_a_dead_data_plane_keeps_what_was_stored_for_it_and_holds_no_rollout(site: SiteUnderTest) -> None:
    """flyteadmin serves without an enabled data plane that does not answer, unless it is told to write all namespaces before it starts."""
    before, stored = site.configs(), site.cluster(HUB).secret("cluster-credentials")
    site.lab.stop(PLANE3)
    try:
        quiet = site.run()
        waiting = site.changed_copy()
        waiting.variables["flyte_sync_at_start"] = True
        held = waiting.run()
        assert site.configs() == before and site.cluster(HUB).secret("cluster-credentials") == stored
        changed = site.changed_copy()
        changed.variables["flyte_labels"]["label3"] = [{"cluster": "dataplane_1", "weight": 0.5}, {"cluster": "dataplane_3", "weight": 0.5}]
        free = changed.run()
        assert site.configs() == before and site.cluster(HUB).secret("cluster-credentials") == stored
        # flyteadmin's new pods serve, and place workflows on the others.
        assert "label3" in site.label_map() and _launch(site, "development") == "dataplane_1"
        drained = changed.changed_copy()
        drained.planes["dataplane_3"]["flyte_cluster_enabled"] = False
        rolled = drained.run()
        assert site.configs()["dataplane_3"] == {**before["dataplane_3"], "enabled": False}
    finally:
        site.lab.start(PLANE3)
    assert quiet.code != 0 and "dataplane_3" in quiet.output and set(quiet.changed.values()) == {0}
    assert held.code != 0 and "not rolled out" in held.output and "flyte_cluster_enabled" in held.output
    for run in (free, rolled):
        assert run.code != 0 and "not rolled out" not in run.output and re.search(r"dataplane_3 +observe", run.output), run.output[-3000:]
    assert free.changed["controlplane"] and not free.changed.get("dataplane_1")
    result = changed.run()
    assert result.code == 0, result.output
    assert site.configs()["dataplane_3"]["enabled"] is True


def test_the_control_plane_can_run_workflows_too(site: SiteUnderTest) -> None:
    both = site.changed_copy()
    both.variables["flyte_control_plane_runs_workflows"] = True
    # The lab has no names of Services: flytepropeller's own address of flyteadmin there is flyteadmin:81.
    endpoint = {"endpoint": f"dns:///127.0.0.1:{site.lab.admin_grpc_port}", "insecure": True}
    values = both.inventory["all"]["children"]["flyte_control_plane"]["vars"]["flyte_values"]
    values["configmap"] = {**values.get("configmap", {}), "admin": {"admin": endpoint}}
    both.variables["flyte_labels"]["own"] = [{"cluster": "controlplane", "weight": 1}]
    both.variables["flyte_execution_cluster_labels"].append({"project": "team1", "domain": "staging", "label": "own"})
    result = both.run()
    assert result.code == 0, result.output
    assert site.configs()["controlplane"] == {"name": "controlplane", "enabled": True, "inCluster": True}
    register(site.lab.admin_url, "team1", "staging", WORKFLOW, "v1")
    name = launch(site.lab.admin_url, "team1", "staging", WORKFLOW, "v1")
    # To its end: a FlyteWorkflow that its flytepropeller has not ended would hold the CRD, which goes with the release again.
    found = wait_for_end(site.lab.admin_url, "team1", "staging", name, 60)
    assert found["spec"]["metadata"]["system_metadata"]["execution_cluster"] == "controlplane", found["closure"]
    assert found["closure"]["phase"] == "SUCCEEDED", found["closure"]
    assert set(both.run().changed.values()) == {0}
    # One that runs holds it: the CRD, which goes with the release again, would hang on it for ever.
    register(site.lab.admin_url, "team1", "staging", "lab.sleep", "v1", args=["sleep", "900"])
    name = launch(site.lab.admin_url, "team1", "staging", "lab.sleep", "v1")
    refused = site.run()
    assert refused.code != 0 and "Nothing was changed." in refused.output and f"team1-staging/{name}" in refused.flat, refused.output
    assert "controlplane: flyte_control_plane_runs_workflows = False" in refused.flat and "controlplane" in site.configs()
    requests.delete(f"{site.lab.admin_url}/api/v1/executions/team1/staging/{name}", json={"cause": "of the test"}, timeout=30).raise_for_status()
    assert wait_for_end(site.lab.admin_url, "team1", "staging", name, 60)["closure"]["phase"] == "ABORTED"
    # A row of an inventory that has it no longer stays: it is taken back by hand.
    body = {"project": "team1", "domain": "staging", "resource_type": "EXECUTION_CLUSTER_LABEL"}
    requests.delete(f"{site.lab.admin_url}/api/v1/project_domain_attributes/team1/staging", json=body, timeout=10).raise_for_status()


def test_limit_touches_only_those_data_planes(site: SiteUnderTest) -> None:
    before = _state(site, HUB, PLANE1)
    site.cluster(PLANE2).delete("/apis/apps/v1/namespaces/flyte/deployments/flytepropeller")
    changed = site.changed_copy()
    for plane in changed.planes.values():
        plane["flyte_values"] = {"flytepropeller": {"podAnnotations": {"example.com/limit": "yes"}}}
    result = changed.run("--limit", "dataplane_2")
    assert result.code == 0, result.output
    assert _state(site, HUB, PLANE1) == before
    deployment = site.cluster(PLANE2).get("/apis/apps/v1/namespaces/flyte/deployments/flytepropeller")
    assert deployment["spec"]["template"]["metadata"]["annotations"]["example.com/limit"] == "yes"
