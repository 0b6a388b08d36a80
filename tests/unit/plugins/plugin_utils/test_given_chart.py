# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A chart that is not flyte-core, or none at all, is refused with host, variable and remedy; and the user's values are compared with it."""

from __future__ import annotations

import io
import pathlib
import tarfile
import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.build import build
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Site
from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import ModuleFailed, Refused
from ansible_collections.flyte.multicluster.plugins.plugin_utils._chart import ValuesReader, provide
from ansible_collections.flyte.multicluster.plugins.plugin_utils._variables import declared_variables
from conftest import REPOSITORY, Inventory, elsewhere

STAND_IN = REPOSITORY / "tests" / "lab" / "chart" / "flyte-core"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def site_with(inventory: Inventory, **values: t.Any) -> Site:
    for variables in inventory.values():
        variables.update(values)
    planes = [host for host in inventory if host != "controlplane"]
    site, faults = build(["controlplane"], planes, lambda host, name: inventory[host].get(name), declared_variables())
    assert site is not None, faults
    return site


def no_pull(*_arguments: t.Any) -> None:
    raise AssertionError("nothing is fetched")


def refused(site: Site, pull: t.Callable[..., None] = no_pull) -> str:
    with pytest.raises(Refused) as raised:
        provide(site, pull)
    assert len(raised.value.lines) == 1
    return raised.value.lines[0]


def chart_folder(folder: pathlib.Path, text: str | None) -> pathlib.Path:
    folder.mkdir()
    if text is not None:
        (folder / "Chart.yaml").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: nginx\nversion: 1.0.0\n", "is the chart 'nginx': it has to be flyte-core"),
        ("name: flyte-core\n", "has no name and version, as text: it has to be flyte-core"),
        ("name: flyte-core\nversion: 1.0\n", "has no name and version, as text"),
        ("- flyte-core\n", "its Chart.yaml cannot be read (ValueError)"),
        ("name: [flyte-core\n", "its Chart.yaml cannot be read (ValueError)"),
        ("name: flyte-core\nversion: v1\ndependencies: {a: b}\n", "has dependencies that are no list of mappings"),
        ("name: flyte-core\nversion: v1\n", "lacks values.yaml, values-controlplane.yaml, values-dataplane.yaml, values-eks.yaml: it has to be flyte-core"),
        (None, "it has no Chart.yaml: it has to be flyte-core's folder, its .tgz, or its name in flyte_chart_repo_url"),
    ],
)
def test_a_folder_that_is_not_flyte_core(inventory: Inventory, tmp_path: pathlib.Path, text: str | None, said: str) -> None:
    folder = chart_folder(tmp_path / "given", text)
    line = refused(site_with(inventory, flyte_chart_ref=str(folder)))
    assert line.startswith(f"controlplane: flyte_chart_ref = {str(folder)!r}: ") and said in line


def packed(path: pathlib.Path, source: pathlib.Path, name: str) -> pathlib.Path:
    with tarfile.open(path, "w:gz") as archive:
        archive.add(source, name)
    return path


def broken(content: bytes) -> list[bytes]:
    middle = len(content) // 2
    return [b"", b"no archive", content[:middle], content[:middle] + b"\xff" * 64 + content[middle + 64 :], content[:20]]


@pytest.mark.parametrize("number", range(5))
def test_an_archive_that_is_broken(inventory: Inventory, tmp_path: pathlib.Path, number: int) -> None:
    path = packed(tmp_path / "chart.tgz", STAND_IN, "flyte-core")
    path.write_bytes(broken(path.read_bytes())[number])
    line = refused(site_with(inventory, flyte_chart_ref=str(path)))
    assert line.startswith(f"controlplane: flyte_chart_ref = {str(path)!r}: ") and "is no whole chart archive" in line


