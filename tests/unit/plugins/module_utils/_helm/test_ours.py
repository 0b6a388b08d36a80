# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whose the values of a release are, and what of them a run would lose."""

from __future__ import annotations

import copy
import re
import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.label import is_ours, label_before, label_value
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.ours import Verdict, judge
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.overrides import control_plane_override
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.release import Layers
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.shown_values import Shower
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.values import digest, merge

Values = dict[str, t.Any]
ON: Values = {"enabled": True}
DEFAULTS: Values = {
    "flyteadmin": {**ON, "replicaCount": 1, "additionalVolumes": []},
    "flyteconsole": {**ON, "replicaCount": 1},
    "flytepropeller": {**ON},
    "workflow_scheduler": {"enabled": False},
}
CHART: Values = {"flyteadmin": {"resources": {"cpu": "1"}}, "userSettings": {"rdsHost": "<RDS_HOST>"}, "db": {"host": "{{ .Values.userSettings.rdsHost }}"}}
OURS: Values = {
    "flyteadmin": {"podAnnotations": {"flyte.multicluster/x": "new"}, "additionalVolumes": [{"name": "cluster-credentials", "secret": {"secretName": "c"}}]},
    "configmap": {"clusters": {"labelClusterMap": {"l": [{"id": "a", "weight": 1}]}}},
}


def layers(inventory: Values | None = None, *, data_plane: bool = False, ours: Values | None = None) -> Layers:
    return Layers(DEFAULTS, [CHART], merge([CHART, inventory or {}]), OURS if ours is None else ours, data_plane)


def judged(live: Values, given: Layers, *, label: str | None = None, last: Values | None = None, drop: tuple[str, ...] = ()) -> Verdict:
    return judge(live, given, Shower("key"), label=label, digest=digest(live), last=last, drop=drop)


def shown(found: list[t.Any]) -> list[str]:
    return [line for change in found for line in change.lines()]


def losses(live: Values, given: Layers, **more: t.Any) -> list[str]:
    return shown(judged(live, given, **more).losses)


def by_hand(values: Values, more: Values) -> Values:
    return merge([values, more])


# -- the label


def test_a_label_is_one_that_kubernetes_takes() -> None:
    one, two = digest({"a": 1}), digest({"a": 2})
    for label in (label_value(one), label_value(one, two)):
        assert re.fullmatch(r"[A-Za-z0-9][\w.-]{0,61}[A-Za-z0-9]", label), label
    assert label_value(one, one) == label_value(one)


def test_a_run_that_is_killed_beside_helm_leaves_a_release_of_ours() -> None:
    before, after, other = digest({"a": 1}), digest({"a": 2}), digest({"a": 3})
    meanwhile = label_before(label_value(before), before, after)
    assert is_ours(meanwhile, before) and is_ours(meanwhile, after) and not is_ours(meanwhile, other)
    for label in (None, label_value(other)):
        foreign = label_before(label, before, after)
        assert not is_ours(foreign, before) and is_ours(foreign, after)
    assert not is_ours(None, before) and not is_ours("", before)


# -- a release of somebody else


def test_what_somebody_gave_and_the_inventory_does_not_is_lost() -> None:
    live = by_hand(CHART, {"flyteadmin": {"replicaCount": 5}, "flyteconsole": {"serviceAnnotations": {"a.b/c": "x"}}})
    assert losses(live, layers()) == ["flyteadmin.replicaCount: 5 -> 1", 'flyteconsole.serviceAnnotations["a.b/c"]: x -> (not set)']
    # Both ways on.
    taken = {"flyteadmin": {"replicaCount": 5}, "flyteconsole": {"serviceAnnotations": {"a.b/c": "x"}}}
    assert losses(live, layers(taken)) == []
    assert losses(live, layers(), drop=("flyteadmin.replicaCount", "flyteconsole")) == []
    assert losses(live, layers(), drop=("flyteadmin.replica", "flyteconsole")) == ["flyteadmin.replicaCount: 5 -> 1"]
    given_up = shown(judged(live, layers(), drop=("flyteadmin.replicaCount", "flyteconsole")).changes)
    assert "flyteadmin.replicaCount: 5 -> (not set) (given up by flyte_drop_values)" in given_up


def test_what_the_inventory_gives_otherwise_is_lost_on_a_foreign_release_only() -> None:
    live = by_hand(CHART, {"flyteadmin": {"replicaCount": 5}})
    given = layers({"flyteadmin": {"replicaCount": 2}})
    assert losses(live, given) == ["flyteadmin.replicaCount: 5 -> 2"]
    assert losses(live, given, label=label_value(digest({"what": "we gave"}))) == []


