# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which data plane is which, which key is whose, and which labels an inventory can have."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._adopt.found import Credential, FoundCluster
from ansible_collections.flyte.multicluster.plugins.module_utils._adopt.labels import found_labels
from ansible_collections.flyte.multicluster.plugins.module_utils._adopt.planes import found_planes, located, normal_endpoint, same_clusters

ENTRIES = [{"name": "dataplane_1", "endpoint": "https://One.example.com"}, {"name": "dataplane_2", "endpoint": "https://two.example.com:6443/"}]


def found(*candidates: FoundCluster, credentials: dict[str, Credential] | None = None) -> dict[str, tuple[str, str]]:
    """Return the host of each entry, and by what it is known."""
    return {name: (cluster.host, how) for name, (cluster, how) in found_planes(ENTRIES, credentials or {}, candidates).items()}


def test_a_plane_is_known_by_its_endpoint_in_whatever_form() -> None:
    b, c = FoundCluster("b", server="https://two.example.com:6443"), FoundCluster("c", server="https://one.example.com:443/")
    assert found(b, c) == {"dataplane_1": ("c", "its endpoint"), "dataplane_2": ("b", "its endpoint")}
    # A dead one with that address is it, too: only its release is not known.
    dead = FoundCluster("c", server="https://one.example.com", error={"message": "no", "hint": ""})
    assert found(dead) == {"dataplane_1": ("c", "its endpoint")}
    assert found(FoundCluster("x", server="https://other.example.com")) == {}


def test_the_token_proves_more_than_an_endpoint_and_a_ca_only_where_one_has_it() -> None:
    credentials = {"dataplane_1": Credential("s/k", "s/c", token="t1", ca="ca1"), "dataplane_2": Credential("s/k2", "s/c2", token="gone", ca="ca2")}
    behind_proxy = FoundCluster("a", server="https://10.0.0.1", tokens={"dataplane1-token": "t1"}, ca="own")
    at_its_address = FoundCluster("b", server="https://one.example.com", tokens={"x": "t9"}, ca="ca2")
    assert found(behind_proxy, at_its_address, credentials=credentials) == {
        "dataplane_1": ("a", "its token"),
        "dataplane_2": ("b", "its CA certificate"),
    }
    twin = FoundCluster("c", server="https://three.example.com", ca="ca2")
    assert "dataplane_2" not in found(behind_proxy, at_its_address, twin, credentials=credentials)


def test_each_candidate_is_one_entry_and_a_second_access_is_said() -> None:
    first, second = FoundCluster("a", server="https://one.example.com"), FoundCluster("b", server="https://one.example.com:443")
    assert found(first, second) == {"dataplane_1": ("a", "its endpoint")}
    assert same_clusters([first, second, FoundCluster("c", server="https://c")], ["a"]) == {"b": "a"}


def test_an_entry_of_the_control_plane_itself_is_no_data_plane() -> None:
    assert found_planes([{"name": "hub", "inCluster": True}], {}, [FoundCluster("a", server="")]) == {}


@pytest.mark.parametrize(
    ("url", "form"),
    [("https://A.b", "https://a.b:443"), ("http://a:80/x/", "http://a:80/x"), ("no url", "no url"), (None, ""), ("https://a:x", "https://a:x")],
)
def test_an_endpoint_has_one_form(url: str | None, form: str) -> None:
    assert normal_endpoint(url) == form


def test_a_path_is_a_key_of_what_is_mounted_there() -> None:
    pod: dict[str, t.Any] = {
        "volumes": [
            {"name": "creds", "secret": {"secretName": "cluster-credentials"}},
            {"name": "renamed", "secret": {"secretName": "hand-made", "items": [{"key": "prod.token", "path": "tokens/prod"}]}},
            {
                "name": "both",
                "projected": {"sources": [{"configMap": {"name": "cm"}}, {"secret": {"name": "projected", "items": [{"key": "k", "path": "p"}]}}]},
            },
            {"name": "db", "secret": {"secretName": "db-pass"}},
        ],
        "containers": [
            {
                "volumeMounts": [
                    {"name": "creds", "mountPath": "/var/run/credentials"},
                    {"name": "renamed", "mountPath": "/etc/creds/"},
                    {"name": "both", "mountPath": "/etc/creds/more"},
                    {"name": "db", "mountPath": "/etc/db/pass", "subPath": "pass.txt"},
                ]
            }
        ],
    }
    assert located("/var/run/credentials/dataplane_1_token", pod) == ("cluster-credentials", "dataplane_1_token")
    assert located("/etc/creds/tokens/prod", pod) == ("hand-made", "prod.token")
    assert located("/etc/creds/more/p", pod) == ("projected", "k")
    assert located("/etc/db/pass", pod) == ("db-pass", "pass.txt")
    assert located("/etc/creds/other", pod) is None and located("/nowhere/x", pod) is None and located("/etc/creds/more/q", pod) is None


