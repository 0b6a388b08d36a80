# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a module does, apart from where: as a module in a process of its own, or in that of an action, which costs no second Python.

The one place where an exception becomes the text of a failure.
"""

from __future__ import annotations

import copy
import dataclasses
import importlib
import traceback
import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values

from ._clusters.client import KubeError
from ._common.explain import NOTES
from ._common.redaction import SECRETS, texts_of, those_in
from ._flyteadmin.errors import AdminError
from ._flyteadmin.settings import ADMIN_MUTUALLY_EXCLUSIVE, ADMIN_OPTIONS, ADMIN_REQUIRED_TOGETHER, Settings

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Result = dict[str, t.Any]


class Call(t.NamedTuple):
    """What an operation is given."""

    #: the options, checked and complete
    params: dict[str, t.Any]
    check_mode: bool
    #: takes a warning
    warn: Callable[[str], None]


class OperationFailed(Exception):
    """An operation failed; the text has no secret that is known. ``result`` is what there is besides it."""

    def __init__(self, text: str, result: Mapping[str, t.Any]) -> None:
        super().__init__(text)
        self.result = dict(result)


@dataclasses.dataclass(frozen=True)
class Operation:
    """The options of a module, and its work. It has a check mode."""

    #: the argument spec, made only where it is needed: parts of it are other collections'
    options: Callable[[], dict[str, t.Any]]
    work: Callable[[Call], Result]
    #: exceptions that are failures and no bugs; they may have a ``hint`` and a ``result``
    errors: tuple[type[Exception], ...]
    #: what it cannot do without
    library: str
    #: mutually_exclusive, required_together and so on
    constraints: Mapping[str, t.Any] = dataclasses.field(default_factory=dict)


def kube_operation(options: Callable[[], dict[str, t.Any]], work: Callable[[Call], Result], *errors: type[Exception], **constraints: t.Any) -> Operation:
    """Return what a module does that talks to Kubernetes."""
    return Operation(options, work, (KubeError, *errors), "urllib3", constraints)


def admin_operation(
    options: Callable[[], dict[str, t.Any]], work: Callable[[Call, Settings], Result], *errors: type[Exception], **constraints: t.Any
) -> Operation:
    """Return what a module does that talks to flyteadmin, with the options of the doc fragment flyte.multicluster.flyteadmin besides its own."""

    def with_settings(call: Call) -> Result:
        settings = Settings.from_params(call.params)
        # Secrets of files and of the environment are none that Ansible knows of.
        SECRETS.know(*settings.secrets)
        return work(call, settings)

    constraints["mutually_exclusive"] = [*ADMIN_MUTUALLY_EXCLUSIVE, *constraints.get("mutually_exclusive", [])]
    constraints["required_together"] = [*ADMIN_REQUIRED_TOGETHER, *constraints.get("required_together", [])]
    return Operation(lambda: {**copy.deepcopy(ADMIN_OPTIONS), **options()}, with_settings, (AdminError, KubeError, *errors), "requests", constraints)


def carry_out(operation: Operation, call: Call) -> Result:
    """Return the result of an operation. The secrets of its options are known.

    :raises OperationFailed: it failed.
    """
    try:
        importlib.import_module(operation.library)
    except ImportError as error:
        raise _lacks(operation.library) from error
    try:
        return operation.work(call)
    except operation.errors as error:
        NOTES.note(error)
        text, hint = str(getattr(error, "message", None) or error), getattr(error, "hint", "")
        said = f"{text}{'' if text.endswith('.') else '.'} {hint}".strip()
        raise OperationFailed(SECRETS.text(said), getattr(error, "result", {})) from error
    except ImportError as error:
        # Needed for control_plane alone, and only once something is read or written there.
        raise _lacks("kubernetes") from error


def _lacks(library: str) -> OperationFailed:
    """Return the failure of what misses a library, while its ImportError is handled."""
    return OperationFailed(missing_required_lib(library), {"exception": traceback.format_exc()})


def run_module(operation: Operation) -> None:
    """Carry an operation out as a module, and end its process."""
    module = AnsibleModule(argument_spec=operation.options(), supports_check_mode=True, **operation.constraints)
    module.no_log_values.difference_update(kubeconfig_paths(module.params))
    SECRETS.know(*module.no_log_values)
    try:
        result = carry_out(operation, Call(module.params, module.check_mode, module.warn))
    except OperationFailed as error:
        _hide(module)
        module.fail_json(msg=str(error), **_explained(error.result))
    _hide(module)
    module.exit_json(**_explained(result))


def run_here(operation: Operation, arguments: Mapping[str, t.Any], *, check_mode: bool, warn: Callable[[str], None]) -> Result:
    """Carry an operation out in this process, by the rules of a module: the same checks, defaults and fallbacks, no secret in what it returns.

    :raises OperationFailed: it failed.
    """
    SECRETS.start()
    given = ArgumentSpecValidator(operation.options(), **operation.constraints).validate(dict(arguments))
    SECRETS.know(*(given._no_log_values - kubeconfig_paths(given.validated_parameters)))
    if given.error_messages:
        raise OperationFailed(SECRETS.text(given.error_messages[0]), {})
    try:
        result = carry_out(operation, Call(given.validated_parameters, check_mode, warn))
    except OperationFailed as error:
        raise OperationFailed(str(error), _without_own(error.result)) from error
    return _without_own(result)


def _without_own(result: Result) -> Result:
    """Return a result without the secrets that its operation had in hands, as a module's is.

    And no more: what else this process knows may be a part of a name, and this is data. What is shown is looked through later.
    """
    # Ansible looks for each secret in each value, most of a second for a hundred clusters; here it is looked first which are in any.
    found = those_in(SECRETS.recent(), texts_of(result))
    return t.cast("Result", remove_values(result, found)) if found else result


def _explained(result: Mapping[str, t.Any]) -> Result:
    """Return a result with the tracebacks of what was caught, where they are asked for."""
    texts = NOTES.taken()
    return {**result, "explanations": texts} if texts else dict(result)


def kubeconfig_paths(params: t.Any) -> set[str]:
    """Return the paths of kubeconfigs among a module's options; one that is text of several lines, or JSON, is none.

    A path is what has to be read in a message; Ansible hides it, since the same option may be a kubeconfig itself.
    """
    if isinstance(params, list):
        return {path for item in params for path in kubeconfig_paths(item)}
    if not isinstance(params, dict):
        return set()
    own = params.get("kubeconfig")
    found = {own} if isinstance(own, str) and not any(mark in own for mark in "\n{") else set()
    return found | {path for key, item in params.items() if key != "kubeconfig" for path in kubeconfig_paths(item)}


def _hide(module: AnsibleModule) -> None:
    """Let Ansible take every secret out of the result that this run had in hands, in all forms: it knows those of its options only, as they are."""
    module.no_log_values.update(SECRETS.known())