def test_archives_of_something_else(inventory: Inventory, tmp_path: pathlib.Path) -> None:
    nothing = tmp_path / "nothing.tgz"
    with tarfile.open(nothing, "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("readme"), io.BytesIO())
    assert "is not one chart, in one folder with a Chart.yaml, but 0" in refused(site_with(inventory, flyte_chart_ref=str(nothing)))
    other = packed(tmp_path / "nginx.tgz", chart_folder(tmp_path / "nginx", "name: nginx\nversion: 1.0.0\n"), "nginx")
    assert "is the chart 'nginx'" in refused(site_with(inventory, flyte_chart_ref=str(other)))


@pytest.mark.parametrize("ref", ["/no/such/chart", "./nothing", "some.tgz", "--post-renderer=x", "oci://example.com/flyte-core", "a b", "a/b/c"])
def test_what_is_no_chart(inventory: Inventory, ref: str) -> None:
    line = refused(site_with(inventory, flyte_chart_ref=ref))
    assert line.startswith(f"controlplane: flyte_chart_ref = {ref!r}: ") and "it has to be flyte-core's folder, its .tgz, or its name" in line


def test_a_url_with_a_password_is_not_shown(inventory: Inventory) -> None:
    assert "hunter2" not in refused(site_with(inventory, flyte_chart_ref="https://bob:hunter2 '@host/chart"))


def test_a_repository_that_does_not_have_it_or_has_another_one(inventory: Inventory) -> None:
    def fails(*_arguments: t.Any) -> None:
        raise ModuleFailed({"msg": "chart not found."})

    def other(_name: str, _repository: str, _version: str, _helm: str, folder: pathlib.Path) -> None:
        chart_folder(folder / "nginx", "name: nginx\nversion: 1.0.0\n")

    site = site_with(inventory, flyte_chart_ref="nginx", flyte_chart_repo_url="https://charts.example.com")
    line = refused(site, fails)
    assert line.startswith("controlplane: flyte_chart_repo_url = 'https://charts.example.com': the chart nginx v1.16.8 cannot be had from there: chart not")
    assert refused(site, other).startswith("controlplane: flyte_chart_ref = 'nginx': is the chart 'nginx': it has to be flyte-core")


def test_another_version_than_that_of_a_folder_is_refused(inventory: Inventory) -> None:
    version = "9.9.9"
    line = refused(site_with(inventory, flyte_chart_ref=str(STAND_IN), flyte_chart_version=version))
    assert line.startswith("controlplane: flyte_chart_version = '9.9.9': has no effect: it is of a chart in a repository")
    lines = refused(site_with(inventory, flyte_chart_version="v1.16.8", flyte_chart_repo_url="https://charts.example.com?token=hush4711"))
    assert lines.startswith("controlplane: flyte_chart_repo_url = 'https://charts.example.com': has no effect: it is of a chart in a repository")
    del inventory["controlplane"]["flyte_chart_repo_url"]
    own = provide(site_with(inventory, flyte_chart_ref=str(STAND_IN), flyte_chart_version="v1.16.8"), no_pull).version
    assert provide(site_with(inventory, flyte_chart_version=own.removeprefix("v")), no_pull).version == own


def test_a_token_in_the_query_of_a_repository_is_used_and_not_kept(inventory: Inventory) -> None:
    url, asked = "https://charts.example.com/x?sig=hush4711hush4711", []

    def pull(_name: str, repository: str, *_more: t.Any) -> None:
        asked.append(repository)
        raise ModuleFailed({"msg": "chart not found."})

    site = site_with(inventory, flyte_chart_repo_url=url)
    with pytest.raises(Refused) as raised:
        provide(site, pull, url)
    assert asked == [url] and "hush" not in str(raised.value) and "hush" not in str(site.as_dict())
    assert str(raised.value).startswith("controlplane: flyte_chart_repo_url = 'https://charts.example.com/x': ")


def test_the_users_values_are_compared_with_the_chart_of_their_cluster(inventory: Inventory, tmp_path: pathlib.Path) -> None:
    wrong, binary = tmp_path / "a, 'b.yml", tmp_path / "binary.yml"
    wrong.write_text("flyteadmin: {additionalVolumes: {x: hunter2}}\n", encoding="utf-8")
    binary.write_bytes(b"\xff\x00")
    missing = tmp_path / "missing.yml"
    site = site_with(inventory, flyte_chart_ref=str(STAND_IN), flyte_values_files=[str(wrong), str(binary), str(missing)])
    chart = provide(site, no_pull)
    given = {"flyte_values": {"flyteadmin": "hunter2"}, "flyte_user_settings": {"dbPassword": ["hunter2"]}}
    reader = ValuesReader(site, chart, lambda _host, name: given.get(name))
    found = [str(fault) for fault in reader.faults(site.control_plane)]
    starts = [
        f"controlplane: flyte_values_files = {str(wrong)!r}: flyteadmin.additionalVolumes is a mapping, and has to be a list",
        f"controlplane: flyte_values_files = {str(binary)!r}: is no text in UTF-8.",
        f"controlplane: flyte_values_files = {str(missing)!r}: No such file or directory.",
        "controlplane: flyte_user_settings.dbPassword: is a list, and has to be text",
        "controlplane: flyte_values.flyteadmin: is text, and has to be a mapping",
    ]
    assert len(found) == len(starts) and all(line.startswith(start) for line, start in zip(found, starts)), found
    assert "hunter2" not in str(found)
    with pytest.raises(Refused) as raised:
        reader.sources(site.control_plane)
    assert len(raised.value.lines) == 2


def test_keys_that_nothing_reads_are_named_unless_they_are_allowed(inventory: Inventory, tmp_path: pathlib.Path) -> None:
    mine = tmp_path / "mine.yml"
    mine.write_text("flyteadmin: {serviceAcount: {create: hunter2}}\n", encoding="utf-8")
    given = {"flyte_values": {"flyteadmin": {"replicaCout": "hunter2"}}, "flyte_user_settings": {"rdsHots": "hunter2"}}

    def found(**more: t.Any) -> list[str]:
        site = site_with(inventory, flyte_chart_ref=str(STAND_IN), flyte_values_files=[str(mine)], **more)
        return [str(fault) for fault in ValuesReader(site, provide(site, no_pull), lambda _host, name: given.get(name)).faults(site.control_plane)]

    lines = found()
    assert [line.partition(" is ")[0] for line in lines] == [
        f"controlplane: flyte_values_files = {str(mine)!r}: flyteadmin.serviceAcount",
        "controlplane: flyte_values.flyteadmin.replicaCout:",
        "controlplane: flyte_user_settings.rdsHots:",
    ]
    assert "'serviceAccount'" in lines[0] and "'replicaCount'" in lines[1] and "Did you mean 'rdsHost'?" in lines[2] and "hunter2" not in str(lines)
    assert not found(flyte_allow_unknown_variables=True)
    elsewhere(inventory, "generic")
    assert "which have no userSettings." in found(flyte_allow_unknown_variables=False)[2]


def test_what_is_right_has_no_fault(inventory: Inventory, tmp_path: pathlib.Path) -> None:
    right = tmp_path / "right.yml"
    right.write_text("flyteadmin: {replicaCount: 2}\n", encoding="utf-8")
    archive = packed(tmp_path / "chart.tgz", STAND_IN, "flyte-core")
    site = site_with(inventory, flyte_chart_ref=str(archive), flyte_values_files=[str(right)])
    reader = ValuesReader(site, provide(site, no_pull), lambda _host, name: {"flyte_values": {"flyteadmin": None}}.get(name))
    assert all(not reader.faults(cluster) for cluster in site.clusters)
    assert reader.sources(site.control_plane).files == [{"flyteadmin": {"replicaCount": 2}}]


@pytest.mark.parametrize("ref", ["a" * 5000, "/" + "a" * 5000])
def test_a_name_that_no_file_can_have(inventory: Inventory, ref: str) -> None:
    said = refused(site_with(inventory, flyte_chart_ref=ref), lambda *_arguments: pytest.fail("nothing is fetched"))
    assert said.startswith("controlplane: flyte_chart_ref = ")
