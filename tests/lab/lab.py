# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lab: Kubernetes clusters, an AWS endpoint, the flyteadmin double and real flytepropellers on 127.0.0.1, without a container engine.

``lab.py up [--data-planes N]``, ``lab.py down``, ``lab.py stop NAME``, ``lab.py start NAME``, ``lab.py status``.
The lab lies in ``.lab/`` of the repository (``FLYTE_LAB_DIR``), its ports from 28100 on (``FLYTE_LAB_PORT``).
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time
import types
import typing as t
import urllib.error
import urllib.request

import yaml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import binaries  # noqa: E402
from binaries import LabError, say  # noqa: E402
from ports import chosen_range  # noqa: E402
from processes import Process, answers, interruptible, kill_all_of, kill_pods_of, kill_tree, port_is_free, uninterrupted, wait_for  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
CONTROL_PLANE = "controlplane"
#: EKS clusters of the AWS endpoint, one for each Kubernetes cluster
EKS_PREFIX = "flyte-"
#: what of kwokctl's processes takes a port, in the order of the ports; it would choose those of no option by itself, whatever lab they belong to
COMPONENTS = ("etcd", "kube-controller-manager", "kube-scheduler", "controller", "etcd-peer")
#: how many clusters have room between the lab's ports +20 and +80
MOST_CLUSTERS = 60 // (len(COMPONENTS) + 1)
#: the virtual environment beside ours that has flytekit (Makefile): without "..", since pyflyte packs what it runs from into its archives
FLYTEKIT = pathlib.Path(sys.prefix + "-flytekit")
#: values of app.kubernetes.io/name whose pods kwok leaves alone (kwokctl.config)
_PLAYED = ["flyteadmin", "flyteclusterresourcesync", "flytepropeller", "flyte-pod-webhook"]
REGION = "us-east-2"
BUCKET = "flyte-lab"

_BINARIES = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl", "kwok", "kwokctl", "helm", "flytecompile")

_NODE = {
    "apiVersion": "v1",
    "kind": "Node",
    "metadata": {"name": "node-0", "annotations": {"kwok.x-k8s.io/node": "fake"}},
    "status": {
        # Without ephemeral-storage here the pods of flyte-core, which request it, stay Pending; so do those of a third of a thousand planes on a smaller node.
        resources: {"cpu": "1000", "memory": "4Ti", "pods": "5000", "ephemeral-storage": "10Ti"}
        for resources in ("allocatable", "capacity")
    },
}


