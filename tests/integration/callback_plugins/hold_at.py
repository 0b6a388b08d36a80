# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes down which tasks a run begins, and holds it where the one begins at which it is to be killed (interruption.py)."""

from __future__ import annotations

import os
import time
import typing as t

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: hold_at
type: notification
short_description: Hold a run where a task begins
description: For tests of this repository only.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Nothing of the task that is held at has begun: callbacks come before the first of its processes."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "hold_at"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args: t.Any, **kwargs: t.Any) -> None:
        super().__init__(*args, **kwargs)
        self._begun = 0

    def v2_playbook_on_task_start(self, task: t.Any, is_conditional: bool) -> None:  # noqa: ARG002
        """Note a task, or wait at it for the end."""
        self._begun += 1
        with open(os.environ["FLYTE_TEST_TASKS"], "a", encoding="utf-8") as file:
            file.write(f"{task.get_name().rpartition(' : ')[2]}\n")
        if self._begun == int(os.environ["FLYTE_TEST_HOLD_AT"]):
            time.sleep(600)
