# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lab's kubelet: one process that runs flytepropeller's pods and those of tasks, of all clusters, as processes of this machine."""

from __future__ import annotations

import argparse
import pathlib
import signal
import sys
import time

# What the lab's programs have in common lies beside them.
sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))

import yaml  # noqa: E402
from images import Images, Ports  # noqa: E402
from kubernetes import config  # noqa: E402
from node import Node  # noqa: E402


def _contexts(kubeconfig: pathlib.Path) -> list[str]:
    try:
        return [entry["name"] for entry in yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))["contexts"]]
    except OSError:
        return []


def _serve(kubeconfig: pathlib.Path, images: Images, nodes: dict[str, Node]) -> None:
    """Take up each cluster that appears in the kubeconfig."""
    seen = 0.0
    while True:
        changed = kubeconfig.stat().st_mtime if kubeconfig.exists() else 0.0
        if changed != seen:
            seen = changed
            for name in _contexts(kubeconfig):
                if name not in nodes:
                    nodes[name] = Node(name, config.new_client_from_config(config_file=str(kubeconfig), context=name), images)
                    print(f"{name}: taken up", flush=True)
        time.sleep(0.5)


def _ports(text: str) -> list[int]:
    ranges = [part.partition("-") for part in text.split(",")]
    return [port for first, _dash, last in ranges for port in range(int(first), int(last or first) + 1)]


def main() -> None:
    """Run until ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lab", type=pathlib.Path, required=True, help="the lab's folder")
    parser.add_argument("--kubeconfig", type=pathlib.Path, required=True, help="of all clusters, each as its administrator")
    parser.add_argument("--propeller", type=pathlib.Path, required=True, help="the program flytepropeller")
    parser.add_argument("--flytekit", type=pathlib.Path, required=True, help="the folder of flytekit's programs")
    parser.add_argument("--s3-url", required=True)
    parser.add_argument("--ports", type=_ports, required=True, metavar="FIRST-LAST,…", help="for what listens in pods")
    arguments = parser.parse_args()
    images = Images(arguments.lab, arguments.propeller, arguments.flytekit, arguments.s3_url, Ports(arguments.ports))
    nodes: dict[str, Node] = {}
    signal.signal(signal.SIGTERM, lambda *_signal: sys.exit(0))
    try:
        _serve(arguments.kubeconfig, images, nodes)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        for node in nodes.values():
            node.end()
        for node in nodes.values():
            node.join()


if __name__ == "__main__":
    main()
