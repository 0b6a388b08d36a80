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
    type: list
    elements: str
  concurrency:
    description: How many rows are written at the same time.
    type: int
    default: 8
  journal:
    description:
      - Folder for the rows that a delete takes along, from before the delete until they are written again. A later run with
        the same folder and O(url) writes what a killed run left there.
    type: path
    default: ~/.local/state/flyte-multicluster
extends_documentation_fragment:
  - flyte.multicluster.flyteadmin
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
"""

EXAMPLES = r"""
- name: Run production of team1 on the clusters of label2
  flyte.multicluster.flyte_ecl:
    url: https://flyte.example.com
    project: team1
    domain: production
    label: label2
    known_labels: [label1, label2]

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
rows:
  description: All rows of flyteadmin afterwards.
  returned: success
  type: list
  elements: dict
  sample: [{project: team1, domain: production, workflow: "", label: label2}]
"""

import hashlib
import json
import os
import pathlib
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.flyte.multicluster.plugins.module_utils import _labels
from ansible_collections.flyte.multicluster.plugins.module_utils._admin import (
    ADMIN_MUTUALLY_EXCLUSIVE,
    ADMIN_REQUIRED_TOGETHER,
    Admin,
    AdminError,
    Settings,
)
from ansible_collections.flyte.multicluster.plugins.module_utils._module import admin_argument_spec, run_admin_module
from ansible_collections.flyte.multicluster.plugins.module_utils._site import nearest


class Journal:
    """The rows that a delete takes along, in a file from before the delete until they are written again."""

    def __init__(self, folder: str, url: str) -> None:
        self.path = pathlib.Path(folder) / f"ecl-{hashlib.sha256(url.encode()).hexdigest()[:12]}.json"

    def read(self) -> _labels.Rows:
        """Return the rows that a killed run left."""
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise AdminError(f"the journal {self.path} cannot be read: {error}.", hint="It holds rows to restore: mend it or move it away.") from error
        return {(row["project"], row["domain"], row["workflow"]): row["label"] for row in content["rows"]}

    def write(self, rows: t.Mapping[_labels.Key, str]) -> None:
        """Save rows so that they are on the disk when this returns."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            scratch = self.path.with_suffix(f".{os.getpid()}")
            with open(scratch, "w", encoding="utf-8") as file:
                json.dump({"rows": [_labels.as_dict(key, label) for key, label in sorted(rows.items())]}, file)
                file.flush()
                os.fsync(file.fileno())
            scratch.replace(self.path)
        except OSError as error:
            raise AdminError(f"the journal {self.path} cannot be written: {error}.", hint="Nothing was deleted. Set journal to a folder.") from error

    def clear(self) -> None:
        """Forget the rows: they are written again."""
        self.path.unlink(missing_ok=True)


def _entries(params: dict[str, t.Any]) -> dict[_labels.Key, str | None]:
    given = params["labels"] if params["labels"] is not None else [params]
    rows: dict[_labels.Key, str | None] = {}
    for entry in given:
        key = (entry["project"], entry["domain"] or "", entry["workflow"] or "")
        place = _labels.describe(key)
        if key[2] and not key[1]:
            raise AdminError(f"{place}: a workflow's label needs a domain.")
        if key in rows:
            raise AdminError(f"{place} is given twice.")
        if params["state"] == "present" and not entry["label"]:
            raise AdminError(f"{place}: label is required.")
        rows[key] = entry["label"]
    return rows


def _guard(rows: t.Mapping[_labels.Key, str | None], known: list[str] | None) -> None:
    """Refuse labels that labelClusterMap does not have."""
    if known is None:
        return
    wrong = [(key, label) for key, label in sorted(rows.items()) if label and label not in known]
    if wrong:
        text = "; ".join(f"{_labels.describe(key)}: unknown label {label!r}.{nearest(label, known)}" for key, label in wrong)
        raise AdminError(
            f"{text} Known are: {', '.join(sorted(known)) or 'none'}.", hint="Nothing was written: Flyte would run these workflows on any cluster, silently."
        )


