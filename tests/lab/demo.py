# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The main job on the lab: site.yml, then the guide's example workflow in two project-domains, then one table."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import time
import typing as t

import requests

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from lab import FLYTEKIT, REPOSITORY, Lab  # noqa: E402
from workflow import executions_of, launch, outputs, register, wait_for_end  # noqa: E402

PYFLYTE = FLYTEKIT / "bin" / "pyflyte"
WORKFLOW = "example.training_workflow"
#: seconds for one execution: the first waits until a flytepropeller leads, which takes a quarter of a minute
PATIENCE = 180


def playbook(name: str, *arguments: str) -> None:
    """Run a playbook on the lab's inventory, its output to this terminal."""
    command = [str(pathlib.Path(sys.executable).with_name("ansible-playbook")), "-i", "inventories/lab", f"playbooks/{name}", *arguments]
    print(f"== {' '.join(command)}", flush=True)
    subprocess.run(command, cwd=REPOSITORY, check=True)


def run_example(lab: Lab, domain: str) -> dict[str, t.Any]:
    """Run the example workflow once in a domain of team1, with flytekit where it can be installed; return its execution when it ended."""
    known = executions_of(lab.admin_url, "team1", domain, WORKFLOW)
    if not known and PYFLYTE.exists():
        pyflyte_run(lab, domain)
    elif not known:
        print("flytekit does not support this Python, and there is no other: registering a task without it instead", flush=True)
        register(lab.admin_url, "team1", domain, WORKFLOW, "v1")
        launch(lab.admin_url, "team1", domain, WORKFLOW, "v1")
    name = executions_of(lab.admin_url, "team1", domain, WORKFLOW)[-1]["id"]["name"]
    return wait_for_end(lab.admin_url, "team1", domain, name, PATIENCE)


def pyflyte_run(lab: Lab, domain: str) -> None:
    """Register and run the example with the real flytekit, as the guide does."""
    config = lab.folder / "flyte.yaml"
    config.write_text(f"admin:\n  endpoint: dns:///127.0.0.1:{lab.admin_grpc_port}\n  insecure: true\n", encoding="utf-8")
    command = [str(PYFLYTE), "-c", str(config), "run", "--remote"]
    command += ["--image", "cr.flyte.org/flyteorg/flytekit:py3.11-latest", "--project", "team1", "--domain", domain]
    command += [str(pathlib.Path(__file__).with_name("example.py")), "training_workflow", "--hyperparameters", '{"C": 0.1}']
    print(f"== {' '.join(command)}", flush=True)
    subprocess.run(command, cwd=lab.folder, check=True, env={**os.environ, "NO_COLOR": "1", "TMPDIR": str(lab.temporary)})


def main() -> int:
    """Run the demo."""
    started = time.monotonic()
    lab = Lab()
    playbook("site.yml")
    wrong = []
    for domain, wanted in (("development", "dataplane_1"), ("production", "dataplane_2")):
        execution = run_example(lab, domain)
        cluster, closure = execution["spec"]["metadata"]["system_metadata"]["execution_cluster"], execution["closure"]
        print(f"{WORKFLOW} in team1/{domain} on {cluster}: {closure['phase']}, returned {outputs(lab.admin_url, execution)}", flush=True)
        if cluster != wanted or closure["phase"] != "SUCCEEDED":
            why = (closure.get("error") or {}).get("message", "")
            wrong.append(f"team1/{domain} ended {closure['phase']} on {cluster}, not SUCCEEDED on {wanted}: {why}".rstrip(": "))
    playbook("status.yml")
    print(f"demo: {time.monotonic() - started:.0f} s. Run it again: it changes nothing. make lab-down ends the lab.", flush=True)
    if wrong:
        print("\n".join(wrong), file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (subprocess.CalledProcessError, requests.RequestException) as failure:
        sys.exit(f"demo: {failure}")
