# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The stand-in chart renders what flyte-core renders: ``chart-renders.json`` was recorded of the real one, which ``FLYTE_CHART`` holds to it too."""

from __future__ import annotations

import json
import pathlib
import re
import subprocess
import typing as t

import binaries
import pytest
import yaml
from lab_chart import chart_folder

FACTS = json.loads(pathlib.Path(__file__).with_name("chart-renders.json").read_text(encoding="utf-8"))
_PLACEHOLDER = re.compile(r"<[A-Z][A-Z0-9_-]*>")


@pytest.fixture(scope="module")
def chart(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    return chart_folder(tmp_path_factory.mktemp("chart"))


def rendered(chart: pathlib.Path, files: list[str]) -> list[dict[str, t.Any]]:
    command = [str(binaries.find("helm")), "template", "flyte", str(chart), "--namespace", "flyte"]
    for name in files:
        command += ["--values", str(chart / name)]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert answer.returncode == 0, answer.stderr
    return [document for document in yaml.safe_load_all(answer.stdout) if document]


def placeholders(value: t.Any, path: str = "") -> set[str]:
    """Return every placeholder in an object, with its path."""
    if isinstance(value, dict):
        return {found for key, item in value.items() for found in placeholders(item, f"{path}.{key}" if path else str(key))}
    if isinstance(value, list):
        return {found for number, item in enumerate(value) for found in placeholders(item, f"{path}[{number}]")}
    return {f"{path}: {found}" for found in _PLACEHOLDER.findall(value)} if isinstance(value, str) else set()


def _container(container: dict[str, t.Any], keys: t.Iterable[str]) -> dict[str, t.Any]:
    mounts = {mount["name"]: mount["mountPath"] for mount in container.get("volumeMounts") or []}
    return {key: mounts if key == "mounts" else container.get(key) for key in keys}


def _deployment(document: dict[str, t.Any]) -> dict[str, t.Any]:
    spec = document["spec"]["template"]["spec"]
    return {
        "podAnnotations": sorted(document["spec"]["template"]["metadata"]["annotations"]),
        "replicas": document["spec"].get("replicas"),
        "serviceAccount": spec.get("serviceAccountName"),
        "initContainers": [_container(one, ("name", "command", "mounts")) for one in spec.get("initContainers") or []],
        "containers": [_container(one, ("name", "command", "args", "mounts")) for one in spec["containers"]],
        "volumes": sorted(spec["volumes"], key=lambda volume: str(volume["name"])),
    }


def described(document: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return what the recording has of an object."""
    kind, annotations = document["kind"], document["metadata"].get("annotations")
    found: dict[str, t.Any] = {"kind": kind, "name": document["metadata"]["name"]}
    if kind == "ServiceAccount":
        found["annotations"] = annotations or {}
    elif kind in ("Ingress", "Service") and annotations:
        found["annotations"] = sorted(annotations)
    if kind in ("Secret", "ConfigMap"):
        found["keys"] = sorted({**(document.get("data") or {}), **(document.get("stringData") or {})})
    if kind == "Secret":
        found["type"] = document["type"]
    elif kind == "ClusterRole":
        found["rules"] = document["rules"]
    elif kind == "Ingress":
        found["hosts"] = [rule.get("host") for rule in document["spec"]["rules"]]
    elif kind == "Deployment":
        found |= _deployment(document)
    left = sorted(placeholders(document))
    return {**found, "placeholders": left} if left else found


def recorded(entry: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return a recorded object; the order of volumes and placeholders means nothing."""
    found = dict(entry)
    if "volumes" in found:
        found["volumes"] = sorted(found["volumes"], key=lambda volume: str(volume["name"]))
    if "placeholders" in found:
        found["placeholders"] = sorted(found["placeholders"])
    return found


@pytest.mark.parametrize("name", FACTS["renders"])
def test_every_object_is_as_recorded(chart: pathlib.Path, name: str) -> None:
    facts = FACTS["renders"][name]
    found = {(one["kind"], one["name"]): one for one in map(described, rendered(chart, facts["files"]))}
    wanted = {(one["kind"], one["name"]): recorded(one) for one in facts["objects"]}
    assert sorted(found) == sorted(wanted)
    for key, entry in wanted.items():
        assert found[key] == entry


@pytest.mark.parametrize("name", FACTS["placeholders_in_values"])
def test_the_values_files_are_forms_with_the_recorded_placeholders(chart: pathlib.Path, name: str) -> None:
    values = yaml.safe_load((chart / name).read_text(encoding="utf-8"))
    assert placeholders(values) == set(FACTS["placeholders_in_values"][name])
