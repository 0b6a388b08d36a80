# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The inventory plugin eks, on moto."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import typing as t

import pytest
import yaml
from ansible_collections.flyte.multicluster.plugins.module_utils._aws.session import client
from aws_double import KEYS, create_cluster, moto_server
from conftest import REPOSITORY


@pytest.fixture(name="moto", scope="module")
def _moto() -> t.Iterator[str]:
    with moto_server() as url:
        for region, name, tags in (
            ("us-east-2", "hub", {"flyte": "controlplane"}),
            ("us-east-2", "dp1", {"flyte": "dataplane", "flyte-enabled": "false"}),
            ("us-east-2", "other", {"team": "x"}),
            ("eu-west-1", "dp2", {"flyte": "dataplane"}),
        ):
            create_cluster(url, region, name, tags)
        yield url


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
    eks = client({**KEYS, "endpoint_url": moto}, "eks", region="us-east-2")
    arn = eks.describe_cluster(name="other")["cluster"]["arn"]
    eks.tag_resource(resourceArn=arn, tags={"flyte": "dataplane"})
    assert _inventory(tmp_path, moto, **options)[1]["flyte_data_planes"]["hosts"] == ["dp1", "other", "dp2"]
    eks.untag_resource(resourceArn=arn, tagKeys=["flyte"])


def test_clusters_of_another_account_are_found_through_a_role(moto: str, tmp_path: pathlib.Path) -> None:
    role = "arn:aws:iam::210987654321:role/flyte-automation"
    create_cluster(moto, "us-east-2", "dp3", {"flyte": "dataplane"}, role)
    code, found = _inventory(tmp_path, moto, assume_role_arns=[role])
    assert code == 0, found
    variables = found["_meta"]["hostvars"]
    assert set(found["flyte_data_planes"]["hosts"]) == {"dp1", "dp2", "dp3"}
    assert _text(variables["dp3"]["flyte_eks_assume_role_arn"]) == role and _text(variables["dp3"]["eks_account"]) == "210987654321"
    assert "flyte_eks_assume_role_arn" not in variables["dp1"]


def test_the_example_inventory_shares_labels_over_what_is_tagged(moto: str) -> None:
    environment = {**os.environ, "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_ENDPOINT_URL": moto, "ANSIBLE_NOCOLOR": "1"}
    command = [str(pathlib.Path(sys.executable).with_name("ansible")), "-i", "inventories/example-aws-tags", "hub", "-m", "ansible.builtin.debug"]
    answer = subprocess.run([*command, "-a", "var=flyte_labels"], cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    found = yaml.safe_load(answer.stdout.partition("=>")[2])["flyte_labels"]
    # On ansible-core 2.18 a template gives a text, which is taken for the number that it is.
    shares = {label: [(entry["cluster"], float(entry["weight"])) for entry in entries] for label, entries in found.items()}
    assert shares == {"us": [("dp1", 1)], "eu": [("dp2", 1)]}


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