def test_what_the_charts_files_give_is_nobodys() -> None:
    assert losses(CHART, layers({"flyteadmin": {"resources": {"cpu": "2"}}})) == []
    # Nor is what the chart has in any case, said once more.
    assert losses({"flyteadmin": {"replicaCount": 1}}, layers({"flyteadmin": {"replicaCount": 2}})) == []


def test_a_placeholder_is_no_value() -> None:
    live = by_hand(CHART, {"userSettings": {"certificateArn": "<CERT_ARN>"}, "flyteadmin": {"x": "host.<DOMAIN>"}})
    assert losses(live, layers({"userSettings": {"rdsHost": "db"}})) == []


def test_what_we_generate_is_ours() -> None:
    live: Values = {
        "flyteadmin": {
            "podAnnotations": {"flyte.multicluster/x": "old"},
            "additionalVolumes": [{"name": "cluster-credentials", "secret": {"secretName": "mine"}}, {"name": "my-ca", "configMap": {"name": "ca"}}],
            "initContainerClusterSyncAdditionalVolumeMounts": [{"name": "cluster-credentials", "mountPath": "/etc/credentials"}],
        },
        "configmap": {"clusters": {"labelClusterMap": {"other": [{"id": "b", "weight": 1}]}, "clusterConfigs": [{"name": "b"}]}},
    }
    assert losses(live, layers()) == ["flyteadmin.additionalVolumes[my-ca].configMap.name: ca -> (not set)"]


def test_what_is_mounted_where_ours_is_comes_out_whatever_it_is_called() -> None:
    def mounted(*mounts: tuple[str, str]) -> Values:
        volumes = [{"name": name, "secret": {"secretName": f"of-{name}"}} for name in dict.fromkeys(name for name, _path in mounts)]
        entry = [{"name": name, "mountPath": path} for name, path in mounts]
        return by_hand(CHART, {"flyteadmin": {"additionalVolumes": volumes, "additionalVolumeMounts": entry}})

    for path in ("/var/run/credentials", "/var/run/credentials/"):
        assert losses(mounted(("keys", path)), layers()) == []
        (change,) = [one for one in judged(mounted(("keys", path)), layers()).changes if "of-keys" in str(one.before)]
        assert change.why == "of this collection"
    assert losses(mounted(("keys", "/elsewhere")), layers()) != []
    # What is mounted in another place, too, is there for something else.
    both = losses(mounted(("keys", "/var/run/credentials"), ("keys", "/elsewhere")), layers())
    assert "flyteadmin.additionalVolumes[keys].secret.secretName: of-keys -> (not set)" in both
    assert "flyteadmin.additionalVolumeMounts[/elsewhere].mountPath: /elsewhere -> (not set)" in both
    assert not [line for line in both if line.startswith("flyteadmin.additionalVolumeMounts[/var/run/credentials]")]
    # Nor does the inventory mount two at one path.
    taken = control_plane_override(
        base=mounted(("keys", "/var/run/credentials"), ("more", "/more")), cluster_configs=[], label_cluster_map={}, checksum="x",
        domain_key="", domain_values={}, service_account_annotations={}, propeller=None,
    )["flyteadmin"]  # fmt: skip
    assert [mount["mountPath"] for mount in taken["additionalVolumeMounts"]] == ["/more", "/var/run/credentials"]
    assert [volume["name"] for volume in taken["additionalVolumes"]] == ["more", "cluster-credentials"]


@pytest.mark.parametrize(
    ("more", "lost"),
    [
        ({"additionalVolumes": [{"name": "scratch", "emptyDir": {}}]}, "flyteadmin.additionalVolumes[scratch].emptyDir: {} -> (not set)"),
        ({"imagePullSecrets": [{"name": "regcred"}]}, 'flyteadmin.imagePullSecrets[regcred]: {"name": "regcred"} -> (not set)'),
    ],
)
def test_an_entry_of_which_nothing_but_its_name_is_full_is_lost(more: Values, lost: str) -> None:
    live = by_hand(CHART, {"flyteadmin": more})
    assert losses(live, layers()) == [lost] and lost in shown(judged(live, layers()).changes)
    assert losses(live, layers({"flyteadmin": more}, ours={})) == []
    assert losses(live, layers(), drop=(lost.partition(":")[0].removesuffix(".emptyDir"),)) == []


