# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan as the roles hand it on: plain data, without secrets; and read back."""

from __future__ import annotations

import dataclasses
import json
import typing as t

from ansible_collections.flyte.multicluster.plugins.module_utils._helm.configuration import Configuration
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.identity import Identity
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.release import NOT_CONFIGURED, release_layers
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.user_settings import left_open, not_passed_on
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.values import digest
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Site
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.planner import Chart
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rights import Rights
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rows import Failure, control_plane_of
from ansible_collections.flyte.multicluster.plugins.plugin_utils._chart import ValuesReader

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ansible_collections.flyte.multicluster.plugins.module_utils._helm.release import Layers
    from ansible_collections.flyte.multicluster.plugins.module_utils._helm.values import Values
    from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.reader import Fault
    from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Cluster


@dataclasses.dataclass
class Known:
    """What flyte_plan found out: the site, and what every cluster and AWS said."""

    site: Site
    observed: dict[str, dict[str, t.Any]]
    aws: dict[str, t.Any] | None
    chart: Chart | None
    #: who each flytepropeller has to be, by inventory host
    identities: dict[str, Identity] = dataclasses.field(default_factory=dict)
    #: what Flyte's accounts in the data planes need
    rights: Rights = dataclasses.field(default_factory=Rights)
    #: of the values of its releases, once something asked for it
    reader: ValuesReader | None = None
    #: the values of data planes, which are looked at more than once. Secrets.
    _made: dict[str, Values] = dataclasses.field(default_factory=dict, repr=False)

    def as_dict(self) -> dict[str, t.Any]:
        """Return it for a registered result: as text, since Ansible looks through every value that a task is given, which takes it 0.3 s for 100 clusters."""
        content = {
            "site": self.site.as_dict(),
            "observed": self.observed,
            "aws": self.aws,
            "chart": dataclasses.asdict(self.chart) if self.chart else None,
            "identities": {host: dataclasses.asdict(identity) for host, identity in self.identities.items()},
            "rights": dataclasses.asdict(self.rights),
        }
        settings = self.site.settings
        launches = settings["flyte_canary_workflow"] is not None or settings["flyte_canary_project"] is not None
        return {"known": json.dumps(content), "canary": launches}

    @classmethod
    def from_result(cls, result: Mapping[str, t.Any]) -> Known:
        """Return it from flyte_plan's result."""
        content = json.loads(result["known"])
        chart = Chart(**content["chart"]) if content["chart"] else None
        identities = {host: Identity.from_dict(entry) for host, entry in content["identities"].items()}
        return cls(Site.from_dict(content["site"]), content["observed"], content["aws"], chart, identities, Rights.from_dict(content["rights"]))

    @property
    def live(self) -> dict[str, t.Any]:
        """The section ``clusters`` that flyteadmin read when the clusters were observed."""
        return control_plane_of(self.observed, self.site.control_plane.host).get("clusters") or {}

    @property
    def planned_chart(self) -> Chart:
        """The chart of all releases, which a plan of everything has."""
        if self.chart is None:
            raise ValueError("a release needs a plan with its chart")
        return self.chart

    def values_reader(self, read: Callable[[str, str], t.Any]) -> ValuesReader:
        """Return the reader of the values of its releases: one, which reads each file once."""
        if self.reader is None:
            self.reader = ValuesReader(self.site, self.planned_chart, read)
        return self.reader

    def layers_of(self, read: Callable[[str, str], t.Any]) -> Callable[[Cluster, Configuration | None], Layers]:
        """Return a function that returns what the values of a cluster's release are made of. Secrets."""
        reader = self.values_reader(read)
        return lambda cluster, configuration: release_layers(
            self.site, cluster, reader.sources(cluster), aws=self.aws, configuration=configuration, identity=self.identities.get(cluster.host)
        )

    def values_of(self, read: Callable[[str, str], t.Any]) -> Callable[[Cluster, Configuration | None], Values]:
        """Return a function that returns all values of a cluster's release. Secrets."""
        layers_of = self.layers_of(read)

        def values(cluster: Cluster, configuration: Configuration | None) -> Values:
            found = self._made.get(cluster.host)
            if found is None or configuration is not None:
                found = layers_of(cluster, configuration).given
                if configuration is None:
                    self._made[cluster.host] = found
            return found

        return values

    def setting_faults(self, hosts: Iterable[str], read: Callable[[str, str], t.Any]) -> list[Fault]:
        """Return a fault for what the chart's forms leave open or cannot pass on, also of a cluster that nothing is known of yet."""
        values_of, faults = self.values_of(read), []
        for cluster in map(self.site.cluster, hosts):
            values = values_of(cluster, NOT_CONFIGURED if cluster.is_control_plane else None)
            faults += [*left_open(cluster.host, values), *not_passed_on(cluster.host, values)]
        return faults

    def digest_of(self, read: Callable[[str, str], t.Any]) -> Callable[[Cluster, Configuration | None], str]:
        """Return a function that returns the digest of all values of a cluster's release."""
        values_of = self.values_of(read)
        return lambda cluster, configuration: digest(values_of(cluster, configuration))


def as_rows(failures: Iterable[Failure | None]) -> list[dict[str, str]]:
    """Return failures as plain data."""
    return [dataclasses.asdict(failure) for failure in failures if failure]


def from_rows(rows: Iterable[Mapping[str, str]]) -> list[Failure]:
    """Return failures from plain data."""
    return [Failure(row["host"], row["step"], row["problem"], row["remedy"]) for row in rows]
