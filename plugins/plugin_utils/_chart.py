# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The chart: a folder, an archive, or a name in a Helm repository; and the values files in it and of the user."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import os
import pathlib
import re
import shutil
import tarfile
import tempfile
import typing as t
import zlib

from ansible_collections.flyte.multicluster.plugins.module_utils._common.files import digest_of, text_of
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.known_keys import mistyped_keys, unread_settings
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.release import Sources, chart_files, needed_files
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.shape import shape_of, shape_problems
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.sync import STANDALONE, stands_alone, taken_over
from ansible_collections.flyte.multicluster.plugins.module_utils._common.text import nearest
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.values import Values, parse
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.reader import NOT_SHOWN, Fault
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.planner import Chart
from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import ModuleFailed, Refused
from ansible_collections.flyte.multicluster.plugins.plugin_utils._variables import declared_variables

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Cluster, Site
    from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import InventoryAction

    Fill = Callable[[pathlib.Path], None]
    #: fetches a chart by name, repository, version and Helm's path into a folder
    Pull = Callable[[str, str, str, str, pathlib.Path], None]


CHART_NAME = "flyte-core"
_FLYTE_CORE = f"it has to be {CHART_NAME}; the flyte-binary chart, for one, does not work with several clusters"
_WANTED = f"it has to be {CHART_NAME}'s folder, its .tgz, or its name in flyte_chart_repo_url"
#: of a chart in a repository, as Helm takes it
_NAME = re.compile(r"(?=.{1,128}$)[A-Za-z0-9][\w.-]*(/[\w.-]+)?", re.ASCII)


def cache_folder() -> pathlib.Path:
    """Return where charts are kept."""
    return pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "flyte-multicluster" / "charts"


def pull_of(action: InventoryAction) -> Pull:
    """Return what fetches a chart, by Helm."""

    def pull(name: str, repository: str, version: str, helm: str, folder: pathlib.Path) -> None:
        arguments = {"chart_ref": name, "repo_url": repository, "chart_version": version, "destination": str(folder), "untar_chart": True}
        if "/" in helm:
            arguments["binary_path"] = helm
        action.module("kubernetes.core.helm_pull", arguments, reads=True)

    return pull


def provide(site: Site, pull: Pull, repository: str | None = None) -> Chart:
    """Return the chart of the site, fetched or unpacked into the cache where it is not a folder.

    :param repository: its URL with its query, which the site does not keep: it is often a token.
    :raises Refused: it cannot be had, or is not flyte-core.
    """
    settings, cache = site.settings, cache_folder()
    ref = os.path.expanduser(settings["flyte_chart_ref"])
    given = pathlib.Path(ref)
    # os.path, since pathlib raises where a name is too long.
    if os.path.isdir(ref):
        folder = given.resolve()
    elif os.path.isfile(ref):
        folder = _unpack(site, given.resolve(), cache)
    elif given.is_absolute() or ref.startswith(".") or ref.endswith(".tgz"):
        raise _wrong(site, f"is not there; {_WANTED}")
    elif not _NAME.fullmatch(ref):
        raise _wrong(site, _WANTED)
    else:
        folder = _pulled(site, ref, repository or site.settings["flyte_chart_repo_url"], cache, pull)
    metadata = _metadata(site, folder)
    if os.path.exists(ref):
        _refuse_unread(site, metadata["version"])
    folder = _with_dependencies(site, folder, metadata, cache)
    missing = [name for name in needed_files(site) if not (folder / name).is_file()]
    if missing:
        raise _wrong(site, f"{folder} lacks {', '.join(missing)}: {_FLYTE_CORE}")
    return Chart(str(folder), metadata["name"], metadata["version"])


def _wrong(site: Site, what: str) -> Refused:
    ref = site.settings["flyte_chart_ref"]
    # A URL, which is none of what it may be, may hold a password.
    return Refused(str(Fault(site.control_plane.host, "flyte_chart_ref", NOT_SHOWN if "@" in ref else ref, f"{what}.")))


