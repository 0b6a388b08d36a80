# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Data planes that are reached through EKS alone: no kubeconfig, endpoint and CA from EKS, a token made in memory; and one that is created."""

from __future__ import annotations

import base64
import json
import pathlib
import re
import tempfile
import typing as t

import pytest
from conftest import ArgumentWatch, SiteUnderTest, differing
from lab import Lab

ROLE = "arn:aws:iam::123456789012:role/eks"
#: how every token for EKS begins, put together here so that this file does not hold it
TOKEN = b"k8s-aws-v1." + base64.b64encode(b"http")[:5]


@pytest.fixture(name="eks_site", scope="module")
def _eks_site(site: SiteUnderTest) -> t.Iterator[SiteUnderTest]:
    """The site with three data planes, where the kubeconfig is given to the control plane and to two of them only."""
    site.lab.up(3)
    found = site.changed_copy()
    kubeconfig = found.variables.pop("flyte_kubeconfig")
    found.inventory["all"]["children"]["flyte_control_plane"]["hosts"]["controlplane"]["flyte_kubeconfig"] = kubeconfig
    for number in (1, 2, 3):
        found.planes[f"dataplane_{number}"] = {"flyte_kube_context": f"dataplane{number}", "flyte_eks_cluster": f"flyte-dataplane{number}"}
        found.planes[f"dataplane_{number}"]["flyte_kubeconfig"] = kubeconfig
    first = found.run()
    assert first.code == 0, first.output
    yield found
    if "dataplane_4" in found.configs():
        removed = _grown(found).run("-e", "cluster=dataplane_4", playbook="remove.yml")
        assert removed.code == 0, removed.output
    site.lab.stop("dataplane4")


def test_one_line_reaches_a_cluster_through_eks(eks_site: SiteUnderTest) -> None:
    """The same cluster, reached otherwise: nothing is to change. Then its release is, with Helm."""
    through_eks = eks_site.changed_copy()
    through_eks.planes["dataplane_2"] = {"flyte_eks_cluster": "flyte-dataplane2"}
    result = through_eks.run()
    assert result.code == 0 and set(result.changed.values()) == {0}, result.output
    through_eks.planes["dataplane_2"]["flyte_values"] = {"flytepropeller": {"podAnnotations": {"example.com/eks": "yes"}}}
    with ArgumentWatch() as arguments:
        result = through_eks.run("-vvv", "--diff")
    assert result.code == 0 and result.changed["dataplane_2"] == 1, result.output[-4000:]
    deployment = through_eks.cluster("dataplane2").get("/apis/apps/v1/namespaces/flyte/deployments/flytepropeller")
    assert deployment["spec"]["template"]["metadata"]["annotations"]["example.com/eks"] == "yes"
    # A token is a presigned URL in base64: neither is anywhere.
    seen = result.output + "\n".join(arguments.seen)
    assert TOKEN.decode() not in seen and "X-Amz-Signature" not in seen
    everyones = pathlib.Path(tempfile.gettempdir())
    places = [through_eks.folder, through_eks.lab.temporary, pathlib.Path.home() / ".ansible", everyones]
    files = [path for place in places for path in (place.glob("*") if place == everyones else place.rglob("*"))]
    # A copy of this collection that molecule installed is no output of the run.
    files = [path for path in files if "ansible_collections" not in path.parts]
    assert not [path for path in files if _holds(path, TOKEN)]
    assert through_eks.run("--tags", "verify").code == 0
    back = eks_site.run()
    assert back.code == 0, back.output


def _holds(path: pathlib.Path, needle: bytes) -> bool:
    try:
        return path.is_file() and path.stat().st_size < 1 << 20 and needle in path.read_bytes()
    except OSError:
        return False


def test_a_token_that_eks_does_not_accept_is_said(eks_site: SiteUnderTest) -> None:
    wrong = eks_site.changed_copy()
    wrong.planes["dataplane_2"] = {"flyte_eks_cluster": "flyte-dataplane2"}
    wrong.variables["flyte_aws_secret_key"] = "not-the-right-one"
    result = wrong.run()
    assert result.code != 0 and re.search(r"dataplane_2 +observe", result.output) and "401" in result.output, result.output[-3000:]
    assert "not-the-right-one" not in result.output


