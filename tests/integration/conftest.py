# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A lab of its own for the integration tests, and a site on it."""

from __future__ import annotations

import base64
import contextlib
import copy
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import threading
import time
import typing as t

import pytest
import requests
import yaml

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "tests" / "lab"))

import lab as lab_module  # noqa: E402
from ports import free_range  # noqa: E402
from processes import interruptible, kill_tree  # noqa: E402

#: kinds that the collection writes, as API paths
PATHS = [
    "/api/v1/namespaces",
    "/api/v1/secrets",
    "/api/v1/configmaps",
    "/api/v1/serviceaccounts",
    "/apis/apps/v1/deployments",
    "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
]


class Cluster:
    """Reads one API server of the lab directly, not through the collection."""

    def __init__(self, kubeconfig: pathlib.Path, context: str) -> None:
        settings = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
        cluster = next(entry["cluster"] for entry in settings["clusters"] if entry["name"] == context)
        user = next(entry["user"] for entry in settings["users"] if entry["name"] == context)
        self.server = cluster["server"]
        self._session = requests.Session()
        self._session.trust_env = False  # REQUESTS_CA_BUNDLE would win over the cluster's CA
        self.ca_file: str = cluster["certificate-authority"]
        self._session.verify = self.ca_file
        self._session.cert = (user["client-certificate"], user["client-key"])

    def get(self, path: str) -> t.Any:
        """Return an object, None where there is none."""
        answer = self._session.get(self.server + path, timeout=10)
        if answer.status_code == 404:
            return None
        answer.raise_for_status()
        return answer.json()

    def delete(self, path: str) -> None:
        """Delete an object."""
        self._session.delete(self.server + path, timeout=10).raise_for_status()

    def patch(self, path: str, body: t.Any) -> None:
        """Merge a patch into an object."""
        headers = {"Content-Type": "application/merge-patch+json"}
        self._session.patch(self.server + path, json=body, headers=headers, timeout=10).raise_for_status()

    def secret(self, name: str, namespace: str = "flyte") -> dict[str, str]:
        """Return the decoded data of a Secret."""
        found = self.get(f"/api/v1/namespaces/{namespace}/secrets/{name}") or {}
        return {key: base64.b64decode(value).decode() for key, value in (found.get("data") or {}).items()}

    def snapshot(self, namespaces: tuple[str, ...] = ("flyte",)) -> dict[str, str]:
        """Return uid and resourceVersion of everything that the collection may write."""
        found = {}
        for path in PATHS:
            for item in self.get(path)["items"]:
                metadata = item["metadata"]
                if metadata.get("namespace", namespaces[0]) in namespaces and not metadata["name"].startswith(("system:", "kube-root-ca")):
                    # A Deployment's version also counts its status.
                    version = metadata["generation"] if path.endswith("deployments") else metadata["resourceVersion"]
                    found[f"{path}/{metadata.get('namespace', '')}/{metadata['name']}"] = f"{metadata['uid']} {version}"
        return found

    def revisions(self, release: str, namespace: str = "flyte") -> list[str]:
        """Return the names of Helm's records of a release."""
        items = self.get(f"/api/v1/namespaces/{namespace}/secrets?labelSelector=owner%3Dhelm%2Cname%3D{release}")["items"]
        return sorted(item["metadata"]["name"] for item in items)

    def pods(self, namespace: str = "flyte") -> dict[str, str]:
        """Return the uids of all pods."""
        return {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in self.get(f"/api/v1/namespaces/{namespace}/pods")["items"]}

    def workflows(self, namespace: str) -> list[str]:
        """Return the names of the FlyteWorkflow objects in a namespace."""
        found = self.get(f"/apis/flyte.lyft.com/v1alpha1/namespaces/{namespace}/flyteworkflows")
        return [item["metadata"]["name"] for item in (found or {"items": []})["items"]]


class Result(t.NamedTuple):
    """What a playbook run printed."""

    code: int
    output: str

    @property
    def changed(self) -> dict[str, int]:
        """Return the count of changed tasks by host, from the recap."""
        recap = self.output.rpartition("PLAY RECAP")[2]
        return {host: int(count) for host, count in re.findall(r"^(\S+)\s+: ok=\d+\s+changed=(\d+)", recap, re.MULTILINE)}

    @property
    def flat(self) -> str:
        """Return the output as one line, without the doubled quotes of a YAML text."""
        return re.sub(r"\s+", " ", self.output).replace("''", "'")


