# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What vanishes because the inventory became smaller is said, and refused above a share."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.configuration import Configuration, cluster_config
from ansible_collections.flyte.multicluster.plugins.module_utils._iam.required import plan as iam_plan
from ansible_collections.flyte.multicluster.plugins.module_utils._iam.subjects import Own
from ansible_collections.flyte.multicluster.plugins.module_utils._iam.trust import trusted
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Site
from ansible_collections.flyte.multicluster.plugins.module_utils._labels.rows import Key
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.removals import Removal, removal_lines, removals, too_much
from conftest import Inventory, site_of

DATA = "flyte-dataplane-role"


@pytest.fixture(name="site")
def _site(inventory: Inventory) -> Site:
    return site_of(inventory)


def configuration(clusters: t.Iterable[str], labels: t.Iterable[str]) -> Configuration:
    return Configuration([cluster_config(name, f"https://{name}", True) for name in clusters], {label: [] for label in labels}, "", [], [], [])


def live(clusters: t.Iterable[str], labels: t.Iterable[str]) -> dict[str, t.Any]:
    return configuration(clusters, labels).section()


def aws_of(site: Site, roles: dict[str, t.Any]) -> dict[str, t.Any]:
    clusters = {cluster.host: {"status": "ACTIVE", "issuer": f"https://oidc/{cluster.host}", "error": None} for cluster in site.clusters}
    return {"account": "123456789012", "partition": "aws", "clusters": clusters, "roles": roles, "policy": None, "oidc_providers": []}


def found(site: Site, **given: t.Any) -> list[Removal]:
    return removals(site, **{"live": {}, "wanted": None, "aws": None, "iam": None, "stored": None, **given})


def managed(site: Site) -> dict[str, t.Any]:
    """Return the roles as a run leaves them."""
    planned = iam_plan(site, aws_of(site, {}))
    return {name: {"arn": f"arn:{name}", "trust": role["trust"], "policies": []} for name, role in planned["roles"].items()}


def of_iam(site: Site, roles: dict[str, t.Any]) -> list[Removal]:
    aws = aws_of(site, roles)
    return found(site, aws=aws, iam=iam_plan(site, aws))


def test_accounts_of_a_project_that_the_inventory_lost(site: Site) -> None:
    site.projects = ["project1", "team1"]
    roles = managed(site)
    assert not of_iam(site, roles)
    site.projects = ["project1"]
    removal = of_iam(site, roles)[0]
    assert len(removal.gone) == 6 and "team1-staging:default of oidc/dataplane_2" in removal.gone
    # Two of the control plane, flytepropeller and six of tasks in each of two data planes.
    assert removal.managed == 2 + 2 * 7
    lines = removal_lines("hub", [removal])
    assert len(lines) == 1 and lines[0].startswith("hub: removed: 6 of 16 accounts that roles trust: team1-development:default of oidc/dataplane_1, ")
    said = [str(fault) for fault in too_much(site, [removal])]
    assert len(said) == 1 and said[0].startswith("controlplane: flyte_removal_limit = 0.25: this run would take away 6 of 16 accounts")
    assert "-e flyte_removal_limit=1" in said[0]


def test_a_cluster_goes_by_a_prune_only(site: Site) -> None:
    roles = managed(site)
    site.data_planes.pop()
    assert not of_iam(site, roles)
    site.settings["flyte_iam_prune"] = True
    assert all("oidc/dataplane_2" in account for account in of_iam(site, roles)[0].gone)


def test_what_another_role_takes_over_and_what_the_guide_wrote_does_not_vanish(site: Site) -> None:
    roles = managed(site)
    site.settings["flyte_iam_domain_roles"] = True
    assert not of_iam(site, roles)
    statement = roles[DATA]["trust"]["Statement"][0]
    own = Own(projects=("team1",))
    assert trusted({"Statement": [statement]}, own)
    for condition in ({"oidc/x:sub": "system:serviceaccount:*:default"}, {"oidc/x.:sub": "system:serviceaccount:flyte:flytepropeller"}):
        guide = {**statement, "Principal": {"Federated": "arn:aws:iam::123456789012:oidc-provider/oidc/x"}, "Condition": {"StringLike": condition}}
        assert not trusted({"Statement": [guide]}, own)
    assert not trusted(None, own) and not trusted({"Statement": ["odd", {}]}, own)


def test_clusters_and_labels(site: Site) -> None:
    before = live(["dataplane_1", "dataplane_2", "old_1", "old_2"], ["label1", "label2", "old", "older", "flyte-canary-x"])
    gone = found(site, live=before, wanted=configuration(["dataplane_1", "dataplane_2"], ["label1", "label2"]))
    assert [(removal.what, removal.gone, removal.managed) for removal in gone][0] == ("clusters of flyteadmin's configuration", ("old_1", "old_2"), 4)
    assert "old" in gone[1].gone and "label1" not in gone[1].gone
    assert len(too_much(site, gone)) == 2
    # What stays in the inventory and goes with a broken cluster is that cluster's failure.
    assert not found(site, live=live(["dataplane_1", "dataplane_2"], ["label1", "label2"]), wanted=configuration(["dataplane_1"], ["label1"]))
    assert not found(site, live=before, wanted=configuration([], []))


def test_rows_of_labels_go_by_a_purge_only(site: Site) -> None:
    stored: dict[Key, str] = {(row.project, row.domain, row.workflow): row.label for row in site.execution_cluster_labels}
    stored |= {("team1", "staging", ""): "label1", ("team1", "staging", "w"): "label1", ("other", "staging", ""): "label1"}
    wanted = configuration(["dataplane_1", "dataplane_2"], [])
    wanted.label_cluster_map = {label: [{"id": entry["cluster"], "weight": 1} for entry in entries] for label, entries in site.labels.items()}
    assert not found(site, stored=stored, wanted=wanted)
    site.settings["flyte_execution_cluster_labels_purge"] = ["team1"]
    removal = found(site, stored=stored, wanted=wanted)[0]
    assert removal.gone == ("team1/staging (label1)", "team1/staging/w (label1)") and removal.managed == len(stored) - 1
    # With a label that leads nowhere yet nothing of its project is purged.
    assert not found(site, stored=stored, live={})


@pytest.mark.parametrize(
    ("gone", "of", "limit", "refused"),
    [(1, 1, 0.25, False), (1, 1, 0.0, False), (2, 8, 0.25, False), (2, 7, 0.25, True), (2, 2, 1.0, False), (2, 99, 0.0, True)],
)
def test_the_share(site: Site, gone: int, of: int, limit: float, refused: bool) -> None:
    site.settings["flyte_removal_limit"] = limit
    assert bool(too_much(site, [Removal("things", tuple(map(str, range(gone))), of)])) is refused


def test_many_are_not_all_named() -> None:
    assert str(Removal("things", tuple(map(str, range(20))), 40)).endswith("10, 11 and 8 more")