def _subnets(lab: Lab) -> list[str]:
    return [subnet["SubnetId"] for subnet in lab.aws_client("ec2").describe_subnets()["Subnets"]]


def _grown(site: SiteUnderTest) -> SiteUnderTest:
    """Return the site with a data plane whose EKS cluster is made."""
    grown = site.changed_copy()
    grown.planes["dataplane_4"] = {
        "flyte_eks_cluster": "flyte-dataplane4",
        "flyte_eks_create": True,
        "flyte_eks_version": "1.34",
        "flyte_eks_role_arn": ROLE,
        "flyte_eks_node_role_arn": ROLE,
        "flyte_eks_subnets": _subnets(site.lab)[:2],
    }
    return grown


def test_a_new_data_plane_gets_its_cluster_from_the_inventory(eks_site: SiteUnderTest) -> None:
    """The guide's day 2: cluster, node group, OIDC provider, trust, release, credentials, configuration. One host in the inventory."""
    lab, eks = eks_site.lab, eks_site.lab.aws_client("eks")
    lab.up(4, unknown_to_eks=("dataplane4",))
    subnets, grown = _subnets(lab), _grown(eks_site)
    before = {name: eks_site.cluster(name).snapshot() for name in ("controlplane", "dataplane1")}
    planned = grown.run("--check", "--diff")
    assert planned.code == 0 and "dataplane_4: eks_cluster: create EKS cluster flyte-dataplane4" in planned.output, planned.output
    assert "flyte-dataplane4" not in eks.list_clusters()["clusters"]
    for name, snapshot in before.items():
        assert not differing(snapshot, eks_site.cluster(name).snapshot())
    assert eks_site.cluster("dataplane4").get("/api/v1/namespaces/flyte") is None
    result = grown.run()
    assert result.code == 0, result.output
    group = eks.describe_nodegroup(clusterName="flyte-dataplane4", nodegroupName="flyte")["nodegroup"]
    assert group["instanceTypes"] == ["t3.xlarge"] and group["scalingConfig"] == {"minSize": 1, "maxSize": 3, "desiredSize": 2}
    assert grown.configs()["dataplane_4"]["endpoint"] == lab.api_url("dataplane4")
    issuer = eks.describe_cluster(name="flyte-dataplane4")["cluster"]["identity"]["oidc"]["issuer"].removeprefix("https://")
    assert any(issuer in str(statement) for statement in grown.trust())
    assert set(grown.run().changed.values()) == {0}
    # An existing cluster is never changed, whatever the inventory says now.
    shrunk = grown.changed_copy()
    shrunk.planes["dataplane_4"] |= {
        "flyte_eks_nodes_desired": 1,
        "flyte_eks_nodes_max": 1,
        "flyte_eks_version": "1.33",
        "flyte_eks_subnets": subnets[1:3],
    }
    result = shrunk.run()
    assert result.code == 0 and set(result.changed.values()) == {0}, result.output
    again: dict[str, t.Any] = eks.describe_nodegroup(clusterName="flyte-dataplane4", nodegroupName="flyte")["nodegroup"]
    assert again["scalingConfig"]["desiredSize"] == 2 and eks.describe_cluster(name="flyte-dataplane4")["cluster"]["version"] == "1.34"