def _write(admin: Admin, rows: t.Mapping[_labels.Key, str]) -> None:
    results = admin.many(lambda row: admin.put_label(row[0], row[1]), sorted(rows.items()))
    _raise_first([(_labels.describe(row[0]), error) for row, _result, error in results if error], len(results))


def _raise_first(errors: list[tuple[str, AdminError]], total: int) -> None:
    if errors:
        place, error = errors[0]
        raise AdminError(f"{len(errors)} of {total} rows failed, the first is {place}: {error.message}", status=error.status, code=error.code, hint=error.hint)


def _apply(admin: Admin, changes: list[_labels.Change], journal: Journal) -> None:
    restores = {key: label for change in changes for key, label in change.restores}
    if restores:
        journal.write(restores)
    results = admin.many(lambda change: admin.delete_label(change.key), _labels.deletes(changes))
    _raise_first([(_labels.describe(change.key), error) for change, _result, error in results if error], len(results))
    written = {change.key: change.after for change in changes if change.after is not None}
    _write(admin, {**restores, **written})
    if restores:
        journal.clear()


def run(params: dict[str, t.Any], check_mode: bool) -> dict[str, t.Any]:
    """Compare and write; return the module's result."""
    given = _entries(params)
    _guard(given, params["known_labels"])
    admin = Admin(Settings.from_params(params), concurrency=params["concurrency"])
    journal = Journal(params["journal"], params["url"].rstrip("/"))
    current = _labels.from_api(admin.label_rows())
    left = {key: label for key, label in journal.read().items() if key not in current}
    wanted: _labels.Rows = {}
    absent: list[_labels.Key] = []
    if params["state"] == "present":
        wanted = {key: t.cast(str, label) for key, label in given.items()}
    else:
        absent = list(given)
    # Rows that a killed run deleted and did not write again: this run wants them back, unless it says otherwise itself.
    rescued = {key: label for key, label in left.items() if key not in given and key[0] not in params["purge"]}
    changes = _labels.plan(current, {**rescued, **wanted}, absent, purge=params["purge"])
    if not check_mode:
        _apply(admin, changes, journal)
        if left:
            journal.clear()
    after = {key: label for key, label in current.items() if not any(change.key == key for change in changes)}
    after.update({change.key: change.after for change in changes if change.after is not None})
    shown = [change for change in changes if change.before != change.after]
    restored = {**rescued, **{key: label for change in changes for key, label in change.restores}}
    rows_before = [_labels.as_dict(change.key, change.before) for change in shown]
    rows_after = [_labels.as_dict(change.key, change.after) for change in shown]
    return {
        "changed": bool(changes),
        "before": rows_before,
        "after": rows_after,
        "restored": [_labels.as_dict(key, label) for key, label in sorted(restored.items())],
        "rows": [_labels.as_dict(key, label) for key, label in sorted(after.items())],
        "diff": {"before": _lines(changes, "before"), "after": _lines(changes, "after")},
    }


def _lines(changes: list[_labels.Change], side: str) -> str:
    rows = [(change.key, getattr(change, side)) for change in changes]
    return "".join(f"{_labels.describe(key)}: {label}\n" for key, label in sorted(rows) if label is not None)


def main() -> None:
    """Run the module."""
    row = {"project": {"type": "str", "required": True}, "domain": {"type": "str"}, "workflow": {"type": "str"}, "label": {"type": "str"}}
    spec = {
        **admin_argument_spec(),
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
    }
    module = AnsibleModule(
        argument_spec=spec,
        supports_check_mode=True,
        mutually_exclusive=[("project", "labels"), *ADMIN_MUTUALLY_EXCLUSIVE],
        required_one_of=[("project", "labels")],
        required_together=ADMIN_REQUIRED_TOGETHER,
    )
    run_admin_module(module, lambda: run(module.params, module.check_mode))


if __name__ == "__main__":
    main()
