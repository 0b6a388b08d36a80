#!/usr/bin/python
# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: flyte_ecl
short_description: Set and remove execution cluster labels in flyteadmin
version_added: 0.1.0
author:
  - flyte.multicluster contributors (@flyteorg)
description:
  - Sets and removes execution cluster labels of projects, project-domains and workflows, one of them or a whole list.
  - One request reads the raw rows of all levels; only what differs is written, side by side.
  - flyteadmin accepts any label and any name of a workflow, and runs a workflow whose label is unknown on any enabled
    cluster, silently. Give O(known_labels).
options:
  project:
    description: Project of a single row.
    type: str
  domain:
    description: Domain of a single row. Left out, the row is the project's.
    type: str
  workflow:
    description: Workflow of a single row. Left out, the row is the project-domain's or the project's.
    type: str
  label:
    description: Label of a single row. Required with O(state=present).
    type: str
  labels:
    description: Many rows, instead of O(project).
    type: list
    elements: dict
    suboptions:
      project:
        description: The project.
        type: str
        required: true
      domain:
        description: The domain.
        type: str
      workflow:
        description: The workflow.
        type: str
      label:
        description: The label. Required with O(state=present).
        type: str
  state:
    description:
      - Whether the rows are set or removed.
      - flyteadmin deletes every row below a project-domain or a project along with it. Those are written again, with the
        values that they had; see O(journal).
    type: str
    choices: [present, absent]
    default: present
  purge:
    description: Projects in which every row that is not given is removed. Only with O(state=present).
    type: list
    elements: str
    default: []
  known_labels:
    description:
      - Labels of labelClusterMap. A row with any other label is refused before anything is written.
      - Left out, they are read from flyteadmin's own configuration where O(control_plane) is given; a label whose clusters are all
        disabled is refused then too.
    type: list
    elements: str
  concurrency:
    description: How many rows are written at the same time.
    type: int
    default: 8
  journal:
    description:
      - Folder of this machine for the rows that a delete takes along, from before the delete until they are written again. A
        later run with the same folder and O(url) writes what a killed run left there.
      - With O(control_plane) they are kept in the ConfigMap C(flyte-multicluster-ecl-journal) beside flyteadmin instead, where a
        later run on any machine finds them. A ConfigMap holds about 9,000 rows.
    type: path
    default: ~/.local/state/flyte-multicluster
  journal_rows:
    description:
      - The rows that the journal is known to hold, from M(flyte.multicluster.flyte_cluster_info)'s RV(ignore:clusters.*.hub.journal).
        Left out, it is read.
    type: list
    elements: dict
    suboptions:
      project:
        description: The project.
        type: str
        required: true
      domain:
        description: The domain.
        type: str
      workflow:
        description: The workflow.
        type: str
      label:
        description: The label.
        type: str
        required: true
  gather:
    description: Whether RV(rows) and RV(project_domains) are returned too, as the role verify needs them.
    type: bool
    default: false
notes:
  - A row that somebody else sets below a project or project-domain between this module's reading and its delete is lost
    with the delete, since flyteadmin has no condition for it.
extends_documentation_fragment:
  - flyte.multicluster.flyteadmin
  - flyte.multicluster.control_plane
  - flyte.multicluster.attributes
  - flyte.multicluster.attributes.action_group
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: flyte.multicluster.flyte_ecl_info
  - module: flyte.multicluster.flyte_canary
"""

EXAMPLES = r"""
- name: Run production of team1 on the clusters of label2
  flyte.multicluster.flyte_ecl:
    url: https://flyte.example.com
    project: team1
    domain: production
    label: label2
    known_labels: [label1, label2]

- name: The same, with the labels that flyteadmin itself knows as the guard
  flyte.multicluster.flyte_ecl:
    url: https://flyte.example.com
    project: team1
    domain: production
    label: label2
    control_plane:
      context: controlplane

