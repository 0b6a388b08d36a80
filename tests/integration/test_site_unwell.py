# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Clusters that are broken in every way, all at once beside two that are well, on a site that is built: each is its own failure."""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import pathlib
import re
import subprocess
import sys
import time
import typing as t

import pytest
from conftest import REPOSITORY, Cluster, SiteUnderTest
from processes import kill_tree

sys.path.insert(0, str(REPOSITORY / "tests" / "unit"))

from hostile import HOSTILE, Raw  # noqa: E402

pytestmark = pytest.mark.built_site

SECRETS = "/api/v1/namespaces/flyte/secrets"
TIMEOUT = 2
SECRET = "secret-4711"
#: a namespace that does not come to its end
ENDING = "ending"


def _kubeconfig(server: str, **user: t.Any) -> dict[str, t.Any]:
    return {
        "current-context": "x",
        "clusters": [{"name": "x", "cluster": {"server": server}}],
        "users": [{"name": "x", "user": user}],
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
    }


def _kubeconfigs(server: str, folder: pathlib.Path) -> dict[str, str]:
    """Return files that are no kubeconfig, or whose command gives nothing."""

    def command(name: str, script: str) -> dict[str, t.Any]:
        path = folder / f"credential-{name}"
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o700)
        return _kubeconfig(server, exec={"apiVersion": "client.authentication.k8s.io/v1", "command": str(path), "interactiveMode": "Never"})

    nobody = _kubeconfig(server)
    del nobody["contexts"][0]["context"]["user"]
    contents = {
        "cut": b'{"clusters": [',
        "list": b"[1, 2]",
        "binary": bytes(range(256)),
        "nobody": json.dumps(nobody).encode(),
        "hanging": json.dumps(command("hanging", "sleep 60")).encode(),
        "failing": json.dumps(command("failing", f"echo {SECRET} >&2; exit 3")).encode(),
        "noisy": json.dumps(command("noisy", f"echo {SECRET}")).encode(),
        "endless": json.dumps(command("endless", f"exec yes {SECRET}")).encode(),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    (folder / "folder").mkdir()
    return {name: str(folder / name) for name in (*contents, "folder")}


def _create(cluster: Cluster, path: str, body: dict[str, t.Any]) -> None:
    cluster._session.post(cluster.server + path, json=body, timeout=10).raise_for_status()


def _record(namespace: str, content: bytes) -> dict[str, t.Any]:
    labels = {"owner": "helm", "name": "flyte-core-data", "status": "deployed", "version": "1"}
    data = {"release": base64.b64encode(content).decode()}
    metadata = {"name": "sh.helm.release.v1.flyte-core-data.v1", "namespace": namespace, "labels": labels}
    return {"metadata": metadata, "type": "helm.sh/release.v1", "data": data}


@pytest.fixture(name="broken")
def _broken(site: SiteUnderTest, tmp_path: pathlib.Path) -> t.Iterator[SiteUnderTest]:
    """The site with one more data plane for each way of being broken."""
    assert site.run().code == 0
    other, plane = site.changed_copy(), site.cluster("dataplane2")
    other.variables["flyte_request_timeout"] = TIMEOUT
    more: dict[str, dict[str, t.Any]] = {}
    with contextlib.ExitStack() as servers:
        for number, (name, serve) in enumerate(HOSTILE.items()):
            server = servers.enter_context(Raw(serve))
            more[f"hostile_{number}_{re.sub('[^a-z]', '_', name)}"[:24].rstrip("_")] = {
                "flyte_kubeconfig": None,
                "flyte_kube_host": server.access["host"],
                "flyte_kube_api_key": SECRET,
            }
        for name, path in _kubeconfigs("https://127.0.0.1:1", tmp_path).items():
            more[f"kubeconfig_{name}"] = {"flyte_kubeconfig": path, "flyte_kube_context": None}
        no_json = base64.b64encode(gzip.compress(b"{"))
        for name, content in (("no_gzip", b"eHh4"), ("no_base64", b"\xff"), ("cut_off", base64.b64encode(b"\x1f\x8b\x08\x00")), ("no_json", no_json)):
            namespace = f"record-{name.replace('_', '-')}"
            _create(plane, "/api/v1/namespaces", {"metadata": {"name": namespace}})
            _create(plane, f"/api/v1/namespaces/{namespace}/secrets", _record(namespace, content))
            more[f"record_{name}"] = {"flyte_kube_context": "dataplane2", "flyte_namespace": namespace}
        hub = site.cluster("controlplane")
        _create(hub, "/api/v1/namespaces", {"metadata": {"name": ENDING, "finalizers": ["example.com/held"]}})
        hub.delete(f"/api/v1/namespaces/{ENDING}")
        for host, variables in {**more, "terminating": {"flyte_kube_context": "controlplane", "flyte_namespace": ENDING}}.items():
            other.planes[host] = {"flyte_eks_cluster": "flyte-dataplane2", **variables}
        yield other
        hub.patch(f"/api/v1/namespaces/{ENDING}", {"metadata": {"finalizers": None}})
        for variables in more.values():
            if "flyte_namespace" in variables:
                plane.delete(f"/api/v1/namespaces/{variables['flyte_namespace']}")


def _named(output: str, hosts: t.Iterable[str], step: str) -> None:
    """Fail where the one table does not name a host, or says something that only Python says."""
    table = output.rpartition("CLUSTER ")[2]
    missing = [host for host in hosts if not re.search(rf"^\W*{host}\W*$|{host}\s+{step}", table, re.MULTILINE)]
    assert not missing, (missing, output)
    for nonsense in ("Traceback", "object has no attribute", "can only concatenate", "no message", "VARIABLE IS NOT DEFINED", SECRET):
        assert nonsense not in output, (nonsense, output)


def test_each_broken_cluster_is_its_own_failure_and_the_others_are_finished(broken: SiteUnderTest) -> None:
    hosts = [host for host in broken.planes if host.startswith(("hostile", "kubeconfig", "record"))]
    assert len(hosts) >= 22
    changed = broken.changed_copy()
    # Something has to be done on a good one, and on the control plane.
    changed.planes["dataplane_1"]["flyte_values"] = {"flytepropeller": {"podAnnotations": {"example.com/broken": "others"}}}
    before = broken.cluster("dataplane1").revisions("flyte-core-data")
    started = time.monotonic()
    found = changed.run()
    assert time.monotonic() - started < 240
    # Of the one that is terminating it is also said that flyteadmin's configuration does not have it.
    assert found.code != 0 and f"{len(hosts) + 2} thing(s) could not be done" in found.flat, found.output
    _named(found.output, hosts, "observe")
    _named(found.output, ["terminating"], "dataplane")
    assert "because it is being terminated" in found.flat and "Wait until the namespace" in found.flat, found.output
    assert broken.cluster("dataplane1").revisions("flyte-core-data") != before and found.changed.get("dataplane_1"), found.output
    verified = changed.run(playbook="verify.yml")
    assert verified.code != 0
    _named(verified.output, [*hosts, "terminating"], "verify")
    status = changed.run(playbook="status.yml")
    assert status.code == 0 and re.search(r"dataplane_1 .* ready", status.output), status.output
    _named(status.output, [], "")
    states = {**dict.fromkeys(hosts, "not ready"), "terminating": "not deployed"}
    assert not [host for host, state in states.items() if not re.search(rf"{host[:30]}.*{state}", status.output)], status.output


@pytest.mark.parametrize(
    ("name", "playbooks"),
    [
        ("a page", ("site.yml", "verify.yml", "status.yml")),
        ("a byte now and then", ("verify.yml", "status.yml")),
        ("without end", ("verify.yml",)),
        ("an error that shows the token", ("verify.yml",)),
    ],
)
def test_a_broken_flyteadmin_is_its_own_failure(site: SiteUnderTest, name: str, playbooks: tuple[str, ...]) -> None:
    other = site.changed_copy()
    other.variables["flyte_request_timeout"] = TIMEOUT
    with Raw(HOSTILE[name]) as server:
        other.variables.update(flyte_admin_url=server.access["host"], flyte_admin_token=SECRET)
        for playbook in playbooks:
            found = other.run(playbook=playbook)
            if playbook == "status.yml":
                assert found.code == 0 and "Executions are unknown" in found.output and SECRET not in found.output, found.output
                assert re.search(r"dataplane_1 .* ready", found.output) and re.search(r"dataplane_2 .* ready", found.output), found.output
                continue
            assert found.code != 0 and "1 thing(s) could not be done" in found.flat, found.output
            _named(found.output, ["controlplane"], "verify" if playbook == "verify.yml" else "ecl")
            assert any(said in found.flat for said in ("flyte_admin_url", "flyte_request_timeout", "flyteadmin's own log says more")), found.output


def _delete_tokens(plane: Cluster) -> None:
    """Delete the token Secrets of a data plane, whatever they are called by now."""
    for secret in plane.get(f"{SECRETS}?fieldSelector=type%3Dkubernetes.io%2Fservice-account-token")["items"]:
        plane.delete(f"{SECRETS}/{secret['metadata']['name']}")


def _delete_if_there(cluster: Cluster, path: str) -> None:
    if cluster.get(path):
        cluster.delete(path)


def test_a_secret_of_another_type_is_one_planes_failure(site: SiteUnderTest) -> None:
    # A name of its own: one that a rotation gave up is not made again.
    plane, name = site.cluster("dataplane2"), "taken-token"
    _delete_tokens(plane)
    _create(plane, SECRETS, {"metadata": {"name": name}, "data": {"token": "eA=="}})
    try:
        found = site.run("-e", f"flyte_token_secret={name}")
        assert found.code != 0 and "is no token of the ServiceAccount flyteadmin" in found.flat, found.output
        assert "Set flyte_token_secret to another name" in found.flat
        _named(found.output, ["dataplane_2"], "credentials")
    finally:
        plane.delete(f"{SECRETS}/{name}")
    assert site.run().code == 0


def test_an_immutable_secret_of_the_control_plane_is_said(site: SiteUnderTest) -> None:
    hub, plane, path = site.cluster("controlplane"), site.cluster("dataplane2"), f"{SECRETS}/cluster-credentials"
    kept = hub.get(path)
    hub.patch(path, {"immutable": True})
    try:
        # Under another name it is another token.
        _delete_tokens(plane)
        found = site.run("-e", "flyte_token_secret=another-token")
        assert found.code != 0 and "It is marked immutable" in found.flat, found.output
        _named(found.output, ["controlplane"], "credentials")
    finally:
        hub.delete(path)
        metadata = {"name": "cluster-credentials", "labels": kept["metadata"].get("labels") or {}}
        _create(hub, SECRETS, {"metadata": metadata, "data": kept["data"], "type": kept["type"]})
        _delete_if_there(plane, f"{SECRETS}/another-token")
    assert site.run().code == 0


def test_two_first_runs_at_the_same_moment_wait_for_each_other(site: SiteUnderTest) -> None:
    helm = str(site.lab.folder / "bin" / "helm")
    access = ["--kubeconfig", str(site.lab.kubeconfig), "--kube-context", "dataplane2", "--namespace", "flyte"]
    subprocess.run([helm, "uninstall", "flyte-core-data", "--wait", *access], check=True, capture_output=True, timeout=60)
    runs = [
        subprocess.Popen(
            site.command("site.yml"), cwd=REPOSITORY, env=site.environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
        )
        for _number in range(2)
    ]
    try:
        outputs = [run.communicate(timeout=300)[0].decode() for run in runs]
    finally:
        for run in runs:
            kill_tree(run)
    assert [run.returncode for run in runs] == [0, 0], "\n".join(outputs)
    assert site.run().code == 0
