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
  - flyte.multicluster contributors (!UNKNOWN)
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
  backups:
    description:
      - Whether rows that are overwritten or removed are kept before - with O(control_plane) as a Secret C(flyte-multicluster-backup-labels-…) beside
        flyteadmin, the newest ten, else in a file beside O(journal), the newest.
    type: bool
    default: false
  journal_rows:
    description:
      - The rows that the journal is known to hold, from M(flyte.multicluster.flyte_cluster_info)'s RV(ignore:clusters.*.control_plane.journal).
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

from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.journal import JournalError
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.label_changes import run
from ansible_collections.flyte.multicluster.plugins.module_utils._options import control_plane_argument_spec, journal_of, placement_of
from ansible_collections.flyte.multicluster.plugins.module_utils._module import admin_operation, run_module

_ROW = {"project": {"type": "str", "required": True}, "domain": {"type": "str"}, "workflow": {"type": "str"}, "label": {"type": "str"}}


def _options() -> dict[str, t.Any]:
    return {
        **control_plane_argument_spec(),
        "project": {"type": "str"},
        "domain": {"type": "str"},
        "workflow": {"type": "str"},
        "label": {"type": "str"},
        "labels": {"type": "list", "elements": "dict", "options": _ROW},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "purge": {"type": "list", "elements": "str", "default": []},
        "known_labels": {"type": "list", "elements": "str"},
        "concurrency": {"type": "int", "default": 8},
        "journal": {"type": "path", "default": "~/.local/state/flyte-multicluster"},
        "backups": {"type": "bool", "default": False},
        "journal_rows": {"type": "list", "elements": "dict", "options": {**_ROW, "label": {"type": "str", "required": True}}},
        "gather": {"type": "bool", "default": False},
    }


OPERATION = admin_operation(
    _options,
    lambda call, settings: run(
        call.params,
        settings,
        check_mode=call.check_mode,
        warn=call.warn,
        placement_of=lambda: placement_of(call.params),
        journal=journal_of(call.params, settings),
    ),
    JournalError,
    mutually_exclusive=[("project", "labels")],
    required_one_of=[("project", "labels")],
)


def main() -> None:
    """Run the module."""
    run_module(OPERATION)


if __name__ == "__main__":
    main()