- name: Set all labels of team1, and remove those that are not given
  flyte.multicluster.flyte_ecl:
    url: https://flyte.example.com
    client_id: flyte-automation
    client_secret_file: /run/secrets/flyte
    purge: [team1]
    labels:
      - {project: team1, domain: development, label: label1}
      - {project: team1, domain: production, label: label2}
      - {project: team1, domain: development, workflow: example.training_workflow, label: label2}

- name: Remove the label of a workflow
  flyte.multicluster.flyte_ecl:
    url: https://flyte.example.com
    project: team1
    domain: development
    workflow: example.training_workflow
    state: absent
"""

RETURN = r"""
before:
  description: The rows that differ, as they were; RV(ignore:label) is null for one that was not there.
  returned: success
  type: list
  elements: dict
  sample: [{project: team1, domain: production, workflow: "", label: label1}]
after:
  description: The same rows as they are now, or would be in check mode.
  returned: success
  type: list
  elements: dict
  sample: [{project: team1, domain: production, workflow: "", label: label2}]
restored:
  description: Rows that flyteadmin deleted along with others and that were written again, also those of a killed run.
  returned: success
  type: list
  elements: dict
  sample: [{project: team1, domain: production, workflow: example.wf, label: label2}]
journal:
  description: Where rows are kept between the delete of the row above them and their restoration.
  returned: success
  type: str
  sample: ConfigMap flyte/flyte-multicluster-ecl-journal of the control plane
msg:
  description: Which rows were restored.
  returned: when RV(restored) is not empty
  type: str
  sample: "Rows that flyteadmin deletes along with the one above them are written again: team1/production/example.wf."
project_domains:
  description: Every domain of every active project.
  returned: with O(gather)
  type: list
  elements: dict
  sample: [{project: team1, domain: production}]
rows:
  description: All rows of flyteadmin afterwards, or as they would be in check mode.
  returned: with O(gather)
  type: list
  elements: dict
  sample: [{project: team1, domain: production, workflow: "", label: label2}]
