# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sites of N data planes on the lab's three API servers: each plane is a namespace of its own there."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import re
import resource
import subprocess
import sys
import time
import typing as t

import yaml

REPOSITORY = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "tests" / "lab"))

from lab import CONTROL_PLANE, Lab  # noqa: E402
from processes import all_pids, kill_tree, stat_of  # noqa: E402

SERVERS = (CONTROL_PLANE, "dataplane1", "dataplane2")
PROJECT = "team1"

#: notes how long each call of Helm took, so that its share can be told
_HELM = """#!/bin/sh
start=$(date +%s.%N)
"{helm}" "$@"
code=$?
echo "$start $(date +%s.%N)" >> "{log}"
exit $code
"""


@dataclasses.dataclass
class Run:
    """One run of a command."""

    seconds: float
    #: of all its processes that ended, user and system: what a busy machine does not change much
    cpu_seconds: float
    helm_seconds: float
    peak_mib: float
    output: str
    code: int

    @property
    def changed(self) -> int:
        """How many tasks changed something, by the recap."""
        return sum(int(count) for count in re.findall(r"changed=(\d+)", self.output.rpartition("PLAY RECAP")[2]))


def _environment(temporary: pathlib.Path) -> dict[str, str]:
    """Return the environment, with compiled modules kept, as on any machine of a user, and temporary folders that go with the lab."""
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    own = {name: str(temporary) for name in ("TMPDIR", "ANSIBLE_LOCAL_TEMP", "ANSIBLE_REMOTE_TEMP")}
    return {**kept, **own, "ANSIBLE_NOCOLOR": "1"}


def tree_mib(root: int) -> float:
    """Return the memory of a process and all below it, shared pages counted once (PSS)."""
    children: dict[int, list[int]] = {}
    for pid in all_pids():
        if fields := stat_of(pid):
            children.setdefault(int(fields[1]), []).append(pid)
    total, waiting = 0.0, [root]
    while waiting:
        process = waiting.pop()
        waiting += children.get(process, [])
        try:
            text = pathlib.Path(f"/proc/{process}/smaps_rollup").read_text(encoding="utf-8")
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")) / 1024
    return total


def place(number: int) -> tuple[str, str]:
    """Return the API server and the namespace of a plane."""
    return SERVERS[number % len(SERVERS)], f"plane-{number:03d}"


def seconds_below(folder: pathlib.Path) -> float:
    """Return the seconds of CPU that the running processes have taken whose command names a folder."""
    ticks = 0
    for pid in all_pids():
        try:
            command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        if os.fsencode(folder) in command and (fields := stat_of(pid)):
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


