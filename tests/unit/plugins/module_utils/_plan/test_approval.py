# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A plan as a file, and a run held to it; and what is said of a release in it."""

from __future__ import annotations

import dataclasses
import json
import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._common.redaction import MASK
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.shown_values import HIDDEN, Change
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Site
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.approval import FORMAT, approved_plan, document, encoded, not_approved
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.credentials import TO_BE_MADE
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.credentials import rows as credential_rows
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.labels import NOT_KNOWN_YET, label_rows
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.planner import Chart
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.release_changes import loss_lines, with_changes
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rows import Row
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.show import plan_lines
from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import Refused
from ansible_collections.flyte.multicluster.plugins.plugin_utils._known import Known
from ansible_collections.flyte.multicluster.plugins.plugin_utils._places import places
from ansible_collections.flyte.multicluster.plugins.plugin_utils._plan_file import PlanFiles
from conftest import Inventory, site_of

REPLICAS, IMAGE = Change("flyteadmin.replicaCount", "5", "2"), Change("flyteadmin.image", None, "x")
RELEASE = Row("controlplane", "controlplane", "Helm release flyte-core", "values differ", changes=(REPLICAS, IMAGE))
TOKEN = Row("dataplane_1", "credentials", "cluster-credentials: dataplane_1_token, dataplane_1_cacert", "make the token Secret flyteadmin-token")
LABEL = Row("controlplane", "ecl", "label of team1/development", "x", changes=(Change("label", None, "label1"),))
PLAN = (RELEASE, TOKEN, LABEL)


def refused(rows: t.Iterable[Row], approved: t.Iterable[Row] = PLAN) -> list[str]:
    return not_approved(document(rows, []), approved_plan(encoded(document(approved, []))))


def changed(row: Row, *changes: Change, **fields: t.Any) -> Row:
    return dataclasses.replace(row, changes=changes, **fields)


def test_what_is_approved_is_done_also_in_parts() -> None:
    assert refused(PLAN) == refused([]) == refused([TOKEN]) == refused([changed(RELEASE, REPLICAS)]) == []
    # After a kill halfway the reason is another one.
    assert refused([changed(RELEASE, reason="take over from a run that was killed in pending-upgrade")]) == []
    assert refused([Row("dataplane_2", "dataplane", "wait", "flytepropeller: 0 of 1 pods"), Row("h", "iam", "role r", "a note")]) == []


def test_anything_else_is_named() -> None:
    other = Row("dataplane_2", "dataplane", "restart flytepropeller", "it does not lead")
    assert refused([*PLAN, other]) == ["dataplane_2: dataplane: restart flytepropeller: is not in the approved plan"]
    where = "controlplane: controlplane: Helm release flyte-core"
    assert refused([changed(RELEASE, dataclasses.replace(REPLICAS, after="3"))]) == [
        f'{where}: flyteadmin.replicaCount: "5" -> "3"; approved is flyteadmin.replicaCount: "5" -> "2"'
    ]
    assert refused([changed(RELEASE, dataclasses.replace(REPLICAS, before="7"))])  # by hand, since
    assert refused([changed(RELEASE, Change("flyteadmin.more", None, "1"))]) == [
        f'{where}: flyteadmin.more: (not set) -> "1": is not in the approved plan'
    ]
    assert refused([changed(RELEASE, Change("flyteadmin.more", None, "null"))]) != []
    assert refused([TOKEN], []) != []


PARTS = [
    ("dataplane", "label of Helm release flyte-core-data", "Helm release flyte-core-data"),
    ("dataplane", "restart flytepropeller", "Secret flyte-secret-auth"),
    ("eks_cluster", "wait for EKS cluster c", "create EKS cluster c"),
    ("eks_cluster", "create node group flyte", "create EKS cluster c"),
    ("eks_cluster", "wait for node group flyte", "create EKS cluster c"),
    ("eks_cluster", "wait for node group flyte", "create node group flyte"),
    ("rotate", "go on with the token Secret t-2", "make the token Secret t-2"),
    ("rotate", "finish the rotation", "make the token Secret t-2"),
]


