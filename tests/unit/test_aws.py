# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""AWS: the plan of roles, Pod Identity (moto has none: botocore's Stubber), tokens for EKS, and the inventory plugin on moto."""

from __future__ import annotations

import base64
import json
import os
import pathlib
import subprocess
import sys
import typing as t
import urllib.parse

import pytest
import yaml
from ansible_collections.flyte.multicluster.plugins.module_utils._aws import session as _aws
from ansible_collections.flyte.multicluster.plugins.module_utils._iam import required as _iam
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters import client as _kube
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters import openshift as _openshift
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Site
from ansible_collections.flyte.multicluster.plugins.module_utils._iam import documents as iam_documents
from ansible_collections.flyte.multicluster.plugins.module_utils._iam import trust as iam_trust
from ansible_collections.flyte.multicluster.plugins.module_utils._aws.errors import AwsError
from ansible_collections.flyte.multicluster.plugins.module_utils._aws.oidc_provider import ensure_providers
from ansible_collections.flyte.multicluster.plugins.module_utils._aws.pod_identity import ensure_associations
from conftest import REPOSITORY, Inventory, site_of
from test_admin_client import Scripted

ACCOUNT = "123456789012"
KEYS = {"access_key": "AKIATEST", "secret_key": "not-a-secret", "session_token": None, "profile": None, "region": "us-east-2"}


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
    return site_of(inventory)


# -- roles


def test_each_domain_can_have_a_role_of_its_own(inventory: Inventory, aws: dict[str, t.Any]) -> None:
    plan = _iam.plan(_site_of(inventory, flyte_iam_domain_roles=True), aws)
    assert list(plan["roles"]) == [
        "flyte-controlplane-role",
        "flyte-dataplane-role",
        "flyte-dataplane-role-development",
        "flyte-dataplane-role-staging",
        "flyte-dataplane-role-production",
    ]
    production = json.dumps(plan["roles"]["flyte-dataplane-role-production"]["trust"])
    assert "team1-production:default" in production and "team1-development" not in production and "flytepropeller" not in production
    propellers = json.dumps(plan["roles"]["flyte-dataplane-role"]["trust"])
    assert "flyte:flytepropeller" in propellers and ":default" not in propellers


def test_the_room_is_said_and_too_long_a_policy_is_refused_with_what_helps(inventory: Inventory, aws: dict[str, t.Any]) -> None:
    site = _site_of(inventory)
    assert not _iam.faults(site, aws)
    role = _iam.plan(site, aws)["roles"]["flyte-dataplane-role"]
    assert role["size"] < 2048 and role["room"] == (2048 - role["size"]) // 652
    site.settings["flyte_iam_policy_size_limit"] = role["size"] - 1
    (fault,) = _iam.faults(site, aws)
    text = str(fault)
    for part in ("for 2 clusters", "raise the quota (at most 8192)", "flyte_iam_domain_roles", "flyte_iam_compact", "flyte_iam_mode: pod_identity"):
        assert part in text, (part, text)


def test_pod_identity_needs_an_association_for_each_account(inventory: Inventory, aws: dict[str, t.Any]) -> None:
    site = _site_of(inventory, flyte_iam_mode="pod_identity", flyte_iam_domain_roles=True)
    for cluster in aws["clusters"].values():
        cluster["issuer"] = None  # no OIDC provider is needed
    assert not _iam.faults(site, aws)
    plan = _iam.plan(site, aws)
    assert not plan["missing_issuers"] and {role["size"] for role in plan["roles"].values()} == {iam_documents.size(iam_trust.merge_pod_identity(None).document)}
    rows = {(row["cluster"], row["namespace"], row["service_account"]): row["role_arn"].rpartition("/")[2] for row in plan["associations"]}
    assert rows[("hub", "flyte", "flyteadmin")] == "flyte-controlplane-role" and rows[("dp1", "flyte", "flytepropeller")] == "flyte-dataplane-role"
    assert rows[("dp2", "team1-production", "default")] == "flyte-dataplane-role-production" and len(rows) == 2 + 2 * (1 + 3)
    aws["clusters"]["dataplane_1"]["associations"] = [
        {"namespace": row["namespace"], "service_account": row["service_account"], "role_arn": row["role_arn"]}
        for row in plan["associations"]
        if row["host"] == "dataplane_1"
    ]
    assert {row["host"] for row in _iam.plan(site, aws)["missing_associations"]} == {"controlplane", "dataplane_2"}


