# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""No playbook succeeds without a cluster to look at, and plays run on the controller, whatever the inventory says of its hosts for other playbooks."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

import pytest
import yaml
from conftest import REPOSITORY

NOBODY = "all: {hosts: {somebody: {}}}\n"
SITE = "all: {hosts: {somebody: {}}, children: {flyte_control_plane: {hosts: {hub: {}}}, flyte_data_planes: {hosts: {plane: {}}}}}\n"


def run(folder: pathlib.Path, playbook: str, inventory: str, *arguments: str) -> tuple[int, str]:
    """Run a playbook on an inventory; return its exit code and what it printed."""
    (folder / "hosts.yml").write_text(inventory, encoding="utf-8")
    command = [str(pathlib.Path(sys.executable).with_name("ansible-playbook")), "-i", str(folder / "hosts.yml"), f"playbooks/{playbook}.yml", *arguments]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
    answer = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=60, check=False)
    return answer.returncode, answer.stdout + answer.stderr


@pytest.mark.parametrize("playbook", ["site", "status", "verify", "remove", "rotate"])
def test_no_host_is_a_failure(tmp_path: pathlib.Path, playbook: str) -> None:
    for inventory, arguments in ((NOBODY, ()), (SITE, ("--limit", "somebody"))):
        code, output = run(tmp_path, playbook, inventory, *arguments)
        assert code != 0 and "flyte_control_plane" in output and "no hosts matched" not in output, output
    code, output = run(tmp_path, playbook, "all: [broken\n")
    said = f"Ansible read 0 host(s) of {tmp_path / 'hosts.yml'}; where these are too few, its warnings say why"
    assert code != 0 and said in " ".join(output.split()), output
    if playbook == "remove":
        return  # it is of the control plane
    # A limit to one of them goes on to the inventory, which is no whole one.
    code, output = run(tmp_path, playbook, SITE, "--limit", "plane")
    assert code != 0 and "flyte_provider" in output and "--limit leaves" not in output, output


@pytest.mark.parametrize("skipped", ["always", "preflight"])
def test_a_run_that_skips_the_plan_is_refused_once(tmp_path: pathlib.Path, skipped: str) -> None:
    code, output = run(tmp_path, "site", SITE, "--skip-tags", skipped)
    assert code != 0 and "Preflight was skipped, and every step does what it planned" in " ".join(output.split()), output
    assert "is undefined" not in output and "ignored=0" in output, output


def test_an_adoption_is_refused_before_anything_is_asked(tmp_path: pathlib.Path) -> None:
    for inventory, arguments in ((NOBODY, ()), (SITE, ("--limit", "plane"))):
        code, output = run(tmp_path, "adopt", inventory, *arguments)
        assert code != 0 and "flyte_control_plane" in output and "no hosts matched" not in output, output
    code, output = run(tmp_path, "adopt", SITE)
    assert code != 0 and "flyte_adopt_to is required" in output, output
    code, output = run(tmp_path, "adopt", SITE, "-e", f"flyte_adopt_to={tmp_path / 'to'}")
    assert code != 0 and "There is no vault password" in output and not (tmp_path / "to").exists(), output
    (tmp_path / "password").write_text("x", encoding="utf-8")
    (tmp_path / "to").mkdir()
    (tmp_path / "to" / "hosts.yml").write_text("mine", encoding="utf-8")
    with_vault = ("-e", f"flyte_adopt_to={tmp_path / 'to'}", "--vault-password-file", str(tmp_path / "password"))
    code, output = run(tmp_path, "adopt", SITE, *with_vault)
    assert code != 0 and "hosts.yml exists: choose another folder" in " ".join(output.split()), output
    code, output = run(tmp_path, "adopt", SITE, *with_vault, "-e", "flyte_adopt_force=true")
    assert code != 0 and "hub: flyte_admin_url" in output and (tmp_path / "to" / "hosts.yml").read_text(encoding="utf-8") == "mine", output


def test_a_placeholder_of_an_adoption_is_refused(tmp_path: pathlib.Path) -> None:
    """And nothing else is said of the variable that has it."""
    code, output = run(tmp_path, "site", SITE, "-e", '{"flyte_admin_url": "<CHANGE ME: the URL>"}')
    text = " ".join(output.split()).replace("''", "'")
    assert code != 0 and "hub: flyte_admin_url = '<CHANGE ME: the URL>': is a placeholder that playbooks/adopt.yml left" in text, output
    assert "has to be an https or http URL" not in text, output


@pytest.mark.parametrize("path", sorted(path for path in (REPOSITORY / "playbooks").glob("*.yml") if path.name != "inventory.yml"), ids=lambda path: path.name)
def test_a_play_on_clusters_runs_here(path: pathlib.Path) -> None:
    plays = [play for play in yaml.safe_load(path.read_text(encoding="utf-8")) if not play.get("hosts", "localhost:all").startswith("localhost:all")]
    assert plays
    for play in plays:
        # A variable of the inventory counts more than the keyword of a play, and less than a variable of a play.
        assert play["connection"] == "local" and play["vars"]["ansible_connection"] == "local" and play["vars"]["ansible_become"] is False, play["name"]


SCENARIOS = REPOSITORY / "extensions" / "molecule"
#: roles whose scenario has no phase of that name, and why
WITHOUT = {
    ("adopt", "delete"): "it writes files, and removes none",
    ("credentials", "delete"): "remove takes them away",
    ("eks_cluster", "delete"): "a cluster that was made is never deleted",
    ("namespaces", "change"): "a namespace has nothing that it changes",
    ("namespaces", "delete"): "those of a project are never deleted",
    ("remove", "change"): "a cluster is there, or is not",
    **{(role, phase): "there is nothing to make or to delete" for role in ("preflight", "verify", "rotate") for phase in ("create", "change", "delete")},
    ("iam", "change"): "it adds a cluster",
    ("iam", "delete"): "it decommissions one",
}


def test_every_role_and_playbook_has_a_scenario_of_molecule() -> None:
    """Each with create, change and delete, and why not; a phase is one with check mode before, and both again (tasks/phase.yml)."""
    texts = {path.parent.name: path.read_text(encoding="utf-8") for path in SCENARIOS.glob("*/converge.yml")}
    roles = {path.name for path in (REPOSITORY / "roles").iterdir()} - {"report"}
    assert set(texts) == roles | {"default", "status"}
    all_of_them = "".join(path.read_text(encoding="utf-8") for path in SCENARIOS.rglob("*.yml"))
    playbooks = {path.stem for path in (REPOSITORY / "playbooks").glob("*.yml")} - {"inventory"}
    assert {name for name in playbooks if f"playbooks/{name}.yml" not in all_of_them} == set() and "name: flyte.multicluster.report" in all_of_them
    assert {name for name, text in texts.items() if "tasks/phase.yml" not in text} == {"default"}
    phases = {(role, phase) for role in roles for phase in ("create", "change", "delete")}
    assert {(role, phase) for role, phase in phases if f"phase_name: {phase}\n" not in texts[role]} == set(WITHOUT)
