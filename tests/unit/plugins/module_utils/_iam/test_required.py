# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What IAM and EKS have to have, from the site and what AWS has."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._iam.documents import size
from ansible_collections.flyte.multicluster.plugins.module_utils._iam.eks import cluster_state, node_group_state
from ansible_collections.flyte.multicluster.plugins.module_utils._iam.required import faults, plan
from ansible_collections.flyte.multicluster.plugins.module_utils._iam.trust import merge_pod_identity
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Site
from conftest import Inventory, site_of

ACCOUNT = "123456789012"
CREATION: dict[str, t.Any] = {
    "flyte_eks_create": True,
    "flyte_eks_version": "1.34",
    "flyte_eks_role_arn": f"arn:aws:iam::{ACCOUNT}:role/x",
    "flyte_eks_node_role_arn": f"arn:aws:iam::{ACCOUNT}:role/x",
    "flyte_eks_subnets": ["subnet-1", "subnet-2"],
}


def _cluster(number: int, **more: t.Any) -> dict[str, t.Any]:
    issuer = f"https://oidc.eks.us-east-2.amazonaws.com/id/{number:032X}"
    return {"missing": False, "issuer": issuer, "endpoint": f"https://{number}.example.com", "ca_data": "", "associations": [], "error": None, **more}


@pytest.fixture(name="aws")
def _aws_state() -> dict[str, t.Any]:
    hosts = ("controlplane", "dataplane_1", "dataplane_2")
    return {
        "account": ACCOUNT,
        "partition": "aws",
        "clusters": {host: _cluster(number) for number, host in enumerate(hosts)},
        "roles": {},
        "policy": None,
        "oidc_providers": [],
    }


def _site_of(inventory: Inventory, **values: t.Any) -> Site:
    for variables in inventory.values():
        variables.update(values)
    return t.cast(Site, site_of(inventory))


# -- roles


def test_each_domain_can_have_a_role_of_its_own(inventory: Inventory, aws: dict[str, t.Any]) -> None:
    wanted = plan(_site_of(inventory, flyte_iam_domain_roles=True), aws)
    assert list(wanted["roles"]) == [
        "flyte-controlplane-role",
        "flyte-dataplane-role",
        "flyte-dataplane-role-development",
        "flyte-dataplane-role-staging",
        "flyte-dataplane-role-production",
    ]
    production = json.dumps(wanted["roles"]["flyte-dataplane-role-production"]["trust"])
    assert "team1-production:default" in production and "team1-development" not in production and "flytepropeller" not in production
    propellers = json.dumps(wanted["roles"]["flyte-dataplane-role"]["trust"])
    assert "flyte:flytepropeller" in propellers and ":default" not in propellers


def _of_hosts(inventory: Inventory, **site: t.Any) -> Site:
    for host in ("dataplane_1", "dataplane_2"):
        inventory[host]["flyte_iam_data_plane_role"] = f"flyte-{host}"
    return _site_of(inventory, **site)


def test_a_role_for_each_cluster_trusts_that_cluster_alone(inventory: Inventory, aws: dict[str, t.Any]) -> None:
    site = _of_hosts(inventory, flyte_sync="data_plane")
    wanted = plan(site, aws)["roles"]
    assert list(wanted) == ["flyte-controlplane-role", "flyte-dataplane_1", "flyte-dataplane_2"]
    issuers = {host: aws["clusters"][host]["issuer"].removeprefix("https://") for host in aws["clusters"]}
    for host, other in (("dataplane_1", "dataplane_2"), ("dataplane_2", "dataplane_1")):
        role = wanted[f"flyte-{host}"]
        text = json.dumps(role["trust"])
        assert issuers[host] in text and issuers[other] not in text and "team1-production:default" in text and "flyte:flytepropeller" in text
        assert role["room"] is None and role["clusters"] == 1  # it does not grow with other clusters
    # It has the same length whatever other clusters there are.
    before = wanted["flyte-dataplane_1"]["size"]
    third = {"flyte_kube_context": "dp3", "flyte_eks_cluster": "dp3", "flyte_iam_data_plane_role": "flyte-dataplane_3"}
    inventory["dataplane_3"] = {**inventory["dataplane_2"], **third}
    more = plan(site_of(inventory), {**aws, "clusters": {**aws["clusters"], "dataplane_3": _cluster(3)}})["roles"]
    assert more["flyte-dataplane_1"]["size"] == before and "flyte-dataplane_3" in more


