# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A release is given only what its objects use."""

from __future__ import annotations

import copy
import typing as t

from ansible_collections.flyte.multicluster.plugins.module_utils._helm.parts import references, used_only, without_control_plane

DEFAULTS: dict[str, t.Any] = {
    "flyteadmin": {"enabled": True},
    "flytepropeller": {"enabled": True},
    "common": {"ingress": {"enabled": True}, "databaseSecret": {"name": ""}},
    "workflow_scheduler": {"enabled": False},
}
VALUES: dict[str, t.Any] = {
    "userSettings": {"dbPassword": "secret", "logGroup": "logs", "bucketName": "b", "redisHostUrl": "<REDIS>"},
    "flyteadmin": {"env": [1], "serviceAccount": {"annotations": {"a": "b"}}},
    "flytescheduler": {"podEnv": {"a": "b"}},
    "flytepropeller": {"replicaCount": 2},
    "common": {"ingress": {"annotations": {}}, "databaseSecret": {"name": "db", "secretManifest": {"pass": "{{ .Values.userSettings.dbPassword }}"}}},
    "db": {"admin": {"database": {"password": "secret"}}},
    "storage": {"bucketName": "{{ .Values.userSettings.bucketName }}"},
    "configmap": {"task_logs": {"plugins": {"logs": {"cloudwatch-enabled": True, "cloudwatch-log-group": "{{ .Values.userSettings.logGroup }}"}}}},
    "mine": {"kept": True},
}


def used(values: dict[str, t.Any], *, data_plane: bool = False, **more: t.Any) -> dict[str, t.Any]:
    before = copy.deepcopy(values)
    found = used_only({**values, **more}, DEFAULTS, data_plane=data_plane)
    assert values == before
    return found


def test_what_is_on_is_kept_and_what_nothing_refers_to_is_not() -> None:
    found = used(VALUES)
    assert "flytescheduler" not in found and found["flyteadmin"] == VALUES["flyteadmin"] and found["db"] == VALUES["db"]
    assert set(found["userSettings"]) == {"dbPassword", "logGroup", "bucketName"} and found["mine"] == {"kept": True}


def test_a_data_plane_keeps_the_account_of_flyteadmin_and_nothing_of_the_database() -> None:
    off = {**VALUES, **without_control_plane()}
    off["flyteadmin"] = {**VALUES["flyteadmin"], "enabled": False}
    found = used(off, data_plane=True)
    assert found["flyteadmin"] == {"enabled": False, "serviceAccount": {"annotations": {"a": "b"}}}
    assert found["common"] == {"ingress": {"enabled": False}} and "db" not in found and "secret" not in str(found)
    assert found["flytepropeller"] == {"replicaCount": 2} and found["userSettings"] == {"logGroup": "logs", "bucketName": "b"}


def test_nothing_of_the_database_comes_into_a_data_plane_by_a_reference() -> None:
    """Also where values refer to all settings at once, so that each of them may be used."""
    found = used(VALUES, data_plane=True, flytepropeller={"podEnv": "{{ toYaml .Values.userSettings }} {{ .Values.userSettings.dbPassword }}"})
    assert "secret" not in str(found) and found["userSettings"]["redisHostUrl"] == "<REDIS>"


def test_a_control_plane_without_workflows_keeps_nothing_of_flytepropeller() -> None:
    found = used({**VALUES, "flytepropeller": {"enabled": False, "replicaCount": 2}})
    assert found["flytepropeller"] == {"enabled": False} and found["configmap"] == {} and "logGroup" not in found["userSettings"]


def test_the_region_and_the_group_of_logs_count_only_with_cloudwatch() -> None:
    found = used({**VALUES, "configmap": {"task_logs": {"plugins": {"logs": {"cloudwatch-log-group": "{{ .Values.userSettings.logGroup }}"}}}}})
    assert found["configmap"] == {"task_logs": {"plugins": {"logs": {}}}} and "logGroup" not in found["userSettings"]


def test_a_section_that_is_null_stays_nothing() -> None:
    found = used({"common": {"databaseSecret": None}, "flytescheduler": None, "userSettings": None}, data_plane=True)
    assert found == {"common": {}, "userSettings": None}


def test_a_data_plane_has_nothing_of_the_control_planes_and_no_clusters() -> None:
    assert without_control_plane()["cluster_resource_manager"] == {"enabled": False}
    clusters = {"configmap": {"clusters": {"clusterConfigs": [{"name": "a"}]}, "domain": {"domains": []}}}
    on = {"cluster_resource_manager": {"enabled": True}}
    # With them its own syncresources would not work in its own cluster.
    assert "clusters" not in used({**clusters, **on}, data_plane=True)["configmap"] and "clusters" in used({**clusters, **on})["configmap"]


def test_references_are_found_by_name_and_as_a_whole() -> None:
    assert set(references({"a": ["{{ .Values.userSettings.one }}-{{ $.Values.userSettings.two }}"], "b": 5})) == {"one", "two"}
    assert None in set(references("{{ index .Values.userSettings \"one\" }}"))