@pytest.mark.parametrize(("step", "part", "whole"), PARTS)
def test_what_a_killed_run_left_of_a_row_is_a_part_of_it(step: str, part: str, whole: str) -> None:
    held = (Change("what", "it", "is"),)
    row, approved = Row("a", step, part, "x", held=held), Row("a", step, whole, "x", held=held)
    assert refused([row], [approved]) == [] and refused([approved], [row]) != []
    assert refused([row], [dataclasses.replace(approved, host="b")]) == [f"a: {step}: {part}: is not in the approved plan"]
    assert refused([row], [dataclasses.replace(approved, held=())]) == [f'a: {step}: {part}: what: "it" -> "is": is not in the approved plan']


@pytest.mark.parametrize(
    ("step", "part", "whole"),
    [
        ("dataplane", "label of Helm release flyte-core-other", "Helm release flyte-core-data"),
        ("dataplane", "label of Helm release flyte-core-data", "Helm release flyte-core"),
        ("eks_cluster", "wait for EKS cluster other", "create EKS cluster c"),
        ("eks_cluster", "wait for node group other", "create node group flyte"),
        ("rotate", "go on with the token Secret t-3", "make the token Secret t-2"),
        ("rotate", "go on with the token Secret t-2, a token for 9h", "make the token Secret t-2, a token for 1h"),
    ],
)
def test_a_part_of_something_that_is_called_otherwise_is_none(step: str, part: str, whole: str) -> None:
    assert refused([Row("a", step, part, "x")], [Row("a", step, whole, "x")]) == [f"a: {step}: {part}: is not in the approved plan"]


def test_a_label_on_a_release_is_a_change_too() -> None:
    row = Row("dataplane_1", "dataplane", "label of Helm release flyte-core-data", "its values are what the inventory gives")
    assert refused([row], []) == ["dataplane_1: dataplane: label of Helm release flyte-core-data: is not in the approved plan"] and refused([row], [row]) == []


def test_what_flyteadmins_configuration_loses_is_held_though_values_do_not_say_it() -> None:
    """Somebody changed its ConfigMap by hand, which a rollout takes back."""
    by_hand = dataclasses.replace(RELEASE, details=("clusterConfigs: a: https://a, enabled true", "kept: label x, which the inventory does not have"))
    assert refused([by_hand]) == [
        "controlplane: controlplane: Helm release flyte-core: clusterConfigs: a: https://a, enabled true: is not in the approved plan"
    ]
    assert refused([by_hand], [by_hand]) == []


def test_a_secret_that_the_plan_does_not_tell_apart_is_not_given() -> None:
    hidden, known = Change("db.password", None, HIDDEN), Change("db.password", None, "secret:0123456789ab")
    (line,) = refused([changed(RELEASE, hidden)], [changed(RELEASE, hidden)])
    assert line.startswith("controlplane: controlplane: Helm release flyte-core: db.password: a secret") and "flyte_plan_key" in line
    assert refused([changed(RELEASE, known)], [changed(RELEASE, known)]) == []
    assert refused([changed(RELEASE, dataclasses.replace(known, after="secret:ba9876543210"))], [changed(RELEASE, known)]) != []


def test_a_masked_value_is_not_approved_since_any_secret_looks_like_it() -> None:
    masked = Change("cfg.url", None, f"https://h/?x={MASK}")
    (line,) = refused([changed(RELEASE, masked)], [changed(RELEASE, masked)])
    assert line.startswith("controlplane: controlplane: Helm release flyte-core: cfg.url: ") and "masked" in line


@pytest.mark.parametrize(
    "row",
    [
        Row("controlplane", "ecl", f"label of team1/{MASK}", "x", changes=(Change("label", None, "label1"),)),
        dataclasses.replace(RELEASE, details=(f"clusterConfigs: a: https://{MASK}@a, enabled true",)),
        changed(RELEASE, Change(f"flyteadmin.podLabels.{MASK}", None, "x")),
    ],
)
def test_nor_is_one_that_is_masked_in_its_name_or_its_details(row: Row) -> None:
    assert [line for line in refused([row], [row]) if MASK in line and "masked" in line], refused([row], [row])


def pair_row(site: Site, token: dict[str, t.Any] | None, stored: dict[str, str] | None = None) -> Row:
    """Return what is done of the credentials of dataplane_1."""
    known = {"credentials": {"dataplane_1": stored} if stored else {}}
    (row,) = credential_rows(site, {"controlplane": {"control_plane": known}, "dataplane_1": {"reachable": True, "token": token}}, ["dataplane_1"])
    return row