"""

import typing as t

from ansible_collections.flyte.multicluster.plugins.module_utils._labels import rows as _labels
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.client import Admin, AdminError, Settings
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.journal import ConfigMapJournal, FileJournal, Journal, JournalError
from ansible_collections.flyte.multicluster.plugins.module_utils._module import (
    admin_module,
    control_plane_argument_spec,
    control_plane_of,
    placement_of,
    run_admin_module,
)
from ansible_collections.flyte.multicluster.plugins.module_utils._common.text import nearest

if t.TYPE_CHECKING:
    from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.client import Kube


def _entries(params: dict[str, t.Any]) -> dict[_labels.Key, str | None]:
    given = params["labels"] if params["labels"] is not None else [params]
    rows: dict[_labels.Key, str | None] = {}
    for entry in given:
        key = (entry["project"], entry["domain"] or "", entry["workflow"] or "")
        place = _labels.describe(key)
        if not key[0]:
            raise AdminError("a row has no project.", hint="Name the project of each row.")
        if key[2] and not key[1]:
            raise AdminError(f"{place}: a workflow's label needs a domain.")
        if key in rows:
            raise AdminError(f"{place} is given twice.")
        if params["state"] == "present" and not entry["label"]:
            raise AdminError(f"{place}: label is required.")
        rows[key] = entry["label"]
    return rows


def _guard(rows: t.Mapping[_labels.Key, str | None], params: dict[str, t.Any]) -> None:
    """Refuse labels that labelClusterMap does not have, or that lead to no enabled cluster as far as that is known."""
    known = params["known_labels"]
    placement = placement_of(params) if known is None and params["state"] == "present" else None
    if placement is not None:
        known = list(placement.label_map)
    if known is None or params["state"] != "present":
        return
    wrong = [f"{_labels.describe(key)}: unknown label {label!r}.{nearest(label, known)}" for key, label in sorted(rows.items()) if label not in known]
    text = f"{'; '.join(wrong)} Known are: {', '.join(sorted(known)) or 'none'}." if wrong else ""
    if placement is not None:
        idle = [(key, label) for key, label in sorted(rows.items()) if label in known and not placement.shares(label)]
        text += "".join(f" {_labels.describe(key)}: label {label!r}: {placement.problem(t.cast(str, label))}." for key, label in idle)
    if text:
        raise AdminError(text.strip(), hint="Nothing was written: Flyte would run these workflows on any cluster, silently.")


def _unknown_places(admin: Admin, keys: t.Iterable[_labels.Key]) -> str:
    """Return which projects and domains flyteadmin does not have, nothing where it has all."""
    places = admin.project_domains()
    projects = sorted({project for project, _domain in places})
    wrong = []
    for project in sorted({key[0] for key in keys} - set(projects)):
        wrong.append(f"flyteadmin has no active project {project!r}.{nearest(project, projects)}")
    for project, domain in sorted({key[:2] for key in keys if key[1] and key[0] in projects} - set(places)):
        domains = [name for owner, name in places if owner == project]
        wrong.append(f"the project {project!r} has no domain {domain!r}.{nearest(domain, domains)}")
    return "; ".join(wrong)


def _failure(results: list[tuple[t.Any, t.Any, AdminError | None]], place: t.Callable[[t.Any], str], what: str) -> AdminError | None:
    """Return one error for all that failed, None where nothing did."""
    failed = [(item, error) for item, _result, error in results if error is not None]
    if not failed:
        return None
    item, error = failed[0]
    text = f"{len(failed)} of {len(results)} rows could not be {what}, the first is {place(item)}: {error.message}"
    return AdminError(text, status=error.status, code=error.code, hint=error.hint, result={"changed": True})


def _apply(admin: Admin, changes: list[_labels.Change], rescued: _labels.Rows, journal: Journal, left: bool) -> None:
    """Delete, then write. What a delete takes along is in the journal from before it until it is written again."""
    lost = _labels.lost_by(changes)
    if lost:
        journal.write({**rescued, **lost})
    deleted = admin.many(lambda change: admin.delete_label(change.key), _labels.deletes(changes))
    # Also after a delete that failed: others have taken rows along by then, and its answer alone may be what was lost.
    rows = {**lost, **{change.key: change.after for change in changes if change.after is not None}}
    written = admin.many(lambda row: admin.put_label(row[0], row[1]), sorted(rows.items()))
    missing = {row[0]: row[1] for row, _result, error in written if error is not None and row[0] in {**rescued, **lost}}
    if missing:
        journal.write(missing)
    elif lost or left:
        journal.clear()
    problem = _failure(deleted, lambda change: _labels.describe(change.key), "deleted") or _failure(written, lambda row: _labels.describe(row[0]), "written")
    if problem:
        if missing:
            problem.hint = f"{problem.hint} Rows that flyteadmin deleted along with others are kept in the {journal.place}; the next run writes them.".strip()
        raise problem


def _journal(params: dict[str, t.Any], settings: Settings) -> Journal:
    hub = params["control_plane"]
    if hub is None:
        return FileJournal(params["journal"], settings.url)
    return ConfigMapJournal(lambda: t.cast("tuple[Kube, str]", control_plane_of(params))[0], hub["namespace"])


def _known(rows: list[dict[str, t.Any]]) -> _labels.Rows:
    return {(row["project"], row["domain"] or "", row["workflow"] or ""): row["label"] for row in rows}


def run(params: dict[str, t.Any], check_mode: bool, settings: Settings, warn: t.Callable[[str], None]) -> dict[str, t.Any]:
    """Compare and write; return the module's result."""
    if params["concurrency"] < 1:
        raise AdminError(f"concurrency {params['concurrency']} is less than 1.")
    given = _entries(params)
    _guard(given, params)
    admin = Admin(settings, concurrency=params["concurrency"])
    journal = _journal(params, settings)
    saved = _known(params["journal_rows"]) if params["journal_rows"] is not None else journal.read()
    current = _labels.from_api(admin.label_rows())
    wanted: _labels.Rows = {}
    absent: list[_labels.Key] = []
    if params["state"] == "present":
        wanted = {key: t.cast(str, label) for key, label in given.items()}
    else:
        absent = list(given)
    # Rows that a killed run deleted and did not write again: this run wants them back, unless it says otherwise itself.
    rescued = {key: label for key, label in saved.items() if key not in current and key not in given and key[0] not in params["purge"]}
    changes = _labels.plan(current, {**rescued, **wanted}, absent, purge=params["purge"])
    new = [change.key for change in changes if change.after is not None and change.before is None and change.key not in rescued]
    unknown = _unknown_places(admin, new) if new else ""
    if unknown and not check_mode:
        raise AdminError(unknown, hint="Nothing was written. Create the project first (flytectl create project), or correct its name.")
    if unknown:
        warn(f"{unknown} Without it, these labels cannot be set.")  # a run of site.yml may create it before
    if not check_mode:
        _apply(admin, changes, rescued, journal, bool(saved))
    result = _result(changes, rescued, journal)
    if params["gather"]:
        result["rows"] = [_labels.as_dict(key, label) for key, label in sorted(_after(current, changes).items())]
        result["project_domains"] = [{"project": project, "domain": domain} for project, domain in admin.project_domains()]
    return result