def listed(*names: str, path: str = "env") -> Values:
    return {"flyteadmin": {path: [{"name": name, "value": name.lower()} for name in names]}}


def test_a_list_that_somebody_made_shorter_is_lost() -> None:
    with_chart = Layers(DEFAULTS, [listed("A", "B", "C")], listed("A", "B", "C"), {}, data_plane=False)
    assert losses(listed("A", "C"), with_chart) == ["flyteadmin.env: A, C -> A, B, C (it would get B)"]
    assert losses(listed(), with_chart) == ["flyteadmin.env: [] -> A, B, C (it would get A, B, C)"]
    assert losses(listed("A", "C"), with_chart, drop=("flyteadmin.env",)) == []
    # Who takes it into the inventory loses nothing; nor does who has the chart's own list.
    kept = Layers(DEFAULTS, [listed("A", "B", "C")], listed("A", "C"), {}, data_plane=False)
    assert losses(listed("A", "C"), kept) == []
    assert losses(listed("A", "B", "C"), Layers(DEFAULTS, [listed("A", "B", "C")], listed("A", "B", "C", "D"), {}, data_plane=False)) == []


def test_a_template_that_somebody_took_out_is_lost_by_its_key() -> None:
    templates: list[Values] = [{"key": key, "value": f"kind: {key}"} for key in ("aa_namespace", "ab_project_resource_quota")]
    defaults: Values = {**DEFAULTS, "cluster_resource_manager": {"enabled": True, "templates": templates}}
    live: Values = {"cluster_resource_manager": {"templates": templates[:1]}}
    (line,) = losses(live, Layers(defaults, [], {}, {}, data_plane=False))
    expected = "aa_namespace -> aa_namespace, ab_project_resource_quota (it would get ab_project_resource_quota)"
    assert line == f"cluster_resource_manager.templates: {expected}"
    # The same by hand in a release that was ours: what the inventory does not give is refused, what it gives is set right.
    before: Values = {"cluster_resource_manager": {"templates": templates}}
    label = label_value(digest(before))
    assert losses(live, Layers(defaults, [], {}, {}, data_plane=False), label=label, last=before) == [line]
    found = judged(live, Layers(defaults, [], before, {}, data_plane=False), label=label, last=before)
    assert found.losses == [] and [change.path for change in found.drift] == ["cluster_resource_manager.templates[ab_project_resource_quota].value"]


def test_entries_that_we_add_to_a_list_are_no_loss() -> None:
    mine: Values = {"flyteadmin": {"additionalVolumes": [{"name": "my-ca", "configMap": {"name": "ca"}}]}}
    ours: Values = {"flyteadmin": {"additionalVolumes": [{"name": "cluster-credentials", "emptyDir": {}}, *mine["flyteadmin"]["additionalVolumes"]]}}
    assert losses(by_hand(CHART, mine), layers(mine, ours=ours)) == []


def test_the_order_of_a_list_is_a_change_and_lost_on_a_foreign_release() -> None:
    line = "flyteadmin.env: B, A -> A, B (the order of its entries)"
    given = layers(listed("A", "B"), ours={})
    live = by_hand(CHART, listed("B", "A"))
    assert shown(judged(live, given).changes) == losses(live, given) == [line]
    assert losses(live, given, drop=("flyteadmin.env",)) == [] and losses(live, layers(listed("B", "A"), ours={})) == []
    ours = judged(live, given, label=label_value(digest(live)))
    assert shown(ours.changes) == [line] and ours.drift == ours.losses == []
    moved_by_hand = judged(live, given, label=label_value(digest(given.given)), last=given.given)
    assert shown(moved_by_hand.drift) == [line] and moved_by_hand.losses == []


def test_what_we_carry_along_in_a_list_is_not_ours() -> None:
    quotas: Values = {"l": [{"production": [{"quota": {"value": 5}}]}]}
    ours: Values = {"l": [{"production": [{"quota": {"value": 5}}, {"defaultIamRole": {"value": "new"}}]}]}
    live: Values = {"l": [{"production": [{"quota": {"value": 9}}, {"defaultIamRole": {"value": "old"}}]}]}
    assert losses(live, layers(quotas, ours=ours)) == ["l[production][quota].value: 9 -> 5"]