def test_a_cluster_that_is_still_to_be_created_is_no_fault(inventory: Inventory, aws: dict[str, t.Any]) -> None:
    aws["clusters"]["dataplane_2"] = {"missing": True, "issuer": None, "error": "ResourceNotFoundException: no such cluster"}
    assert "EKS does not have it in us-east-2" in str(_iam.faults(_site_of(inventory), aws)[0])
    arn = f"arn:aws:iam::{ACCOUNT}:role/x"
    inventory["dataplane_2"].update(
        flyte_eks_create=True, flyte_eks_version="1.34", flyte_eks_role_arn=arn, flyte_eks_node_role_arn=arn, flyte_eks_subnets=["subnet-1", "subnet-2"]
    )
    site = _site_of(inventory)
    assert not _iam.faults(site, aws) and len(_iam.plan(site, aws)["issuers"]) == 2


# -- Pod Identity


def _stubbed(*expected: tuple[str, dict[str, t.Any], dict[str, t.Any]]) -> tuple[t.Any, t.Callable[..., t.Any]]:
    """Return a stubber with the calls that are expected, in their order, and a function in the place of ``client``."""
    from botocore.stub import Stubber

    eks = _aws.client(KEYS, "eks")
    stubber = Stubber(eks)
    for operation, parameters, answer in expected:
        stubber.add_response(operation, answer, parameters)
    stubber.activate()
    return stubber, lambda *_arguments, **_options: eks


def _association(namespace: str, role: str, **tags: str) -> tuple[tuple[str, dict[str, t.Any], dict[str, t.Any]], ...]:
    whole = {"associationId": f"a-{namespace}", "namespace": namespace, "serviceAccount": "default", "roleArn": role, "tags": tags}
    return (
        ("list_pod_identity_associations", {"clusterName": "dp1"}, {"associations": [{"associationId": whole["associationId"]}]}),
        ("describe_pod_identity_association", {"clusterName": "dp1", "associationId": whole["associationId"]}, {"association": whole}),
    )


def _params(state: str = "present", role: str | None = "arn:new") -> dict[str, t.Any]:
    row = {"cluster": "dp1", "namespace": "team1-production", "service_account": "default", "role_arn": role, "region": None, "assume_role_arn": None}
    return {**KEYS, "associations": [row], "state": state, "tags": {"managed-by": "flyte.multicluster"}}


OURS = {"managed-by": "flyte.multicluster"}
NOTHING = ("list_pod_identity_associations", {"clusterName": "dp1"}, {"associations": []})


@pytest.mark.parametrize("check", [True, False])
def test_associations_are_created_updated_and_deleted(check: bool) -> None:
    created = (
        "create_pod_identity_association",
        {"clusterName": "dp1", "namespace": "team1-production", "serviceAccount": "default", "roleArn": "arn:new", "tags": OURS},
        {},
    )
    updated = ("update_pod_identity_association", {"clusterName": "dp1", "associationId": "a-team1-production", "roleArn": "arn:new"}, {})
    deleted = ("delete_pod_identity_association", {"clusterName": "dp1", "associationId": "a-team1-production"}, {})
    present = _association("team1-production", "arn:old", **OURS)
    for params, calls, key in (
        (_params(), [NOTHING, created], "created"),
        (_params(), [*present, updated], "updated"),
        (_params("absent", None), [*present, deleted], "deleted"),
    ):
        stubber, connect = _stubbed(*(calls[:-1] if check else calls))
        result = ensure_associations(params, check, connect)
        assert result["changed"] and result[key] == ["dp1/team1-production:default"]
        stubber.assert_no_pending_responses()


def test_again_there_is_nothing_to_associate() -> None:
    for params, calls in ((_params(role="arn:old"), _association("team1-production", "arn:old")), (_params("absent", None), (NOTHING,))):
        stubber, connect = _stubbed(*calls)
        assert not ensure_associations(params, False, connect)["changed"]
        stubber.assert_no_pending_responses()


@pytest.mark.parametrize("state", ["present", "absent"])
def test_an_association_of_somebody_else_is_left(state: str) -> None:
    _stubber, connect = _stubbed(*_association("team1-production", "arn:old", team="other"))
    with pytest.raises(AwsError, match="was not made here"):
        ensure_associations(_params(state), False, connect)


# -- access


@pytest.mark.parametrize(("region", "host"), [("us-east-2", "sts.us-east-2.amazonaws.com"), ("cn-north-1", "sts.cn-north-1.amazonaws.com.cn"), ("us-iso-east-1", "sts.us-iso-east-1.c2s.ic.gov")])
def test_a_token_for_eks_is_the_one_that_aws_eks_get_token_makes(region: str, host: str) -> None:
    token = _aws.eks_token(KEYS, "flyte-dataplane-1", region=region)
    prefix, _dot, encoded = token.partition(".")
    url = urllib.parse.urlsplit(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode())
    query = urllib.parse.parse_qs(url.query)
    assert prefix == "k8s-aws-v1" and "=" not in token and (url.scheme, url.netloc) == ("https", host)
    assert query["Action"] == ["GetCallerIdentity"] and query["X-Amz-Expires"] == ["60"] and query["X-Amz-SignedHeaders"] == ["host;x-k8s-aws-id"]
    assert query["X-Amz-Credential"][0].startswith("AKIATEST/") and "not-a-secret" not in url.query


