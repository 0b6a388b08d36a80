# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: quiet
type: stdout
short_description: The default output, without what did nothing
version_added: 0.1.0
author: flyte.multicluster contributors (!UNKNOWN)
description:
  - Shows what changed, what failed, what M(ansible.builtin.debug) says - the plan, for one - and the recap. Tasks that are fine or skipped, and plays in which
    nothing is shown, are left out.
  - Of a step of this collection that failed the message and the tables are shown, line by line, without what is in the result for the steps that follow.
  - With C(-v) and more it is P(ansible.builtin.default#callback), with everything.
requirements:
  - set as C(stdout_callback) in the configuration, or by E(ANSIBLE_STDOUT_CALLBACK)
extends_documentation_fragment:
  - default_callback
  - result_format_callback
"""

import typing as t

from ansible.plugins.callback.default import CallbackModule as Default
from ansible_collections.flyte.multicluster.plugins.module_utils._common.text import visible

_DEBUG = ("debug", "ansible.builtin.debug", "ansible.legacy.debug")
#: what people read of a result of this collection that failed; the rest of it is for the steps that follow
_READ = ("msg", "status_table", "table")
#: what the default callback leaves out or shows elsewhere, and what the word FAILED says
_NOT_READ = ("msg", "failed", "changed", "invocation", "diff", "exception", "warnings", "deprecations")


class CallbackModule(Default):  # type: ignore[misc]
    """Holds the title of a play back until something of it is shown."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "flyte.multicluster.quiet"

    def __init__(self) -> None:
        super().__init__()
        self._held: t.Any = None

    def set_options(self, task_keys: t.Any = None, var_options: t.Any = None, direct: t.Any = None) -> None:
        """Take the options; what did nothing is left out whatever they say."""
        super().set_options(task_keys=task_keys, var_options=var_options, direct=direct)
        if self._is_quiet:
            self.set_option("display_ok_hosts", False)
            self.set_option("display_skipped_hosts", False)

    @property
    def _is_quiet(self) -> bool:
        return bool(self._display.verbosity == 0)

    def v2_playbook_on_play_start(self, play: t.Any) -> None:
        """Show the title of a play, or keep it."""
        if not self._is_quiet:
            super().v2_playbook_on_play_start(play)
            return
        self._play, self._held = play, play

    def v2_playbook_on_no_hosts_matched(self) -> None:
        """Say nothing of a play that has nobody."""
        if not self._is_quiet:
            super().v2_playbook_on_no_hosts_matched()

    def v2_runner_on_ok(self, result: t.Any) -> None:
        """Show what a task says that is there to say something, and what changed."""
        task, found = _task_of(result), getattr(result, "result", None) or result._result
        if not self._is_quiet or task.action not in _DEBUG or found.get("changed"):
            super().v2_runner_on_ok(result)
            return
        if task.loop and "results" in found:  # its items were shown
            return
        if "msg" not in found:
            self._as_default(super().v2_runner_on_ok, result)
            return
        self._print_task_banner(task)
        for line in _each(found["msg"]):
            self._display.display(str(line))

    def v2_runner_item_on_ok(self, result: t.Any) -> None:
        """Show what a task says of an item."""
        if self._is_quiet and _task_of(result).action in _DEBUG:
            self._as_default(super().v2_runner_item_on_ok, result)
        else:
            super().v2_runner_item_on_ok(result)

    def _as_default(self, show: t.Callable[[t.Any], None], result: t.Any) -> None:
        """Show a result that is fine."""
        self.set_option("display_ok_hosts", True)
        try:
            show(result)
        finally:
            self.set_option("display_ok_hosts", False)

    def _dump_results(self, result: t.Any, *arguments: t.Any, **options: t.Any) -> str:
        """Return a result as text; of ours that failed the lines as they are: YAML would fold a table's."""
        if not self._is_quiet or not _is_ours(result):
            return str(super()._dump_results(result, *arguments, **options))
        texts = [text for key in _READ if result.get(key) for text in _each(result[key])]
        # YAML and JSON write out what a screen would obey; servers and Helm are quoted here.
        return "".join(f"\n    {line}" for text in texts for line in visible(str(text)).splitlines())

    def _print_task_banner(self, task: t.Any) -> None:
        if self._held is not None:
            play, self._held = self._held, None
            super().v2_playbook_on_play_start(play)
        super()._print_task_banner(task)


def _task_of(result: t.Any) -> t.Any:
    return getattr(result, "task", None) or result._task


def _each(value: t.Any) -> t.Sequence[t.Any]:
    """Return what is to be shown line by line."""
    return value if isinstance(value, (list, tuple)) else [value]


def _is_ours(result: t.Any) -> bool:
    """Return whether a result is of a step of this collection that failed: others have such keys too, as dnf its failures and iptables its table."""
    failures, table, message = result.get("failures"), result.get("table"), result.get("msg")
    rows = isinstance(failures, list) and any(isinstance(row, dict) and "remedy" in row for row in failures)
    # A refusal; whose it is does not matter where there is nothing else in it.
    alone = _are_lines(message) and all(key in _NOT_READ or key.startswith("_ansible") for key in result)
    return bool(message) and (rows or _are_lines(table) or alone)


def _are_lines(value: t.Any) -> bool:
    return isinstance(value, list) and all(isinstance(line, str) for line in value)