class Lab:
    """One lab: a folder, a range of ports and the names of its clusters."""

    def __init__(self, folder: pathlib.Path | None = None, port: int | None = None, *, propeller: bool = True) -> None:
        self.folder = pathlib.Path(folder or os.environ.get("FLYTE_LAB_DIR") or REPOSITORY / ".lab").resolve()
        # Below Linux' range of local ports of outgoing connections (from 32768 on), any of which may be taken for a minute.
        self.port = int(port or os.environ.get("FLYTE_LAB_PORT") or 28100)
        self.kubeconfig = self.folder / "kubeconfig"
        self._clusters_folder = self.folder / "kwok" / "clusters"
        #: the temporary folder of the lab's processes, gone with the lab
        self.temporary = self.folder / "tmp"
        self.admin_port, self.admin_grpc_port, self.aws_port = self.port + 80, self.port + 81, self.port + 82
        self.admin_url = f"http://127.0.0.1:{self.admin_port}"
        self.aws_url = f"http://127.0.0.1:{self.aws_port}"
        #: makes a cluster's certificates and keys in a folder, in place of kwokctl
        self.make_pki: t.Callable[[pathlib.Path], None] | None = None
        #: whether flytepropeller's pods run it, and those of tasks their tasks; else kwok makes them Ready without
        self.propeller = propeller
        self.admin = Process(self.folder, "flyteadmin")
        self.aws = Process(self.folder, "moto")
        self.kubelet = Process(self.folder, "kubelet")

    # -- the whole lab

    def up(self, data_planes: int = 2, *, unknown_to_eks: tuple[str, ...] = ()) -> None:
        """Bring up whatever of the lab does not run yet.

        :param unknown_to_eks: clusters that are not registered as EKS clusters.
        """
        started = time.monotonic()
        if data_planes >= MOST_CLUSTERS:
            raise LabError(f"{data_planes} data planes are too many: a lab has ports for {MOST_CLUSTERS - 1}.")
        for name in (*_BINARIES, *(["flytepropeller"] if self.propeller else [])):
            binaries.find(name)
        new = not self.clusters()
        try:
            with chosen_range(self.port):
                self._up([CONTROL_PLANE] + [f"dataplane{number}" for number in range(1, data_planes + 1)], unknown_to_eks)
        except BaseException:
            if new:
                self.down()  # half a lab is of no use; one that was there before stays
            raise
        say(f"lab is up in {time.monotonic() - started:.1f} s: KUBECONFIG={self.kubeconfig}, flyteadmin {self.admin_url}, AWS {self.aws_url}")

    def _up(self, names: list[str], unknown_to_eks: tuple[str, ...]) -> None:
        self.temporary.mkdir(parents=True, exist_ok=True)
        self._clusters_up(names)
        self._write_kubeconfig()
        self._aws_up()
        self._register_eks(unknown_to_eks)
        self._link_binaries()
        self._admin_up()
        self._kubelet_up()

    def down(self) -> None:
        """End every process of the lab and remove its folder."""
        with uninterrupted():
            self.kubelet.stop()
            self.admin.stop()
            self.aws.stop()
            # Not by kwokctl, which ends nothing of a cluster whose creation was broken off.
            kill_all_of(self.folder)
            shutil.rmtree(self.folder, ignore_errors=True)
        say("lab is down")

    def clusters(self) -> list[str]:
        """Return the names of the clusters that were created, the control plane first."""
        found = [path.parent.name for path in self._clusters_folder.glob("*/kwok.yaml")]
        return sorted(found, key=lambda name: (name != CONTROL_PLANE, len(name), name))

    # -- clusters

    def api_url(self, name: str) -> str:
        """Return the URL of a cluster's API server."""
        return f"https://127.0.0.1:{self._api_port(name)}"

    def stop(self, name: str) -> None:
        """Stop a cluster's processes; its data stay."""
        self._kwokctl("stop", "cluster", name=name)

    def start(self, name: str) -> None:
        """Start a stopped cluster again and wait for its API server."""
        self._kwokctl("start", "cluster", "--wait", "60s", name=name)
        # The kwok controller of before holds the node's lease for minutes; the new one takes it over at once without it.
        self._kubectl(name, "-n", "kube-node-lease", "delete", "lease", "--all", "--wait=false")
        self._require_controllers(name)

    def _api_port(self, name: str) -> int:
        return self.port + (0 if name == CONTROL_PLANE else int(name.removeprefix("dataplane")))

    def _component_ports(self, number: int) -> dict[str, int]:
        first = self.port + 20 + number * (len(COMPONENTS) + 1)
        return {component: first + offset for offset, component in enumerate(COMPONENTS)}

    def _clusters_up(self, names: list[str]) -> None:
        """Start what is stopped, and create what is not there, side by side: every port is given, so that no two choose the same."""
        started = time.monotonic()
        known = self.clusters()
        creating: dict[str, subprocess.Popen[bytes]] = {}
        try:
            for number, name in enumerate(names):
                if name not in known:
                    creating[name] = self._start_creating(number, name)
                elif answers_tls(self._api_port(name)):
                    say(f"{name}: running, {self.api_url(name)}")
                else:
                    self.start(name)
                    say(f"{name}: started again in {time.monotonic() - started:.1f} s")
            for name, process in creating.items():
                if process.wait() != 0:
                    raise LabError(f"{name} did not come up: {self._tails(name)}")
                self._create_node(name)
                self._require_controllers(name)
                say(f"{name}: up in {time.monotonic() - started:.1f} s, {self.api_url(name)}")
        finally:
            with uninterrupted():
                for process in creating.values():
                    kill_tree(process)

    def _start_creating(self, number: int, name: str) -> subprocess.Popen[bytes]:
        folder = self._clusters_folder / name
        kill_all_of(folder)  # of a creation that was broken off
        shutil.rmtree(folder, ignore_errors=True)
        if self.make_pki:
            self.make_pki(folder / "pki")
        port, ports = self._api_port(name), self._component_ports(number)
        for taken in (port, *ports.values()):
            self._require_free(taken)
        config = self._kwokctl_config(name, ports.pop("etcd-peer"))
        arguments = ["--runtime", "binary", "--wait", "60s", "--kube-apiserver-port", str(port), "--config", str(config)]
        for component, chosen in ports.items():
            arguments += [f"--{component}-port", str(chosen)]
        for component in ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"):
            arguments += [f"--{component}-binary", str(binaries.find(component))]
        arguments += ["--kwok-controller-binary", str(binaries.find("kwok"))]
        with open(self._creation_log(name), "wb") as log:
            command, environment = self._kwokctl_command("create", "cluster", *arguments, name=name)
            return subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)

    def _creation_log(self, name: str) -> pathlib.Path:
        folder = self.folder / "logs"
        folder.mkdir(exist_ok=True)
        return folder / f"kwokctl-{name}.log"

    def _tails(self, name: str) -> str:
        """Return the ends of the logs of a cluster: after a failure the lab's folder is gone."""
        logs = [self._creation_log(name), *sorted((self._clusters_folder / name / "logs").glob("*.log"))]
        return "".join(f"\n== {path.name}\n{path.read_text(encoding='utf-8', errors='replace')[-700:]}" for path in logs if path.exists())

    def _kwokctl_config(self, name: str, etcd_peer_port: int) -> pathlib.Path:
        """Write kwokctl's configuration of a cluster whose API server asks the lab's AWS about tokens, as EKS does.

        Etcd's port for its peers has no option. Left to itself, kwokctl takes the first free one counting down from 32767: that of a stopped
        cluster of another lab, which then never starts again.
        """
        folder = self.folder / "run"
        folder.mkdir(exist_ok=True)
        webhook = folder / f"{name}-authenticator.yaml"
        server = f"http://127.0.0.1:{self.aws_port + 1}/{EKS_PREFIX}{name}"
        kubeconfig = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "eks",
            "clusters": [{"name": "eks", "cluster": {"server": server}}],
            "users": [{"name": "eks"}],
            "contexts": [{"name": "eks", "context": {"cluster": "eks", "user": "eks"}}],
        }
        webhook.write_text(yaml.safe_dump(kubeconfig), encoding="utf-8")
        documents = list(yaml.safe_load_all((HERE / "kwokctl.config").read_text(encoding="utf-8")))
        arguments = {
            "authentication-token-webhook-config-file": str(webhook),
            # Without it there are 254 addresses, and each data plane has a Service.
            "service-cluster-ip-range": "10.0.0.0/16",
        }
        documents[0]["options"]["etcdPeerPort"] = etcd_peer_port
        if not self.propeller:
            for expression in (entry for document in documents for entry in document.get("spec", {}).get("selector", {}).get("matchExpressions", [])):
                if expression.get("values") == _PLAYED:
                    expression["values"] = _PLAYED[:2]
        documents[0]["componentsPatches"] = [{"name": "kube-apiserver", "extraArgs": [{"key": key, "value": value} for key, value in arguments.items()]}]
        config = folder / f"{name}-kwokctl.config"
        config.write_text(yaml.safe_dump_all(documents), encoding="utf-8")
        return config

    def _require_controllers(self, name: str) -> None:
        """Start a cluster anew whose kube-controller-manager has ended: it waits ten seconds for its API server, which takes longer where many start."""
        for _attempt in range(3):
            if self._controllers_work(name):
                return
            say(f"{name}: its kube-controller-manager has ended, starting the cluster again")
            self._kwokctl("stop", "cluster", name=name)
            self._kwokctl("start", "cluster", "--wait", "60s", name=name)
        raise LabError(f"{name}: kube-controller-manager does nothing: {self._tails(name)}")

    def _controllers_work(self, name: str) -> bool:
        """Return whether a ServiceAccount that every namespace has is made again."""
        account = ("-n", "default", "serviceaccount", "default")
        self._kubectl(name, "delete", *account, "--ignore-not-found", "--wait=false")
        ended = time.monotonic() + 25
        while time.monotonic() < ended:
            if self._run_kubectl(name, "get", *account).returncode == 0:
                return True
            time.sleep(0.5)
        return False

    def _create_node(self, name: str) -> None:
        self._kubectl(name, "apply", "-f", "-", text=yaml.safe_dump(_NODE))

    def _run_kubectl(self, name: str, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
        command = [str(binaries.find("kubectl")), "--kubeconfig", str(self._clusters_folder / name / "kubeconfig.yaml"), *arguments]
        return subprocess.run(command, input=text, text=True, capture_output=True, check=False)

    def _kubectl(self, name: str, *arguments: str, text: str = "") -> None:
        answer = self._run_kubectl(name, *arguments, text=text)
        if answer.returncode != 0:
            raise LabError(f"{name} did not come up: {answer.stderr[-500:]}{self._tails(name)}")

    def _kwokctl(self, *arguments: str, name: str) -> None:
        command, environment = self._kwokctl_command(*arguments, name=name)
        answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if answer.returncode != 0:
            raise LabError(f"{' '.join(command)} failed:\n{(answer.stdout + answer.stderr)[-3000:]}")

    def _kwokctl_command(self, *arguments: str, name: str) -> tuple[list[str], dict[str, str]]:
        environment = {
            **os.environ,
            "TMPDIR": str(self.temporary),
            "KWOK_WORKDIR": str(self.folder / "kwok"),
            "PATH": f"{binaries.find('kubectl').parent}{os.pathsep}{os.environ['PATH']}",
            # Never the user's own kubeconfig: kwokctl would add the cluster there and make it current.
            "KUBECONFIG": str(self.folder / "kwok" / f"{name}.kubeconfig"),
        }
        return [str(binaries.find("kwokctl")), *arguments, "--name", name], environment

    def _write_kubeconfig(self) -> None:
        merged: dict[str, t.Any] = {"apiVersion": "v1", "kind": "Config", "current-context": "", "clusters": [], "contexts": [], "users": []}
        for name in self.clusters():
            pki = self._clusters_folder / name / "pki"
            cluster = {"server": self.api_url(name), "certificate-authority": str(pki / "ca.crt")}
            user = {"client-certificate": str(pki / "admin.crt"), "client-key": str(pki / "admin.key")}
            merged["clusters"].append({"name": name, "cluster": cluster})
            merged["users"].append({"name": name, "user": user})
            merged["contexts"].append({"name": name, "context": {"cluster": name, "user": name}})
        scratch = self.kubeconfig.with_suffix(".new")
        scratch.write_text(yaml.safe_dump(merged), encoding="utf-8")
        scratch.chmod(0o600)
        scratch.replace(self.kubeconfig)

    def _link_binaries(self) -> None:
        """Put helm and kubectl under one folder for shells and playbooks, and flytepropeller, to know the lab's own by their path."""
        folder = self.folder / "bin"
        folder.mkdir(exist_ok=True)
        for name in ("helm", "kubectl", *(["flytepropeller"] if self.propeller else [])):
            link = folder / name
            link.unlink(missing_ok=True)
            link.symlink_to(binaries.find(name))

    # -- AWS and flyteadmin

    def _aws_up(self) -> None:
        if self.aws.running():
            return
        for port in (self.aws_port, self.aws_port + 1):
            self._require_free(port)
        command = [sys.executable, str(HERE / "aws.py"), "--host", "127.0.0.1", "--port", str(self.aws_port)]
        self.aws.start(command, environment={"FLYTE_LAB_DIR": str(self.folder), "TMPDIR": str(self.temporary)})
        wait_for("moto", lambda: answers(self.aws_url), seconds=30, explain=self.aws.tail)
        say(f"moto: up, {self.aws_url}")

    def aws_client(self, service: str) -> t.Any:
        """Return a boto3 client of the lab's AWS endpoint."""
        import boto3

        return boto3.client(
            service, endpoint_url=self.aws_url, region_name=REGION, aws_access_key_id="testing", aws_secret_access_key="testing"
        )

    def _register_eks(self, unknown: tuple[str, ...]) -> None:
        """Register each cluster as an EKS cluster and create the bucket, as a cloud team would have done."""
        eks, s3 = self.aws_client("eks"), self.aws_client("s3")
        known = set(eks.list_clusters()["clusters"])
        for name in self.clusters():
            if EKS_PREFIX + name not in known and name not in unknown:
                eks.create_cluster(
                    name=EKS_PREFIX + name,
                    version="1.34",
                    roleArn="arn:aws:iam::123456789012:role/eks-cluster",
                    resourcesVpcConfig={"subnetIds": [], "securityGroupIds": []},
                )
        if BUCKET not in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]:
            s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})

    def admin_restart(self, client_id: str | None = None, client_secret: str = "", *, others: dict[str, str] | None = None) -> None:
        """Start the flyteadmin double anew, with its state; with a client it wants a token.

        :param others: the secrets of more clients by their ids, flytepropeller's for example.
        """
        self.admin.stop()
        # Its last connections need a moment to be closed by both sides.
        for port in (self.admin_port, self.admin_grpc_port):
            wait_for(f"port {port}", functools.partial(port_is_free, port), seconds=70, explain=lambda: "something else listens there")
        self._admin_up({client_id: client_secret, **(others or {})} if client_id else {})
        wait_for("the flyteadmin double", self.admin_serves, seconds=30, explain=self.admin.tail)

    def admin_serves(self) -> bool:
        """Return whether flyteadmin's pods run, so that its API answers, if only that it wants a token."""
        try:
            with urllib.request.urlopen(f"{self.admin_url}/api/v1/version", timeout=2):
                return True
        except urllib.error.HTTPError as error:
            return error.code == 401
        except OSError:
            return False

    def _admin_up(self, clients: t.Mapping[str, str] = types.MappingProxyType({})) -> None:
        if self.admin.running():
            return
        self._require_free(self.admin_port)
        self._require_free(self.admin_grpc_port)
        command = [sys.executable, str(HERE / "flyteadmin")]
        command += ["--kubeconfig", str(self.kubeconfig), "--context", CONTROL_PLANE]
        command += ["--http-port", str(self.admin_port), "--grpc-port", str(self.admin_grpc_port)]
        command += ["--state", str(self.folder / "flyteadmin.json"), "--scratch", str(self.folder / "flyteadmin"), "--s3-url", self.aws_url, "--bucket", BUCKET]
        command += ["--compiler", str(binaries.find("flytecompile"))]
        self.admin.start(command, environment={"TMPDIR": str(self.temporary), "FLYTEADMIN_DOUBLE_CLIENTS": json.dumps(dict(clients))})
        wait_for("the flyteadmin double", lambda: answers(self.admin_url + "/healthcheck"), seconds=30, explain=self.admin.tail)
        say(f"flyteadmin double: up, {self.admin_url} (it serves once site.yml has deployed flyteadmin's pods)")

    def _kubelet_up(self) -> None:
        """Start what runs flytepropeller's pods and those of tasks, in every cluster of the lab."""
        if not self.propeller or self.kubelet.running():
            return
        kill_pods_of(self.folder)
        ports = f"{self.port + 10}-{self.port + 19},{self.port + 84}-{self.port + 97}"
        command = [sys.executable, str(HERE / "kubelet"), "--lab", str(self.folder), "--kubeconfig", str(self.kubeconfig)]
        command += ["--propeller", str(self.folder / "bin" / "flytepropeller"), "--flytekit", str(FLYTEKIT / "bin")]
        command += ["--s3-url", self.aws_url, "--ports", ports]
        self.kubelet.start(command, environment={"TMPDIR": str(self.temporary)})
        wait_for("the kubelet", lambda: "taken up" in self.kubelet.tail(), seconds=30, explain=self.kubelet.tail)
        say("kubelet: up; it runs flytepropeller and tasks as processes, their logs in " + str(self.folder / "logs" / "pods"))

    @staticmethod
    def _require_free(port: int) -> None:
        if not port_is_free(port):
            raise LabError(f"port {port} of 127.0.0.1 is taken: free it, or choose others with FLYTE_LAB_PORT=<first of 100 ports>.")

    def status(self) -> None:
        """Print what runs."""
        for name in self.clusters():
            say(f"{name}: {'running' if answers_tls(self._api_port(name)) else 'stopped'}, {self.api_url(name)}")
        for process, what in ((self.aws, self.aws_url), (self.admin, self.admin_url), (self.kubelet, "flytepropeller and tasks")):
            say(f"{process.name}: {'running' if process.running() else 'stopped'}, {what}")


def answers_tls(port: int) -> bool:
    """Return whether an API server accepts connections on this port."""
    return not port_is_free(port)


def main() -> int:
    """Run one command of the lab."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="bring the lab up; what runs is left alone")
    up.add_argument("--data-planes", type=int, default=2, metavar="N")
    commands.add_parser("down", help="end every process and remove the lab's folder")
    commands.add_parser("status", help="say what runs")
    for name in ("stop", "start"):
        commands.add_parser(name, help=f"{name} one cluster").add_argument("name")
    arguments = parser.parse_args()
    lab = Lab()
    try:
        with interruptible():
            if arguments.command == "up":
                lab.up(arguments.data_planes)
            elif arguments.command in ("stop", "start"):
                getattr(lab, arguments.command)(arguments.name)
            else:
                getattr(lab, arguments.command)()
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("lab: interrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