def test_an_openshift_login_gives_a_token() -> None:
    answer = (302, {"Location": "https://x/#access_token=sha256~abc&expires_in=86400&token_type=Bearer"}, b"")
    with Scripted((200, {}, b"{}"), answer) as server:
        where = json.dumps({"authorization_endpoint": f"{server.url}/oauth/authorize"}).encode()
        with Scripted((200, {"Content-Type": "application/json"}, where)) as api:
            server.seen.clear()
            # The first answer of the script is used up here.
            import requests

            requests.get(server.url, timeout=5)
            assert _openshift.login(api.url, "me", "pass word", True) == "sha256~abc"
    _method, path, headers, _body = server.seen[-1]
    assert path == "/oauth/authorize?response_type=token&client_id=openshift-challenging-client" and headers["x-csrf-token"]
    assert base64.b64decode(headers["authorization"].split()[1]) == b"me:pass word"


def test_an_openshift_login_that_is_refused_is_said() -> None:
    with Scripted((404, {}, b"")) as api, pytest.raises(_kube.KubeError, match="has no OAuth server"):
        _openshift.login(api.url, "me", "x", True)
    with Scripted((401, {}, b"")) as oauth:
        where = json.dumps({"authorization_endpoint": oauth.url}).encode()
        with Scripted((200, {}, where)) as api, pytest.raises(_kube.KubeError, match="of me was refused: HTTP 401") as caught:
            _openshift.login(api.url, "me", "a-password", True)
    assert "a-password" not in str(caught.value)


# -- the inventory plugin


@pytest.fixture(name="moto", scope="module")
def _moto() -> t.Iterator[str]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    for region, name, tags in (
        ("us-east-2", "hub", {"flyte": "controlplane"}),
        ("us-east-2", "dp1", {"flyte": "dataplane", "flyte-enabled": "false"}),
        ("us-east-2", "other", {"team": "x"}),
        ("eu-west-1", "dp2", {"flyte": "dataplane"}),
    ):
        _eks(url, region).create_cluster(name=name, version="1.34", roleArn=f"arn:aws:iam::{ACCOUNT}:role/eks", resourcesVpcConfig={"subnetIds": []}, tags=tags)
    yield url
    server.stop()


def _eks(url: str, region: str) -> t.Any:
    return _aws.client({**KEYS, "endpoint_url": url}, "eks", region=region)