def test_what_no_object_uses_is_not_lost() -> None:
    off: Values = {"flyteconsole": {"enabled": False, "replicaCount": 7}, "userSettings": {"unused": "x"}}
    assert losses(off, layers({"flyteconsole": {"enabled": False}})) == []
    # Turned on by hand it is said with its settings.
    on: Values = {"workflow_scheduler": {"enabled": True}, "flytescheduler": {"image": "mine"}}
    assert losses(on, layers()) == ["flytescheduler.image: mine -> (not set)", "workflow_scheduler.enabled: true -> false"]


def test_what_no_object_uses_is_taken_out_together_and_what_we_generate_has_its_reason() -> None:
    live: Values = {"flyteconsole": {"enabled": False, "replicaCount": 7}, "userSettings": {"unused": "x"}, "flyteadmin": {"podAnnotations": {"b": "mine"}}}
    found = judged(live, layers({"flyteconsole": {"enabled": False}, "flyteadmin": {"podAnnotations": {"b": "ours"}}}))
    assert shown(found.unused) == ["flyteconsole.replicaCount: 7 -> (not set)", "userSettings.unused: x -> (not set)"]
    lines = shown(found.changes)
    assert "flyteadmin.podAnnotations.b: mine -> ours" in lines and not [line for line in lines if "replicaCount: 7" in line or "unused" in line]
    assert 'flyteadmin.podAnnotations["flyte.multicluster/x"]: (not set) -> new (of this collection)' in lines


def test_a_data_plane_never_has_what_is_the_control_planes() -> None:
    ours: Values = {part: {"enabled": False} for part in ("flyteadmin", "flyteconsole")}
    live: Values = {"flyteadmin": {"enabled": True, "replicaCount": 5}, "flyteconsole": {"replicaCount": 3}, "userSettings": {"dbPassword": "x"}}
    assert losses({**live, "flytepropeller": {"mine": 1}}, layers(data_plane=True, ours=ours)) == ["flytepropeller.mine: 1 -> (not set)"]


def test_null_takes_away_what_the_chart_has_and_nothing_else() -> None:
    assert losses({"flyteadmin": {"nobodys": None}}, layers()) == []
    assert losses({"flyteadmin": {"resources": None}}, layers()) == ["flyteadmin.resources: null -> (not set)"]
    assert losses({"flyteadmin": {"replicaCount": None}}, layers()) == ["flyteadmin.replicaCount: null -> 1"]


def test_what_is_emptied_in_another_kind_than_the_chart_has_it_takes_that_away() -> None:
    """Helm has {} in the place of a list, and [] in that of a mapping, as they were given: what is there would come back."""
    with_chart = Layers(DEFAULTS, [listed("A")], listed("A"), {}, data_plane=False)
    (line,) = losses({"flyteadmin": {"env": {}}}, with_chart)
    assert line == "flyteadmin.env: {} -> (not set)" and line in shown(judged({"flyteadmin": {"env": {}}}, with_chart).changes)
    assert losses({"flyteadmin": {"resources": []}}, layers()) == ["flyteadmin.resources: [] -> (not set)"]
    assert losses({"flyteadmin": {"env": {}}}, with_chart, drop=("flyteadmin.env",)) == []
    assert losses({"flyteadmin": {"resources": []}}, layers(), drop=("flyteadmin",)) == []
    # As Helm merges mappings an empty one takes nothing away; nor does either of them where nothing is.
    assert losses({"flyteadmin": {"resources": {}}}, layers()) == losses({"flyteadmin": {"tolerations": {}}}, layers()) == []
    before: Values = listed("A")
    label = label_value(digest(before))
    assert losses({"flyteadmin": {"env": {}}}, with_chart, label=label, last=before) == [line]


def test_a_number_is_not_the_text_of_it() -> None:
    assert losses(by_hand(CHART, {"flyteadmin": {"replicaCount": "1"}}), layers()) == ['flyteadmin.replicaCount: "1" -> 1']
    assert losses(by_hand(CHART, {"flyteadmin": {"replicaCount": 1.0}}), layers()) == []