def token_of(token: str = "1a2b3c4d5e", authority: str = "ca" * 8, secret: str = "flyteadmin-token") -> dict[str, t.Any]:
    return {"fingerprint": token, "ca_fingerprint": authority, "secret": secret}


PAIR = {"token": "1a2b3c4d5e", "ca_cert": "ca" * 8}


def test_which_token_is_stored_is_held_once_there_is_one(site: Site) -> None:
    made, there = pair_row(site, None), pair_row(site, token_of())
    assert refused([there], [made]) == refused([there], [there]) == refused([made], [made]) == []
    for other in (token_of("5e6f7a8b9c"), token_of(authority="0b" * 8), token_of(secret="another")):
        assert refused([pair_row(site, other)], [there]) != []
    # Of one that was to be made nobody knows more than which Secret it is, and in which cluster.
    assert refused([pair_row(site, token_of("5e6f7a8b9c", "0b" * 8))], [made]) == []
    assert refused([pair_row(site, token_of(secret="another"))], [made]) != []
    # In whose place it comes is known, too; and one that is only tried is another thing than one that is stored.
    assert refused([pair_row(site, token_of(), {**PAIR, "token": "0000000000"})], [there]) != []
    tried = pair_row(site, token_of(), PAIR)
    assert refused([there], [tried]) != [] and refused([tried], [there]) == refused([tried], [made]) == []
    # Of nothing else that is a text for whatever comes.
    assert refused([changed(RELEASE, REPLICAS)], [changed(RELEASE, dataclasses.replace(REPLICAS, after=TO_BE_MADE["token"]))]) != []


def test_a_label_may_have_been_unknown_when_the_plan_was_made() -> None:
    unknown = changed(LABEL, Change("label", NOT_KNOWN_YET, "label1"))
    assert refused([changed(LABEL, Change("label", "label2", "label1"))], [unknown]) == refused([unknown], [unknown]) == []
    assert refused([changed(LABEL, Change("label", "label2", "label3"))], [unknown]) != []
    # Where it was known that there is none, one that somebody set since is not overwritten.
    assert refused([changed(LABEL, Change("label", "label2", "label1"))]) != []


def test_a_plan_is_the_same_for_the_same_plan_and_readable() -> None:
    text = encoded(document(PLAN, ["controlplane: removed: 1 of 9 labels: x"]))
    assert text == encoded(document(PLAN, ["controlplane: removed: 1 of 9 labels: x"]))
    found = json.loads(text)
    assert found["format"] == FORMAT and found["rows"][0]["changes"][0] == {"path": "flyteadmin.replicaCount", "before": "5", "after": "2"}
    assert '    flyteadmin.replicaCount: "5" -> "2"' in found["text"] and found["text"][-1].endswith("labels: x")
    assert json.loads(encoded(document([], [])))["text"] == ["Nothing to do."]


WHOLE: dict[str, t.Any] = {"host": "a", "step": "b", "what": "c", "details": [], "changes": [], "drift": [], "held": []}