def _inventory(folder: pathlib.Path, moto: str, **options: t.Any) -> tuple[int, t.Any]:
    path = folder / "planes.eks.yml"
    content = {"plugin": "flyte.multicluster.eks", "regions": ["us-east-2", "eu-west-1"], "tags": {"flyte": "dataplane"}, "endpoint_url": moto, **options}
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    environment = {**os.environ, "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "hidden-key-4711", "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1"}
    command = [str(pathlib.Path(sys.executable).with_name("ansible-inventory")), "-i", str(path), "--list"]
    answer = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert "hidden-key-4711" not in answer.stdout + answer.stderr
    return answer.returncode, json.loads(answer.stdout) if answer.returncode == 0 else answer.stderr


def _text(value: t.Any) -> str:
    """Return a text variable as ansible-inventory prints it: some versions wrap what is no template."""
    return str(value["__ansible_unsafe"] if isinstance(value, dict) else value)


def test_adding_a_data_plane_is_a_tag(moto: str, tmp_path: pathlib.Path) -> None:
    options: dict[str, t.Any] = {
        "control_plane_tags": {"flyte": "controlplane"},
        "compose": {"flyte_cluster_enabled": "eks_tags['flyte-enabled'] | default('true') == 'true'"},
        "keyed_groups": [{"key": "flyte_eks_region", "prefix": "region"}],
        "strict": True,
    }
    code, found = _inventory(tmp_path, moto, **options)
    assert code == 0, found
    assert found["flyte_data_planes"]["hosts"] == ["dp1", "dp2"] and found["flyte_control_plane"]["hosts"] == ["hub"]
    variables = found["_meta"]["hostvars"]
    assert variables["dp1"]["flyte_cluster_enabled"] is False and _text(variables["dp2"]["flyte_eks_region"]) == "eu-west-1"
    assert found["region_eu_west_1"]["hosts"] == ["dp2"] and _text(variables["dp2"]["flyte_eks_cluster"]) == "dp2"
    eks = _eks(moto, "us-east-2")
    arn = eks.describe_cluster(name="other")["cluster"]["arn"]
    eks.tag_resource(resourceArn=arn, tags={"flyte": "dataplane"})
    assert _inventory(tmp_path, moto, **options)[1]["flyte_data_planes"]["hosts"] == ["dp1", "other", "dp2"]
    eks.untag_resource(resourceArn=arn, tagKeys=["flyte"])


def test_clusters_of_another_account_are_found_through_a_role(moto: str, tmp_path: pathlib.Path) -> None:
    role = "arn:aws:iam::210987654321:role/flyte-automation"
    other = _aws.client({**KEYS, "endpoint_url": moto}, "eks", region="us-east-2", assume_role_arn=role)
    own_role = "arn:aws:iam::210987654321:role/eks"
    other.create_cluster(name="dp3", version="1.34", roleArn=own_role, resourcesVpcConfig={"subnetIds": []}, tags={"flyte": "dataplane"})
    code, found = _inventory(tmp_path, moto, assume_role_arns=[role])
    assert code == 0, found
    variables = found["_meta"]["hostvars"]
    assert set(found["flyte_data_planes"]["hosts"]) == {"dp1", "dp2", "dp3"}
    assert _text(variables["dp3"]["flyte_eks_assume_role_arn"]) == role and _text(variables["dp3"]["eks_account"]) == "210987654321"
    assert "flyte_eks_assume_role_arn" not in variables["dp1"]


def test_an_oidc_provider_of_somebody_else_is_never_deleted(moto: str) -> None:
    issuer = "https://oidc.eks.us-east-2.amazonaws.com/id/FOREIGN"
    iam = _aws.client({**KEYS, "endpoint_url": moto}, "iam")
    iam.create_open_id_connect_provider(Url=issuer, ClientIDList=["sts.amazonaws.com"], ThumbprintList=["a" * 40])
    params = {**KEYS, "endpoint_url": moto, "issuers": [issuer], "tags": {"managed-by": "flyte.multicluster"}}
    assert not ensure_providers({**params, "state": "present"}, False)["changed"]
    with pytest.raises(AwsError, match="was not made here"):
        ensure_providers({**params, "state": "absent"}, False)
    own = {**params, "issuers": [issuer.replace("FOREIGN", "OURS")]}
    for state in ("present", "absent"):
        assert ensure_providers({**own, "state": state}, True)["changed"] and ensure_providers({**own, "state": state}, False)["changed"]
        assert not ensure_providers({**own, "state": state}, False)["changed"]


def test_the_example_inventory_shares_labels_over_what_is_tagged(moto: str) -> None:
    environment = {**os.environ, "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_ENDPOINT_URL": moto, "ANSIBLE_NOCOLOR": "1"}
    command = [str(pathlib.Path(sys.executable).with_name("ansible")), "-i", "inventories/example-aws-tags", "hub", "-m", "ansible.builtin.debug"]
    answer = subprocess.run([*command, "-a", "var=flyte_labels"], cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    found = yaml.safe_load(answer.stdout.partition("=>")[2])["flyte_labels"]
    assert found == {"us": [{"cluster": "dp1", "weight": 1}], "eu": [{"cluster": "dp2", "weight": 1}]}


def test_the_cache_is_used_and_holds_no_credentials(moto: str, tmp_path: pathlib.Path) -> None:
    options = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(tmp_path / "cache"), "cache_timeout": 600}
    assert _inventory(tmp_path, moto, **options)[0] == 0
    files = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert files and not [path for path in files if b"hidden-key-4711" in path.read_bytes()]
    # Nothing answers any more: what is cached is enough.
    code, found = _inventory(tmp_path, "http://127.0.0.1:1", **options)
    assert code == 0, found
    assert found["flyte_data_planes"]["hosts"] == ["dp1", "dp2"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"hostname_format": "same"}, "are both 'same': set hostname_format"),
        ({"hostname_format": "{nam}"}, "only {name}, {region} and {account} are known"),
        ({"compose": {"x": "eks_tags.nope.deeper"}, "strict": True}, "x"),
        ({"endpoint_url": "http://127.0.0.1:1"}, "Check regions, assume_role_arns and the credentials"),
    ],
)
def test_what_is_wrong_with_the_inventory_is_said(moto: str, tmp_path: pathlib.Path, options: dict[str, t.Any], said: str) -> None:
    code, text = _inventory(tmp_path, moto, **options)
    assert code != 0 and said in " ".join(text.split()), text
