# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the chart's values a release uses. The others are not given to it: they may be forms that nobody filled in, or a password. No I/O."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from .values import Values, lookup, merge

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_DATABASE = ("flyteadmin", "datacatalog", "workflow_scheduler", "cluster_resource_manager")
#: a section of the values, and the parts of the chart of which one has to be on for any object to have something of it
_USED_BY: dict[str, tuple[str, ...]] = {
    "flyteadmin": ("flyteadmin", "cluster_resource_manager"),
    "datacatalog": ("datacatalog",),
    "flyteconsole": ("flyteconsole",),
    "flytescheduler": ("workflow_scheduler",),
    "workflow_scheduler": ("workflow_scheduler",),
    "workflow_notifications": ("workflow_notifications",),
    "external_events": ("flyteadmin",),
    "cloud_events": ("flyteadmin",),
    "cluster_resource_manager": ("cluster_resource_manager",),
    "flytepropeller": ("flytepropeller",),
    "webhook": ("flytepropeller",),
    "sparkoperator": ("flytepropeller",),
    "databricks": ("flytepropeller",),
    "common.ingress": ("common.ingress",),
    "common.databaseSecret": _DATABASE,
    "db.admin": ("flyteadmin", "workflow_scheduler", "cluster_resource_manager"),
    "db.datacatalog": ("datacatalog",),
    "configmap.adminServer": ("flyteadmin", "common.ingress"),
    "configmap.remoteData": ("flyteadmin",),
    "configmap.clusterpool_config": ("flyteadmin",),
    "configmap.task_resource_defaults": ("flyteadmin",),
    "configmap.domain": ("flyteadmin", "cluster_resource_manager"),
    "configmap.namespace_config": ("flyteadmin", "cluster_resource_manager"),
    "configmap.clusters": ("flyteadmin", "cluster_resource_manager"),
    "configmap.datacatalogServer": ("datacatalog",),
    "configmap.console": ("flyteconsole",),
    "configmap.schedulerConfig": ("workflow_scheduler",),
    "configmap.admin": ("flytepropeller", "workflow_scheduler", "cluster_resource_manager"),
    "configmap.catalog": ("flytepropeller",),
    "configmap.copilot": ("flytepropeller",),
    "configmap.core": ("flytepropeller",),
    "configmap.enabled_plugins": ("flytepropeller",),
    "configmap.k8s": ("flytepropeller",),
    "configmap.resource_manager": ("flytepropeller",),
    "configmap.task_logs": ("flytepropeller",),
}
#: what stays of a section that is not used: its switch, and the account of flyteadmin, which a data plane has without its pods
_KEPT = ("enabled", "enable", "serviceAccount")
_LOGS = "configmap.task_logs.plugins.logs"
#: what a data plane never has, though values of the whole site may turn it on
_NOT_IN_A_DATA_PLANE = ("flyteadmin", "datacatalog", "flyteconsole", "workflow_scheduler", "workflow_notifications", "cluster_resource_manager")
_DATABASE_SETTINGS = ("dbPassword", "rdsHost", "dbHost")
_REFERENCE = re.compile(r"userSettings(?:\.(\w+))?")


def without_control_plane() -> Values:
    """Return our values that turn off, in a data plane, everything that is the control plane's."""
    return {**{part: {"enabled": False} for part in _NOT_IN_A_DATA_PLANE}, "common": {"ingress": {"enabled": False}}}


def used_only(values: Values, defaults: Mapping[str, t.Any], *, data_plane: bool) -> Values:
    """Return the values without what no object of the release has.

    :param values: everything that Helm would be given.
    :param defaults: the chart's own, which say what is on where the values do not.
    :param data_plane: whether the release is a data plane's, which gets nothing of the database whatever is on.
    """
    return what_is_used(merge([defaults, values]), data_plane=data_plane).of(values)


@dataclasses.dataclass(frozen=True)
class Used:
    """What a release uses of values."""

    #: sections that no object has something of
    unused: frozenset[str]
    #: names in ``userSettings`` that something refers to, None where all may be
    settings: frozenset[str] | None
    #: names in ``userSettings`` that the release does not get in any case
    kept_out: tuple[str, ...]

    def of(self, values: Values) -> Values:
        """Return values without what is not used."""
        found = _without(values, self.unused)
        settings = found.get("userSettings")
        if isinstance(settings, dict):
            found["userSettings"] = {
                name: item for name, item in settings.items() if name not in self.kept_out and (self.settings is None or name in self.settings)
            }
        return found

    def or_by(self, other: Used) -> Used:
        """Return what this or another release uses."""
        settings = None if self.settings is None or other.settings is None else self.settings | other.settings
        return Used(self.unused & other.unused, settings, tuple(name for name in self.kept_out if name in other.kept_out))


def what_is_used(whole: Values, *, data_plane: bool) -> Used:
    """Return what a release uses of its values.

    :param whole: all of its values, the chart's own among them.
    """
    unused = _unused_sections(whole, data_plane=data_plane)
    # The chart's templates know userSettings through other values only.
    names = set(references({key: item for key, item in _without(whole, unused).items() if key != "userSettings"}))
    settings = None if None in names else frozenset(name for name in names if name)
    return Used(frozenset(unused), settings, _DATABASE_SETTINGS if data_plane else ())


def _unused_sections(whole: Mapping[str, t.Any], *, data_plane: bool) -> list[str]:
    on = {part for parts in _USED_BY.values() for part in parts if lookup(whole, f"{part}.enabled", False)}
    unused = [section for section, parts in _USED_BY.items() if not on & set(parts)]
    if data_plane:
        # With clusterConfigs syncresources would not work in its own cluster.
        unused += ["db", "common.databaseSecret", "configmap.clusters"]
    if not lookup(whole, f"{_LOGS}.cloudwatch-enabled", False):
        unused += [f"{_LOGS}.cloudwatch-region", f"{_LOGS}.cloudwatch-log-group"]
    return unused


def _without(values: Values, sections: Iterable[str]) -> Values:
    """Return values with some sections emptied; those that are given stay as they are."""
    for section in sections:
        values = _emptied(values, *section.split("."))
    return dict(values)


def _emptied(values: Values, name: str, *below: str) -> Values:
    item = values.get(name)
    if name not in values or (below and not isinstance(item, dict)):
        return values
    if below:
        return {**values, name: _emptied(t.cast("Values", item), *below)}
    kept = {key: value for key, value in item.items() if key in _KEPT} if isinstance(item, dict) else {}
    return {**values, name: kept} if kept else {key: value for key, value in values.items() if key != name}


def references(value: t.Any) -> Iterator[str | None]:
    """Yield the names in ``userSettings`` that values refer to; None where they refer to it as a whole."""
    for _path, text in texts(value):
        for found in _REFERENCE.finditer(text):
            yield found.group(1)


def texts(value: t.Any, path: str = "") -> Iterable[tuple[str, str]]:
    """Yield every text in values, with its path."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from texts(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, (list, tuple)):
        for number, item in enumerate(value):
            yield from texts(item, f"{path}[{number}]")
    elif isinstance(value, str):
        yield path, value
