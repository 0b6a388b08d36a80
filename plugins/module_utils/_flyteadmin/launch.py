# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Launches an execution, and waits for it."""

from __future__ import annotations

import typing as t

from .._common.text import nearest
from .client import Admin
from .errors import AdminError
from .executions import TERMINAL, Launch, abort, launch_plan, read, request, row, same_plan, start, wait

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from .._labels.placement import Placement
    from .settings import Settings


def _guard(params: dict[str, t.Any], placement_of: Callable[[], Placement | None]) -> None:
    """Refuse a label that labelClusterMap does not have: the execution would run anywhere."""
    label, known = params["execution_cluster_label"], params["known_labels"]
    if not label:
        return
    placement = placement_of() if known is None else None
    if placement is not None and placement.problem(label):
        known = sorted(placement.label_map)
        raise AdminError(
            f"execution_cluster_label {label!r}: {placement.problem(label)}.{nearest(label, known)} Known are: {', '.join(known) or 'none'}.",
            hint="Nothing was launched: it would run on any cluster, silently.",
        )
    if known is not None and label not in known:
        raise AdminError(
            f"execution_cluster_label {label!r} is unknown.{nearest(label, known)} Known are: {', '.join(sorted(known)) or 'none'}.",
            hint="Nothing was launched: it would run on any cluster, silently.",
        )


def _check(found: dict[str, t.Any], params: dict[str, t.Any], result: dict[str, t.Any]) -> None:
    """Fail where an execution is not where, or not what, it has to be."""
    expected = params["expect_cluster"]
    place = f"{found['project']}/{found['domain']}/{found['name']}"
    if expected is not None and found["cluster"] not in expected:
        where = f"ran on {found['cluster']}" if found["cluster"] else f"was placed on no cluster: {found['error'] or found['phase']}"
        hint = "Check the labels with flyte_ecl_info."
        if found["cluster"] and found["phase"] not in TERMINAL:
            hint += " It still runs there: abort it if it must not."
        raise AdminError(f"{place} {where}, not on {' or '.join(expected) or 'none'}.", hint=hint, result=result)
    if found["phase"] in ("FAILED", "ABORTED", "TIMED_OUT"):
        where = f" on {found['cluster']}" if found["cluster"] else ""
        raise AdminError(f"{place} {found['phase']}{where}: {found['error']}", hint=found["url"], result=result)


def run(params: dict[str, t.Any], settings: Settings, *, check_mode: bool, placement_of: Callable[[], Placement | None]) -> dict[str, t.Any]:
    """Launch and wait; return the module's result.

    :param placement_of: reads what flyteadmin's configuration makes of a label, where one is given and ``known_labels`` are not.
    """
    _guard(params, placement_of)
    admin = Admin(settings)
    launch = Launch(
        project=params["project"],
        domain=params["domain"],
        launch_plan=params["launch_plan"],
        version=params["version"],
        inputs=params["inputs"],
        labels=params["labels"],
        cluster_label=params["execution_cluster_label"],
        name=params["name"],
    )
    body = request(launch, launch_plan(admin, launch))
    version = body["spec"]["launch_plan"]["version"]
    place = (launch.project, launch.domain, body["name"])
    present = read(admin, *place) if launch.name else None
    if check_mode:
        return {"changed": present is None, "version": version}
    if present is None and not start(admin, body):
        present = read(admin, *place)
    if launch.name and present is not None and not same_plan(present, body):
        raise AdminError(f"an execution {'/'.join(place)} of another launch plan is there already.", hint="Choose another name.")
    result: dict[str, t.Any] = {"changed": not (launch.name and present), "version": version}
    console = params["console_url"] or settings.url
    found = row(wait(admin, *place, timeout=min(params["wait_timeout"], settings.timeout), placed_only=True), console)
    result["execution"] = found
    _check(found, params, result)
    if params["wait"]:
        found = row(wait(admin, *place, timeout=params["wait_timeout"]), console)
        result["execution"] = found
        _check(found, params, result)
        if found["phase"] not in TERMINAL:
            _end(admin, result, params, console)
    return result


def _end(admin: Admin, result: dict[str, t.Any], params: dict[str, t.Any], console: str) -> None:
    """Abort, by choice, an execution that did not end in time, and fail; but where it ended since it was looked at, how it did counts."""
    found = result["execution"]
    place = (found["project"], found["domain"], found["name"])
    text = f"{'/'.join(place)} on {found['cluster']} did not end within {params['wait_timeout']:g} s: {found['phase']}"
    hint = f"It still runs: {found['url']}"
    if params["abort_on_timeout"]:
        if not abort(admin, *place, cause=f"did not end within {params['wait_timeout']:g} s (flyte.multicluster)"):
            result["execution"] = row(wait(admin, *place, timeout=0.0), console)
            _check(result["execution"], params, result)
            if result["execution"]["phase"] in TERMINAL:
                return
            raise AdminError(text, hint=f"flyteadmin says that it has ended, so that it cannot be aborted: look at it, {found['url']}", result=result)
        hint = f"It was aborted: {found['url']}"
    raise AdminError(text, hint=hint, result=result)
