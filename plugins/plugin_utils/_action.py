# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the action plugins share: arguments, running modules, and the one place where an exception becomes a failed result."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import re
import sys
import typing as t
import urllib.request
import warnings

from ansible.errors import AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.configuration import forget_files
from ansible_collections.flyte.multicluster.plugins.module_utils._common.explain import NOTES, VARIABLE
from ansible_collections.flyte.multicluster.plugins.module_utils._common.redaction import SECRETS
from ansible_collections.flyte.multicluster.plugins.module_utils._common.text import visible
from ansible_collections.flyte.multicluster.plugins.module_utils._module import OperationFailed, run_here
from ansible_collections.flyte.multicluster.plugins.plugin_utils._variables import HostVariables, Plain, TemplateFault, plain

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ansible_collections.flyte.multicluster.plugins.module_utils._module import Operation

MODULES = "flyte.multicluster."
#: faults that one message names: of a site of a thousand planes each may have ten
MOST_LINES = 50
#: characters of one of them: the path of a file may be as long as somebody makes it
MOST_OF_A_LINE = 2000
#: a variable, or something in it; and one that is another one
_NAME = re.compile(r"\w+(\.\w+)*")
_REFERENCE = re.compile(r"\{\{ *(\w+) *\}\}")
#: what people read of a result. The rest is data for the next task, in which nothing may be replaced, and holds no secret.
_SHOWN = ("msg", "lines", "table", "status_table", "failures", "rows", "diff", "warnings")
#: what a module may print beside its result, for people
_UNSHOWN = ("warnings", "deprecations")


class Refused(Exception):
    """Something is wrong before anything was changed; one line for each thing, and so many that somebody reads them."""

    def __init__(self, *lines: str) -> None:
        more = len(lines) - MOST_LINES
        self.lines = [*map(_short, lines[:MOST_LINES]), *([f"And {more} more: correct these first."] if more > 0 else [])]
        super().__init__("\n".join(self.lines))


def _short(line: str) -> str:
    """Return a line that ends; without its secrets, since of one that is cut in two nobody would know it."""
    text = visible(SECRETS.text(line))
    return text if len(text) <= MOST_OF_A_LINE else f"{text[:MOST_OF_A_LINE]}… ({len(text)} characters)"


def refuse_without(*libraries: str) -> None:
    """Refuse to go on where Ansible's own Python, in which the steps work, lacks a library."""
    missing = [name for name in libraries if importlib.util.find_spec(name) is None]
    if missing:
        how = f"{sys.executable} -m pip install {' '.join(missing)} (of an Ansible from pipx: pipx inject)"
        raise Refused(f"Ansible's own Python has no library {', '.join(missing)}: {how}")


class ModuleFailed(Exception):
    """A module that was run, or what one does, failed. ``result`` is what it returned."""

    def __init__(self, result: dict[str, t.Any]) -> None:
        super().__init__(_said(result))
        self.result = result


def _said(result: Mapping[str, t.Any]) -> str:
    """Return what a module says. Of one that ended by an exception not its text, which may quote what the module was given."""
    said = str(result.get("msg") or "")
    if result.get("exception") and (not said or "module_stderr" in result):
        return "the module itself broke, which is a bug: please report it with what -e flyte_explain=true shows"
    return said or "it ended without an answer; -e flyte_explain=true shows what it said"


