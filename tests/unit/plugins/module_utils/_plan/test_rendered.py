# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What Helm made of flyteadmin's configuration has to be what went in."""

from __future__ import annotations

import copy
import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.configuration import Configuration, cluster_config
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rendered import rendering_failure

WANTED = Configuration(
    cluster_configs=[cluster_config(name, f"https://{name}", True, {"qps": 5, "burst": 10, "timeout": "30s"}) for name in ("one", "two")],
    label_cluster_map={"label1": [{"id": "one", "weight": 1.0}], "label2": [{"id": "two", "weight": 1}]},
    checksum="abc",
    left_out=[],
    kept=[],
    unreachable=[],
    default_label="label1",
)


def changed(change: t.Callable[[dict[str, t.Any]], t.Any]) -> str:
    rendered = copy.deepcopy(WANTED.section())
    change(rendered)
    failure = rendering_failure("hub", WANTED, rendered)
    return f"{failure.host} {failure.step}: {failure.problem} {failure.remedy}" if failure else ""


def test_the_same_is_no_failure() -> None:
    assert changed(lambda section: section["clusterConfigs"].reverse()) == ""
    assert changed(lambda section: section["labelClusterMap"]["label1"][0].update(weight=1)) == ""
    nothing = Configuration(WANTED.cluster_configs, {}, "", [], [], [], [])
    assert rendering_failure("hub", nothing, {"clusterConfigs": WANTED.cluster_configs}) is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda section: section.clear(), "it has no section 'clusters' at all"),
        (lambda section: section["clusterConfigs"].pop(), "cluster two: is missing"),
        (lambda section: section["clusterConfigs"][0].update(enabled=False), "cluster one: differs"),
        (lambda section: section["clusterConfigs"][0]["kubeClientConfig"].pop("timeout"), "cluster one: differs"),
        (lambda section: section["clusterConfigs"].append(cluster_config("x", "https://x", True)), "cluster x: is none of the plan's"),
        (lambda section: section["clusterConfigs"].append(section["clusterConfigs"][0]), "cluster one: stands twice"),
        (lambda section: section.pop("labelClusterMap"), "label label1: is missing; label label2: is missing"),
        (lambda section: section["labelClusterMap"].update({1000.0: []}), "label 1000.0: is none of the plan's"),
        (lambda section: section["labelClusterMap"]["label2"][0].update(weight=0.5), "label label2: differs"),
        (lambda section: section.pop("defaultExecutionLabel"), "default execution label: None, not 'label1'"),
        (lambda section: section.update(labelClusterMap={f"l{number}": [] for number in range(9)}), "and 6 more"),
    ],
)
def test_what_differs_is_named(change: t.Callable[[dict[str, t.Any]], t.Any], said: str) -> None:
    text = changed(change)
    assert text.startswith("hub controlplane: not installed: ") and said in text and "flyte_values" in text