def test_a_role_for_each_cluster_and_domain(inventory: Inventory, aws: dict[str, t.Any]) -> None:
    wanted = plan(_of_hosts(inventory, flyte_sync="data_plane", flyte_iam_domain_roles=True), aws)["roles"]
    assert len(wanted) == 1 + 2 * 4
    text = json.dumps(wanted["flyte-dataplane_2-production"]["trust"])
    assert "team1-production:default" in text and "flytepropeller" not in text and text.count("oidc-provider") == 1


def test_pod_identity_gives_each_cluster_its_own_role(inventory: Inventory, aws: dict[str, t.Any]) -> None:
    """By its associations: no template says a role, so that the control plane's syncresources may stay."""
    wanted = plan(_of_hosts(inventory, flyte_iam_mode="pod_identity"), aws)
    taken = {(row["host"], row["role_arn"].rpartition("/")[2]) for row in wanted["associations"] if row["host"] != "controlplane"}
    assert taken == {("dataplane_1", "flyte-dataplane_1"), ("dataplane_2", "flyte-dataplane_2")}


def test_a_role_of_another_partition_is_refused(inventory: Inventory, aws: dict[str, t.Any]) -> None:
    """None of this account's clusters can take it; what is wrong for all data planes is said once."""
    for variables in inventory.values():
        variables["flyte_data_plane_role_arn"] = "arn:aws-cn:iam::123456789012:role/x"
    (fault,) = faults(_site_of(inventory), aws)
    assert str(fault).startswith("dataplane_1: flyte_data_plane_role_arn = 'arn:aws-cn:iam::123456789012:role/x': is of another partition")
    assert not faults(_site_of(inventory), {**aws, "partition": "aws-cn"})


def test_the_room_is_said_and_too_long_a_policy_is_refused_with_what_helps(inventory: Inventory, aws: dict[str, t.Any]) -> None:
    site = _site_of(inventory)
    assert not faults(site, aws)
    role = plan(site, aws)["roles"]["flyte-dataplane-role"]
    assert role["size"] < 2048 and role["room"] == (2048 - role["size"]) // 652
    site.settings["flyte_iam_policy_size_limit"] = role["size"] - 1
    (fault,) = faults(site, aws)
    text = str(fault)
    for part in ("for 2 clusters", "raise the quota (at most 8192)", "flyte_iam_domain_roles", "flyte_iam_compact", "flyte_iam_mode: pod_identity"):
        assert part in text, (part, text)


def test_what_is_due_is_said_and_then_nothing_is(inventory: Inventory, aws: dict[str, t.Any]) -> None:
    site = _site_of(inventory)
    first = plan(site, aws)
    arn = f"arn:aws:iam::{ACCOUNT}:policy/{site.settings['flyte_iam_policy_name']}"
    assert first["due"] and [(role["name"], role["policy_arn"]) for role in first["roles_due"]] == [
        ("flyte-controlplane-role", arn),
        ("flyte-dataplane-role", arn),
    ]
    assert first["roles_due"][1]["trust"] == first["roles"]["flyte-dataplane-role"]["trust"]
    aws["policy"] = {"arn": arn, "document": first["policy"]["document"]}
    aws["oidc_providers"] = [issuer.replace("https://", f"arn:aws:iam::{ACCOUNT}:oidc-provider/") for issuer in first["issuers"]]
    aws["roles"] = {role["name"]: {"arn": "arn:x", "trust": role["trust"], "policies": [arn]} for role in first["roles_due"]}
    done = plan(site, aws)
    assert done["due"] is False and not done["roles_due"] and not done["missing_issuers"]
    # Each of them alone makes it due again.
    for change in ({"policy": None}, {"oidc_providers": []}, {"roles": {}}):
        assert plan(site, {**aws, **change})["due"] is True, change


