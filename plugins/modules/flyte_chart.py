#!/usr/bin/python
# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: flyte_chart
short_description: Provide flyte-core as a folder that Helm can install and whose values files can be read
version_added: 0.1.0
author:
  - flyte.multicluster contributors (@flyteorg)
description:
  - Takes a chart as a folder, as a C(.tgz), or by its name in a Helm repository (fetched once and kept), and returns a folder.
  - A chart needs its dependencies beside it even if they are turned off, or Helm refuses to install from a folder. Those
    that C(Chart.yaml) names by C(file://) are put there, in a copy; the given folder is never changed.
options:
  ref:
    description: Path of a folder or a C(.tgz), or the name of a chart in O(repo_url).
    type: str
    required: true
  repo_url:
    description: URL of the Helm repository, for a name.
    type: str
  version:
    description: Version of the chart, for a name. A folder or a C(.tgz) has its own.
    type: str
  cache:
    description: Folder on this machine to keep charts in.
    type: path
    default: ~/.cache/flyte-multicluster/charts
  binary_path:
    description: Helm.
    type: path
    default: helm
extends_documentation_fragment:
  - flyte.multicluster.attributes
  - flyte.multicluster.attributes.info
requirements:
  - python >= 3.11
  - PyYAML
  - helm >= 3.12, for a chart of a repository
"""

EXAMPLES = r"""
- name: Get the flyte-core Helm chart
  flyte.multicluster.flyte_chart:
    ref: flyte-core
    repo_url: https://flyteorg.github.io/flyte
    version: v1.16.8
  register: chart
"""

RETURN = r"""
path:
  description: The chart's folder.
  returned: success
  type: str
  sample: /home/me/.cache/flyte-multicluster/charts/flyte-core-v1.16.8/flyte-core
name:
  description: Name of the chart.
  returned: success
  type: str
  sample: flyte-core
version:
  description: Version of the chart.
  returned: success
  type: str
  sample: v1.16.8
values_files:
  description: The values files in it.
  returned: success
  type: list
  elements: str
  sample: [values-controlplane.yaml, values-dataplane.yaml, values-eks.yaml, values-gcp.yaml, values.yaml]
"""

import hashlib
import pathlib
import shutil
import tarfile
import tempfile
import typing as t

from ansible.module_utils.basic import AnsibleModule

if t.TYPE_CHECKING:
    from collections.abc import Callable

_Run = t.Any


class ChartError(Exception):
    """The chart cannot be had."""


def _read_metadata(folder: pathlib.Path) -> dict[str, t.Any]:
    import yaml

    try:
        text = (folder / "Chart.yaml").read_text(encoding="utf-8")
        content = yaml.safe_load(text)
    except (OSError, yaml.YAMLError) as error:
        raise ChartError(f"{folder} is no Helm chart: {error}. flyte_chart_ref has to be a chart's folder, a .tgz, or a name.") from error
    if not isinstance(content, dict) or not {"name", "version"} <= set(content):
        raise ChartError(f"{folder}/Chart.yaml has no name and version.")
    return content


def _into_cache(target: pathlib.Path, fill: Callable[[pathlib.Path], None]) -> pathlib.Path:
    """Fill a folder of the cache once; a run that is killed on the way leaves nothing half done there."""
    if not target.is_dir():
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".new-") as scratch:
            filled = pathlib.Path(scratch) / "chart"
            filled.mkdir()
            fill(filled)
            try:
                filled.rename(target)
            except OSError:
                if not target.is_dir():  # a run beside this one was faster
                    raise
    return target


def _only_folder(folder: pathlib.Path) -> pathlib.Path:
    found = [entry for entry in folder.iterdir() if (entry / "Chart.yaml").is_file()]
    if len(found) != 1:
        raise ChartError(f"{folder} has {len(found)} charts in it, not one.")
    return found[0]


def _unpack(archive: pathlib.Path, cache: pathlib.Path) -> pathlib.Path:
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()[:16]

    def fill(folder: pathlib.Path) -> None:
        try:
            with tarfile.open(archive) as packed:
                packed.extractall(folder, filter="data")
        except (tarfile.TarError, OSError) as error:
            raise ChartError(f"{archive} is no chart archive: {error}.") from error

    return _only_folder(_into_cache(cache / f"{archive.stem}-{digest}", fill))


def _pull(params: dict[str, t.Any], cache: pathlib.Path, run_command: _Run) -> pathlib.Path:
    name, version = params["ref"], params["version"]
    if not params["repo_url"] or not version:
        raise ChartError(f"{name} is neither a folder nor a .tgz: to fetch it by name, flyte_chart_repo_url and flyte_chart_version are required.")
    digest = hashlib.sha256(params["repo_url"].encode()).hexdigest()[:8]

    def fill(folder: pathlib.Path) -> None:
        command = [params["binary_path"], "pull", name, "--repo", params["repo_url"], "--version", version, "--untar", "--untardir", str(folder)]
        code, _out, problem = run_command(command)
        if code != 0:
            raise ChartError(f"{' '.join(command[:7])} failed: {problem.strip()}. Without access to it, set flyte_chart_ref to a folder or a .tgz.")

    return _only_folder(_into_cache(cache / f"{pathlib.PurePath(name).name}-{version}-{digest}", fill))


def _missing_dependencies(folder: pathlib.Path, metadata: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    charts = folder / "charts"
    present = [entry.name for entry in charts.iterdir()] if charts.is_dir() else []
    wanted = metadata.get("dependencies") or []
    return [entry for entry in wanted if not any(name == entry["name"] or name.startswith(f"{entry['name']}-") for name in present)]


def _with_dependencies(folder: pathlib.Path, metadata: dict[str, t.Any], cache: pathlib.Path) -> pathlib.Path:
    missing = _missing_dependencies(folder, metadata)
    if not missing:
        return folder
    sources: dict[str, pathlib.Path] = {}
    for entry in missing:
        repository = str(entry.get("repository") or "")
        source = (folder / repository.removeprefix("file://")).resolve()
        if not repository.startswith("file://") or not (source / "Chart.yaml").is_file():
            raise ChartError(f"{folder} lacks its dependency {entry['name']} ({repository}): run 'helm dependency build {folder}' once.")
        sources[entry["name"]] = source

    def fill(target: pathlib.Path) -> None:
        copied = target / folder.name
        shutil.copytree(folder, copied)
        for name, source in sources.items():
            shutil.copytree(source, copied / "charts" / name)

    return _only_folder(_into_cache(cache / f"{folder.name}-{_digest([folder, *sources.values()])}", fill))


def _digest(folders: list[pathlib.Path]) -> str:
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def provide(params: dict[str, t.Any], run_command: _Run) -> dict[str, t.Any]:
    """Return the module's result."""
    cache = pathlib.Path(params["cache"])
    given = pathlib.Path(params["ref"])
    if given.is_dir():
        folder = given.resolve()
    elif given.is_file():
        folder = _unpack(given.resolve(), cache)
    elif given.is_absolute() or params["ref"].startswith((".", "~")) or params["ref"].endswith(".tgz"):
        raise ChartError(f"there is no {given}: flyte_chart_ref has to be a chart's folder, a .tgz, or a name in flyte_chart_repo_url.")
    else:
        folder = _pull(params, cache, run_command)
    metadata = _read_metadata(folder)
    folder = _with_dependencies(folder, metadata, cache)
    files = sorted(entry.name for entry in folder.glob("values*.yaml"))
    return {"changed": False, "path": str(folder), "name": str(metadata["name"]), "version": str(metadata["version"]), "values_files": files}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "ref": {"type": "str", "required": True},
            "repo_url": {"type": "str"},
            "version": {"type": "str"},
            "cache": {"type": "path", "default": "~/.cache/flyte-multicluster/charts"},
            "binary_path": {"type": "path", "default": "helm"},
        },
        supports_check_mode=True,
    )
    try:
        result = provide(module.params, module.run_command)
    except ChartError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