def test_no_digest_of_a_clients_secret_is_in_it() -> None:
    row = Row("dataplane_1", "dataplane", "Secret flyte-secret-auth", "client_secret 1a2b3c4d of its values (was 5e6f7a8b)")
    text = encoded(document([row], []))
    assert "client_secret of its values" in text and "1a2b3c4d" not in text and "5e6f7a8b" not in text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no JSON"),
        ("{", "no JSON"),
        ("[]", "no plan"),
        ("{}", "no plan"),
        ('{"format": "other"}', "has the format 'other'"),
        (json.dumps({"format": FORMAT}), "no whole plan"),
        (json.dumps({"format": FORMAT, "rows": [{"host": "a"}]}), "no whole plan"),
        (json.dumps({"format": FORMAT, "rows": [{**WHOLE, "changes": [1]}]}), "no whole plan"),
        (json.dumps({"format": FORMAT, "rows": [{**WHOLE, "details": [1]}]}), "no whole plan"),
        (json.dumps({"format": FORMAT, "rows": [{key: value for key, value in WHOLE.items() if key != "held"}]}), "no whole plan"),
        (json.dumps({"format": FORMAT, "rows": {}}), "no whole plan"),
        ("[" * 100000, "no JSON"),
    ],
)
def test_what_is_no_plan_is_said(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        approved_plan(text)


# -- the files


@pytest.fixture
def site(inventory: Inventory) -> Site:
    return site_of(inventory)


def files(site: Site, key: str | None = None, **given: t.Any) -> PlanFiles:
    site.settings.update({"flyte_plan_file": None, "flyte_approved_plan": None, **{f"flyte_{name}": str(path) for name, path in given.items()}})
    return PlanFiles(site, lambda _host, _name: key)


def test_a_plan_that_was_written_is_one_that_can_be_approved(site: Site, tmp_path: t.Any) -> None:
    path = tmp_path / "plan.json"
    files(site, plan_file=path).use(PLAN, [], write=True)
    held = files(site, approved_plan=path)
    assert held.wanted and not files(site).wanted
    held.use(PLAN, [], write=True)
    with pytest.raises(Refused) as error:
        held.use([*PLAN, Row("h", "iam", "policy p", "differs")], [], write=True)
    assert error.value.lines[0].startswith(f"controlplane: flyte_approved_plan = '{path}': ") and error.value.lines[1] == (
        "  h: iam: policy p: is not in the approved plan"
    )
    assert [entry.name for entry in tmp_path.iterdir()] == ["plan.json"]


def test_the_first_plan_of_a_run_is_the_one_that_is_written(site: Site, tmp_path: t.Any) -> None:
    path = tmp_path / "plan.json"
    files(site, plan_file=path).use(PLAN, [], write=False)
    assert not path.exists()


def test_a_key_that_can_be_guessed_is_refused_and_not_shown(site: Site) -> None:
    with pytest.raises(Refused, match="flyte_plan_key.*is shorter than 20 characters") as error:
        files(site, key="short-and-secret")
    assert "short-and-secret" not in str(error.value)
    assert files(site, key=f" {'k' * 20}\n").key == "k" * 20 and files(site, key=" ").key is None


def test_a_step_that_turned_out_to_be_another_one_is_its_own_failure(site: Site, tmp_path: t.Any) -> None:
    path = tmp_path / "plan.json"
    files(site, plan_file=path).use(PLAN, [], write=True)
    held = files(site, approved_plan=path)
    assert held.failure("h", "ecl", [LABEL]) is None and files(site).failure("h", "ecl", [Row("h", "ecl", "label of x", "y")]) is None
    failure = held.failure("h", "ecl", [Row("h", "ecl", "label of x", "y")])
    assert failure and failure.problem == "not done, since flyte_approved_plan does not say it: h: ecl: label of x: is not in the approved plan"


@pytest.mark.parametrize("content", [None, b"{", b"\xff", b"[]"])
def test_an_approved_plan_that_is_none_is_refused_before_anything(site: Site, tmp_path: t.Any, content: bytes | None) -> None:
    path = tmp_path / "plan.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(Refused, match=r"^controlplane: flyte_approved_plan = '.*plan.json': "):
        files(site, approved_plan=path)


@pytest.mark.parametrize("name", ["plan_file", "approved_plan"])
def test_a_file_without_a_name_is_none_that_was_left_out(site: Site, name: str) -> None:
    """``-e flyte_approved_plan=$PLAN`` of a pipeline that never set it: the run would be held to nothing."""
    with pytest.raises(Refused, match=f"^controlplane: flyte_{name} = '': is empty"):
        files(site, **{name: ""})


def test_a_plan_file_that_cannot_be_written_is_refused(site: Site, tmp_path: t.Any) -> None:
    with pytest.raises(Refused, match="there is no folder"):
        files(site, plan_file=tmp_path / "none" / "plan.json")
    (tmp_path / "folder").mkdir()
    with pytest.raises(Refused, match="cannot be written"):
        files(site, plan_file=tmp_path / "folder").use(PLAN, [], write=True)
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder"]


# -- a release's row


CHART = Chart("/chart", "flyte-core", "v2")
LIVE = {"chart": "flyte-core", "version": "v1"}


def test_a_row_says_what_changes_below_it() -> None:
    row = dataclasses.replace(RELEASE, changes=(), details=("clusterConfigs: a: https://a, enabled true",))
    by_hand = Change("flyteadmin.replicaCount", "5", "2")
    own = Change("configmap.clusters.clusterConfigs[a].endpoint", None, "https://a")
    found = with_changes(row, LIVE, CHART, changes=[REPLICAS, IMAGE, own], drift=[by_hand], objects=["Deployment/flyte/flyteadmin:", "  -a"])
    assert plan_lines([found]) == [
        "controlplane: controlplane: Helm release flyte-core: values differ",
        "    clusterConfigs: a: https://a, enabled true",
        "    changed by hand: flyteadmin.replicaCount: 5 -> 2",
        "    chart: flyte-core v1 -> flyte-core v2",
        "    flyteadmin.image: (not set) -> x",
        "    in the objects:",
        "      Deployment/flyte/flyteadmin:",
        "        -a",
    ]


def test_values_that_differ_in_nothing_one_can_see_are_said_so() -> None:
    row = with_changes(dataclasses.replace(RELEASE, changes=()), {**LIVE, "version": "v2"}, CHART, changes=[])
    assert "only empty mappings" in row.reason and row.changes == ()
    assert with_changes(dataclasses.replace(RELEASE, changes=()), {**LIVE, "version": "v2"}, CHART, changes=None).reason == "values differ"
    assert with_changes(RELEASE, None, CHART, changes=None).changes == (Change("chart", None, "flyte-core v2"),)


def test_a_checksum_of_credentials_only_says_that_pods_start_anew() -> None:
    checksums = [
        Change(f'flyteadmin.podAnnotations["flyte.multicluster/{name}-checksum"]', before, "b" * 64)
        for name in ("credentials", "identity")
        for before in (None, "a" * 64)
    ]
    for change in with_changes(RELEASE, {**LIVE, "version": "v2"}, CHART, changes=checksums).changes:
        assert "aaaa" not in f"{change.before}" and change.after == "of what is mounted then: pods start anew"


def test_a_loss_is_refused_with_both_ways_on(site: Site) -> None:
    volume, text = Change("flyteadmin.additionalVolumes[my-ca].configMap.name", "ca", None), Change("a.text", "x\ny", None)
    losses = [Change("flyteadmin.replicaCount", "5", "1"), volume, text]
    lines = loss_lines(site.control_plane, losses, foreign=True)
    assert lines[0].startswith("controlplane: the Helm release flyte-core in the namespace flyte: it was not made by this collection")
    assert lines[1:4] == [
        "  flyteadmin.replicaCount: 5 -> 1",
        "  flyteadmin.additionalVolumes[my-ca].configMap.name: ca",
        "  a.text: a text of 2 lines",
    ]
    assert lines[4].endswith("flyte_drop_values: [flyteadmin.replicaCount, 'flyteadmin.additionalVolumes[my-ca].configMap.name', a.text]")
    assert "changed by hand" in loss_lines(site.control_plane, losses, foreign=False)[0]
    assert loss_lines(site.control_plane, [], foreign=True) == []


def test_a_value_that_the_inventory_could_not_have_is_said_with_what_can_be_done(site: Site) -> None:
    losses, problem = [Change("flyteadmin.replicaCuont", "5", None), Change("a.b.c", "x", None)], "is no key of the chart; flyte_x lets it be"
    lines = loss_lines(site.control_plane, losses, foreign=True, odd={"flyteadmin.replicaCuont": problem, "a.b": problem})
    assert lines[1:3] == [f"  flyteadmin.replicaCuont: 5 (it {problem})", f"  a.b.c: x (a.b {problem})"]


def test_what_nothing_uses_is_named_by_parts_and_held() -> None:
    unused = [Change(path, "x", None) for path in ("db.a", "db.b[c].d", "userSettings.e", "configmap.admin.f", "configmap.core")]
    row = with_changes(dataclasses.replace(RELEASE, changes=()), {**LIVE, "version": "v2"}, CHART, changes=[], unused=unused)
    assert row.lines()[1:] == ["    taken out, since nothing here uses it: db (2), userSettings.e (1), configmap.admin (1), configmap.core (1)"]
    assert row.reason == "values differ" and row.held == tuple(unused)


# -- labels


def test_labels_that_will_be_set_are_rows(site: Site) -> None:
    section = {
        "labelClusterMap": {"label1": [{"id": "dataplane_1", "weight": 1}]},
        "clusterConfigs": [{"name": "dataplane_1", "enabled": True}],
    }
    (row,) = label_rows(site, section, {("team1", "development", ""): "old", ("team1", "staging", ""): "kept"})
    assert row.lines()[0].startswith("controlplane: ecl: label of team1/development: ") and row.lines()[1] == "    label: old -> label1"
    assert label_rows(site, section, {("team1", "development", ""): "label1"}) == []
    site.settings["flyte_execution_cluster_labels_purge"] = ["team2"]
    gone = label_rows(site, section, {("team1", "development", ""): "label1", ("team2", "", ""): "x"})
    assert [row.changes for row in gone] == [(Change("label", "x", None),)]
    assert [row.changes for row in label_rows(site, section, None)] == [(Change("label", NOT_KNOWN_YET, "label1"),)]
    assert [row.changes for row in label_rows(site, section, {})] == [(Change("label", None, "label1"),)]


def test_what_was_signed_is_what_a_run_is_held_to() -> None:
    """The rows cannot say more than the text that people read."""
    plan = document(PLAN, ["a label goes"], {"controlplane": "https://one"})
    assert approved_plan(encoded(plan)) == plan
    for changed in ({"text": ["Nothing to do."]}, {"rows": plan["rows"][:1]}, {"removed": []}, {"text": None}, {"places": {}}):
        with pytest.raises(ValueError, match="was changed by hand"):
            approved_plan(encoded({**plan, **changed}))


def test_a_label_that_somebody_changed_since_is_another_change() -> None:
    def labels(before: str | None) -> list[Row]:
        return [Row("controlplane", "ecl", "label of team1/development", "differs", changes=(Change("label", before, "label2"),))]

    approved = document(labels("label1"), [])
    assert not_approved(document(labels("label1"), []), approved) == []
    assert not_approved(document(labels("label9"), []), approved)
    # Before the first rollout nobody can say which label somebody has.
    assert not_approved(document(labels("label1"), []), document(labels(NOT_KNOWN_YET), [])) == []
    assert not_approved(document(labels("label1"), []), document(labels(None), []))


def test_a_plan_of_another_place_is_none_of_this_one(site: Site, tmp_path: t.Any) -> None:
    """Of staging, whose hosts have the same names."""
    path = str(tmp_path / "plan.json")
    staging = files(site, plan_file=path)
    staging.places = {"controlplane": "https://staging", "flyte_admin_url": "https://flyte.staging"}
    staging.use(PLAN, [], write=True)
    held = files(site, approved_plan=path)
    held.places = {"controlplane": "https://production", "flyte_admin_url": "https://flyte.staging", "dataplane_1": "https://asked-now"}
    with pytest.raises(Refused) as raised:
        held.use(PLAN, [], write=True)
    assert raised.value.lines[1:] == ["  controlplane: is https://production here, the approved plan is for https://staging"]
    held.places = {**staging.places, "dataplane_1": "https://asked-now"}
    held.use(PLAN, [], write=True)
    # What no host is has a place in every plan that it matters for.
    held.places = {**staging.places, "AWS account": "1"}
    with pytest.raises(Refused, match="AWS account: is 1 here, the approved plan is for none"):
        held.use(PLAN, [], write=True)


def test_a_plan_says_what_it_is_made_with(inventory: Inventory, tmp_path: t.Any) -> None:
    """The namespaces, the chart's content, the EKS clusters that are changed, and the image of Jobs."""

    def found(**more: t.Any) -> dict[str, str]:
        site = site_of({host: {**own, **more} for host, own in inventory.items()})
        observed = {"controlplane": {"server": "https://hub"}, "dataplane_1": {"server": ""}}
        return places(Known(site, observed, {"account": "1", "clusters": {}}, Chart(str(tmp_path), "flyte-core", "v1")))

    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "a.yaml").write_text("x", encoding="utf-8")
    first = found()
    assert first == {
        "controlplane": "https://hub, namespace flyte", "flyte_admin_url": "https://flyte.example.com", "AWS account": "1", "chart": first["chart"],
    }  # fmt: skip
    assert first["chart"].startswith("flyte-core v1 (sha256 ") and found() == first
    assert found(flyte_namespace="other")["controlplane"] == "https://hub, namespace other"
    assert found(flyte_iam_mode="pod_identity")["EKS cluster of dataplane_2"] == "dp2 in us-east-2"
    (tmp_path / "templates" / "a.yaml").write_text("y", encoding="utf-8")
    assert found()["chart"] != first["chart"]
    inventory["dataplane_1"] |= {"flyte_probe_from": "control_plane", "flyte_probe_image": "curl:8"}
    inventory["controlplane"] |= {"flyte_probe_image": "curl:8"}
    assert found()["flyte_probe_image"] == "curl:8"
