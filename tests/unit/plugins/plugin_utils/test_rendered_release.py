# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A release is rendered with its values through a pipe, and what flyteadmin would mount is read from what comes out."""

from __future__ import annotations

import pathlib
import sys
import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.build import build
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Cluster
from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import ModuleFailed
from ansible_collections.flyte.multicluster.plugins.plugin_utils._rendering import rendered_clusters
from ansible_collections.flyte.multicluster.plugins.plugin_utils._variables import declared_variables
from conftest import Inventory

#: stands for Helm: notes how it was called, and renders what the test put down
HELM = """#!{python}
import os, pathlib, sys
here = pathlib.Path(__file__).parent
(here / "called").write_text(repr((sys.argv[1:], os.environ["KUBECONFIG"], os.environ["HELM_PLUGINS"])))
(here / "given").write_text(sys.stdin.read())
sys.stdout.write((here / "manifest").read_text())
sys.stderr.write((here / "errors").read_text())
sys.exit(1 if (here / "errors").read_text() else 0)
"""
MANIFEST = """---
# Source: a
apiVersion: v1
kind: ConfigMap
metadata: {name: other}
data:
  clusters.yaml: "clusters: {labelClusterMap: {wrong: []}}"
---
apiVersion: v1
kind: ConfigMap
metadata: {name: mine, namespace: flyte}
data:
  clusters.yaml: |
    # --- no document begins here
    clusters:
      labelClusterMap:
        label1: [{id: one, weight: 1}]
      clusterConfigs:
        - {name: one, enabled: true}
---
apiVersion: v1
kind: Service
metadata: {name: [not, read}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: flyteadmin}
spec: {template: {spec: {volumes: [{name: x, projected: {sources: [{configMap: {name: mine}}]}}]}}}
"""


class Given(t.NamedTuple):
    cluster: Cluster
    folder: pathlib.Path

    def render(self, manifest: str, errors: str = "") -> dict[str, t.Any]:
        (self.folder / "manifest").write_text(manifest, encoding="utf-8")
        (self.folder / "errors").write_text(errors, encoding="utf-8")
        return rendered_clusters(str(self.folder / "helm"), "/the/chart", self.cluster, {"password": "hunter2", "on": {"1e3": "yes"}})


@pytest.fixture(name="given")
def _given(inventory: Inventory, tmp_path: pathlib.Path) -> Given:
    planes = [host for host in inventory if host != "controlplane"]
    site, faults = build(["controlplane"], planes, lambda host, name: inventory[host].get(name), declared_variables())
    assert site is not None, faults
    helm = tmp_path / "helm"
    helm.write_text(HELM.format(python=sys.executable), encoding="utf-8")
    helm.chmod(0o755)
    return Given(site.control_plane, tmp_path)


def test_it_is_read_as_flyteadmin_mounts_it(given: Given) -> None:
    assert given.render(MANIFEST) == {"labelClusterMap": {"label1": [{"id": "one", "weight": 1}]}, "clusterConfigs": [{"name": "one", "enabled": True}]}
    called = (given.folder / "called").read_text(encoding="utf-8")
    assert called == repr((["template", "flyte-core", "/the/chart", "--namespace", "flyte", "--values", "-"], "/dev/null", "/dev/null"))
    assert "hunter2" in (given.folder / "given").read_text(encoding="utf-8")


def test_without_flyteadmin_there_is_no_section(given: Given) -> None:
    assert given.render(MANIFEST.replace("name: flyteadmin", "name: another")) == {}
    assert given.render("") == {}


def test_what_helm_cannot_render_is_said(given: Given) -> None:
    with pytest.raises(ModuleFailed, match="Error: no template"):
        given.render(MANIFEST, "Error: no template\n")
    with pytest.raises(ModuleFailed, match="cannot be read back"):
        given.render("kind: ConfigMap\nmetadata: {a: 1\n")
    with pytest.raises(ModuleFailed, match="cannot be read back"):
        given.render("kind: ConfigMap\n")
    with pytest.raises(ModuleFailed, match="flyte_helm_binary"):
        rendered_clusters(str(given.folder / "none"), "/c", given.cluster, {})
