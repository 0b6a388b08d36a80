# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of removing a cluster, besides the rollouts of the control plane. Each does what is left of it, so that any may be the point of interruption."""

from __future__ import annotations

import typing as t

from ansible_collections.flyte.multicluster.plugins.module_utils._aws.oidc_provider import FOREIGN
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.control_plane import flyteadmin_clusters
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.leftovers import (
    delete_identity,
    delete_namespaces,
    delete_secret,
    delete_webhooks,
    held_workflows,
)
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.errors import failure_of
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.releases import find_release
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.rights import remove_all
from ansible_collections.flyte.multicluster.plugins.module_utils._common.progress import PROGRESS
from ansible_collections.flyte.multicluster.plugins.module_utils._common.text import first
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.drain import described, drain, unfinished
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.errors import AdminError
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.words import in_inventory_words
from ansible_collections.flyte.multicluster.plugins.module_utils._iam.required import role_names
from ansible_collections.flyte.multicluster.plugins.module_utils._iam.statements import statement_changes
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Cluster
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.departure_rows import aws_departure
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rows import Failure
from ansible_collections.flyte.multicluster.plugins.modules import flyte_cluster_credentials, flyte_ecl
from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import MODULES, ModuleFailed
from ansible_collections.flyte.multicluster.plugins.plugin_utils._backups import keep_backup
from ansible_collections.flyte.multicluster.plugins.plugin_utils._connections import (
    RETRY_FOR,
    admin_of,
    admin_options,
    aws_options,
    cluster_options,
    connected,
    observed_aws,
)
from ansible_collections.flyte.multicluster.plugins.plugin_utils._helm import helm_said, run_helm
from ansible_collections.flyte.multicluster.plugins.plugin_utils._own_workflows import SETTLE
from ansible_collections.flyte.multicluster.plugins.plugin_utils._steps import Work, control_plane_access, ended

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.client import Kube

_AGAIN = "Run playbooks/remove.yml again then: it goes on where it ended."
_NAMED = 5


def _removal(work: Work) -> dict[str, t.Any]:
    return t.cast("dict[str, t.Any]", work.plan["removal"])


def _host(work: Work) -> str:
    return work.known.site.control_plane.host


def remove_rows(work: Work) -> dict[str, t.Any]:
    """Delete the rows of execution cluster labels whose label is taken away: what they were for has the label above then."""
    rows = _removal(work)["rows"]
    if not rows:
        return ended([])
    arguments = {
        **admin_options(work.known.site, work.read),
        "labels": [{key: row[key] or None for key in ("project", "domain", "workflow")} for row in rows],
        "state": "absent",
        "backups": work.known.site.settings["flyte_backups"],
        "control_plane": control_plane_access(work),
        "retry_for": RETRY_FOR,
    }
    try:
        answer = work.action.here(flyte_ecl.OPERATION, arguments)
    except ModuleFailed as error:
        return ended([Failure(_host(work), "ecl", in_inventory_words(str(error)), _AGAIN)])
    return ended([], changed=answer["changed"], diff=answer["diff"])


def drain_cluster(work: Work) -> dict[str, t.Any]:
    """Wait for the executions of the cluster, or abort them."""
    removal, settings, host = _removal(work), work.known.site.settings, _host(work)
    if not removal["configured"]:
        # flyteadmin has no way to it any more.
        return ended([], lines=_left_lines(removal["name"], removal["executions"]))
    if work.action.check_mode:
        return ended([], changed=bool(removal["executions"]) and settings["flyte_remove_executions"] == "abort", lines=[])
    # A plane that does not answer ends nothing: what it has is left.
    timeout = 0 if _is_dead(work) else settings["flyte_remove_timeout"]
    aborts = settings["flyte_remove_executions"] == "abort" and not _is_dead(work)
    try:
        admin = admin_of(work.known.site, work.read, retry_for=RETRY_FOR)
        found = drain(
            admin,
            removal["name"],
            aborts=aborts,
            timeout=timeout,
            say=lambda line: _say(work, line),
            cause=f"the cluster {removal['name']} is being removed",
            first=unfinished(admin, removal["name"], settings["flyte_admin_url"]),
        )
    except AdminError as error:
        return ended([Failure(host, "drain", in_inventory_words(error.message), f"{in_inventory_words(error.hint)} {_AGAIN}".strip())])
    if found.left and not settings["flyte_remove_force"]:
        said = "".join(f"; {place}: {problem}" for place, problem in list(found.refused.items())[:1])
        problem = f"{described(found.left)} still on {removal['name']} after {timeout} s{said}"
        remedy = (
            f"The cluster is disabled, and nothing else was changed. {_AGAIN} flyte_remove_timeout waits longer, flyte_remove_executions: abort aborts them, "
            "flyte_remove_force: true leaves them."
        )
        return ended([Failure(host, "drain", problem, remedy)], changed=bool(found.aborted), left=found.left)
    return ended([], changed=bool(found.aborted), left=found.left, lines=_left_lines(removal["name"], found.left))


