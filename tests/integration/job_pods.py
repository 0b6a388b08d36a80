# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pods of Jobs do not run in the lab: a thread of the test runs what is in them, against the real API servers."""

from __future__ import annotations

import os
import pathlib
import subprocess
import typing as t

from conftest import Cluster, InBackground

JOBS = "/apis/batch/v1/namespaces/flyte/jobs"


class JobPods(InBackground):
    """Runs what is in the pods of Jobs of the control plane, as processes of this machine, and says how they ended; the lab's pods do not run."""

    def __init__(self, cluster: Cluster, folder: pathlib.Path) -> None:
        super().__init__()
        self.cluster, self.folder = cluster, folder
        self.jobs: list[dict[str, t.Any]] = []

    def _work(self) -> None:
        done: set[str] = set()
        while not self._stop.wait(0.2):
            for pod in self.cluster.get("/api/v1/namespaces/flyte/pods?labelSelector=job-name")["items"]:
                if pod["metadata"]["uid"] not in done and pod["status"].get("podIP"):
                    done.add(pod["metadata"]["uid"])
                    self._run(pod)

    def _run(self, pod: dict[str, t.Any]) -> None:
        self.jobs.append(self.cluster.get(f"{JOBS}/{pod['metadata']['labels']['job-name']}"))
        container, files = pod["spec"]["containers"][0], self.folder / pod["metadata"]["name"]
        files.mkdir()
        secret = next(volume["secret"] for volume in pod["spec"]["volumes"] if volume["name"] == "credentials")
        data = self.cluster.secret(secret["secretName"])
        for item in secret["items"]:
            (files / item["path"]).write_text(data[item["key"]], encoding="utf-8")
        own = {"FILES": str(files), "SCRATCH": str(files), "RESULT": str(files / "result")}
        environment = {**{entry["name"]: entry["value"] for entry in container["env"]}, **own, "PATH": os.environ["PATH"]}
        ended = subprocess.run(container["command"], env=environment, check=False, timeout=60)
        state = {"terminated": {"exitCode": ended.returncode, "message": (files / "result").read_text(encoding="utf-8"), "reason": "Completed"}}
        status = {"name": container["name"], "image": container["image"], "imageID": "", "ready": False, "restartCount": 0, "state": state}
        self.cluster.patch(f"/api/v1/namespaces/flyte/pods/{pod['metadata']['name']}/status", {"status": {"phase": "Succeeded", "containerStatuses": [status]}})
