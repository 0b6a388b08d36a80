# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A workflow that is launched in every labelled project-domain, to prove the cluster."""

from __future__ import annotations

import dataclasses
import time
import typing as t

from .._labels.rows import from_api
from .client import Admin
from .errors import AdminError
from .executions import TERMINAL, Launch, abort, launch_plan, request, row, start, wait, workflow_of
from .listing import chosen_places

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .._labels.placement import Effective, Placement
    from .._labels.rows import Key
    from .settings import Settings

#: how canaries are told from other executions
LABELS = {"flyte.multicluster/canary": "true"}


@dataclasses.dataclass(frozen=True)
class Probe:
    """One launch of the canary and the clusters that its label leads to."""

    launch: Launch
    expected: Effective


def canaries(
    rows: Mapping[Key, str], places: Sequence[tuple[str, str]], placement: Placement, template: Launch, workflows: Mapping[tuple[str, str], str]
) -> list[Probe]:
    """Return what to launch: one execution in each project-domain for which a label holds.

    :param workflows: the workflow of the launch plan in each project-domain; its own label, if it has one, counts first.
    """
    found = []
    for project, domain in places:
        expected = placement.effective(rows, (project, domain, workflows.get((project, domain), "")))
        if expected.label is not None:
            found.append(Probe(dataclasses.replace(template, project=project, domain=domain), expected))
    return found


def verdict(probe: Probe, found: Mapping[str, t.Any]) -> str | None:
    """Return what is wrong with where, or how, a canary ran; None where nothing is."""
    expected = sorted(probe.expected.clusters)
    if not expected:
        return f"label {probe.expected.label!r} leads to no enabled cluster: it ran on {found['cluster'] or 'none'}"
    if not found["cluster"]:
        return f"was placed on no cluster: {found['error'] or found['phase']}"
    if found["cluster"] not in expected:
        return f"ran on {found['cluster']}, not on {' or '.join(expected)}"
    if found["phase"] == "SUCCEEDED":
        return None
    return f"{found['phase']}: {found['error']}" if found["error"] else f"did not succeed: {found['phase']}"


class _Canary:
    """One canary: its launch, and what became of it."""

    def __init__(self, probe: Probe) -> None:
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


def _prepared(admin: Admin, params: dict[str, t.Any], placement: Placement) -> list[_Canary]:
    """Return the canaries with the requests that launch them, or with what keeps them from being launched."""
    rows = from_api(admin.label_rows())
    template = Launch("", "", params["launch_plan"], params["version"], params["inputs"], LABELS)
    labelled = canaries(rows, chosen_places(admin, params["projects"]), placement, template, {})
    plans = {probe.launch.place: (plan, error) for probe, plan, error in admin.many(lambda probe: launch_plan(admin, probe.launch), labelled)}
    places = [(probe.launch.project, probe.launch.domain) for probe in labelled]
    # The workflow's own label counts first, and its name is known only now.
    registered = [(place, plans["/".join(place)][0]) for place in places]
    workflows = {place: workflow_of(plan) for place, plan in registered if plan}
    found = [_Canary(probe) for probe in canaries(rows, places, placement, template, workflows)]
    for canary in found:
        plan, error = plans[canary.probe.launch.place]
        try:
            if error is not None:
                raise error
            canary.body = request(canary.probe.launch, plan)
        except AdminError as problem:
            canary.problem = str(problem)
    return found


def run(params: dict[str, t.Any], settings: Settings, *, check_mode: bool, placement: Placement | None) -> dict[str, t.Any]:
    """Launch all, wait for all; return the module's result."""
    if placement is None:
        raise AdminError("Nothing says where a label leads.", hint="Set control_plane, or label_cluster_map with enabled_clusters.")
    admin = Admin(settings, concurrency=params["concurrency"])
    prepared = _prepared(admin, params, placement)
    ready = [canary for canary in prepared if canary.problem is None]
    if not check_mode:
        _launch(admin, ready, params, params["console_url"] or settings.url)
    result = {"changed": bool(ready), "canaries": [canary.as_dict() for canary in prepared]}
    wrong = [f"{canary.probe.launch.place}: {canary.problem}" for canary in prepared if canary.problem]
    if wrong:
        raise AdminError(f"{len(wrong)} of {len(prepared)} project-domains: {'; '.join(wrong)}", result=result)
    return result


def _launch(admin: Admin, ready: Sequence[_Canary], params: dict[str, t.Any], console: str) -> None:
    """Launch the canaries, wait for all, and note what became of each."""
    for canary, _done, error in admin.many(lambda canary: start(admin, canary.body), ready):
        canary.problem = None if error is None else f"not launched: {error}"
    ended = time.monotonic() + params["wait_timeout"]

    def watch(canary: _Canary) -> None:
        _watch(admin, canary, ended, console, params["abort_on_timeout"])

    for canary, _done, error in admin.many(watch, [canary for canary in ready if canary.problem is None]):
        canary.problem = canary.problem if error is None else f"its state cannot be read: {error}"


def _watch(admin: Admin, canary: _Canary, ended: float, console: str, aborts: bool) -> None:
    place = (canary.probe.launch.project, canary.probe.launch.domain, canary.body["name"])
    execution = wait(admin, *place, timeout=max(0.0, ended - time.monotonic()))
    canary.found = row(execution, console)
    canary.problem = verdict(canary.probe, canary.found)
    if aborts and canary.found["phase"] not in TERMINAL:
        abort(admin, *place, cause="the canary did not end in time (flyte.multicluster)")