def test_a_role_that_no_cluster_can_take_yet_is_not_made(inventory: Inventory, aws: dict[str, t.Any]) -> None:
    """IAM refuses a trust policy without a statement."""
    for host in ("dataplane_1", "dataplane_2"):
        aws["clusters"][host] = {"missing": True, "issuer": None, "error": "gone"}
    assert [role["name"] for role in plan(_site_of(inventory), aws)["roles_due"]] == ["flyte-controlplane-role"]


# -- Pod Identity


def test_pod_identity_needs_an_association_for_each_account(inventory: Inventory, aws: dict[str, t.Any]) -> None:
    site = _site_of(inventory, flyte_iam_mode="pod_identity", flyte_iam_domain_roles=True)
    for cluster in aws["clusters"].values():
        cluster["issuer"] = None  # no OIDC provider is needed
    assert not faults(site, aws)
    wanted = plan(site, aws)
    assert not wanted["missing_issuers"] and {role["size"] for role in wanted["roles"].values()} == {size(merge_pod_identity(None).document)}
    rows = {(row["cluster"], row["namespace"], row["service_account"]): row["role_arn"].rpartition("/")[2] for row in wanted["associations"]}
    assert rows[("hub", "flyte", "flyteadmin")] == "flyte-controlplane-role" and rows[("dp1", "flyte", "flytepropeller")] == "flyte-dataplane-role"
    assert rows[("dp2", "team1-production", "default")] == "flyte-dataplane-role-production" and len(rows) == 2 + 2 * (1 + 3)
    aws["clusters"]["dataplane_1"]["associations"] = [
        {"namespace": row["namespace"], "service_account": row["service_account"], "role_arn": row["role_arn"]}
        for row in wanted["associations"]
        if row["host"] == "dataplane_1"
    ]
    assert {row["host"] for row in plan(site, aws)["missing_associations"]} == {"controlplane", "dataplane_2"}


def test_an_association_is_made_where_its_cluster_is_also_the_control_planes(inventory: Inventory, aws: dict[str, t.Any]) -> None:
    roles = {"controlplane": "arn:aws:iam::111111111111:role/a", "dataplane_2": "arn:aws:iam::222222222222:role/b"}
    for host, role in roles.items():
        inventory[host].update(flyte_eks_region="eu-west-1", flyte_eks_assume_role_arn=role)
    rows = plan(_site_of(inventory, flyte_iam_mode="pod_identity"), aws)["missing_associations"]
    found = {(row["host"], row["region"], row["assume_role_arn"]) for row in rows}
    assert found == {("dataplane_1", None, None), *((host, "eu-west-1", role) for host, role in roles.items())}
    from ansible_collections.flyte.multicluster.plugins.modules import flyte_pod_identity

    options = flyte_pod_identity.DOCUMENTATION.partition("suboptions:")[2].partition("  state:")[0]
    assert all(f"\n      {key}:" in options for key in rows[0]), rows[0]


# -- EKS clusters on their way


def test_a_cluster_that_is_still_to_be_created_is_no_fault(inventory: Inventory, aws: dict[str, t.Any]) -> None:
    aws["clusters"]["dataplane_2"] = {"missing": True, "issuer": None, "error": "ResourceNotFoundException: no such cluster"}
    assert "EKS does not have it in us-east-2" in str(faults(_site_of(inventory), aws)[0])
    inventory["dataplane_2"].update(CREATION)
    site = _site_of(inventory)
    assert not faults(site, aws) and len(plan(site, aws)["issuers"]) == 2