def _refuse_unread(site: Site, version: str) -> None:
    """Refuse a repository beside a chart on this machine, and a version that is another one than that chart's, which is what would be installed."""
    given = {name: site.settings[name] for name in ("flyte_chart_repo_url", "flyte_chart_version")}
    unread = [name for name, value in given.items() if value != declared_variables().site[name].default]
    if given["flyte_chart_version"].removeprefix("v") == version.removeprefix("v"):
        unread = [name for name in unread if name != "flyte_chart_version"]
    remedy = f"has no effect: it is of a chart in a repository; flyte_chart_ref is one on this machine, of version {version}. Leave out one of them."
    if unread:
        raise Refused(*(str(Fault(site.control_plane.host, name, given[name], remedy)) for name in unread))


def _metadata(site: Site, folder: pathlib.Path) -> dict[str, t.Any]:
    """Return what Chart.yaml says, of a chart that is flyte-core."""
    try:
        content = parse(text_of(str(folder / "Chart.yaml")))
    except FileNotFoundError as error:
        raise _wrong(site, f"{folder} is no Helm chart, it has no Chart.yaml: {_WANTED}") from error
    except (OSError, ValueError) as error:
        raise _wrong(site, f"{folder} is no Helm chart: its Chart.yaml cannot be read ({type(error).__name__})") from error
    if not all(isinstance(content.get(key), str) and content[key] for key in ("name", "version")):
        raise _wrong(site, f"{folder}/Chart.yaml has no name and version, as text: {_FLYTE_CORE}")
    if content["name"] != CHART_NAME:
        raise _wrong(site, f"is the chart {content['name']!r}: {_FLYTE_CORE}")
    dependencies = content.get("dependencies") or []
    if not isinstance(dependencies, list) or not all(isinstance(entry, dict) and isinstance(entry.get("name"), str) for entry in dependencies):
        raise _wrong(site, f"{folder}/Chart.yaml has dependencies that are no list of mappings with a name")
    return content


def _into_cache(target: pathlib.Path, fill: Fill) -> pathlib.Path:
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


def _only_folder(site: Site, folder: pathlib.Path) -> pathlib.Path:
    found = [entry for entry in folder.iterdir() if (entry / "Chart.yaml").is_file()]
    if len(found) != 1:
        raise _wrong(site, f"what is in it is not one chart, in one folder with a Chart.yaml, but {len(found)}: {_WANTED}")
    return found[0]


def _unpack(site: Site, archive: pathlib.Path, cache: pathlib.Path) -> pathlib.Path:
    try:
        digest = hashlib.sha256(archive.read_bytes()).hexdigest()[:16]
    except OSError as error:
        raise _wrong(site, f"{archive} cannot be read: {error.strerror}") from error

    def fill(folder: pathlib.Path) -> None:
        try:
            with gzip.open(archive) as content:
                while content.read(1 << 20):
                    pass  # to its end, where the checksum is: of an archive that is broken halfway tarfile gives what is before that
            with tarfile.open(archive, "r:gz") as packed:
                packed.extractall(folder, filter="data")
        except (tarfile.TarError, OSError, EOFError, ValueError, zlib.error) as error:
            raise _wrong(site, f"{archive} is no whole chart archive ({type(error).__name__}): fetch it again; {_WANTED}") from error

    return _only_folder(site, _into_cache(cache / f"{archive.stem}-{digest}", fill))


def _pulled(site: Site, name: str, repository: str, cache: pathlib.Path, pull: Pull) -> pathlib.Path:
    settings = site.settings
    digest = hashlib.sha256(repository.encode()).hexdigest()[:8]
    target = cache / f"{pathlib.PurePath(name).name}-{settings['flyte_chart_version']}-{digest}"

    def fill(folder: pathlib.Path) -> None:
        try:
            pull(name, repository, settings["flyte_chart_version"], settings["flyte_helm_binary"], folder)
        except ModuleFailed as error:
            remedy = f"the chart {name} {settings['flyte_chart_version']} cannot be had from there: {error} Else set flyte_chart_ref to a folder or .tgz."
            raise Refused(str(Fault(site.control_plane.host, "flyte_chart_repo_url", settings["flyte_chart_repo_url"], remedy))) from error

    return _only_folder(site, _into_cache(target, fill))


