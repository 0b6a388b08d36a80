# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What changes in the releases of a plan, by Helm's own records, and the refusal of what would be lost.

The records hold passwords: they are read here, in the action's process, only of releases that change, and what is returned of them is shown without secrets.
"""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.access import method_of
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.each import PATIENCE, each
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.records import Record, read_record
from ansible_collections.flyte.multicluster.plugins.module_utils._common.threads import in_threads
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.manifests import manifest_lines
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.ours import judge
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.paths import unknown_paths
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.release import users_values
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.shown_values import Shower, changes, know_secrets
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.values import digest, merge
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.reader import Fault
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.release_changes import loss_lines, with_changes
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rows import RELEASE
from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import ModuleFailed
from ansible_collections.flyte.multicluster.plugins.plugin_utils._connections import cluster_options
from ansible_collections.flyte.multicluster.plugins.plugin_utils._rendering import rendered

if t.TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from ansible_collections.flyte.multicluster.plugins.module_utils._helm.configuration import Configuration
    from ansible_collections.flyte.multicluster.plugins.module_utils._helm.release import Layers
    from ansible_collections.flyte.multicluster.plugins.module_utils._helm.values import Values
    from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Cluster
    from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rows import Row
    from ansible_collections.flyte.multicluster.plugins.plugin_utils._known import Known

    Read = Callable[[str, str], t.Any]
    Failed = dict[str, t.Any]


@dataclasses.dataclass(frozen=True)
class _Wanted:
    """What a release has to be given."""

    configuration: Configuration | None
    digest: str


class ReleaseChanges:
    """Knows what was planned for each release, and then what changes in it. It is the plan's function of digests."""

    def __init__(self, known: Known, read: Read) -> None:
        self._known, self._read = known, read
        self._layers_of, self._values_of = known.layers_of(read), known.values_of(read)
        self._wanted: dict[str, _Wanted] = {}
        self._records: dict[str, Record | None] = {}
        self._manifests: dict[str, str | Failed] = {}

    def __call__(self, cluster: Cluster, configuration: Configuration | None) -> str:
        """Return the digest of all values that a release has to be given, and remember what they are made of."""
        found = digest(self._values_of(cluster, configuration))
        self._wanted[cluster.host] = _Wanted(configuration, found)
        return found

    def digests(self, hosts: Iterable[str]) -> dict[str, str]:
        """Return the digests of the values that were planned, by inventory host."""
        return {host: self._wanted[host].digest for host in hosts if host in self._wanted}

    def read_records(self, rows: Iterable[Row], hosts: Collection[str], *, objects: bool) -> dict[str, Failed]:
        """Read Helm's records of the releases that change, all at once; return what failed, by inventory host.

        :param objects: whether those are read too whose values stay as they are.
        """
        due = [row.host for row in rows if row.host in hosts and row.action.startswith(RELEASE)]
        due = [host for host in due if self._release(host) and (objects or self._release(host)["values_digest"] != self._wanted[host].digest)]
        timeout = self._known.site.settings["flyte_request_timeout"]
        clusters = [self._known.site.cluster(host) for host in due]
        # Variables are read here: templates are no matter for threads.
        accesses = [(cluster, cluster_options(self._known.site, cluster, self._read)) for cluster in clusters]

        def one(access: tuple[Cluster, dict[str, t.Any]]) -> Record | None | Failed:
            cluster, options = access
            return read_record(method_of(options).connect(timeout), cluster.namespace, self._release(cluster.host))

        answers = each(one, accesses, seconds=PATIENCE * timeout, failed=lambda _access, why: dict(why))
        found = dict(zip(due, answers))
        self._records = {host: answer for host, answer in found.items() if not isinstance(answer, dict)}
        for host, record in self._records.items():
            know_secrets(record.values if record else {}, self._known.site.cluster(host).secret_values)
        return {host: answer for host, answer in found.items() if isinstance(answer, dict)}

    def _release(self, host: str) -> Mapping[str, t.Any]:
        """Return what was observed of a release, nothing where there is none."""
        return (self._known.observed.get(host) or {}).get("release") or {}

    def judged(self, rows: Iterable[Row], hosts: Collection[str], *, objects: bool, new: bool, key: str | None = None) -> tuple[list[Row], list[str]]:
        """Return the rows with what changes in the releases, and the refusal of what would be lost, as lines.

        :param objects: whether what changes in the rendered objects is said too.
        :param new: whether it is said what a new release is given besides the chart's own values.
        :param key: of the fingerprints of a new release's secrets; a record is a key of its own.
        """
        found, refused = [], []
        self._manifests = self._rendered_all() if objects else {}
        for row in rows:
            if row.host not in hosts or not row.action.startswith(RELEASE):
                found.append(row)
                continue
            row, lines = self._judged(row, objects=objects, new=new, key=key)
            found.append(row)
            refused += lines
        return found, refused + self._unmarked()

    def _unmarked(self) -> list[str]:
        """Return the refusal of paths of secrets at which no values have anything: what was meant would be shown, in this plan already."""
        unknown: dict[str, str] = {}
        known: set[str] = set()
        for cluster in (cluster for cluster in self._known.site.clusters if cluster.secret_values):
            sources, record = self._known.values_reader(self._read).sources(cluster), self._records.get(cluster.host)
            trees = [merge([sources.defaults, users_values(sources)]), *([record.values] if record else [])]
            missing = unknown_paths(cluster.secret_values, *trees) if (self._known.observed.get(cluster.host) or {}).get("reachable") else []
            unknown.update({path: cluster.host for path in missing if path not in unknown})
            known.update(set(cluster.secret_values) - set(missing))
        remedy = "names nothing in the values: write it as the plan writes paths, or leave it out."
        return [str(Fault(host, "flyte_secret_values", path, remedy)) for path, host in unknown.items() if path not in known]

    def _judged(self, row: Row, *, objects: bool, new: bool, key: str | None) -> tuple[Row, list[str]]:
        cluster, chart = self._known.site.cluster(row.host), self._known.planned_chart
        record = self._records.get(row.host)
        if not self._release(row.host):
            given = self._new(cluster, key) if new else None
            return with_changes(row, None, chart, changes=given), []
        if record is None:
            return with_changes(row, self._release(row.host), chart, changes=None), []
        layers, shower = self._layers(cluster), Shower(record.key, cluster.secret_values)
        know_secrets(layers.given, cluster.secret_values)
        verdict = judge(record.values, layers, shower, label=record.label, digest=record.digest, last=record.last, drop=cluster.drop_values)
        lines = self._objects(cluster, record, shower) if objects else []
        row = with_changes(row, self._release(row.host), chart, changes=verdict.changes, drift=verdict.drift, objects=lines, unused=verdict.unused)
        # What nothing reads can be given up, and is refused in the inventory.
        odd = dict(self._known.values_reader(self._read).problems(cluster, record.values)) if verdict.losses else {}
        return row, loss_lines(cluster, verdict.losses, foreign=record.label is None, odd=odd)

    def after(self, before: ReleaseChanges, row: Row, *, objects: bool) -> Row:
        """Return a row with what changes in a release after another rollout of it, whose changes are known: it has what that one gives then.

        :param objects: whether what changes in the rendered objects is said too.
        """
        cluster, chart = self._known.site.cluster(row.host), self._known.planned_chart
        there, comes = before._layers(cluster).given, self._layers(cluster).given
        record = before._records.get(row.host)
        shower = Shower(record.key if record else None, cluster.secret_values)
        know_secrets(comes, cluster.secret_values)
        lines = self._objects_between(cluster, there, comes, shower) if objects else []
        return with_changes(row, dataclasses.asdict(chart) | {"chart": chart.name}, chart, changes=changes(there, comes, shower), objects=lines)

    def _layers(self, cluster: Cluster) -> Layers:
        return self._layers_of(cluster, self._wanted[cluster.host].configuration)

    def _new(self, cluster: Cluster, key: str | None) -> list[t.Any]:
        """Return what a new release is given besides what the chart's files say. Nothing is there that could be a key of fingerprints."""
        layers = self._layers(cluster)
        know_secrets(layers.given, cluster.secret_values)
        return [change for change in changes(layers.chart, layers.given, Shower(key, cluster.secret_values)) if change.after is not None]

    def _rendered_all(self) -> dict[str, str | Failed]:
        """Return what Helm would make of the releases whose record was read, several at once, or why it cannot."""
        helm, chart = self._known.site.settings["flyte_helm_binary"], self._known.planned_chart.path
        wanted = [(cluster, self._layers(cluster).given) for cluster in map(self._known.site.cluster, self._records)]

        def one(item: tuple[Cluster, Values]) -> str | Failed:
            try:
                return rendered(helm, chart, *item)
            except ModuleFailed as error:
                return error.result

        return dict(zip(self._records, in_threads(one, wanted, os.cpu_count() or 1)))

    def _objects_between(self, cluster: Cluster, there: Values, comes: Values, shower: Shower) -> list[str]:
        """Return what changes in the objects of a release from one set of values to another."""
        helm, chart = self._known.site.settings["flyte_helm_binary"], self._known.planned_chart.path
        try:
            return manifest_lines(rendered(helm, chart, cluster, there), rendered(helm, chart, cluster, comes), cluster.namespace, shower, None)
        except ModuleFailed as error:
            return [f"they cannot be rendered: {shower.plain(str(error))}"]

    def _objects(self, cluster: Cluster, record: Record, shower: Shower) -> list[str]:
        """Return what changes in the objects of a release.

        The one side is what Helm would render; the other is what Helm's record says that it applied: neither the chart of then nor its values are needed.
        """
        after = self._manifests[cluster.host]
        if isinstance(after, dict):
            return [f"they cannot be rendered: {shower.plain(str(after['msg']))}"]
        return manifest_lines(record.manifest, after, cluster.namespace, shower, record.key)
