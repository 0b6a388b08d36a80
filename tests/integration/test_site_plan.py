# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What somebody changed by hand in a release is said, mended or refused; a plan is approved and held. On a site that is built."""

from __future__ import annotations

import json
import pathlib
import subprocess
import typing as t

import pytest
from conftest import SiteUnderTest
from lab_chart import chart_folder

pytestmark = pytest.mark.built_site

LABEL = "flyte.multicluster/values"
PLANE1, PLANE2 = "dataplane1", "dataplane2"
RELEASE = "flyte-core-data"
SECRETS = "/api/v1/namespaces/flyte/secrets"
PASSWORD = "hunter2-by-hand"
BY_HAND = ["clusterName=byhand", f"podAnnotations.aPassword={PASSWORD}"]
LOST = "flytepropeller.podAnnotations.aPassword"
#: of a run with nothing to do
MOST_LINES = 30


def _helm(site: SiteUnderTest, context: str, *arguments: str) -> str:
    helm = [str(site.lab.folder / "bin" / "helm"), "--kubeconfig", str(site.lab.kubeconfig), "--kube-context", context, "--namespace", "flyte"]
    return subprocess.run([*helm, *arguments], capture_output=True, text=True, check=True, timeout=120).stdout


def _label(site: SiteUnderTest, context: str) -> str | None:
    cluster = site.cluster(context)
    newest = max(cluster.revisions(RELEASE), key=lambda name: int(name.rpartition(".v")[2]))
    found = cluster.get(f"{SECRETS}/{newest}")["metadata"]["labels"].get(LABEL)
    return t.cast("str | None", found)


def _refused(site: SiteUnderTest, *arguments: str) -> str:
    before = {context: site.cluster(context).snapshot() for context in (PLANE1, PLANE2)}
    result = site.run(*arguments)
    assert result.code != 0 and "Nothing was changed." in result.output, result.output
    assert {context: site.cluster(context).snapshot() for context in (PLANE1, PLANE2)} == before
    return result.flat


def test_by_hand_and_approved(site: SiteUnderTest, tmp_path: pathlib.Path) -> None:
    if not site.cluster(PLANE2).revisions(RELEASE):
        assert site.run().code == 0
    quiet = site.run()
    assert quiet.code == 0 and set(quiet.changed.values()) == {0} and len(quiet.output.splitlines()) <= MOST_LINES, quiet.output
    assert quiet.output.count("Every cluster is as wanted") == 1
    selected = _helm(site, PLANE2, "list", "--short", "--selector", f"{LABEL}={_label(site, PLANE2)}")
    assert selected.split() == [RELEASE]
    # As an older version of this collection left it, and as somebody changed it.
    newest = max(site.cluster(PLANE1).revisions(RELEASE), key=lambda name: int(name.rpartition(".v")[2]))
    site.cluster(PLANE1).patch(f"{SECRETS}/{newest}", {"metadata": {"labels": {LABEL: None}}})
    chart = str(chart_folder(tmp_path / "chart"))
    _helm(site, PLANE2, "upgrade", RELEASE, chart, "--reuse-values", *[part for value in BY_HAND for part in ("--set", f"flytepropeller.{value}")])
    outputs = [refusal := _refused(site)]
    assert f"dataplane_2: the Helm release {RELEASE} in the namespace flyte: it was changed by hand" in refusal and f"{LOST}: secret:" in refusal
    assert f"flyte_drop_values: [{LOST}]" in refusal and "dataplane_1: the Helm release" not in refusal

    path = tmp_path / "plan.json"
    drop = ["-e", json.dumps({"flyte_drop_values": [LOST]})]
    plan = site.run(*drop, "--check", "--diff", "-e", f"flyte_plan_file={path}")
    outputs += [plan.output, path.read_text(encoding="utf-8")]
    assert plan.code == 0 and "changed by hand: flytepropeller.clusterName: byhand -> dataplane_2" in plan.output, plan.output
    assert "Deployment/flyte/flytepropeller:" in plan.output and f"dataplane_1: dataplane: label of Helm release {RELEASE}" in plan.output
    (row,) = [row for row in json.loads(outputs[-1])["rows"] if row["what"] == f"Helm release {RELEASE}"]
    assert row["host"] == "dataplane_2" and {"path": "flytepropeller.clusterName", "before": "byhand", "after": "dataplane_2"} in row["drift"], row

    held = [*drop, "-e", f"flyte_approved_plan={path}"]
    other = site.changed_copy()
    other.planes["dataplane_2"]["flyte_values"] = {"flytepropeller": {"podAnnotations": {"example.com/more": "yes"}}}
    outputs.append(_refused(other, *held))
    assert 'flytepropeller.podAnnotations["example.com/more"]: (not set) -> "yes": is not in the approved plan' in outputs[-1]

    done = site.run(*held, "-v")
    outputs.append(done.output)
    assert done.code == 0 and done.changed["dataplane_2"] and done.changed["dataplane_1"] == 1, done.output
    assert _label(site, PLANE1) and _label(site, PLANE2)
    config = json.loads(_helm(site, PLANE2, "get", "values", RELEASE, "--output", "json"))["flytepropeller"]
    assert config["clusterName"] == "dataplane_2" and "aPassword" not in (config.get("podAnnotations") or {})
    again = site.run(*held)
    assert again.code == 0 and set(again.changed.values()) == {0}, again.output
    assert not any(PASSWORD in output for output in outputs)


