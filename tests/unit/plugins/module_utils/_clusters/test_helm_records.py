# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Helm's own record of a release: read, damaged, and which Deployments it has."""

from __future__ import annotations

import base64
import gzip
import json
import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters import client as _client
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.client import Kube
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.errors import KubeError
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.releases import Release, Wanted, deployments_of, find_release, read_secrets
from api_server import MANIFEST, RECORDS, SECRETS, ApiServer, helm_record, token_secret

_MANIFEST = """---
# Source: flyte-core/templates/propeller/deployment.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: flytepropeller
  labels: {app: flytepropeller}
spec:
  replicas: 2
---
kind: ConfigMap
metadata:
  name: no-deployment
data:
  text: |
    kind: Deployment
---
kind: Deployment
metadata:
  labels:
    app: webhook
  name: "flyte-pod-webhook"
spec: {}
"""


def test_the_deployments_of_a_release_are_those_of_its_manifest() -> None:
    assert list(deployments_of(_MANIFEST)) == [Wanted("flytepropeller", 2), Wanted("flyte-pod-webhook", None)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("kind: Deployment\nmetadata:\n  name: a\n", [Wanted("a", None)]),
        ("kind: 'Deployment'  # x\r\nmetadata:\r\n    name: a # x\r\n    namespace: n\r\nspec:\r\n    replicas: 3\r\n", [Wanted("a", 3, "n")]),
        (
            "spec:\n  template:\n    replicas: 9\n  replicas: 0\nkind: Deployment\nmetadata:\n  # x\n\n  annotations:\n    name: b\n  name: a\n",
            [Wanted("a", 0)],
        ),
        ("kind: Deployment\nmetadata:\n  name: a\n---\nkind: DaemonSet\nmetadata:\n  name: b\n", [Wanted("a", None)]),
        ("kind: Deployment\nmetadata: {name: a, namespace: n}\nspec: {replicas: 2}\n", [Wanted("a", 2, "n")]),
        ("kind: Deployment\nmetadata:\n  ? name\n  : a\n", [Wanted("a", None)]),
        ("kind: Deployment\nmetadata:\n  name: a\nspec:\n  replicas: \n  selector: x\n", [Wanted("a", None)]),
    ],
)
def test_deployments_are_found_however_they_are_written(text: str, found: list[Wanted]) -> None:
    assert list(deployments_of(text)) == found


def find(server: ApiServer) -> Release | None:
    return find_release(Kube(server.access), "flyte", "flyte-core-data")


def test_the_newest_revision_counts() -> None:
    records = [helm_record(revision=number, status="failed" if number == 10 else "deployed") for number in (9, 10, 2)]
    with ApiServer({SECRETS: {"items": records}}) as server:
        found = find(server)
    assert found is not None and (found.revision, found.status, found.secret) == (10, "failed", "sh.helm.release.v1.flyte-core-data.v10")
    assert found.age > 0 and "deployments" not in found.public() and set(found.public()) >= {"values_digest", "chart", "version", "name"}


def test_no_record_is_no_release() -> None:
    with ApiServer({SECRETS: {"items": None}}) as server:
        assert find(server) is None


_WHOLE = base64.b64decode(base64.b64decode(helm_record(MANIFEST)["data"]["release"]))
_SECRET_VERSION = json.dumps({**json.loads(gzip.decompress(_WHOLE)), "version": "secret-4711"}).encode()
_DAMAGED = {
    "no base64": b"!!!",
    "no gzip": base64.b64encode(b"secret-4711"),
    "nothing": b"",
    "cut off": base64.b64encode(_WHOLE[: len(_WHOLE) // 2]),
    "cut off at the very end": base64.b64encode(_WHOLE[:-3]),
    "a version that is none": base64.b64encode(gzip.compress(_SECRET_VERSION)),
    "no JSON": base64.b64encode(gzip.compress(b"secret-4711")),
    "a list": base64.b64encode(gzip.compress(b"[]")),
    "another object": base64.b64encode(gzip.compress(b'{"secret-4711": 1}')),
}


@pytest.mark.parametrize("raw", _DAMAGED.values(), ids=_DAMAGED)
def test_a_damaged_record_is_named_with_what_to_do(raw: bytes) -> None:
    with ApiServer({SECRETS: {"items": [helm_record(), helm_record(revision=2, raw=raw)]}}) as server, pytest.raises(KubeError) as caught:
        find(server)
    assert "flyte/sh.helm.release.v1.flyte-core-data.v2 cannot be read" in caught.value.message and "secret-4711" not in str(caught.value)
    assert "kubectl -n flyte delete secret sh.helm.release.v1.flyte-core-data.v2" in caught.value.hint and "the objects stay" in caught.value.hint


#: of Helm's records of the release
LABELS = {"owner": "helm", "name": "flyte-core-data"}


@pytest.mark.parametrize("items", [[1], [{}], [{"metadata": {"labels": {**LABELS, "version": "x"}, "name": "x"}}], "text", 7])
def test_records_that_are_none_are_named(items: t.Any) -> None:
    with ApiServer({SECRETS: {"items": items}}) as server, pytest.raises(KubeError, match="Helm's records? .*cannot be read"):
        find(server)


def test_a_release_and_the_other_secrets_are_one_request() -> None:
    """Records of other releases, which may be in the namespace too, are neither."""
    other = helm_record(revision=9)
    other["metadata"] |= {"name": "sh.helm.release.v1.other.v9", "labels": {**LABELS, "name": "other", "version": "9"}}
    nameless = {"metadata": {"name": "x", "labels": {"owner": "helm"}}}
    with ApiServer({SECRETS: {"items": [other, token_secret(), nameless, helm_record(revision=2)]}}) as server:
        release, secrets = read_secrets(Kube(server.access), "flyte", "flyte-core-data")
        assert len(server.seen) == 1 and "status+notin+%28superseded%29" in server.seen[0][1]
    assert release is not None and release.revision == 2 and list(secrets) == ["flyteadmin-token"]


def test_a_namespace_of_many_releases_is_read_without_their_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is too long for one answer is none of a proxy, as long as its parts are not."""
    monkeypatch.setattr(_client, "MOST", 20_000)
    other = helm_record()
    other["metadata"] |= {"labels": {**LABELS, "name": "other", "version": "9"}, "annotations": {"a": "x" * 30_000}}
    parts = {RECORDS: {"items": [helm_record(revision=2)]}, f"{SECRETS}?labelSelector=owner%21%3Dhelm": {"items": [token_secret()]}}
    with ApiServer({**parts, SECRETS: {"items": [other, token_secret(), helm_record(revision=2)]}}) as server:
        release, secrets = read_secrets(Kube(server.access), "flyte", "flyte-core-data")
    assert release is not None and release.revision == 2 and list(secrets) == ["flyteadmin-token"]
    with ApiServer({SECRETS: {"items": [other]}}) as server, pytest.raises(KubeError, match="more than") as caught:
        read_secrets(Kube(server.access), "flyte", "flyte-core-data")
    assert caught.value.is_too_large and caught.value.hint
