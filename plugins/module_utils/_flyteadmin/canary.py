# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Workflows that are launched to prove clusters: the user's in every labelled project-domain, and our own on every cluster."""

from __future__ import annotations

import dataclasses
import time
import typing as t

from .._labels.rows import from_api
from .answers import Json
from .client import Admin
from .errors import AdminError
from .executions import TERMINAL, Launch, abort, launch_plan, request, row, start, wait, workflow_of
from .hints import CANARY_PLACE
from .listing import chosen_places
from .own_canary import guard, launches, register, registered

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .._labels.placement import Effective, Placement
    from .._labels.rows import Key
    from .settings import Settings

#: how canaries are told from other executions
LABELS = {"flyte.multicluster/canary": "true"}
#: phases of which flytepropeller sent nothing yet
_NOT_STARTED = (None, "UNDEFINED", "QUEUED")


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
    if found["phase"] in _NOT_STARTED:
        return f"never started on {found['cluster']}: flyteadmin got no event of it"
    if found["phase"] not in TERMINAL:
        return f"did not end in time on {found['cluster']}: {found['phase']}"
    return f"{found['phase']}: {found['error']}" if found["error"] else f"did not succeed: {found['phase']}"


class _Canary:
    """One canary: its launch, and what became of it."""

    def __init__(self, probe: Probe) -> None:
        self.probe = probe
        self.body: dict[str, t.Any] = {}
        self.problem: str | None = None
        self.found: dict[str, t.Any] = {}

    @property
    def place(self) -> str:
        """Where it is launched, for people."""
        own = self.probe.expected.level == "execution"
        return f"{self.probe.launch.place} on {' or '.join(self.probe.expected.clusters)}" if own else self.probe.launch.place

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


def _own(admin: Admin, params: dict[str, t.Any], placement: Placement, *, check_mode: bool) -> list[_Canary]:
    """Return the canaries of our own, registered where they were not, with the requests that launch them."""
    found = [_Canary(Probe(launch, expected)) for launch, expected in launches(params["own"], LABELS)]
    project, domain = params["own"]["project"], params["own"]["domain"]
    if (project, domain) not in admin.project_domains():
        raise AdminError(f"flyteadmin has no project-domain {project}/{domain} to register the canary in.", hint=CANARY_PLACE)
    plan = registered(admin, project, domain) if check_mode else register(admin, project, domain)
    for canary in found:
        canary.problem = guard(canary.probe.expected, placement)
        # In check mode it may not be registered yet.
        canary.body = request(canary.probe.launch, plan) if plan and canary.problem is None else {}
    return found


def run(params: dict[str, t.Any], settings: Settings, *, check_mode: bool, placement: Placement | None) -> dict[str, t.Any]:
    """Launch all, wait for all; return the module's result."""
    if placement is None:
        raise AdminError("Nothing says where a label leads.", hint="Set control_plane, or label_cluster_map with enabled_clusters.")
    admin = Admin(settings, concurrency=params["concurrency"])
    prepared = _prepared(admin, params, placement) if params["launch_plan"] else []
    prepared += _own(admin, params, placement, check_mode=check_mode) if params["own"] else []
    ready = [canary for canary in prepared if canary.problem is None]
    if not check_mode:
        _launch(admin, ready, params, params["console_url"] or settings.url)
    result = {"changed": bool(ready), "canaries": [canary.as_dict() for canary in prepared]}
    wrong = [f"{canary.place}: {canary.problem}" for canary in prepared if canary.problem]
    if wrong:
        raise AdminError(f"{len(wrong)} of {len(prepared)} canaries: {'; '.join(wrong)}", hint="Mend what each of them says, then run again.", result=result)
    return result


def _launch(admin: Admin, ready: Sequence[_Canary], params: dict[str, t.Any], console: str) -> None:
    """Launch the canaries, wait for all, and note what became of each."""
    for canary, _done, error in admin.many(lambda canary: start(admin, canary.body), ready):
        canary.problem = None if error is None else f"not launched: {error}"
    ended = time.monotonic() + params["wait_timeout"]
    launched = [canary for canary in ready if canary.problem is None]

    def watch(canary: _Canary) -> None:
        _watch(admin, canary, ended, console, params)

    # All have one end: those that are looked at after it are looked at once.
    for canary, _done, error in admin.many(watch, launched):
        canary.problem = canary.problem if error is None else f"its state cannot be read: {error}"


def _watch(admin: Admin, canary: _Canary, ended: float, console: str, params: dict[str, t.Any]) -> None:
    place = (canary.probe.launch.project, canary.probe.launch.domain, canary.body["name"])
    _judge(canary, wait(admin, *place, timeout=max(0.0, ended - time.monotonic())), console, params)
    if canary.found["phase"] in TERMINAL or not params["abort_on_timeout"]:
        return
    try:
        aborted = abort(admin, *place, cause="the canary did not end in time (flyte.multicluster)")
    except AdminError as error:
        canary.problem = f"{canary.problem}; it runs on, since it cannot be aborted: {error}"
        return
    if not aborted:
        # It ended between the last look and this: how it did is what counts.
        _judge(canary, wait(admin, *place, timeout=0.0), console, params)


def _judge(canary: _Canary, execution: Json, console: str, params: dict[str, t.Any]) -> None:
    """Note what an execution came to, with what kept it from ending well."""
    canary.found = row(execution, console)
    canary.problem = verdict(canary.probe, canary.found)
    if canary.problem:
        why = _obstacles(canary, params["planes"], params["timeout"])
        canary.problem += f": {why}" if why else ""


def _obstacles(canary: _Canary, planes: Sequence[Mapping[str, t.Any]], timeout: float) -> str:
    """Return what stands in a canary's way, by what its data plane says: of the cluster that it is on, or was to be on."""
    expected = list(canary.probe.expected.clusters)
    cluster = canary.found["cluster"] or (expected[0] if len(expected) == 1 else None)
    plane = next((plane for plane in planes if plane["name"] == cluster), None)
    # One that ran, and ended, was kept from nothing.
    if plane is None or not canary.found["namespace"] or (canary.found["cluster"] and canary.found["phase"] in TERMINAL):
        return ""
    from .._clusters.obstacles import obstacles

    return obstacles(plane, canary.found["namespace"], canary.found["name"], timeout=timeout)