class Bench:
    """A lab, and playbooks on sites of N planes."""

    def __init__(self, folder: pathlib.Path, port: int) -> None:
        self.lab = Lab(folder, port, propeller=False)  # what it measures needs none, and a hundred would need the machine
        self.scratch = folder / "bench"
        self.helm_log = self.scratch / "helm.log"

    def up(self) -> None:
        """Bring the lab up, with a helm that notes its time."""
        self.lab.up(len(SERVERS) - 1)
        self.scratch.mkdir(exist_ok=True)
        wrapper = self.scratch / "helm"
        wrapper.write_text(_HELM.format(helm=self.lab.folder / "bin" / "helm", log=self.helm_log), encoding="utf-8")
        wrapper.chmod(0o755)

    def rest(self, longest: float = 180) -> None:
        """Wait until the servers are done with what was made: else they, on the same cores, are what is measured."""
        ended, before = time.monotonic() + longest, seconds_below(self.lab.folder)
        while time.monotonic() < ended:
            time.sleep(5)
            now = seconds_below(self.lab.folder)
            if now - before < 1.5:
                return
            before = now

    def inventory(
        self, planes: int, *, labels: int = 0, kubeconfig: str | None = None, admin_url: str | None = None, dead: t.Iterable[int] = ()
    ) -> dict[str, t.Any]:
        """Return the inventory of a site of this many planes; each label leads to one of them in turn."""
        hosts = {}
        for number in range(planes):
            server, namespace = place(number)
            hosts[f"plane_{number:03d}"] = {
                "flyte_kube_context": server,
                "flyte_namespace": namespace,
                # The CRD is the cluster's: it belongs to the first release there.
                "flyte_values": {"flytepropeller": {"createCRDs": number < len(SERVERS)}},
            }
        for number in dead:
            hosts[f"plane_{number:03d}"]["flyte_kube_host"] = f"https://127.0.0.1:{self.lab.port + 99}"
        names = list(hosts)
        variables = {
            "flyte_provider": "generic",
            "flyte_verify_propeller": False,  # its pods are stand-ins
            "flyte_admin_url": admin_url or self.lab.admin_url,
            "flyte_admin_endpoint": f"127.0.0.1:{self.lab.admin_grpc_port}",
            "flyte_chart_ref": os.environ.get("FLYTE_CHART") or str(REPOSITORY / "tests" / "lab" / "chart" / "flyte-core"),
            "flyte_helm_binary": str(self.scratch / "helm"),
            "flyte_kubeconfig": kubeconfig or str(self.lab.kubeconfig),
            "flyte_pending_release_timeout": 5,
            "flyte_request_timeout": 5,
            # The double's pods get ready once they have been at every plane.
            "flyte_wait_timeout": 300 + planes,
            "flyte_labels": {f"label-{number:03d}": [{"cluster": name, "weight": 1}] for number, name in enumerate(names)},
            "flyte_execution_cluster_labels": [
                {"project": PROJECT, "domain": "development", "workflow": f"wf.n{number}", "label": f"label-{number % planes:03d}"} for number in range(labels)
            ],
        }
        control_plane = {"controlplane": {"flyte_kube_context": CONTROL_PLANE, "flyte_values": {"flyteadmin": {"initialProjects": [PROJECT]}}}}
        return {"all": {"vars": variables, "children": {"flyte_control_plane": {"hosts": control_plane}, "flyte_data_planes": {"hosts": hosts}}}}

    def play(self, inventory: dict[str, t.Any], *arguments: str, playbook: str = "playbooks/site.yml") -> Run:
        """Run a playbook on an inventory."""
        path = self.scratch / "inventory.yml"
        path.write_text(yaml.dump(inventory, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper)), encoding="utf-8")
        ansible = pathlib.Path(sys.executable).with_name("ansible-playbook")
        return self.timed([str(ansible), "-i", str(path), playbook, *arguments])

    def timed(self, command: list[str], environment: dict[str, str] | None = None) -> Run:
        """Run a command; return its time, Helm's share of it, and the peak memory of all its processes together."""
        self.helm_log.unlink(missing_ok=True)
        output = self.scratch / "output.log"
        peak = 0.0
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        with open(output, "wb") as log, subprocess.Popen(
            command, cwd=REPOSITORY, env={**_environment(self.lab.temporary), **(environment or {})}, stdout=log, stderr=subprocess.STDOUT
        ) as process:
            try:
                while process.poll() is None:
                    try:
                        process.wait(timeout=0.25)
                    except subprocess.TimeoutExpired:
                        peak = max(peak, tree_mib(process.pid))
            finally:
                kill_tree(process)
        seconds = time.monotonic() - started
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Run(seconds, cpu, self._helm_seconds(), peak, output.read_text(encoding="utf-8", errors="replace"), process.returncode)

    def _helm_seconds(self) -> float:
        """Return for how long at least one Helm ran."""
        try:
            text = self.helm_log.read_text(encoding="utf-8")
        except FileNotFoundError:
            return 0.0
        total = until = 0.0
        for start, end in sorted(tuple(float(part) for part in line.split()) for line in text.splitlines()):
            total += max(0.0, end - max(start, until))
            until = max(until, end)
        return total