def test_an_entry_of_a_list_that_has_a_name_twice_is_lost_by_its_number() -> None:
    twice = {"flyteadmin": {"env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]}}
    found = losses(by_hand(CHART, twice), layers(listed("A"), ours={}))
    assert 'flyteadmin.env[1].value: "2" -> (not set)' in found and losses(by_hand(CHART, twice), layers(twice, ours={})) == []


def test_a_path_that_is_given_up_is_written_as_it_was_said() -> None:
    live = by_hand(CHART, {"flyteadmin": {"podAnnotations": {"a.b/c": "x", "7": "y"}}})
    lost = losses(live, layers())
    assert lost == ["flyteadmin.podAnnotations.7: y -> (not set)", 'flyteadmin.podAnnotations["a.b/c"]: x -> (not set)']
    assert losses(live, layers(), drop=('flyteadmin.podAnnotations["a.b/c"]', "flyteadmin.podAnnotations.7")) == []
    # No pattern, no path of another form, and nothing at all give something up.
    for drop in ("flyteadmin.*", "flyteadmin.podAnnotations.a.b/c", "*", "", ".", "flyteadmin.", "[flyteadmin]"):
        assert losses(live, layers(), drop=(drop,)) == lost, drop


def test_a_lost_secret_is_a_fingerprint() -> None:
    (line,) = losses({"flyteadmin": {"password": "hunter2"}}, layers())
    assert "hunter2" not in line and line.startswith("flyteadmin.password: secret:")


# -- a release of ours


def test_as_we_gave_it_a_change_is_the_inventorys() -> None:
    before = layers({"flyteadmin": {"replicaCount": 2, "mine": 1}}).given
    found = judged(before, layers({"flyteadmin": {"replicaCount": 3}}), label=label_value(digest(before)))
    assert shown(found.changes) == ["flyteadmin.mine: 1 -> (not set)", "flyteadmin.replicaCount: 2 -> 3"]
    assert found.drift == found.losses == []


def drifted(more: Values, inventory: Values | None = None, *, known: bool = True, drop: tuple[str, ...] = ()) -> Verdict:
    """Return the verdict on a release that was given replicaCount 2 and ``mine``, and changed by hand since."""
    before = layers({"flyteadmin": {"replicaCount": 2, "mine": 1}})
    wanted = before if inventory is None else layers(inventory)
    label = label_value(digest(before.given))
    return judged(by_hand(before.given, more), wanted, label=label, last=before.given if known else None, drop=drop)


@pytest.mark.parametrize("known", [True, False])
def test_what_was_changed_by_hand_is_said_and_mended_where_the_inventory_has_it(known: bool) -> None:
    found = drifted({"flyteadmin": {"replicaCount": 5}}, known=known)
    assert shown(found.drift) == shown(found.changes) == ["flyteadmin.replicaCount: 5 -> 2"] and found.losses == []


@pytest.mark.parametrize("known", [True, False])
def test_what_was_given_by_hand_and_the_inventory_does_not_have_is_lost(known: bool) -> None:
    more: Values = {"flyteadmin": {"extra": "x"}, "flyteconsole": {"replicaCount": 3}}
    found = drifted(more, known=known)
    assert shown(found.losses) == ["flyteadmin.extra: x -> (not set)", "flyteconsole.replicaCount: 3 -> 1"] and found.drift == []
    assert drifted(more, known=known, drop=("flyteadmin.extra", "flyteconsole.replicaCount")).losses == []


def test_what_the_inventory_changes_meanwhile_is_no_drift() -> None:
    found = drifted({"flyteadmin": {"resources": {"cpu": "9"}}}, {"flyteadmin": {"replicaCount": 4}})
    assert shown(found.changes) == ["flyteadmin.mine: 1 -> (not set)", "flyteadmin.replicaCount: 2 -> 4", 'flyteadmin.resources.cpu: "9" -> "1"']
    assert shown(found.drift) == ['flyteadmin.resources.cpu: "9" -> "1"'] and found.losses == []


def test_without_the_record_of_then_what_the_inventory_dropped_meanwhile_is_refused() -> None:
    found = drifted({"flyteadmin": {"replicaCount": 5}}, {"flyteadmin": {"replicaCount": 2}}, known=False)
    assert shown(found.losses) == ["flyteadmin.mine: 1 -> (not set)"] and shown(found.drift) == ["flyteadmin.replicaCount: 5 -> 2"]


def test_what_was_taken_away_by_hand_comes_back() -> None:
    before = layers({"flyteadmin": {"replicaCount": 2, "mine": 1}}).given
    live = copy.deepcopy(before)
    del live["flyteadmin"]["mine"]
    found = judged(live, layers({"flyteadmin": {"replicaCount": 2, "mine": 1}}), label=label_value(digest(before)), last=before)
    assert shown(found.drift) == ["flyteadmin.mine: (not set) -> 1"] and found.losses == []


def test_what_was_taken_into_the_inventory_is_neither() -> None:
    found = drifted({"flyteadmin": {"replicaCount": 5, "extra": "x"}}, {"flyteadmin": {"replicaCount": 5, "extra": "x", "mine": 1}})
    assert found == Verdict([], [], [])