@pytest.mark.parametrize("mode", ["irsa", "pod_identity"])
@pytest.mark.parametrize("create", [True, False])
def test_a_cluster_that_eks_is_creating_is_left_out_and_no_fault(inventory: Inventory, aws: dict[str, t.Any], mode: str, create: bool) -> None:
    aws["clusters"]["dataplane_2"] = {**_cluster(2), "status": "CREATING", "issuer": None, "endpoint": None}
    if create:
        inventory["dataplane_2"].update(CREATION)
    site = _site_of(inventory, flyte_iam_mode=mode)
    assert not faults(site, aws)
    wanted = plan(site, aws)
    assert len(wanted["issuers"]) == (2 if mode == "irsa" else 0)
    assert "dataplane_2" not in {row["host"] for row in wanted["associations"]}
    statements = wanted["roles"]["flyte-dataplane-role"]["trust"]["Statement"]
    assert len(statements) == 1


def test_an_issuer_that_is_there_while_eks_is_creating_is_used(inventory: Inventory, aws: dict[str, t.Any]) -> None:
    aws["clusters"]["dataplane_2"]["status"] = "CREATING"
    wanted = plan(_site_of(inventory), aws)
    assert len(wanted["missing_issuers"]) == 3 and len(wanted["roles"]["flyte-dataplane-role"]["trust"]["Statement"]) == 2


def test_too_long_a_policy_is_found_while_a_cluster_is_created(inventory: Inventory, aws: dict[str, t.Any]) -> None:
    aws["clusters"]["dataplane_2"] = {**_cluster(2), "status": "CREATING", "issuer": None}
    site = _site_of(inventory)
    site.settings["flyte_iam_policy_size_limit"] = plan(site, aws)["roles"]["flyte-dataplane-role"]["size"] - 1
    assert "flyte_iam_policy_size_limit" in str(faults(site, aws)[0])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"status": "ACTIVE", "issuer": None}, "has no OIDC issuer"),
        ({"status": "FAILED", "issuer": None}, "in status FAILED"),
        ({"error": "Failed to describe the EKS cluster dp2: AccessDeniedException: no."}, "cannot be asked for it in us-east-2: Failed to describe"),
    ],
)
def test_what_eks_says_against_a_cluster_is_no_guess(inventory: Inventory, aws: dict[str, t.Any], change: dict[str, t.Any], said: str) -> None:
    aws["clusters"]["dataplane_2"].update(change)
    (fault,) = faults(_site_of(inventory), aws)
    assert fault.host == "dataplane_2" and said in str(fault) and ".." not in str(fault)


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        ({"missing": True, "status": None, "error": "x"}, "missing"),
        ({"status": "CREATING"}, "creating"),
        ({"status": "ACTIVE"}, "active"),
        ({"status": "UPDATING"}, "active"),
        ({"status": "FAILED"}, "failed"),
        ({"status": "DELETING"}, "failed"),
        ({"status": None, "error": "AccessDenied"}, "unknown"),
        (None, "unknown"),
    ],
)
def test_the_state_of_a_cluster(answer: dict[str, t.Any] | None, state: str) -> None:
    assert cluster_state({"clusters": {"dp": answer}}, "dp") == state
    assert cluster_state(None, "dp") == "unknown"


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        ({"missing": True, "error": "x", "nodegroup": None}, "missing"),
        ({"status": "ACTIVE", "nodegroup": None}, "missing"),
        ({"status": "ACTIVE"}, "none asked"),
        ({"status": None, "error": "AccessDenied", "nodegroup": None}, "none asked"),
        ({"nodegroup": {"status": "CREATING"}}, "creating"),
        ({"nodegroup": {"status": "ACTIVE"}}, "active"),
        ({"nodegroup": {"status": "UPDATING"}}, "active"),
        ({"nodegroup": {"status": "CREATE_FAILED"}}, "failed"),
        ({"nodegroup": {"status": "DELETE_FAILED"}}, "failed"),
        ({"nodegroup": {"status": "DEGRADED", "autoscaling_groups": []}}, "failed"),
        ({"nodegroup": {"status": "DEGRADED", "autoscaling_groups": ["asg"]}}, "active"),
    ],
)
def test_the_state_of_a_node_group(answer: dict[str, t.Any], state: str) -> None:
    assert node_group_state({"clusters": {"dp": answer}}, "dp") == state
    assert node_group_state(None, "dp") == "none asked"


