# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An installation that was broken off is taken over, with the Secret that flytepropeller has written anew; what is somebody else's is left."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.client import Kube
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.errors import KubeError
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.ownership import give_back
from stateful_api import StatefulApi

DEPLOYMENT = "/apis/apps/v1/namespaces/flyte/deployments/flyte-pod-webhook"
SECRET = "/api/v1/namespaces/flyte/secrets/flyte-pod-webhook"
#: as flytepropeller's init-certs writes it
WRITTEN: dict[str, t.Any] = {"data": {"tls.crt": "eA=="}, "immutable": True, "metadata": {"annotations": {"flyteLastUpdate": "system-updated"}}}


def of(release: str, namespace: str = "flyte") -> dict[str, t.Any]:
    annotations = {"meta.helm.sh/release-name": release, "meta.helm.sh/release-namespace": namespace}
    return {"metadata": {"labels": {"app.kubernetes.io/managed-by": "Helm"}, "annotations": annotations}}


def given_back(objects: dict[str, t.Any]) -> tuple[bool, dict[str, t.Any]]:
    api = StatefulApi(objects)
    try:
        return give_back(Kube(api.access), "flyte", "flyte-core-data"), api.objects
    finally:
        api.close()


def test_the_webhooks_secret_is_the_releases_again() -> None:
    changed, objects = given_back({DEPLOYMENT: of("flyte-core-data"), SECRET: WRITTEN})
    metadata = objects[SECRET]["metadata"]
    owner = of("flyte-core-data")["metadata"]
    assert changed and metadata["labels"] == owner["labels"] and owner["annotations"].items() <= metadata["annotations"].items()
    assert metadata["annotations"]["flyteLastUpdate"] == "system-updated" and objects[SECRET]["data"] == WRITTEN["data"]
    assert given_back(objects)[0] is False


@pytest.mark.parametrize(
    "objects",
    [
        {},
        {SECRET: WRITTEN},
        {DEPLOYMENT: of("flyte-core-data")},
        {DEPLOYMENT: of("another"), SECRET: WRITTEN},
        {DEPLOYMENT: of("flyte-core-data", "elsewhere"), SECRET: WRITTEN},
        {DEPLOYMENT: {"metadata": {}}, SECRET: WRITTEN},
        {DEPLOYMENT: of("flyte-core-data"), SECRET: of("another")},
    ],
)
def test_what_is_not_shown_to_be_the_releases_is_left(objects: dict[str, t.Any]) -> None:
    before = repr(objects)
    changed, after = given_back(objects)
    assert not changed and repr({path: after[path] for path in objects}) == before


def test_an_odd_answer_is_a_failure_that_says_where_to_look() -> None:
    with pytest.raises(KubeError, match="the Deployment flyte/flyte-pod-webhook and its Secret"):
        given_back({DEPLOYMENT: {"metadata": []}})