def _say(work: Work, line: str) -> None:
    work.action.say(line)
    PROGRESS.say(_removal(work)["host"] or _host(work), line)


def _is_dead(work: Work) -> bool:
    removal = _removal(work)
    return bool(removal["host"]) and not removal["reachable"]


def _left_lines(name: str, left: list[dict[str, t.Any]]) -> list[str]:
    """Return what is left of executions, for people: flyteadmin never hears of their end."""
    return [f"{described(left)} left on {name}: flyteadmin shows them so for ever, and cannot abort them without the cluster"] if left else []


def remove_keys(work: Work) -> dict[str, t.Any]:
    """Take the cluster's keys out of the control plane's Secret, once flyteadmin is configured without it."""
    removal, site, host = _removal(work), work.known.site, _host(work)
    if not removal["keys"]:
        return ended([])
    head = site.control_plane
    options = cluster_options(site, head, work.read)
    try:
        if not work.action.check_mode:
            kube = connected(site, head, work.read)
            live = flyteadmin_clusters(kube, head.namespace)
            if any(entry["name"] == removal["name"] for entry in live.get("clusterConfigs") or []):
                problem = f"flyteadmin's configuration has {removal['name']} again: without its keys flyteadmin would not start"
                return ended([Failure(host, "credentials", problem, f"Another run may have put it back. {_AGAIN}")])
        arguments = {"clusters": [{"name": removal["name"], "state": "absent"}], "namespace": head.namespace, **options, **work.many()}
        arguments["backups"] = site.settings["flyte_backups"]
        answer = work.action.here(flyte_cluster_credentials.OPERATION, arguments)
    except ModuleFailed as error:
        return ended([Failure(host, "credentials", str(error), _AGAIN)])
    except Exception as error:  # pylint: disable=broad-except  # whatever the control plane answers is its failure
        return ended([_failed(host, "credentials", error)])
    return ended([], changed=answer["changed"], diff=answer["diff"])


def remove_plane(work: Work) -> dict[str, t.Any]:
    """Take away what is in the cluster itself: the token, the rights, the release, what its webhook registered, flytepropeller's secret."""
    removal = _removal(work)
    if not removal["reachable"] or not removal["cluster"]:
        return ended([])
    cluster = Cluster(**removal["cluster"])
    check = work.action.check_mode
    done: list[str] = []
    try:
        kube = connected(work.known.site, cluster, work.read)
        done += [f"Secret {name}" for name in removal["tokens"] if delete_secret(kube, cluster.namespace, name, check_mode=check)]
        done += remove_all(kube, cluster.namespace, check_mode=check)
        if find_release(kube, cluster.namespace, cluster.release) is not None:
            held = None if check else _held(work, kube, cluster)
            if held:
                return ended([held], changed=bool(done))
            if not check:
                run_helm(work.action, work.known.site, cluster, {"release_state": "absent"})
            done.append(f"release {cluster.release}")
        done += delete_webhooks(kube, cluster.namespace, check_mode=check)
        done += ["Secret flyte-secret-auth"] if delete_identity(kube, cluster.namespace, check_mode=check) else []
    except ModuleFailed as error:
        return ended([Failure(cluster.host, "dataplane", f"Helm: {helm_said(error)}", _AGAIN)], changed=bool(done))
    except Exception as error:  # pylint: disable=broad-except  # whatever it answers is this cluster's failure
        return ended([_failed(cluster.host, "dataplane", error)], changed=bool(done))
    return ended([], changed=bool(done), done=done)


def _failed(host: str, step: str, error: Exception) -> Failure:
    why = failure_of(error)
    return Failure(host, step, why["message"], f"{why['hint']} {_AGAIN}")