def test_what_eks_is_still_making_is_waited_for_and_what_failed_is_replaced(eks_site: SiteUnderTest) -> None:
    """After the story above: a run that was killed while EKS created the cluster, and a node group whose creation failed."""
    lab, eks = eks_site.lab, eks_site.lab.aws_client("eks")
    subnets, grown = _subnets(lab), _grown(eks_site)
    named = {"clusterName": "flyte-dataplane4", "nodegroupName": "flyte"}

    def made_by_hand(**tags: str) -> None:
        eks.create_nodegroup(**named, subnets=subnets[:2], nodeRole=ROLE, instanceTypes=["t3.xlarge"], tags=tags)

    eks.delete_nodegroup(**named)
    made_by_hand(status="CREATE_FAILED")
    planned = grown.run("--check", "--diff")
    assert "dataplane_4: eks_cluster: replace node group flyte" in planned.output, planned.output
    assert eks.describe_nodegroup(**named)["nodegroup"]["status"] == "CREATE_FAILED"
    result = grown.run()
    assert result.code == 0 and result.changed["dataplane_4"], result.output
    group: dict[str, t.Any] = eks.describe_nodegroup(**named)["nodegroup"]
    assert group["status"] == "ACTIVE" and group["tags"] == {"managed-by": "flyte.multicluster"}

    eks.delete_nodegroup(**named)
    eks.delete_cluster(name="flyte-dataplane4")
    network: dict[str, t.Any] = {"subnetIds": subnets[:2], "securityGroupIds": []}
    eks.create_cluster(name="flyte-dataplane4", version="1.34", roleArn=ROLE, resourcesVpcConfig=network, tags={"creating": "15"})
    result = grown.run()
    assert result.code == 0 and "dataplane_4: eks_cluster: wait for EKS cluster flyte-dataplane4" in result.output, result.output
    assert eks.describe_nodegroup(**named)["nodegroup"]["status"] == "ACTIVE"
    assert set(grown.run().changed.values()) == {0}


def test_an_approved_plan_makes_the_cluster_and_a_second_one_the_rest(eks_site: SiteUnderTest, tmp_path: pathlib.Path) -> None:
    """What it gets is known only once it is there: both plans say so, and neither run does more than its plan."""
    lab, eks = eks_site.lab, eks_site.lab.aws_client("eks")
    lab.up(4, unknown_to_eks=("dataplane4",))
    grown = _grown(eks_site)
    if "dataplane_4" in grown.configs():
        assert grown.run("-e", "cluster=dataplane_4", playbook="remove.yml").code == 0
    if "flyte-dataplane4" in eks.list_clusters()["clusters"]:
        eks.delete_nodegroup(clusterName="flyte-dataplane4", nodegroupName="flyte")
        eks.delete_cluster(name="flyte-dataplane4")
    grown.variables["flyte_plan_key"] = "key-of-the-fingerprints-of-this-test"
    grown.planes["dataplane_2"]["flyte_values"] = {"flytepropeller": {"podAnnotations": {"example.com/two-plans": "yes"}}}
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    clusters = ("controlplane", "dataplane1", "dataplane2", "dataplane3")
    before = {name: eks_site.cluster(name).snapshot() for name in clusters}
    assert grown.run("--check", "-e", f"flyte_plan_file={first}").code == 0
    text = "\n".join(json.loads(first.read_text(encoding="utf-8"))["text"])
    assert "dataplane_4: eks_cluster: create EKS cluster flyte-dataplane4" in text and "a run that is held to one ends there" in text
    ended = grown.run("-e", f"flyte_approved_plan={first}")
    assert ended.code != 0 and "Only the step eks_cluster was done." in ended.flat and "Nothing was changed." not in ended.flat, ended.output
    assert eks.describe_nodegroup(clusterName="flyte-dataplane4", nodegroupName="flyte")["nodegroup"]["status"] == "ACTIVE"
    assert {name: differing(before[name], eks_site.cluster(name).snapshot()) for name in clusters} == dict.fromkeys(clusters, {})
    # By the first plan once more nothing is done, and it says what is not approved.
    again = grown.run("-e", f"flyte_approved_plan={first}")
    assert again.code != 0 and "Nothing was changed." in again.flat, again.output
    assert "dataplane_4: dataplane: Helm release flyte-core-data: is not in the approved plan" in again.flat, again.output
    assert grown.run("--check", "-e", f"flyte_plan_file={second}").code == 0
    done = grown.run("-e", f"flyte_approved_plan={second}")
    assert done.code == 0 and all(done.changed[host] for host in ("controlplane", "dataplane_2", "dataplane_4")), done.output
    assert grown.configs()["dataplane_4"]["endpoint"] == lab.api_url("dataplane4")
    issuer = eks.describe_cluster(name="flyte-dataplane4")["cluster"]["identity"]["oidc"]["issuer"].removeprefix("https://")
    assert any(issuer in str(statement) for statement in grown.trust())
    assert set(grown.run("-e", f"flyte_approved_plan={second}").changed.values()) == {0}