CLUSTERS: dict[str, t.Any] = {
    "clusterConfigs": [{"name": "a", "enabled": True}, {"name": "b", "enabled": True}, {"name": "off"}],
    "labelClusterMap": {
        "both": [{"id": "a", "weight": 0.5}, {"id": "b", "weight": 0.5}],
        "odd": [{"id": "a", "weight": 1}, {"id": "b", "weight": 2}],
        "orphan": [{"id": "a", "weight": 0.5}, {"id": "gone", "weight": 0.5}],
        "all-gone": [{"id": "gone", "weight": 1}],
        "drained": [{"id": "off", "weight": 1}],
        "flyte-multicluster-canary-a": [{"id": "a", "weight": 1}],
        "twice": [{"id": "a", "weight": 0.25}, {"id": "a", "weight": 0.75}],
    },
    "defaultExecutionLabel": "drained",
}


def test_labels_are_written_as_an_inventory_can_have_them_and_the_rest_is_said() -> None:
    rows = {
        ("team1", "", ""): "both",
        ("team1", "development", ""): "odd",
        ("team1", "development", "example.w"): "project1",
        ("team2", "", ""): "drained",
        ("team3", "", ""): "all-gone",
        ("canary", "development", ""): "flyte-multicluster-canary-a",
    }
    taken = found_labels(CLUSTERS, rows)
    assert taken.labels == {
        "both": [{"cluster": "a", "weight": 0.5}, {"cluster": "b", "weight": 0.5}],
        "odd": [{"cluster": "a", "weight": 0.3333}, {"cluster": "b", "weight": 0.6667}],
        "orphan": [{"cluster": "a", "weight": 1}],
        "drained": [{"cluster": "off", "weight": 1}],
        "twice": [{"cluster": "a", "weight": 1}],
    }
    assert taken.rows == [{"project": "team1", "label": "both"}, {"project": "team1", "domain": "development", "label": "odd"}]
    about = " ".join(taken.about_labels + taken.about_rows)
    for said in (
        "label odd: the weights summed to 3", "label orphan: gone is no cluster", "label all-gone: no cluster", "defaultExecutionLabel 'drained'",
        "team1/development/example.w: 'project1' is no label", "team2: 'drained' leads to no enabled cluster", "team3: 'all-gone' leads to no enabled cluster",
    ):  # fmt: skip
        assert said in about, (said, about)
    assert taken.default is None and "canary" not in about


def test_a_row_whose_label_no_inventory_can_have_stays_and_nothing_wrong_is_said_of_it() -> None:
    """It holds in flyteadmin: of a label with letters of another alphabet, of a word that is none in YAML, of a workflow."""
    entries = [{"id": "a", "weight": 1}]
    clusters = {"clusterConfigs": [{"name": "a", "enabled": True}], "labelClusterMap": {"größe": entries, "off": entries, "plain": entries}}
    rows = {("team1", "development", "example.wf"): "größe", ("team1", "", ""): "off", ("team1", "staging", "w.ü"): "plain", ("team1", "x", ""): "nowhere"}
    found = found_labels(clusters, rows)
    assert list(found.labels) == ["plain"] and found.rows == [{"project": "team1", "domain": "staging", "workflow": "w.ü", "label": "plain"}]
    assert found.about_rows[:2] == [
        "team1: the label 'off' is left out above, and so is this row: both stay as they are.",
        "team1/development/example.wf: the label 'größe' is left out above, and so is this row: both stay as they are.",
    ]
    assert "team1/x: 'nowhere' is no label of labelClusterMap" in found.about_rows[2] and "label 'größe' is left out" in found.about_labels[0]