def test_every_playbook_that_changes_something_is_held(site: SiteUnderTest, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "plan.json"
    assert site.run("--check", "-e", f"flyte_plan_file={path}").code == 0 and json.loads(path.read_text(encoding="utf-8"))["rows"] == []
    held, canary = ("-e", f"flyte_approved_plan={path}"), ("-e", "flyte_canary_workflow=example.training_workflow")
    elsewhere = json.dumps({"cluster": "dataplane_2", "labels": {"label2": [{"cluster": "dataplane_1", "weight": 1}]}})
    contexts = ("controlplane", PLANE1, PLANE2)
    before = {context: site.cluster(context).snapshot() for context in contexts}
    for playbook, arguments, said in (
        ("rotate.yml", (), "dataplane_1: rotate: make the token Secret "),
        ("remove.yml", ("-e", elsewhere), "controlplane: disable: Helm release flyte-core: is not in the approved plan"),
        ("verify.yml", canary, "controlplane: verify: launch example.training_workflow: is not in the approved plan"),
        ("site.yml", canary, "controlplane: verify: launch example.training_workflow: is not in the approved plan"),
        ("site.yml", ("-e", "flyte_rotate_due=true", "-e", "flyte_token_max_age=1s"), "dataplane_1: rotate: rotate the token: is not in the approved plan"),
    ):
        result = site.run(*held, *arguments, playbook=playbook)
        assert result.code != 0 and "Nothing was changed." in result.output and said in result.flat, (playbook, result.output)
        assert {context: site.cluster(context).snapshot() for context in contexts} == before, playbook
    # As it was approved it is done, and by the same plan not once more.
    assert site.run("--check", "-e", f"flyte_plan_file={path}", "-e", "cluster=dataplane_2", playbook="rotate.yml").code == 0
    done = site.run(*held, "-e", "cluster=dataplane_2", playbook="rotate.yml")
    assert done.code == 0 and done.changed["controlplane"], done.output
    after = {context: site.cluster(context).snapshot() for context in contexts}
    again = site.run(*held, "-e", "cluster=dataplane_2", playbook="rotate.yml")
    assert again.code != 0 and "is not in the approved plan" in again.flat, again.output
    assert {context: site.cluster(context).snapshot() for context in contexts} == after


def test_what_is_due_is_rotated_as_the_plan_of_site_said(site: SiteUnderTest, tmp_path: pathlib.Path) -> None:
    path, due = tmp_path / "plan.json", ("-e", "flyte_rotate_due=true", "-e", "flyte_token_max_age=1s")
    assert site.run("--check", *due, "-e", f"flyte_plan_file={path}").code == 0
    written = path.read_bytes()
    done = site.run(*due, "-e", f"flyte_plan_file={path}", "-e", f"flyte_approved_plan={path}")
    assert done.code == 0 and "is deleted" in done.flat, done.output
    assert path.read_bytes() == written  # the rotation in it has a plan of its own, and writes none