def _after(current: _labels.Rows, changes: list[_labels.Change]) -> _labels.Rows:
    changed = {change.key: change.after for change in changes}
    return {key: label for key, label in {**current, **changed}.items() if label is not None}


def _result(changes: list[_labels.Change], rescued: _labels.Rows, journal: Journal) -> dict[str, t.Any]:
    restored = {**rescued, **_labels.lost_by(changes)}
    result = {
        "changed": bool(changes),
        "before": [_labels.as_dict(change.key, change.before) for change in changes],
        "after": [_labels.as_dict(change.key, change.after) for change in changes],
        "restored": [_labels.as_dict(key, label) for key, label in sorted(restored.items())],
        "journal": journal.place,
        "diff": {"before": _lines(changes, "before"), "after": _lines(changes, "after")},
    }
    if restored:
        places = ", ".join(_labels.describe(key) for key in sorted(restored))
        result["msg"] = f"Rows that flyteadmin deletes along with the one above them are written again: {places}."
    return result


def _lines(changes: list[_labels.Change], side: str) -> str:
    rows = [(change.key, getattr(change, side)) for change in changes]
    return "".join(f"{_labels.describe(key)}: {label}\n" for key, label in sorted(rows) if label is not None)


def main() -> None:
    """Run the module."""
    row = {"project": {"type": "str", "required": True}, "domain": {"type": "str"}, "workflow": {"type": "str"}, "label": {"type": "str"}}
    spec = {
        **control_plane_argument_spec(),
        "project": {"type": "str"},
        "domain": {"type": "str"},
        "workflow": {"type": "str"},
        "label": {"type": "str"},
        "labels": {"type": "list", "elements": "dict", "options": row},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "purge": {"type": "list", "elements": "str", "default": []},
        "known_labels": {"type": "list", "elements": "str"},
        "concurrency": {"type": "int", "default": 8},
        "journal": {"type": "path", "default": "~/.local/state/flyte-multicluster"},
        "journal_rows": {"type": "list", "elements": "dict", "options": {**row, "label": {"type": "str", "required": True}}},
        "gather": {"type": "bool", "default": False},
    }
    module = admin_module(spec, mutually_exclusive=[("project", "labels")], required_one_of=[("project", "labels")])
    run_admin_module(module, lambda settings: run(module.params, module.check_mode, settings, module.warn), JournalError)


if __name__ == "__main__":
    main()