class SiteUnderTest:
    """An inventory on the lab, and playbooks on it."""

    def __init__(self, lab: lab_module.Lab, folder: pathlib.Path) -> None:
        self.lab = lab
        self.folder = folder
        self.inventory = self._inventory()

    def _inventory(self) -> dict[str, t.Any]:
        content = yaml.safe_load((REPOSITORY / "inventories" / "lab" / "hosts.yml").read_text(encoding="utf-8"))
        content["all"]["vars"].update(
            flyte_admin_url=self.lab.admin_url,
            flyte_admin_endpoint=f"dns:///127.0.0.1:{self.lab.admin_grpc_port}",
            flyte_aws_endpoint_url=self.lab.aws_url,
            flyte_kubeconfig=str(self.lab.kubeconfig),
            flyte_helm_binary=str(self.lab.folder / "bin" / "helm"),
            __lab=str(REPOSITORY),
        )
        return t.cast("dict[str, t.Any]", content)

    @property
    def variables(self) -> dict[str, t.Any]:
        """The variables of all hosts."""
        return t.cast("dict[str, t.Any]", self.inventory["all"]["vars"])

    @property
    def planes(self) -> dict[str, t.Any]:
        """The data planes' hosts."""
        return t.cast("dict[str, t.Any]", self.inventory["all"]["children"]["flyte_data_planes"]["hosts"])

    def changed_copy(self) -> SiteUnderTest:
        """Return a site whose inventory can be changed for itself."""
        other = copy.copy(self)
        other.inventory = copy.deepcopy(self.inventory)
        return other

    def command(self, playbook: str, *arguments: str) -> list[str]:
        """Return the command line, with the inventory written to a file."""
        path = self.folder / f"inventory-{time.monotonic_ns()}.yml"
        path.write_text(yaml.safe_dump(self.inventory), encoding="utf-8")
        ansible = pathlib.Path(sys.executable).with_name("ansible-playbook")
        return [str(ansible), "-i", str(path), f"playbooks/{playbook}", *arguments]

    @property
    def temporary(self) -> pathlib.Path:
        """The folder for all that runs put down for a while: what a killed one leaves stays in the test's own folder."""
        folder = self.folder / "tmp"
        folder.mkdir(exist_ok=True)
        return folder

    def environment(self) -> dict[str, str]:
        """Return the environment, free of what a person at the terminal may have set, with temporary folders of its own."""
        keep = {key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "K8S_AUTH_", "AWS_", "KUBECONFIG"))}
        temporary = str(self.temporary)
        own = {"TMPDIR": temporary, "ANSIBLE_LOCAL_TEMP": temporary, "ANSIBLE_REMOTE_TEMP": temporary, "XDG_STATE_HOME": str(self.folder)}
        return {**keep, "ANSIBLE_NOCOLOR": "1", **own}

    def run(self, *arguments: str, playbook: str = "site.yml", timeout: float = 300) -> Result:
        """Run a playbook to its end."""
        with subprocess.Popen(
            self.command(playbook, *arguments), cwd=REPOSITORY, env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
        ) as process:
            try:
                output, errors = process.communicate(timeout=timeout)
            finally:
                kill_tree(process)  # also its children, where a test is interrupted or takes too long
        return Result(process.returncode, output.decode() + errors.decode())

    def run_and_kill(self, seconds: float) -> bool:
        """Run site.yml and kill it with all its children after some seconds; return whether it was still running."""
        with subprocess.Popen(
            self.command("site.yml"), cwd=REPOSITORY, env=self.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        ) as process:
            try:
                process.wait(timeout=seconds)
                return False
            except subprocess.TimeoutExpired:
                kill_tree(process)
                return True

    def cluster(self, name: str) -> Cluster:
        """Return a direct connection to a cluster."""
        return Cluster(self.lab.kubeconfig, name)

    def labels(self) -> dict[str, str]:
        """Return the rows that flyteadmin has, read directly."""
        answer = requests.get(
            f"{self.lab.admin_url}/api/v1/matchable_attributes?resource_type=EXECUTION_CLUSTER_LABEL", headers={"Accept": "application/json"}, timeout=10
        )
        answer.raise_for_status()
        rows = answer.json()["configurations"]
        return {
            "/".join(part for part in (row["project"], row["domain"], row["workflow"]) if part): row["attributes"]["execution_cluster_label"]["value"]
            for row in rows
        }

    def trust(self, role: str = "flyte-dataplane-role") -> list[dict[str, t.Any]]:
        """Return the statements of a role's trust policy."""
        document = self.lab.aws_client("iam").get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
        return t.cast("list[dict[str, t.Any]]", document["Statement"])

    def configs(self) -> dict[str, t.Any]:
        """Return clusterConfigs as flyteadmin reads it."""
        return {entry["name"]: entry for entry in self._clusters_section()["clusterConfigs"]}

    def label_map(self) -> dict[str, t.Any]:
        """Return labelClusterMap as flyteadmin reads it."""
        return t.cast("dict[str, t.Any]", self._clusters_section()["labelClusterMap"])

    def _clusters_section(self) -> dict[str, t.Any]:
        text = self.cluster("controlplane").get("/api/v1/namespaces/flyte/configmaps/flyte-admin-clusters-config")["data"]["clusters.yaml"]
        return t.cast("dict[str, t.Any]", yaml.safe_load(text)["clusters"])


