# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A workflow that is launched in every labelled project-domain, to prove the cluster."""

from __future__ import annotations

import time
import typing as t

from . import executions as _executions
from .._labels import rows as _labels
from .._labels.placement import Placement
from .client import Admin, AdminError, Settings
from .._module import placement_of
from .._common.text import nearest

#: how canaries are told from other executions
LABELS = {"flyte.multicluster/canary": "true"}


def _places(admin: Admin, projects: list[str] | None) -> list[tuple[str, str]]:
    places = admin.project_domains()
    known = sorted({project for project, _domain in places})
    for name in projects or []:
        if name not in known:
            raise AdminError(f"projects: flyteadmin has no {name!r}, it has {', '.join(known)}.{nearest(name, known)}")
    return [place for place in places if projects is None or place[0] in projects]


class _Canary:
    """One canary: its launch, and what became of it."""

    def __init__(self, probe: _executions.Probe) -> None:
        self.probe = probe
        self.body: dict[str, t.Any] = {}
        self.problem: str | None = None
        self.found: dict[str, t.Any] = {}

    def as_dict(self) -> dict[str, t.Any]:
        """Return what the module returns of it."""
        expected = self.probe.expected
        return {
            "project": self.probe.launch.project,
            "domain": self.probe.launch.domain,
            "label": expected.label,
            "level": expected.level,
            "expected": sorted(expected.clusters),
            **{key: self.found.get(key) for key in ("cluster", "phase", "name", "url")},
            "problem": self.problem,
        }


def _prepared(admin: Admin, settings: Settings, params: dict[str, t.Any]) -> list[_Canary]:
    """Return the canaries with the requests that launch them, or with what keeps them from being launched."""
    placement = t.cast(Placement, placement_of(params))
    rows = _labels.from_api(admin.label_rows())
    template = _executions.Launch("", "", params["launch_plan"], params["version"], params["inputs"], LABELS)
    labelled = _executions.canaries(rows, _places(admin, params["projects"]), placement, template, {})
    plans = {probe.launch.place: (plan, error) for probe, plan, error in admin.many(lambda probe: _executions.launch_plan(admin, probe.launch), labelled)}
    # The workflow's own label counts first, and its name is known only now.
    workflows = {
        (probe.launch.project, probe.launch.domain): plans[probe.launch.place][0]["spec"]["workflow_id"]["name"]
        for probe in labelled
        if plans[probe.launch.place][0]
    }
    places = [(probe.launch.project, probe.launch.domain) for probe in labelled]
    found = [_Canary(probe) for probe in _executions.canaries(rows, places, placement, template, workflows)]
    for canary in found:
        plan, error = plans[canary.probe.launch.place]
        try:
            if error is not None:
                raise error
            canary.body = _executions.request(canary.probe.launch, plan)
        except AdminError as problem:
            canary.problem = str(problem)
    return found


def run(params: dict[str, t.Any], check_mode: bool, settings: Settings) -> dict[str, t.Any]:
    """Launch all, wait for all; return the module's result."""
    if params["concurrency"] < 1:
        raise AdminError(f"concurrency {params['concurrency']} is less than 1.")
    admin = Admin(settings, concurrency=params["concurrency"])
    canaries = _prepared(admin, settings, params)
    ready = [canary for canary in canaries if canary.problem is None]
    if not check_mode:
        for canary, _done, error in admin.many(lambda canary: _executions.start(admin, canary.body), ready):
            canary.problem = None if error is None else f"not launched: {error}"
        ended = time.monotonic() + params["wait_timeout"]

        def watch(canary: _Canary) -> None:
            _watch(admin, canary, ended, params["console_url"] or settings.url, params["abort_on_timeout"])

        for canary, _done, error in admin.many(watch, [canary for canary in ready if canary.problem is None]):
            canary.problem = canary.problem if error is None else f"its state cannot be read: {error}"
    result = {"changed": bool(ready), "canaries": [canary.as_dict() for canary in canaries]}
    wrong = [f"{canary.probe.launch.place}: {canary.problem}" for canary in canaries if canary.problem]
    if wrong:
        raise AdminError(f"{len(wrong)} of {len(canaries)} project-domains: {'; '.join(wrong)}", hint="", result=result)
    return result


def _watch(admin: Admin, canary: _Canary, ended: float, console: str, abort: bool) -> None:
    place = (canary.probe.launch.project, canary.probe.launch.domain, canary.body["name"])
    execution = _executions.wait(admin, *place, timeout=max(0.0, ended - time.monotonic()))
    canary.found = _executions.row(execution, console)
    canary.problem = _executions.verdict(canary.probe, canary.found)
    if abort and canary.found["phase"] not in _executions.TERMINAL:
        _executions.abort(admin, *place, cause="the canary did not end in time (flyte.multicluster)")
