# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check the whole inventory, observe all clusters at once, and plan. The documentation is that of the module of the same name."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.flyte.multicluster.plugins.module_utils._helm.namespaces import plain_mapping
from ansible_collections.flyte.multicluster.plugins.module_utils._iam.required import faults, role_names, uses_pod_identity
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.build import build
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.credentials import unsendable_credentials
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.kinds import converted
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.names import misplaced_variables, unknown_variables
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.placeholders import unfilled
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.variables import ADMIN_VARIABLES, AWS_VARIABLES
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.cloud import not_reachable_yet
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.reader import Fault
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.canary import own_canary_rows, users_canary_rows
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.labels import label_rows
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.orphans import orphan_lines, orphans
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.planner import make_plan
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.removals import removal_lines, removals, too_much
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rights import needs
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rotation import due_hosts, due_lines, due_rows
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rows import control_plane_of
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.same_place import same_places
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.show import plan_lines, unprobed_lines
from ansible_collections.flyte.multicluster.plugins.modules import flyte_cluster_info
from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import InventoryAction, ModuleFailed, Refused, refuse_without
from ansible_collections.flyte.multicluster.plugins.plugin_utils._chart import ValuesReader, provide, pull_of
from ansible_collections.flyte.multicluster.plugins.plugin_utils._connections import (
    aws_options,
    observed_aws,
    observed_cluster,
    observed_control_plane,
)
from ansible_collections.flyte.multicluster.plugins.plugin_utils._drift import drift
from ansible_collections.flyte.multicluster.plugins.plugin_utils._identity import planned_identities
from ansible_collections.flyte.multicluster.plugins.plugin_utils._known import Known, as_rows
from ansible_collections.flyte.multicluster.plugins.plugin_utils._later_rows import later_rows, with_secrets
from ansible_collections.flyte.multicluster.plugins.plugin_utils._own_workflows import refuse_unended
from ansible_collections.flyte.multicluster.plugins.plugin_utils._places import places
from ansible_collections.flyte.multicluster.plugins.plugin_utils._plan_file import PlanFiles
from ansible_collections.flyte.multicluster.plugins.plugin_utils._refusals import refuse_access, refuse_helm, refuse_login, refuse_values, use_mapping
from ansible_collections.flyte.multicluster.plugins.plugin_utils._release_changes import ReleaseChanges
from ansible_collections.flyte.multicluster.plugins.plugin_utils._removal import Wanted, hosts_to_observe, planned_removal
from ansible_collections.flyte.multicluster.plugins.plugin_utils._rights import planned_rights
from ansible_collections.flyte.multicluster.plugins.plugin_utils._rotation_plan import rotation_groups, rotation_of
from ansible_collections.flyte.multicluster.plugins.plugin_utils._stored import drained_lines, place_faults, stored_journal, stored_now
from ansible_collections.flyte.multicluster.plugins.plugin_utils._variables import TemplateFault, declared_variables, known_names

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Site
    from ansible_collections.flyte.multicluster.plugins.module_utils._plan.planner import Plan
    from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rights import Rights
    from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rows import Row
    from ansible_collections.flyte.multicluster.plugins.plugin_utils._stored import Stored


#: what the steps need; they would miss it only after the first change
_LIBRARIES = ("kubernetes", "requests")
_WHOLE = ("all", "remove")  # after these scopes releases are made
#: a rotation depends on nothing of this, and not on AWS: its account need not be allowed to look at it (docs/rotate.md)
_TOKENS_ALONE = {"data_plane": False, "propeller": False, "rights": False}