class InBackground:
    """Works in threads of its own for as long as it lasts."""

    def __init__(self, threads: int = 1) -> None:
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _number in range(threads)]

    def __enter__(self) -> t.Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        """Work until ``_stop`` is set."""
        raise NotImplementedError


class ArgumentWatch(InBackground):
    """Reads the arguments of all processes for as long as it lasts, to search them for secrets afterwards."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def _work(self) -> None:
        while not self._stop.wait(0.05):
            for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    self.seen.add(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
                except OSError:
                    continue


def _settled(cluster: Cluster) -> None:
    """Wait until Kubernetes itself writes nothing more: it aggregates the roles admin, edit and view some seconds after its start."""
    before, ended = cluster.snapshot(), time.monotonic() + 20
    while time.monotonic() < ended:
        time.sleep(1.5)
        now = cluster.snapshot()
        if now == before:
            return
        before = now


@pytest.fixture(scope="session", name="lab")
def _lab(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[lab_module.Lab]:
    given = os.environ.get("FLYTE_TEST_PORT")
    with interruptible(), contextlib.nullcontext(int(given)) if given else free_range() as port:
        lab = lab_module.Lab(tmp_path_factory.mktemp("lab"), port)
        try:
            lab.up(2)
            for name in lab.clusters():
                _settled(Cluster(lab.kubeconfig, name))
            yield lab
        finally:
            lab.down()


@pytest.fixture(scope="session", name="site")
def _site(lab: lab_module.Lab, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[SiteUnderTest]:
    site = SiteUnderTest(lab, tmp_path_factory.mktemp("site"))
    yield site
    shutil.rmtree(site.temporary)


@pytest.fixture(autouse=True, scope="module")
def _built(request: pytest.FixtureRequest) -> None:
    """Build the site for those who need one that is: where test_site.py runs in the same session, it did."""
    if request.node.get_closest_marker("built_site"):
        site: SiteUnderTest = request.getfixturevalue("site")
        if not site.cluster("controlplane").revisions("flyte-core"):
            result = site.run()
            assert result.code == 0, result.output


def until(ready: t.Callable[[], bool], what: str, seconds: float = 90) -> None:
    """Wait for what comes by itself."""
    ended = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < ended, f"no {what} after {seconds} s"
        time.sleep(0.3)


def differing(before: t.Mapping[str, t.Any], after: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return what differs between two mappings, with both sides: pytest shortens what is long."""
    return {key: (before.get(key), after.get(key)) for key in {*before, *after} if before.get(key) != after.get(key)}


def as_json(value: t.Any) -> str:
    """Return a value as text, for messages of assertions."""
    return json.dumps(value, indent=1, sort_keys=True, default=str)
