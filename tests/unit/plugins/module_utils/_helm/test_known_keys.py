# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Keys of values that no template reads: a mistyped one is said with the one that it was meant for; what may be the user's own is left alone."""

from __future__ import annotations

import typing as t

import pytest
import yaml
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.known_keys import mistyped_keys, unread_settings
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.shape import shape_of
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.values import merge
from conftest import REPOSITORY

CHART = REPOSITORY / "tests" / "lab" / "chart" / "flyte-core"
PROVIDERS = [[], ["values-eks.yaml"], ["values-gcp.yaml"]]
SETTINGS: dict[str, t.Any] = {"userSettings": {"accountNumber": "<A>", "bucketName": "<B>"}, "storage": {"bucketName": "{{ .Values.userSettings.bucketName }}"}}


def content(name: str) -> dict[str, t.Any]:
    return yaml.safe_load((CHART / name).read_text(encoding="utf-8")) or {}


def at(path: str, value: t.Any = 1) -> dict[str, t.Any]:
    for key in reversed(path.split("/")):
        value = {key: value}
    return value


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("flyteadmin/replicaCout", "replicaCount"),
        ("flyteadmin/replicacount", "replicaCount"),
        ("flyteadmin/replica_count", "replicaCount"),
        ("flyteadmni/replicaCount", "flyteadmin"),
        ("flyteadmin/serviceAcount/create", "serviceAccount"),
        ("flyteadmin/additionalVolume", "additionalVolumes"),
        ("cluster_resource_manager/standaloneDeploy", "standalone_deploy"),
        ("flytepropeller/resource", "resources"),
        ("configmap/adminserver", "adminServer"),
        ("common/ingres", "ingress"),
    ],
)
def test_a_mistyped_key(path: str, meant: str) -> None:
    found = list(mistyped_keys(at(path), shape_of(content("values.yaml"), content("values-eks.yaml"))))
    assert [name for _place, name in found] == [meant] and path.replace("/", ".").startswith(found[0][0])


@pytest.mark.parametrize(
    "path",
    [
        "mine/replicaCout",
        "flyteadmin/podAnnotations/replicaCout",
        "flyteadmin/nodeSelector/disk",
        "flyteadmin/resources/limits/gpu",
        "flyteadmin/resources/limits/nvidia.com~1gpu",
        "flytepropeller/extraArgs/x",
        "common/ingress/host",
        "forceNamespace",
        "nameOverride",
        "configmap/clusters/labelClusterMap/labels1",
        "configmap/logger/logger",
        "workflow_notifications/config/notifications",
    ],
)
def test_what_may_be_the_users_own(path: str) -> None:
    assert not list(mistyped_keys(at(path), shape_of(content("values.yaml"), content("values-eks.yaml"))))


@pytest.mark.parametrize("files", PROVIDERS)
@pytest.mark.parametrize("plane", ["values-controlplane.yaml", "values-dataplane.yaml"])
def test_the_charts_own_files_have_none(files: list[str], plane: str) -> None:
    for name in (*files, plane):
        assert not list(mistyped_keys(content(name), shape_of(content("values.yaml"), *map(content, files))))


def test_a_number_and_a_counterpart_are_no_mistakes() -> None:
    chart = {"minReplicas": 1, "bucket1": "a", "cpu": 1}
    assert not list(mistyped_keys({"maxReplicas": 1, "bucket2": "b", "gpu": 1, 7: "x"}, chart))
    assert list(mistyped_keys({"minReplicsa": 1}, chart)) == [("minReplicsa", "minReplicas")]


def test_settings_that_nothing_reads() -> None:
    assert unread_settings(["acountNumber", "bucketName"], SETTINGS, []) == ["acountNumber"]
    mine = {"flyteadmin": {"podEnv": ["{{ .Values.userSettings.mine }}"]}}
    assert unread_settings(["mine", "other"], SETTINGS, [mine]) == ["other"]
    assert unread_settings(["mine"], {}, []) == ["mine"]
    assert not unread_settings(["mine"], merge([SETTINGS, {"a": "{{ toYaml .Values.userSettings }}"}]), [])
