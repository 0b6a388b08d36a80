# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which roles and service accounts an installation uses, and how an inventory says so."""

from __future__ import annotations

import typing as t

from ansible_collections.flyte.multicluster.plugins.module_utils._adopt import iam
from ansible_collections.flyte.multicluster.plugins.module_utils._adopt.found import FoundCluster

ANNOTATION = "eks.amazonaws.com/role-arn"
CONTROL, DATA, TASKS = (f"arn:aws:iam::123456789012:role/{name}" for name in ("control", "data", "tasks"))


def identities(control: str | None = CONTROL, planes: tuple[str, ...] = (DATA,), tasks: dict[str, str] | None = None) -> iam.Identities:
    """Return who is who."""

    def cluster(host: str, account: str, role: str | None) -> FoundCluster:
        return FoundCluster(host, accounts={account: {ANNOTATION: role}} if role else {})

    found = [cluster(f"p{number}", "flytepropeller", role) for number, role in enumerate(planes)]
    return iam.identities(cluster("hub", "flyteadmin", control), found, tasks or {}, ANNOTATION)


def role(*policies: str, statements: tuple[dict[str, t.Any], ...] = ()) -> dict[str, t.Any]:
    """Return a role as IAM has it."""
    return {"arn": "arn", "policies": [f"arn:aws:iam::123456789012:policy/{name}" for name in policies], "trust": {"Statement": list(statements)}}


def test_annotated_roles_that_are_there_are_managed() -> None:
    found = identities(tasks={"production": DATA})
    assert iam.names_to_ask(found, {}) == ["control", "data", "flyte-controlplane-role", "flyte-dataplane-role"]
    decided = iam.managed(found, {}, {"control": role(), "data": role()})
    assert decided.variables == {"flyte_iam_control_plane_role": "control", "flyte_iam_data_plane_role": "data"}
    assert decided.roles == ("control", "data") and not decided.comments


def test_the_guides_roles_are_found_though_the_accounts_are_annotated_with_the_charts() -> None:
    """The guide makes roles with --role-only, and never says that values-eks.yaml annotates another one."""
    chart = "arn:aws:iam::123456789012:role/iam-role-flyte"
    found = identities(chart, (chart, chart), {"production": "arn:aws:iam::123456789012:role/flyte-dataplane-role"})
    there = {"iam-role-flyte": None, "flyte-controlplane-role": role(), "flyte-dataplane-role": role()}
    decided = iam.managed(found, {}, there)
    assert decided.variables == {"flyte_iam_control_plane_role": "flyte-controlplane-role", "flyte_iam_data_plane_role": "flyte-dataplane-role"}
    assert "iam-role-flyte" in str(decided.comments["flyte_iam_data_plane_role"])


def test_roles_that_are_nowhere_will_be_made() -> None:
    decided = iam.managed(identities(None, ()), {}, {})
    assert decided.variables["flyte_iam_control_plane_role"] == "flyte-controlplane-role"
    assert "will be made" in str(decided.comments)
    given = iam.managed(identities(), {"flyte_iam_data_plane_role": "mine"}, {"control": role(), "mine": role()})
    assert given.variables["flyte_iam_data_plane_role"] == "mine"


def test_a_role_for_each_domain_is_known_by_its_name() -> None:
    tasks = {domain: f"{DATA}-{domain}" for domain in ("development", "production")}
    there = {name: role() for name in ("control", "data", "data-development", "data-production")}
    assert iam.managed(identities(tasks=tasks), {}, there).variables["flyte_iam_domain_roles"] is True


def test_what_cannot_be_managed_stays_as_it_is() -> None:
    there = {name: role() for name in ("control", "data", "tasks", "other")}
    decided = iam.managed(identities(tasks={"production": TASKS}), {}, there)
    assert decided.variables == {"flyte_iam_manage": False, "flyte_control_plane_role_arn": CONTROL}
    assert "data, tasks" in str(decided.comments)
    # One role for everything, as many have it.
    decided = iam.managed(identities(DATA, (DATA,), {"production": DATA}), {}, there)
    assert decided.variables == {"flyte_iam_manage": False, "flyte_control_plane_role_arn": DATA, "flyte_data_plane_role_arn": DATA}
    assert iam.unmanaged(identities(), None).variables["flyte_data_plane_role_arn"] == DATA


def test_the_way_to_a_role_is_in_its_trust_policy() -> None:
    pods = {"Principal": {"Service": "pods.eks.amazonaws.com"}}
    compact = {"Principal": {"Federated": ["a", "b"]}}
    assert iam.managed(identities(), {}, {"control": role(), "data": role(statements=(pods,))}).variables["flyte_iam_mode"] == "pod_identity"
    assert iam.managed(identities(), {}, {"control": role(), "data": role(statements=(compact,))}).variables["flyte_iam_compact"] is True
    odd = {"Principal": "*"}
    assert "flyte_iam_compact" not in iam.managed(identities(), {}, {"control": role(), "data": role(statements=(odd,))}).variables


def test_the_policy_is_the_one_that_both_have() -> None:
    there = {"control": role("own", "flyte-s3-policy"), "data": role("flyte-s3-policy", "ecr")}
    decided = iam.managed(identities(), {}, there)
    assert iam.policy_names(decided, there)[0] == "flyte-s3-policy"
    assert not iam.policy_names(decided, {"control": role(), "data": {"policies": ["arn:aws:iam::aws:policy/AmazonS3FullAccess"]}})
    assert iam.is_s3_policy({"document": {"Statement": {"Action": "s3:GetObject"}}}) and not iam.is_s3_policy(
        {"document": {"Statement": [{"Action": ["ecr:*"]}]}}
    )
    assert not iam.is_s3_policy(None)
