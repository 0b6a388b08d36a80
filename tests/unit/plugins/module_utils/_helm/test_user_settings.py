# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the inventory says is filled into the chart's forms; what is left of them is said."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.user_settings import filled_in, known_settings, left_open, not_passed_on, placeholders
from conftest import Inventory, elsewhere, site_of


def changed(inventory: Inventory, **values: t.Any) -> t.Any:
    for variables in inventory.values():
        variables.update(values)
    return site_of(inventory)


def test_aws_says_the_account_and_the_inventory_the_rest(inventory: Inventory) -> None:
    inventory["dataplane_2"].update(flyte_buckets=["other"], flyte_raw_data_bucket="raw/tasks/")
    site = changed(inventory)
    inventory["dataplane_2"]["flyte_buckets"] = ["other"]
    found = [known_settings(site, cluster, {"account": "123456789012"}) for cluster in site.clusters]
    assert found[0] == {"accountNumber": "123456789012", "accountRegion": "us-east-2", "bucketName": "flyte-data", "rawDataBucketName": "flyte-data"}
    assert found[2]["rawDataBucketName"] == "raw/tasks"


def test_the_account_of_a_given_role_is_taken_where_aws_is_not_asked(inventory: Inventory) -> None:
    role = "arn:aws:iam::123456789012:role/x"
    site = changed(inventory, flyte_iam_manage=False, flyte_data_plane_role_arn=role, flyte_control_plane_role_arn=role)
    assert known_settings(site, site.control_plane, None)["accountNumber"] == "123456789012"
    site.settings["flyte_control_plane_role_arn"] = "arn:aws:iam::999999999999:role/x"
    assert "accountNumber" not in known_settings(site, site.control_plane, None)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://flyte.example.com:8443/x", "flyte.example.com"),
        ("https://face.de", "face.de"),
        ("https://10.0.0.1", None),
        ("https://[::1]", None),
    ],
)
def test_google_gets_the_project_and_the_host(inventory: Inventory, url: str, host: str | None) -> None:
    accounts = {f"flyte_gcp_{name}_service_account": f"flyte-{name[0]}@my-project.iam.gserviceaccount.com" for name in ("control_plane", "data_plane")}
    elsewhere(inventory, "gcp")
    site = changed(inventory, flyte_admin_url=url, **accounts)
    found = known_settings(site, site.control_plane, None)
    assert found["googleProjectId"] == "my-project" and found.get("hostName") == host and found["bucketName"] == "flyte-data"
    site.settings["flyte_gcp_data_plane_service_account"] = "flyte-d@another.iam.gserviceaccount.com"
    assert "googleProjectId" not in known_settings(site, site.control_plane, None)


def test_another_provider_has_no_form(inventory: Inventory) -> None:
    elsewhere(inventory, "generic")
    site = changed(inventory)
    assert known_settings(site, site.control_plane, None) == {}
    assert filled_in({"a": 1}, site, site.control_plane, None) == {"a": 1}


def test_only_what_is_open_is_filled_in(inventory: Inventory) -> None:
    site = changed(inventory)
    values = {"userSettings": {"accountRegion": "<AWS_REGION>", "bucketName": "mine"}, "Release": {"Name": "<RELEASE-NAME>"}}
    found = filled_in(values, site, site.data_planes[0], None)
    assert found["userSettings"] == {"accountRegion": "us-east-2", "bucketName": "mine", "rawDataBucketName": "flyte-data"}
    assert found["Release"] == {"Name": "flyte-core-data"}


def test_a_placeholder_is_said_with_its_path_and_without_what_stands_beside_it() -> None:
    values = {"a": [{"b": "postgres://me:secret@<DB_HOST>/"}], "userSettings": {"logGroup": "<LOG_GROUP_NAME>", "bucketName": "<METADATA_BUCKET_NAME>"}}
    assert [str(fault) for fault in left_open("plane", values)] == [
        "plane: a[0].b = '<DB_HOST>': this placeholder of the chart is still there: set a[0].b in flyte_values.",
        "plane: userSettings.logGroup = '<LOG_GROUP_NAME>': this placeholder of the chart is still there: set flyte_user_settings.logGroup.",
        "plane: userSettings.bucketName = '<METADATA_BUCKET_NAME>': this placeholder of the chart is still there: "
        "set flyte_buckets or flyte_user_settings.bucketName.",
    ]


@pytest.mark.parametrize(("password", "taken"), [('a"b\\{{c}} #', True), ("it's", False), ("a''b", False), ("a\nb", False), (None, True), (4711, True)])
def test_a_password_that_the_charts_template_changes_is_refused_and_not_shown(password: t.Any, taken: bool) -> None:
    faults = [str(fault) for fault in not_passed_on("hub", {"userSettings": {"dbPassword": password, "note": "it's"}})]
    assert not faults if taken else len(faults) == 1 and faults[0].startswith("hub: userSettings.dbPassword: has a single quote")
    assert str(password) not in "".join(faults)


@pytest.mark.parametrize("value", ["", None])
def test_an_empty_setting_is_not_filled_in(value: t.Any) -> None:
    (said,) = map(str, left_open("plane", {"userSettings": {"dbPassword": value, "rdsHost": "db"}}))
    assert said == "plane: userSettings.dbPassword: is empty, and other values are made of it: set flyte_user_settings.dbPassword."


@pytest.mark.parametrize("text", ["a < b", "<name>", "<Name>", "<B>bold</B>", "<1>", "<-A>", "List<String>"])
def test_what_is_no_placeholder(text: str) -> None:
    assert not list(placeholders({"a": text}))