def _missing_dependencies(folder: pathlib.Path, metadata: Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    charts = folder / "charts"
    present = [entry.name for entry in charts.iterdir()] if charts.is_dir() else []
    wanted = metadata.get("dependencies") or []
    return [entry for entry in wanted if not any(name == entry["name"] or name.startswith(f"{entry['name']}-") for name in present)]


def _with_dependencies(site: Site, folder: pathlib.Path, metadata: Mapping[str, t.Any], cache: pathlib.Path) -> pathlib.Path:
    """Return the chart with its dependencies in it, a copy where they lie beside it, as in a checkout of flyte: Helm installs it only so."""
    missing = _missing_dependencies(folder, metadata)
    if not missing:
        return folder
    sources: dict[str, pathlib.Path] = {}
    for entry in missing:
        repository = str(entry.get("repository") or "")
        source = (folder / repository.removeprefix("file://")).resolve()
        if not repository.startswith("file://") or not (source / "Chart.yaml").is_file():
            raise _wrong(site, f"{folder} lacks its dependency {entry['name']} ({repository}): run 'helm dependency build {folder}' once")
        sources[entry["name"]] = source

    def fill(target: pathlib.Path) -> None:
        copied = target / folder.name
        shutil.copytree(folder, copied)
        for name, source in sources.items():
            shutil.copytree(source, copied / "charts" / name)

    return _only_folder(site, _into_cache(cache / f"{folder.name}-{digest_of([folder, *sources.values()])[:16]}", fill))


class ValuesReader:
    """Reads what a release's values are made of; each file once."""

    def __init__(self, site: Site, chart: Chart | None, read: Callable[[str, str], t.Any]) -> None:
        """Read them with a chart, or without it the user's alone."""
        self._site, self._chart, self._read = site, chart, read
        self._parsed: dict[str, Values | Unreadable] = {}
        self._shapes: dict[bool, Values] = {}
        self._provider = site.settings["flyte_provider"]
        self._refuses_unknown = not site.settings["flyte_allow_unknown_variables"]

    def sources(self, cluster: Cluster) -> Sources:
        """Return the sources of a cluster's release. Secrets.

        :raises Refused: a values file cannot be read.
        """
        of_chart = self._of_chart(cluster)
        users = [(path, self._file(path, strict=True)) for path in self._users_files(cluster)]
        wrong = [str(_file_fault(cluster, path, found.problem)) for path, found in users if isinstance(found, Unreadable)]
        if wrong:
            raise Refused(*wrong)
        return Sources(
            defaults=of_chart[0] if of_chart else {},
            chart_files=of_chart[1:],
            user_settings=self._read(cluster.host, "flyte_user_settings") or {},
            files=[*self._taken_over(cluster), *(found for _path, found in users if not isinstance(found, Unreadable))],
            inline=self._read(cluster.host, "flyte_values") or {},
        )

    def _taken_over(self, cluster: Cluster) -> list[Values]:
        """Return what a data plane takes over of the control plane's values: what its syncresources does, where it has its own."""
        if cluster.is_control_plane or not self._site.syncs_itself:
            return []
        head = self.sources(self._site.control_plane)
        return [found for found in [taken_over([*head.files, head.inline])] if found]

    def faults(self, cluster: Cluster) -> list[Fault]:
        """Return what is wrong with a cluster's values: files that are none, and another shape than the chart's own values have."""
        shape, faults = self._shape(cluster), []
        for path in self._users_files(cluster):
            found = self._file(path, strict=True)
            problems = [found.problem] if isinstance(found, Unreadable) else [f"{place} {problem}" for place, problem in self.problems(cluster, found)]
            faults += [_file_fault(cluster, path, problem) for problem in problems]
        settings = {"userSettings": self._read(cluster.host, "flyte_user_settings") or {}}
        inline = self._read(cluster.host, "flyte_values") or {}
        named = [(place.replace("userSettings", "flyte_user_settings", 1), problem) for place, problem in shape_problems(settings, shape)]
        named += [(f"flyte_values.{place}", problem) for place, problem in self.problems(cluster, inline)]
        named += [(f"flyte_user_settings.{name}", problem) for name, problem in self._unread(cluster, settings["userSettings"])]
        return faults + [Fault(cluster.host, variable, NOT_SHOWN, f"{problem}.") for variable, problem in named] + self._alone(cluster, inline)

    def _alone(self, cluster: Cluster, inline: Values) -> list[Fault]:
        """Return the faults of values that let syncresources run in a data plane, where flyte_sync does not say so."""
        if cluster.is_control_plane or self._site.syncs_itself:
            return []
        given = {f"flyte_values_files: {path}": self._file(path, strict=True) for path in self._users_files(cluster)}
        names = [name for name, found in {**given, "flyte_values": inline}.items() if isinstance(found, dict) and stands_alone(found)]
        return [Fault(cluster.host, name, True, f"{STANDALONE} is written by flyte_sync: data_plane: set that instead.") for name in names]

    def problems(self, cluster: Cluster, values: Values) -> Iterator[tuple[str, str]]:
        """Yield the place of everything in a user's values that is of another shape than the chart's, or that no template reads."""
        shape = self._shape(cluster)
        yield from shape_problems(values, shape)
        for place, meant in mistyped_keys(values, shape) if self._refuses_unknown else ():
            yield place, f"is no key of the chart, which has {meant!r} there; flyte_allow_unknown_variables: true lets it be"

    def _unread(self, cluster: Cluster, settings: Values) -> Iterator[tuple[str, str]]:
        """Yield the user's settings that nothing reads."""
        if self._chart is None or not self._refuses_unknown:
            return
        shape = self._shape(cluster)
        files = (self._file(path, strict=True) for path in self._users_files(cluster))
        own = [self._read(cluster.host, "flyte_values") or {}, *(found for found in files if not isinstance(found, Unreadable))]
        form = shape.get("userSettings")
        for name in unread_settings(settings, shape, own):
            known = f"which have {', '.join(form)}.{nearest(name, list(form))}" if isinstance(form, dict) and form else "which have no userSettings."
            yield name, f"is read by none of the chart's values for {self._provider}, {known} flyte_allow_unknown_variables: true lets it be"

    def _shape(self, cluster: Cluster) -> Values:
        kind = cluster.is_control_plane
        if kind not in self._shapes:
            self._shapes[kind] = shape_of(*self._of_chart(cluster))
        return self._shapes[kind]

    def _of_chart(self, cluster: Cluster) -> list[Values]:
        """Return the chart's own values and its values files of a release, none without a chart."""
        if self._chart is None:
            return []
        found = []
        for name in ("values.yaml", *chart_files(self._site, cluster)):
            content = self._file(os.path.join(self._chart.path, name))
            if isinstance(content, Unreadable):
                raise _wrong(self._site, f"its {name} cannot be read: {content.problem.rstrip('.')}")
            found.append(content)
        return found

    def _users_files(self, cluster: Cluster) -> list[str]:
        folder = str(self._read(cluster.host, "inventory_dir") or os.getcwd())
        return [os.path.abspath(os.path.join(folder, os.path.expanduser(path))) for path in cluster.values_files]

    def _file(self, path: str, *, strict: bool = False) -> Values | Unreadable:
        if path not in self._parsed:
            try:
                self._parsed[path] = parse(text_of(path), strict=strict)
            except UnicodeDecodeError:
                self._parsed[path] = Unreadable("is no text in UTF-8.")
            except OSError as error:
                self._parsed[path] = Unreadable(f"{error.strerror}.")
            except ValueError as error:
                self._parsed[path] = Unreadable(f"{error}.")
        return self._parsed[path]


@dataclasses.dataclass(frozen=True)
class Unreadable:
    """A values file that is none, and why."""

    problem: str


def _file_fault(cluster: Cluster, path: str, problem: str) -> Fault:
    return Fault(cluster.host, "flyte_values_files", path, f"{problem.rstrip('.')}.")