class ActionModule(InventoryAction):
    """Reads only, in check mode too."""

    ARGUMENTS: t.ClassVar[dict[str, dict[str, t.Any]]] = {
        "scope": {"type": "str", "choices": ["all", "observe", "status", "iam", "remove", "rotate"], "default": "all"},
        "cluster": {"type": "str"},
        "labels": {"type": "dict", "default": {}},
        "due": {"type": "bool", "default": False},
    }

    #: its arguments, once they are checked
    _given: t.Mapping[str, t.Any] = {}

    def act(self, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        """Return the checked site, what was observed, and the plan."""
        self._given = arguments
        refuse_without(*_LIBRARIES)
        site = self._checked_site()
        hosts, scope = self._hosts(site), arguments["scope"]
        files = PlanFiles(site, self.variables.read)
        removing = hosts_to_observe(site, arguments["cluster"]) if scope == "remove" else []
        self._forgiven = removing[1:] if site.settings["flyte_remove_force"] else []
        hosts = removing or hosts
        if scope in _WHOLE:
            refuse_access(site, self.variables.read, forgiven=self._forgiven)
            refuse_helm(site)
            refuse_login(site, self.variables.read)
        chart = provide(site, pull_of(self), self.variables.read(site.control_plane.host, "flyte_chart_repo_url")) if scope in _WHOLE else None
        reader = ValuesReader(site, chart, self.variables.read)
        if scope in (*_WHOLE, "iam"):
            refuse_values(site, reader)
            use_mapping(site, reader)
        rights = self._rights(site, reader, whole=chart is not None)
        aws = None if scope == "rotate" else self._ask_aws(site)
        observed = {} if scope == "iam" else self._observe(site, hosts, aws, scope, rights)
        if scope in ("observe", "status"):
            live = control_plane_of(observed, site.control_plane.host).get("namespace_mapping")
            site.settings["flyte_namespace_mapping"] = plain_mapping(live) or site.settings["flyte_namespace_mapping"]
        known = Known(site, observed, aws, chart, rights=rights, reader=reader if chart else None)
        files.places = places(known) if files.wanted else {}
        if scope == "remove":
            pruning = "flyte_todo_prune" in self.task_vars["groups"]
            return planned_removal(self, known, Wanted(arguments["cluster"], arguments["labels"], pruning, bool(self._task.diff)), files)
        if chart:
            known.identities = planned_identities(known, self.variables.read)
            self._refuse_settings(known, hosts)
        result = {"changed": False, **known.as_dict(), "play_hosts": hosts}
        if scope == "observe":
            files.use([*users_canary_rows(site, files.key), *own_canary_rows(site, hosts)], [], write=True)
            return result
        if scope == "status":
            return {**result, **drift(known, self.variables.read), "due": due_hosts(site, observed, hosts)}
        if scope == "rotate":
            return {**result, **rotation_of(known, hosts, arguments, files)}
        return {**result, **self._planned(known, hosts, files, whole=scope == "all")}

    @property
    def untouched(self) -> str:
        """What a refusal begins with: in the middle of a run something was done."""
        groups = self.task_vars["groups"]
        if self._given.get("due") or (self._given.get("scope") == "remove" and "flyte_todo_prune" in groups):
            return "Nothing more was changed."
        return "Only the step eks_cluster was done." if "flyte_todo_eks_cluster" in groups else super().untouched

    def _planned(self, known: Known, hosts: list[str], files: PlanFiles, *, whole: bool) -> dict[str, t.Any]:
        """Return the plan as a result.

        :param whole: whether it is that of all steps.
        """
        site, observed = known.site, known.observed
        changes = ReleaseChanges(known, self.variables.read) if known.chart else None
        plan = _plan_of(known, changes)
        if changes:
            plan = self._with_changes(known, plan, changes, hosts, files)
        due = due_hosts(site, observed, hosts) if whole else {}
        plan.rows += due_rows(site, due)
        with_control_plane = site.control_plane.host in hosts
        if whole and with_control_plane:
            refuse_unended(known, self.variables.read)
        stored = self._stored_now(known, plan, needed=files.wanted) if with_control_plane else None
        removed = self._checked_against_now(known, plan, stored) if with_control_plane else []
        labels = self._label_rows(known, plan, stored, needed=files.wanted) if with_control_plane else []
        alone = orphans(site, observed) if site.settings["flyte_prune"] and with_control_plane else []
        later = later_rows(known, plan, stored, labels, alone, files.key) if files.wanted and whole and with_control_plane else []
        mine = with_secrets([row for row in plan.rows if row.host in hosts], known, files.key)
        files.use([*mine, *labels, *later], removed, write="flyte_todo_eks_cluster" not in self.task_vars["groups"])
        # Besides the plan: how many executions run somewhere is another number a moment later.
        said = orphan_lines(site, observed) + drained_lines(known, self.variables.read) if with_control_plane else []
        prune = [{"host": site.control_plane.host, "group": "flyte_todo_prune"}] if alone else []
        return {
            "lines": plan_lines([*plan.rows, *labels, *later]) + removed + due_lines(site, due) + said + (unprobed_lines(site) if whole else []),
            "rows": [dataclasses.asdict(row) for row in plan.rows],
            "failures": as_rows(plan.failures),
            "groups": plan.groups(site.control_plane.host, hosts) + rotation_groups(site, due) + prune,
            "orphans": alone,
            "releases": plan.releases,
            "digests": changes.digests(plan.releases) if changes else {},
            "marks": plan.marks,
            "waiting": plan.waiting,
            "identity": plan.identity,
            "rights": plan.rights,
            "rights_left": plan.rights_left,
            "restarts": plan.restarts,
            "credentials": plan.credentials,
            "eks": plan.eks,
            "iam": plan.iam,
        }

    def _checked_site(self) -> Site:
        groups = self.task_vars["groups"]
        control_planes, data_planes = (list(map(str, groups.get(name) or [])) for name in ("flyte_control_plane", "flyte_data_planes"))
        if not control_planes and not data_planes:
            raise Refused(
                "The inventory has neither a host in flyte_control_plane nor one in flyte_data_planes: give one with -i "
                "(inventories/example-aws shows what it looks like)."
            )
        untemplated: list[str] = []

        def read(host: str, name: str) -> t.Any:
            try:
                return self.variables.read(host, name)
            except TemplateFault as error:
                if str(error) not in untemplated:
                    untemplated.append(str(error))
                return None

        site, wrong = build(control_planes, data_planes, read, declared_variables())
        wrong = [*wrong, *self._more_faults(control_planes, data_planes, read)]
        left = unfilled([*control_planes, *data_planes], self.variables.raw, known_names())
        wrong = [fault for fault in wrong if all((fault.host, fault.variable) != (open_one.host, open_one.variable) for open_one in left)] + left
        lines = untemplated + [str(fault) for fault in wrong]
        if site is None or lines:
            self.variables.hide_vaulted()
            raise Refused(f"The inventory has {len(lines)} fault(s):", *lines)
        return site

    def _more_faults(self, control_planes: list[str], data_planes: list[str], read: Callable[[str, str], t.Any]) -> list[Fault]:
        """Return what is wrong with variables that nobody would read, and with credentials that nobody could send."""
        if len(control_planes) != 1:
            return []
        host = control_planes[0]
        planes = [plane for plane in data_planes if plane != host]
        faults = unsendable_credentials((host, *planes), read)
        faults += misplaced_variables(host, planes, self.variables.raw, read, [*declared_variables().site, *ADMIN_VARIABLES, *AWS_VARIABLES])
        # -e makes text of it.
        if converted(read(host, "flyte_allow_unknown_variables"), "bool") is not True:
            faults += unknown_variables({name: self.variables.raw(name) for name in (host, *planes)}, known_names())
        return faults

    def _refuse_settings(self, known: Known, hosts: list[str]) -> None:
        """Refuse what values files, the chart's or the user's, leave to be filled in, which Kubernetes takes, and what the chart cannot pass on."""
        wrong = known.setting_faults(hosts, self.variables.read)
        if wrong:
            raise Refused(*map(str, wrong))

    def _with_changes(self, known: Known, plan: Plan, changes: ReleaseChanges, hosts: list[str], files: PlanFiles) -> Plan:
        """Return the plan with what changes in each release; refuse what would be lost. A cluster whose record cannot be read is that cluster's failure."""
        host, objects = known.site.control_plane.host, bool(self._task.diff)
        broken = changes.read_records(plan.rows, hosts, objects=objects)
        if host in broken:
            raise Refused(f"{host}: {broken[host]['message']}. {broken[host]['hint']}")
        if broken:
            known.observed.update({name: {**known.observed[name], "reachable": False, "error": error} for name, error in broken.items()})
            plan = _plan_of(known, changes)
        rows, lost = changes.judged(plan.rows, hosts, objects=objects, new=files.wanted, key=files.key)
        if lost:
            raise Refused(*lost)
        return dataclasses.replace(plan, rows=rows)

    def _stored_now(self, known: Known, plan: Plan, *, needed: bool) -> Stored | None:
        """Return what flyteadmin has, where something depends on it."""
        stored = stored_now(known, plan, self.variables.read, needed=needed)
        site = known.site
        if needed and stored is None and known.live and site.settings["flyte_approved_plan"] and site.settings["flyte_execution_cluster_labels_purge"]:
            remedy = "flyteadmin does not answer: it cannot be said which labels flyte_execution_cluster_labels_purge would remove."
            raise Refused(str(Fault(site.control_plane.host, "flyte_approved_plan", site.settings["flyte_approved_plan"], remedy)))
        return stored

    def _label_rows(self, known: Known, plan: Plan, stored: Stored | None, *, needed: bool) -> list[Row]:
        """Return the execution cluster labels that are set and removed, where that is known, or has to be."""
        if stored is None and not needed:
            return []
        section = plan.configuration.section() if plan.configuration else known.live
        return label_rows(known.site, section, stored.labels if stored else None, stored_journal(known))

    def _checked_against_now(self, known: Known, plan: Plan, stored: Stored | None) -> list[str]:
        """Refuse what flyteadmin would refuse halfway, and what takes away too much; return what is taken away as lines."""
        site = known.site
        wrong = place_faults(known, plan, stored, self.variables.read) if stored else []
        rows = stored.labels if stored else None
        found = removals(site, live=known.live, wanted=plan.configuration, aws=known.aws, iam=plan.iam, stored=rows)
        wrong += too_much(site, found)
        if wrong:
            raise Refused(*map(str, wrong))
        return removal_lines(site.control_plane.host, found)

    def _hosts(self, site: Site) -> list[str]:
        """Return the hosts of this run, as ``--limit`` left them."""
        chosen = set(map(str, self.task_vars.get("ansible_play_hosts_all") or []))
        return [cluster.host for cluster in site.clusters if cluster.host in chosen]

    def _ask_aws(self, site: Site) -> dict[str, t.Any] | None:
        """Return what EKS and IAM have, None where the site is not on AWS.

        Where IAM is not managed and no cluster is created, EKS is asked for a cluster only by what reaches it.
        """
        settings = site.settings
        manages = bool(settings["flyte_iam_manage"])
        clusters = [cluster for cluster in site.clusters if cluster.eks_cluster and (manages or cluster.eks_create)]
        if settings["flyte_provider"] != "aws" or not clusters:
            return None
        arguments = {
            **aws_options(site, self.variables.read),
            "eks_clusters": [
                {
                    "key": cluster.host,
                    "name": cluster.eks_cluster,
                    **({"region": cluster.eks_region} if cluster.eks_region else {}),
                    **({"assume_role_arn": cluster.eks_assume_role_arn} if cluster.eks_assume_role_arn else {}),
                    **({"nodegroup": cluster.eks["nodegroup"]} if cluster.eks_create else {}),
                }
                for cluster in clusters
            ],
        }
        if manages:
            arguments |= {"roles": role_names(site), "policy": settings["flyte_iam_policy_name"], "pod_identity": uses_pod_identity(site)}
        try:
            found = observed_aws(self, arguments)
        except ModuleFailed as error:
            host = site.control_plane.host
            given = [name for name in AWS_VARIABLES if self.variables.read(host, name) is not None]
            raise Refused(f"{host}: {', '.join(given)}: AWS cannot be asked with these: {error}") from error
        wrong = [fault for fault in faults(site, found) if fault.host not in self._forgiven]
        if wrong:
            raise Refused(*map(str, wrong))
        return {key: found[key] for key in ("account", "partition", "clusters", "roles", "policy", "oidc_providers")}

    def _rights(self, site: Site, reader: ValuesReader, *, whole: bool) -> Rights:
        """Return what Flyte's accounts need. Where nothing is changed, values that cannot be read take nothing away from what is shown."""
        try:
            return planned_rights(site, reader, whole=whole)
        except Refused:
            if whole:
                raise
            return needs(site, None, {})

    def _observe(self, site: Site, hosts: list[str], aws: dict[str, t.Any] | None, scope: str, rights: Rights) -> dict[str, dict[str, t.Any]]:
        # The control plane is always asked: what it has decides what a data plane needs.
        asked = {*hosts, site.control_plane.host} - set(not_reachable_yet(site, aws))
        less = _TOKENS_ALONE if scope == "rotate" else {}
        arguments = {
            "clusters": [{**observed_cluster(site, cluster, self.variables.read), **less} for cluster in site.clusters if cluster.host in asked],
            "concurrency": site.settings["flyte_concurrency"],
            "timeout": site.settings["flyte_request_timeout"],
            **observed_control_plane(site, rights, self.variables.read),
            "server_version": scope == "status",
        }
        observed = self.here(flyte_cluster_info.OPERATION, arguments)["clusters"]
        wrong = {host: entry["error"] for host, entry in observed.items() if entry["error"] and host not in self._forgiven}
        # What the control plane has decides what every other cluster needs. What is wrong in the inventory is refused before any change.
        strict = scope not in ("observe", "status")
        fatal = [host for host, error in wrong.items() if (host == site.control_plane.host and scope != "status") or (error["kind"] == "config" and strict)]
        if fatal:
            raise Refused(*(f"{host}: {wrong[host]['message']}. {wrong[host]['hint']}" for host in fatal))
        twice = same_places(site, observed) if scope == "all" else []
        if twice:
            raise Refused(*map(str, twice))
        return t.cast("dict[str, dict[str, t.Any]]", observed)


def _plan_of(known: Known, changes: ReleaseChanges | None) -> Plan:
    return make_plan(known.site, known.observed, chart=known.chart, digest=changes, aws=known.aws, identities=known.identities, rights=known.rights)