def _held(work: Work, kube: Kube, cluster: Cluster) -> Failure | None:
    """Return what holds the release, after a while: its CRD takes all FlyteWorkflows along."""
    held = held_workflows(kube, seconds=SETTLE)
    if not held or work.known.site.settings["flyte_remove_force"]:
        return None
    problem = f"not uninstalled: flytepropeller has not ended {len(held)} FlyteWorkflow(s) of this cluster: {first(held, _NAMED)}"
    remedy = f"The CRD would hang on them. See why it does not (kubectl -n {cluster.namespace} logs deployment/flytepropeller), or delete them. {_AGAIN}"
    return Failure(cluster.host, "dataplane", problem, remedy)


# -- AWS


def remove_aws(work: Work) -> dict[str, t.Any]:
    """Take the cluster's accounts out of trust policies, its Pod Identity associations away, and its OIDC provider if it was made here."""
    host, aws = _host(work), _removal(work)["aws"]
    changed, failures, lines = False, list[t.Optional[Failure]](), list[str]()
    try:
        aws = aws if work.action.check_mode or not aws["roles"] else _aws_now(work)
        if aws["roles"]:
            keep_backup(work, "trust", {role["name"]: role["before"] for role in aws["roles"]})
        for name, arguments in _of_aws(aws, provider=work.known.site.settings["flyte_remove_oidc_provider"]):
            answer = work.action.module(name, {**aws_options(work.known.site, work.read), **arguments})
            changed = changed or bool(answer.get("changed"))
    except ModuleFailed as error:
        if FOREIGN in str(error):  # that of the provider, after which nothing comes
            lines.append(f"{host}: stays: {error}")
        else:
            failures.append(Failure(host, "iam", str(error), f"See what AWS says. {_AGAIN}"))
    diff = {side: "".join(f"{role['name']}: {role[key]}\n" for role in aws["roles"]) for side, key in (("before", "before"), ("after", "trust"))}
    return ended(failures, changed=changed, lines=lines, **({"diff": diff} if aws["roles"] else {}))


def _aws_now(work: Work) -> dict[str, t.Any]:
    """Return what goes in AWS, of trust policies as they are now: executions may have been waited for for an hour since this run read them.

    :raises ModuleFailed: AWS cannot be asked, or something else would go than was planned.
    """
    removal, site, known = _removal(work), work.known.site, work.known.aws or {}
    planned = {role["name"]: statement_changes(role["before"], role["trust"]) for role in removal["aws"]["roles"]}
    seen = observed_aws(work.action, {**aws_options(site, work.read), "eks_clusters": [], "roles": role_names(site)})
    now = aws_departure(site, {**known, **{key: seen[key] for key in ("roles", "oidc_providers")}}, Cluster(**removal["cluster"]))
    others = [role["name"] for role in now["roles"] if statement_changes(role["before"], role["trust"]) != planned.get(role["name"])]
    if others:
        said = f"what {first(others, _NAMED)} trusts of {removal['name']} was changed since this run looked at it"
        raise ModuleFailed({"failed": True, "msg": said})
    return now


def _of_aws(aws: Mapping[str, t.Any], *, provider: bool) -> Iterator[tuple[str, dict[str, t.Any]]]:
    """Yield the modules that take away what AWS has of the cluster, with their arguments: its provider after what trusts it."""
    for role in aws["roles"]:
        yield (
            "amazon.aws.iam_role",
            {"name": role["name"], "assume_role_policy_document": role["trust"], "purge_policies": False, "create_instance_profile": False},
        )
    if aws["associations"]:
        yield MODULES + "flyte_pod_identity", {"associations": aws["associations"], "state": "absent"}
    if aws["provider"] and provider:
        yield MODULES + "flyte_oidc_provider", {"issuers": [aws["provider"]], "state": "absent"}


def remove_namespaces(work: Work) -> dict[str, t.Any]:
    """Delete the namespaces of projects, where the user wants it."""
    removal = _removal(work)
    if not removal["namespaces"] or not removal["cluster"]:
        return ended([])
    cluster = Cluster(**removal["cluster"])
    try:
        kube = connected(work.known.site, cluster, work.read)
        found = delete_namespaces(kube, removal["namespaces"], check_mode=work.action.check_mode)
    except Exception as error:  # pylint: disable=broad-except  # whatever it answers is this cluster's failure
        return ended([_failed(cluster.host, "namespaces", error)])
    return ended([], changed=bool(found), done=found)