# -- the namespaces of tasks, and the buckets


@pytest.mark.parametrize(
    ("mapping", "namespaces"),
    [
        (None, ["team1-development", "team1-staging", "team1-production"]),
        ("{domain}", ["development", "staging", "production"]),
        ("x-{project}", ["x-team1"]),
        ("{domain}--{project}", ["development--team1", "staging--team1", "production--team1"]),
    ],
)
def test_the_subjects_follow_the_mapping_to_namespaces(inventory: Inventory, aws: dict[str, t.Any], mapping: str | None, namespaces: list[str]) -> None:
    trust = plan(_site_of(inventory, flyte_namespace_mapping=mapping), aws)["roles"]["flyte-dataplane-role"]["trust"]
    condition = trust["Statement"][0]["Condition"]["StringEquals"]
    subjects = next(value for key, value in condition.items() if key.endswith(":sub"))
    assert sorted(subjects) == sorted(f"system:serviceaccount:{name}" for name in ["flyte:flytepropeller", *(f"{place}:default" for place in namespaces)])
    # What was written once is known as Flyte's own, so that nothing differs then.
    aws["roles"]["flyte-dataplane-role"] = {"arn": "arn:x", "trust": trust, "policies": [f"arn:aws:iam::{ACCOUNT}:policy/flyte-s3"]}
    assert not plan(_site_of(inventory, flyte_namespace_mapping=mapping), aws)["roles"]["flyte-dataplane-role"]["differs"]
    associations = plan(_site_of(inventory, flyte_namespace_mapping=mapping, flyte_iam_mode="pod_identity"), aws)["associations"]
    assert {row["namespace"] for row in associations if row["service_account"] == "default"} == set(namespaces)
    assert len({(row["host"], row["namespace"], row["service_account"]) for row in associations}) == len(associations)


def test_the_subjects_follow_flytes_own_namespace(inventory: Inventory, aws: dict[str, t.Any]) -> None:
    roles = plan(_site_of(inventory, flyte_namespace="elsewhere"), aws)["roles"]
    text = json.dumps([role["trust"] for role in roles.values()])
    assert all(f"system:serviceaccount:elsewhere:{account}" in text for account in ("flyteadmin", "datacatalog", "flytepropeller"))
    assert ":flyte:" not in text


def test_subjects_of_another_mapping_are_replaced(inventory: Inventory, aws: dict[str, t.Any]) -> None:
    trust = plan(_site_of(inventory), aws)["roles"]["flyte-dataplane-role"]["trust"]
    aws["roles"]["flyte-dataplane-role"] = {"arn": "arn:x", "trust": trust, "policies": []}
    moved = plan(_site_of(inventory, flyte_namespace_mapping="{domain}"), aws)["roles"]["flyte-dataplane-role"]["trust"]
    assert "system:serviceaccount:production:default" in json.dumps(moved) and "team1-production" not in json.dumps(moved)


def test_a_role_of_a_domain_trusts_its_namespaces_by_the_mapping(inventory: Inventory, aws: dict[str, t.Any]) -> None:
    for mapping, subject in ((None, "*-production:default"), ("{domain}", "production:default"), ("{project}", "*:default")):
        site = _site_of(inventory, flyte_namespace_mapping=mapping, flyte_iam_domain_roles=True, flyte_iam_wildcard=True)
        trust = plan(site, aws)["roles"]["flyte-dataplane-role-production"]["trust"]
        assert f"system:serviceaccount:{subject}" in json.dumps(trust)


def test_the_policy_has_the_buckets_of_all_clusters(inventory: Inventory, aws: dict[str, t.Any]) -> None:
    inventory["dataplane_2"]["flyte_raw_data_bucket"] = "raw/tasks"
    document = plan(_site_of(inventory), aws)["policy"]["document"]
    assert "arn:aws:s3:::flyte-data*" in json.dumps(document) and "arn:aws:s3:::raw" in json.dumps(document)
