# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lets the tests import the collection by its full name, and gives them an inventory and a flyteadmin."""

from __future__ import annotations

import copy
import pathlib
import sys
import threading
import types
import typing as t

import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
# ansible_collections is a namespace package: both this folder and site-packages are parts of it.
sys.path[:0] = [str(REPOSITORY / ".collections"), str(REPOSITORY / "tests" / "lab" / "flyteadmin")]

Inventory = dict[str, dict[str, t.Any]]

_SITE: dict[str, t.Any] = {
    "flyte_provider": "aws",
    "flyte_admin_url": "https://flyte.example.com",
    "flyte_aws_region": "us-east-2",
    "flyte_buckets": ["flyte-data"],
    "flyte_labels": {"label1": [{"cluster": "dataplane_1", "weight": 1}], "label2": [{"cluster": "dataplane_2", "weight": 1}]},
    "flyte_execution_cluster_labels": [
        {"project": "team1", "domain": "development", "label": "label1"},
        {"project": "team1", "domain": "production", "label": "label2"},
    ],
}


@pytest.fixture
def inventory() -> Inventory:
    """A correct inventory of a control plane and two data planes."""
    hosts = {
        "controlplane": {"flyte_kube_context": "hub", "flyte_eks_cluster": "hub"},
        "dataplane_1": {"flyte_kube_context": "dp1", "flyte_eks_cluster": "dp1"},
        "dataplane_2": {"flyte_kube_context": "dp2", "flyte_eks_cluster": "dp2"},
    }
    return {host: {**copy.deepcopy(_SITE), **own} for host, own in hosts.items()}


class Double:
    """A flyteadmin double of two data planes that accept everything, served on a free port."""

    def __init__(self, *, auth: bool = False) -> None:
        from auth import Auth
        from gateway import Gateway
        from hub import Cluster, Generation
        from service import Service
        from store import Store

        self.service = Service(Store(":memory:"), finish_after=-1)
        clusters = {name: Cluster(name, True, "", "", "") for name in ("dataplane_1", "dataplane_2")}
        labels = {"label1": [("dataplane_1", 1.0)], "label2": [("dataplane_2", 1.0)]}
        generation = Generation(clusters, labels, ("development", "staging", "production"), {}, {})
        plane = types.SimpleNamespace(call=lambda *_arguments: types.SimpleNamespace(status_code=201))
        self.service.hub = t.cast(t.Any, types.SimpleNamespace(current=generation, plane=lambda _cluster: plane))
        self.service.seed(["project1", "team1"], generation.domains)
        self.auth = Auth("http://127.0.0.1", "client", "right secret") if auth else None
        self.gateway = Gateway(0, self.service, self.auth, lambda: True)
        self.url = f"http://127.0.0.1:{self.gateway.server_port}"
        if self.auth:
            self.auth._issuer = self.url
        self.requests: list[str] = []
        handle = self.gateway.RequestHandlerClass

        class Recording(handle):  # type: ignore[misc,valid-type]
            """Notes each request."""

            def log_message(inner, format: str, *_arguments: t.Any) -> None:  # noqa: N805  pylint: disable=no-self-argument
                self.requests.append(f"{inner.command} {inner.path}")

        self.gateway.RequestHandlerClass = Recording
        threading.Thread(target=self.gateway.serve_forever, daemon=True).start()

    def rows(self) -> dict[str, str]:
        """Return the stored labels, read from the store itself."""
        from flyteidl.admin import matchable_resource_pb2

        return {
            "/".join(part for part in row[:3] if part): matchable_resource_pb2.MatchingAttributes.FromString(row[3]).execution_cluster_label.value
            for row in self.service.store.attributes("EXECUTION_CLUSTER_LABEL")
        }

    def close(self) -> None:
        """Stop serving."""
        self.gateway.shutdown()
        self.gateway.server_close()


@pytest.fixture
def admin() -> t.Iterator[Double]:
    """A flyteadmin double without authentication."""
    double = Double()
    yield double
    double.close()


@pytest.fixture
def admin_with_auth() -> t.Iterator[Double]:
    """A flyteadmin double that wants a token."""
    double = Double(auth=True)
    yield double
    double.close()