class InventoryAction(ActionBase):  # type: ignore[misc]
    """An action that reads the inventory, with the secrets in it, and runs modules. Neither is in what it returns."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = False
    ARGUMENTS: t.ClassVar[dict[str, dict[str, t.Any]]] = {}

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Carry the task out."""
        task_vars = task_vars or {}
        result = super().run(tmp, task_vars)
        _valid, arguments = self.validate_argument_spec(argument_spec=self.ARGUMENTS)
        self.task_vars = task_vars
        self.variables = HostVariables(task_vars, self._loader)
        NOTES.wanted = self._explains()
        try:
            with self._environ(), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of libraries, as nobody sees a module's either
                result.update(self.act(plain(arguments)))
        except Refused as error:
            result.update(failed=True, msg=[self.untouched, *error.lines])
        except ModuleFailed as error:
            result.update(failed=True, msg=str(error))
        except TemplateFault as error:
            result.update(failed=True, msg=[self.untouched, str(error)])
        except AnsibleError:
            raise
        except Exception as error:  # pylint: disable=broad-except  # whatever it is, it is said in words, and without secrets
            NOTES.note(error)
            bug = f"this collection broke ({type(error).__name__}), which is a bug: please report it with what -e flyte_explain=true shows"
            result.update(failed=True, msg=bug)
        finally:
            forget_files()
        if result.get("failed"):
            result["_ansible_verbose_always"] = True  # the default callback shows it line by line then, as what debug says
        self._explain(NOTES.taken())
        return {key: SECRETS.data(value) if key in _SHOWN else value for key, value in result.items()}

    def act(self, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        """Return the result. ``arguments`` are plain data."""
        raise NotImplementedError

    def plan_named(self, name: str) -> Plain:
        """Return the plan that a variable of this name has. It is looked up here, and not given as a template: Ansible looks through every value that a task
        is given, and sends it back with the result of each host, which for 1,000 clusters took it hours and gigabytes.

        :raises Refused: there is none.
        """
        if not _NAME.fullmatch(name):
            raise Refused("plan: give the name of the variable that has what flyte_plan returned, as in 'plan: my_plan', and not what it has.")
        first, *keys = name.split(".")
        found = self.task_vars.get(first)
        reference = _REFERENCE.fullmatch(found) if isinstance(found, str) else None
        if reference:  # as a role is given it
            found = self.task_vars.get(reference[1])
        if isinstance(found, str):
            found = self._templar.template(found)
        for key in keys:
            found = found.get(key) if isinstance(found, dict) else None
        if not isinstance(found, dict) or "known" not in found:
            raise Refused(f"plan: {name}: no variable of this name has what flyte_plan returned: register it, and give its name.")
        return Plain(found)

    @property
    def untouched(self) -> str:
        """What a refusal begins with."""
        return "Nothing was changed."

    def _explains(self) -> bool:
        """Return whether tracebacks are asked for: by ``flyte_explain``, or by -vvv."""
        return boolean(self.task_vars.get("flyte_explain", False), strict=False) or self._display.verbosity >= 3

    def _explain(self, texts: Iterable[str]) -> None:
        for text in texts:
            self._display.display(SECRETS.text(text))

    @property
    def check_mode(self) -> bool:
        """Whether nothing may be changed."""
        return bool(self._task.check_mode)

    def here(self, operation: Operation, arguments: Mapping[str, t.Any]) -> dict[str, t.Any]:
        """Do here what a module does, and return its result: to pack a module and to start a second Python takes longer than most of this takes.

        :raises ModuleFailed: it failed.
        """
        try:
            return run_here(operation, arguments, check_mode=self.check_mode, warn=self._warn)
        except OperationFailed as error:
            raise ModuleFailed({**error.result, "failed": True, "msg": str(error)}) from error
        except Exception as error:
            NOTES.note(error)
            raise ModuleFailed({"failed": True, "exception": type(error).__name__}) from error

    def say(self, text: str) -> None:
        """Show a line while the task goes on: what it waits for."""
        self._display.display(SECRETS.text(text))

    def _warn(self, text: str) -> None:
        self._display.warning(SECRETS.text(text))

    @contextlib.contextmanager
    def _environ(self) -> Iterator[None]:
        """Let what runs here have the environment that the play has for its modules."""
        of_play: dict[str, t.Any] = {}
        self._compute_environment_string(of_play)
        # On macOS a library that asks the system for its proxies ends a forked process, as this one is; with a variable of a proxy it asks nobody.
        proxied = bool(urllib.request.getproxies_environment()) or any(name.lower().endswith("_proxy") for name in of_play)
        system_asked = sys.platform == "darwin" and not proxied
        wanted = {**({"no_proxy": "*"} if system_asked else {}), **of_play}
        before = {name: os.environ.get(name) for name in wanted}
        os.environ.update({name: str(value) for name, value in wanted.items()})
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value

    def module(self, name: str, arguments: Mapping[str, t.Any], *, reads: bool = False, quiet: bool = False) -> dict[str, t.Any]:
        """Run a module where this task runs, and return its result without the arguments that it was given.

        :param quiet: its arguments hold secrets that it does not know as such: they must not get into the log of the system.
        :raises ModuleFailed: it failed.
        """
        told = {VARIABLE: "1"} if NOTES.wanted else {}
        with self._as(reads=reads, quiet=quiet), self.environment(told) if told else contextlib.nullcontext():
            result = plain(self._execute_module(module_name=name, module_args=dict(arguments), task_vars=self.task_vars))
        for key in ("invocation", "_ansible_parsed", "_ansible_no_log", "module_stderr" if not result.get("failed") else "invocation"):
            result.pop(key, None)
        self._explain(result.pop("explanations", []))
        if result.get("failed"):
            self._explain([str(result["exception"])] if NOTES.wanted and result.get("exception") else [])
            raise ModuleFailed(result)
        return t.cast("dict[str, t.Any]", result)

    def _low_level_execute_command(self, *arguments: t.Any, **options: t.Any) -> t.Any:
        """Run a command as Ansible does; of what a module prints without its warnings, which Ansible from 2.20 on takes over into the task's before
        _execute_module returns, and those before do not show.

        What it will do otherwise one day, or that it misses a plugin of Helm that is not used here, is for us to see to, not for whoever runs this.
        What a module prints is documented, and this way to it is the same in all versions; test_action.py plays it with the Ansible that is there.
        """
        ran = super()._low_level_execute_command(*arguments, **options)
        if any(f'"{kind}"' in ran["stdout"] for kind in _UNSHOWN):
            with contextlib.suppress(ValueError, AttributeError):
                said = json.loads(ran["stdout"])
                ran["stdout"] = json.dumps({key: value for key, value in said.items() if key not in _UNSHOWN})
        return ran

    @contextlib.contextmanager
    def _as(self, *, reads: bool, quiet: bool) -> Iterator[None]:
        before = self._task.check_mode, self._task.no_log
        self._task.check_mode, self._task.no_log = (False if reads else before[0]), (True if quiet else before[1])
        try:
            yield
        finally:
            self._task.check_mode, self._task.no_log = before

    @contextlib.contextmanager
    def environment(self, more: Mapping[str, str]) -> Iterator[None]:
        """Run modules with more variables in their environment."""
        before = self._task.environment
        self._task.environment = [*(before or []), dict(more)]
        try:
            yield
        finally:
            self._task.environment = before
