# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who flytepropeller is to flyteadmin, and API servers that only the control plane's network reaches: one story on a lab of its own.

Its flyteadmin wants tokens from the third test on. Pods of Jobs do not run in the lab: a thread of the test runs what is in them, against the real API servers.
"""

from __future__ import annotations

import base64
import contextlib
import json
import pathlib
import re
import subprocess
import sys
import typing as t

import pytest
from conftest import REPOSITORY, ArgumentWatch, Cluster, Result, SiteUnderTest, until
from interruption import run_killed_before
from job_pods import JOBS, JobPods

sys.path.insert(0, str(REPOSITORY / "tests" / "lab"))

import lab as lab_module  # noqa: E402
from lab_chart import chart_folder  # noqa: E402
from ports import free_range  # noqa: E402
from processes import interruptible  # noqa: E402

#: it needs no lab, or brings up its own: it runs beside the stories of the lab that the others share
pytestmark = pytest.mark.own_lab

HUB, PLANE1, PLANE2 = "controlplane", "dataplane1", "dataplane2"
PLANES = (PLANE1, PLANE2)
AUTH = "/api/v1/namespaces/flyte/secrets/flyte-secret-auth"
PROPELLER = "/apis/apps/v1/namespaces/flyte/deployments/flytepropeller"
CLIENT, SECRET = "flytepropeller", "the-propellers-secret-0815"


@pytest.fixture(scope="module", name="own")
def _own(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[SiteUnderTest]:
    with contextlib.ExitStack() as stack:
        stack.enter_context(interruptible())
        lab = lab_module.Lab(tmp_path_factory.mktemp("identity-lab"), stack.enter_context(free_range()))
        stack.callback(lab.down)
        lab.up(2)
        yield SiteUnderTest(lab, tmp_path_factory.mktemp("identity-site"))


def _failed(result: Result) -> set[str]:
    """Return the hosts of the closing table."""
    table = result.output.rpartition("CLUSTER ")[2]
    return set(re.findall(r"^\W*(\w+) +(?:verify|dataplane|credentials|controlplane)\b", table, re.MULTILINE))


def _state(site: SiteUnderTest) -> dict[str, t.Any]:
    return {name: site.cluster(name).snapshot() for name in (HUB, *PLANES)}


def _unchanged(site: SiteUnderTest) -> None:
    before = _state(site)
    result = site.run()
    assert result.code == 0 and set(result.changed.values()) == {0}, result.output[-4000:]
    assert _state(site) == before


def _template(cluster: Cluster) -> dict[str, t.Any]:
    return t.cast("dict[str, t.Any]", cluster.get(PROPELLER)["spec"]["template"])


def _checksum(cluster: Cluster) -> str:
    return str(_template(cluster)["metadata"]["annotations"]["flyte.multicluster/identity-checksum"])


def _releases(site: SiteUnderTest) -> str:
    """Return what Helm keeps of all releases, in all revisions."""
    texts = []
    for context in (HUB, *PLANES):
        helm = [str(site.lab.folder / "bin" / "helm"), "--kubeconfig", str(site.lab.kubeconfig), "--kube-context", context, "--namespace", "flyte"]
        names = subprocess.run([*helm, "list", "--short"], capture_output=True, text=True, check=True, timeout=60).stdout.split()
        for name in names:
            for what in ("values", "manifest"):
                texts.append(subprocess.run([*helm, "get", what, name], capture_output=True, text=True, check=True, timeout=60).stdout)
    return "\n".join(texts)


def test_the_charts_own_secret_is_refused_where_the_values_turn_authentication_on(own: SiteUnderTest) -> None:
    before = _state(own)
    site = own.changed_copy()
    site.inventory["all"]["children"]["flyte_control_plane"]["vars"]["flyte_values"] |= {
        "configmap": {"adminServer": {"server": {"security": {"useAuth": True}}}}
    }
    result = site.run()
    assert result.code != 0 and _state(own) == before
    for host in ("controlplane", "dataplane_1", "dataplane_2"):
        said = f"{host}: flyte_propeller_client_secret = None: flyteadmin wants tokens, and the secret of flytepropeller is the chart's own, 'foobar'"
        assert said in result.flat, result.output
    assert "set flyte_propeller_client_id, and flyte_propeller_client_secret or flyte_propeller_client_secret_file" in result.flat


def test_without_authentication_each_plane_has_a_secret_of_ours(own: SiteUnderTest) -> None:
    result = own.run("--diff")
    assert result.code == 0, result.output[-4000:]
    for plane in PLANES:
        cluster = own.cluster(plane)
        metadata = cluster.get(AUTH)["metadata"]
        assert metadata["labels"] == {"app.kubernetes.io/managed-by": "flyte.multicluster"} and "keep" in metadata["annotations"]["helm.sh/resource-policy"]
        mounts = {mount["name"]: mount["mountPath"] for mount in _template(cluster)["spec"]["containers"][0]["volumeMounts"]}
        assert mounts["auth"] == "/etc/secrets/" and cluster.secret("flyte-secret-auth") == {"client_secret": "foobar"}
    _unchanged(own)


def test_a_flyteadmin_that_wants_tokens_refuses_the_charts_own_secret(own: SiteUnderTest) -> None:
    own.lab.admin_restart(CLIENT, SECRET, others={"somebody": "somebodys-secret-4711"})
    own.variables.update(flyte_client_id=CLIENT, flyte_client_secret=SECRET)
    before = _state(own)
    result = own.run()
    assert result.code != 0 and _state(own) == before
    assert "dataplane_2: flyte_propeller_client_secret = None: flyteadmin wants tokens" in result.flat, result.output
    # The proof says it too, of each plane.
    verified = own.run(playbook="verify.yml")
    assert verified.code != 0 and _failed(verified) == {"dataplane_1", "dataplane_2"} and "invalid_client" in verified.output, verified.output


def test_the_control_planes_own_secret_is_copied_and_shown_nowhere(own: SiteUnderTest) -> None:
    own.cluster(HUB).patch(AUTH, {"data": {"client_secret": base64.b64encode(SECRET.encode()).decode()}})
    checksums = [_checksum(own.cluster(plane)) for plane in PLANES]
    planned = own.run("--check", "--diff")
    assert planned.code == 0, planned.output[-4000:]
    row = r"dataplane_1: dataplane: Secret flyte-secret-auth: client_secret [0-9a-f]{8} of the Secret flyte-secret-auth of controlplane \(was [0-9a-f]{8}\)"
    assert re.search(row, planned.flat)
    assert own.cluster(PLANE1).secret("flyte-secret-auth") == {"client_secret": "foobar"}
    with ArgumentWatch() as arguments:
        result = own.run("-vvv", "--diff")
    assert result.code == 0, result.output[-4000:]
    seen = result.output + planned.output + "\n".join(arguments.seen)
    assert SECRET not in seen and base64.b64encode(SECRET.encode()).decode() not in seen
    for plane, checksum in zip(PLANES, checksums):
        assert own.cluster(plane).secret("flyte-secret-auth") == {"client_secret": SECRET} and _checksum(own.cluster(plane)) != checksum
    assert SECRET not in _releases(own)
    files = [path for folder in (own.temporary, own.lab.temporary) for path in folder.rglob("*") if path.is_file()]
    assert not [path for path in files if SECRET.encode() in path.read_bytes()]
    _unchanged(own)


def test_a_wrong_secret_is_found_by_verify_and_mended_by_the_next_run(own: SiteUnderTest) -> None:
    plane = own.cluster(PLANE2)
    plane.patch(AUTH, {"data": {"client_secret": "d3Jvbmc=", "somebody_elses": "a2VwdA=="}})
    found = own.run(playbook="verify.yml")
    assert found.code != 0 and _failed(found) == {"dataplane_2"}
    assert "as 'flytepropeller': " in found.output and "invalid_client" in found.output and "flyte_propeller_client_secret" in found.output, found.output
    before = _checksum(plane)
    mended = own.run("--diff")
    assert mended.code == 0 and "wrong" not in mended.output.partition("Give flytepropeller")[2].partition("PLAY")[0], mended.output[-4000:]
    assert plane.secret("flyte-secret-auth") == {"client_secret": SECRET, "somebody_elses": "kept"}
    # The checksum is that of before, so Helm restarts nothing: what read the wrong secret at its start is restarted.
    assert _checksum(plane) == before and "kubectl.kubernetes.io/restartedAt" in _template(plane)["metadata"]["annotations"]
    assert "kubectl.kubernetes.io/restartedAt" not in _template(own.cluster(PLANE1))["metadata"]["annotations"]
    _unchanged(own)


def _mounted(site: SiteUnderTest, plane: str) -> dict[str, str]:
    """Return what each running flytepropeller of a data plane read at its start, by its pod."""
    pods = [pod["metadata"] for pod in site.cluster(plane).get("/api/v1/namespaces/flyte/pods")["items"]]
    names = [pod["name"] for pod in pods if pod["name"].startswith("flytepropeller") and not pod.get("deletionTimestamp")]
    places = {name: site.lab.folder / "pods" / plane / f"flyte_{name}" / "root" / "etc" / "secrets" / "client_secret" for name in names}
    return {name: place.read_text(encoding="utf-8") for name, place in places.items() if place.exists()}


def test_what_reads_a_wrong_secret_starts_anew_though_the_run_that_mends_it_is_killed(own: SiteUnderTest) -> None:
    """Killed between the Secret and the restart: of the Secret nobody could tell any more that what runs has read another one."""
    plane, wrong = own.cluster(PLANE1), base64.b64encode(b"wrong").decode()
    plane.patch(AUTH, {"data": {"client_secret": wrong}})
    for name in _mounted(own, PLANE1):
        plane.delete(f"/api/v1/namespaces/flyte/pods/{name}")
    until(lambda: set(_mounted(own, PLANE1).values()) == {"wrong"}, "flytepropeller with the wrong secret")
    before, template = set(_mounted(own, PLANE1)), _template(plane)
    run_killed_before(own, "kubectl.kubernetes.io/restartedAt")
    assert plane.secret("flyte-secret-auth")["client_secret"] == SECRET and _template(plane) == template
    said = own.run(playbook="verify.yml")
    assert said.code != 0 and "dataplane_1" in _failed(said) and "ended before it started it anew" in said.flat, said.output
    planned = own.run("--check", "--diff")
    assert planned.code == 0 and "dataplane_1: dataplane: restart flytepropeller: what it reads was put right" in planned.flat, planned.output
    result = own.run()
    assert result.code == 0, result.output[-4000:]
    until(lambda: not before & set(_mounted(own, PLANE1)), "new flytepropeller")
    assert set(_mounted(own, PLANE1).values()) == {SECRET}
    assert own.run(playbook="verify.yml").code == 0
    _unchanged(own)


def test_a_secret_that_a_release_made_is_taken_over_and_never_missing(own: SiteUnderTest, tmp_path: pathlib.Path) -> None:
    plane = own.cluster(PLANE1)
    plane.delete(AUTH)
    helm = [str(own.lab.folder / "bin" / "helm"), "--kubeconfig", str(own.lab.kubeconfig), "--kube-context", PLANE1, "--namespace", "flyte"]
    chart = str(chart_folder(tmp_path))
    theirs = ["--reuse-values", "--set", "secrets.adminOauthClientCredentials.clientSecret=foobar"]
    subprocess.run([*helm, "upgrade", "flyte-core-data", chart, *theirs], check=True, capture_output=True, timeout=120)
    made = plane.get(AUTH)["metadata"]
    assert made["labels"]["app.kubernetes.io/managed-by"] == "Helm"
    result = own.run()
    assert result.code == 0, result.output[-4000:]
    after = plane.get(AUTH)["metadata"]
    # Helm deletes what a release has not any more: this one is still the same object.
    assert after["uid"] == made["uid"] and after["labels"] == {"app.kubernetes.io/managed-by": "flyte.multicluster"}
    assert not [key for key in after["annotations"] if key.startswith("meta.helm.sh")] and plane.secret("flyte-secret-auth") == {"client_secret": SECRET}
    _unchanged(own)


def test_a_plane_has_a_pair_of_its_own_and_fails_alone(own: SiteUnderTest) -> None:
    site, path = own.changed_copy(), own.folder / "propeller.secret"
    path.write_text("not-the-secret-4711\n", encoding="utf-8")
    revisions = own.cluster(PLANE2).revisions("flyte-core-data")
    site.planes["dataplane_2"].update(flyte_propeller_client_id="somebody", flyte_propeller_client_secret_file=str(path), flyte_propeller_scopes=["all"])
    wrong = site.run("-vvv")
    assert wrong.code != 0 and _failed(wrong) == {"dataplane_2"} and "as 'somebody': " in wrong.flat and "not-the-secret" not in wrong.output
    # It was proven before the former one was given up, which still works.
    assert "the new secret is not taken" in wrong.flat and "The former one stays" in wrong.flat, wrong.output[-4000:]
    assert own.cluster(PLANE2).secret("flyte-secret-auth")["client_secret"] == SECRET and own.run(playbook="verify.yml").code == 0
    assert own.cluster(PLANE2).revisions("flyte-core-data") == revisions
    # The authorization server takes both for a while.
    path.write_text("somebodys-secret-4711\n", encoding="utf-8")
    right = site.run("-vvv")
    assert right.code == 0 and "somebodys-secret" not in right.output, right.output[-4000:]
    assert own.cluster(PLANE2).secret("flyte-secret-auth")["client_secret"] == "somebodys-secret-4711"
    config = own.cluster(PLANE2).get("/api/v1/namespaces/flyte/configmaps/flyte-propeller-config")["data"]["admin.yaml"]
    assert "clientId: somebody" in config and "scopes:" in config
    _unchanged(site)
    assert own.run().code == 0


def test_the_control_plane_gets_it_too_and_no_release_holds_it(own: SiteUnderTest) -> None:
    """Set for all hosts; the native scheduler of the control plane reads the same Secret."""
    hub = own.cluster(HUB)
    made = hub.get(AUTH)["metadata"]
    assert made["labels"]["app.kubernetes.io/managed-by"] == "Helm"
    own.variables.update(flyte_propeller_client_id=CLIENT, flyte_propeller_client_secret=SECRET)
    result = own.run("-vvv", "--diff")
    assert result.code == 0 and SECRET not in result.output, result.output[-4000:]
    after = hub.get(AUTH)["metadata"]
    assert after["uid"] == made["uid"] and after["labels"] == {"app.kubernetes.io/managed-by": "flyte.multicluster"}
    scheduler = hub.get("/apis/apps/v1/namespaces/flyte/deployments/flytescheduler")["spec"]["template"]
    assert scheduler["metadata"]["annotations"]["flyte.multicluster/identity-checksum"] == _checksum(own.cluster(PLANE1))
    assert SECRET not in _releases(own)
    _unchanged(own)
    # Left out again, it stays: Helm would refuse to make one beside it.
    less = own.changed_copy()
    del less.variables["flyte_propeller_client_id"], less.variables["flyte_propeller_client_secret"]
    _unchanged(less)


def test_a_secret_that_cannot_be_written_is_that_planes_failure(own: SiteUnderTest) -> None:
    """Helm is not run there: with a release that only mounts it, the Secret that is there would have to serve. A CA of the token endpoint is one more key."""
    site, plane = own.changed_copy(), own.cluster(PLANE2)
    site.variables["flyte_token_ca_cert"] = str(own.lab.folder / "kwok" / "clusters" / HUB / "pki" / "ca.crt")
    plane.patch(AUTH, {"immutable": True})
    before = plane.revisions("flyte-core-data")
    result = site.run()
    assert result.code != 0 and _failed(result) == {"dataplane_2"} and plane.revisions("flyte-core-data") == before, result.output[-4000:]
    assert set(own.cluster(PLANE1).secret("flyte-secret-auth")) == {"client_secret", "token_ca.crt"}
    environment = {entry["name"]: entry.get("value") for entry in _template(own.cluster(PLANE1))["spec"]["containers"][0]["env"]}
    assert environment["SSL_CERT_DIR"].endswith(":/etc/secrets")
    plane.delete(AUTH)
    assert site.run().code == 0 and set(plane.secret("flyte-secret-auth")) == {"client_secret", "token_ca.crt"}
    assert own.run().code == 0 and set(plane.secret("flyte-secret-auth")) == {"client_secret"}
    _unchanged(own)


# -- private endpoints


def test_a_private_endpoint_is_tried_by_a_job_in_the_control_plane(own: SiteUnderTest, tmp_path: pathlib.Path) -> None:
    site, hub = own.changed_copy(), own.cluster(HUB)
    site.planes["dataplane_2"]["flyte_probe_from"] = "control_plane"
    site.planes["dataplane_1"]["flyte_probe_from"] = "none"
    with JobPods(hub, tmp_path) as pods:
        verified = site.run("-vvv", playbook="verify.yml")
    assert verified.code == 0, verified.output[-4000:]
    tokens = hub.secret("cluster-credentials")
    text = json.dumps(pods.jobs)
    assert len(pods.jobs) == 1 and site.configs()["dataplane_2"]["endpoint"] in text and "dataplane_2_token" in text
    assert not [name for name, value in tokens.items() if value in text or base64.b64encode(value.encode()).decode() in text]
    assert not hub.get(JOBS)["items"] and tokens["dataplane_2_token"] not in verified.output
    planned = site.run("--check")
    assert "dataplane_1: flyteadmin's token and CA certificate are not tried there (flyte_probe_from: none)" in planned.flat


def test_a_private_endpoint_that_does_not_serve_is_named(own: SiteUnderTest, tmp_path: pathlib.Path) -> None:
    """A CA certificate of somebody else: what the Job says stops a rollout, and is that plane's failure."""
    site, hub = own.changed_copy(), own.cluster(HUB)
    before, configs = hub.secret("cluster-credentials"), own.configs()
    site.planes["dataplane_2"].update(flyte_probe_from="control_plane", flyte_api_ca_cert=before["dataplane_1_cacert"])
    with JobPods(hub, tmp_path):
        result = site.run()
    assert result.code != 0 and not hub.get(JOBS)["items"]
    assert hub.secret("cluster-credentials")["dataplane_2_cacert"] == before["dataplane_1_cacert"].strip() + "\n"
    assert "dataplane_2" in result.output and own.configs() == configs, result.output[-4000:]
    with JobPods(hub, tmp_path):
        verified = site.run(playbook="verify.yml")
    assert _failed(verified) == {"dataplane_2"} and "does not answer from the control plane: curl: (60)" in verified.flat, verified.output
    both = own.changed_copy()
    path = tmp_path / "both.pem"
    path.write_text(before["dataplane_1_cacert"] + before["dataplane_2_cacert"], encoding="utf-8")
    both.planes["dataplane_2"].update(flyte_probe_from="control_plane", flyte_api_ca_cert=str(path))
    with JobPods(hub, tmp_path):
        right = both.run()
        assert right.code == 0, right.output[-4000:]
        _unchanged(both)
    assert hub.secret("cluster-credentials")["dataplane_2_cacert"].count("BEGIN CERTIFICATE") == 2
    assert own.run().code == 0 and hub.secret("cluster-credentials") == before


def test_a_job_whose_pod_does_not_end_is_removed_and_said(own: SiteUnderTest) -> None:
    site, hub = own.changed_copy(), own.cluster(HUB)
    site.planes["dataplane_2"]["flyte_probe_from"] = "control_plane"
    site.variables["flyte_probe_timeout"] = 3
    result = site.run(playbook="verify.yml")
    assert result.code != 0 and "did not end within 3 s" in result.flat and not hub.get(JOBS)["items"], result.output


def test_a_certificate_that_is_none_is_refused(own: SiteUnderTest, tmp_path: pathlib.Path) -> None:
    site = own.changed_copy()
    site.planes["dataplane_1"]["flyte_api_ca_cert"] = str(tmp_path / "nowhere.pem")
    assert "dataplane_1: flyte_api_ca_cert = " in site.run().flat
    (tmp_path / "text.pem").write_text("no certificate", encoding="utf-8")
    site.planes["dataplane_1"]["flyte_api_ca_cert"] = str(tmp_path / "text.pem")
    result = site.run()
    assert result.code != 0 and "has to be a CA certificate as PEM" in result.flat
