# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables of inventory hosts as an action plugin sees them: merged by Ansible once a host, templated only where there is a template."""

from __future__ import annotations

import collections.abc
import functools
import pathlib
import typing as t

import yaml
from ansible.errors import AnsibleError
from ansible.template import Templar
from ansible_collections.flyte.multicluster.plugins.module_utils._common.redaction import SECRETS
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.yaml_nodes import MOST_NODES
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.urls import PROXIES, WITH_QUERY, password_of, query_secrets
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.variables import Variables, declared
from jinja2 import TemplateError

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible.parsing.dataloader import DataLoader

_DECLARATION = pathlib.Path(__file__).resolve().parents[2] / "roles" / "preflight" / "meta" / "argument_specs.yml"
_ENCRYPTED = ("EncryptedString", "AnsibleVaultEncryptedUnicode")
#: what the user's own values come from: what is encrypted in them is no name of anything
_WITH_VALUES = ("flyte_values", "flyte_user_settings", "flyte_canary_inputs", "flyte_kubeconfig")
_TEMPLATE_MARKS = ("{{", "{%", "{#")


class TemplateFault(Exception):
    """A variable of a host cannot be templated."""

    def __init__(self, host: str, name: str, reason: str) -> None:
        super().__init__(f"{host}: {name}: cannot be templated: {reason}")


@functools.lru_cache(maxsize=1)
def _declaration() -> dict[str, dict[str, t.Any]]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    content = yaml.load(_DECLARATION.read_text(encoding="utf-8"), Loader=loader)
    return t.cast("dict[str, dict[str, t.Any]]", content["argument_specs"]["main"]["options"])


@functools.lru_cache(maxsize=1)
def declared_variables() -> Variables:
    """Return the inventory's variables, from their one declaration."""
    return declared(_declaration())


def known_names() -> frozenset[str]:
    """Return the names of all of the inventory's variables."""
    return frozenset(_declaration())


@functools.lru_cache(maxsize=1)
def secret_variables() -> frozenset[str]:
    """Return the names of the inventory's variables that are secrets."""
    return frozenset(name for name, option in _declaration().items() if option.get("no_log"))


class HostVariables:
    """Reads variables of any host of the inventory."""

    def __init__(self, task_vars: Mapping[str, t.Any], loader: DataLoader) -> None:
        self._hostvars = task_vars["hostvars"]
        self._loader = loader
        self._raw: dict[str, Mapping[str, t.Any]] = {}
        self._results: dict[int, dict[str, t.Any]] = {}
        self._templars: dict[str, Templar] = {}
        #: what was encrypted, of variables that are none of the secrets
        self._vaulted: set[str] = set()

    def raw(self, host: str) -> Mapping[str, t.Any]:
        """Return all variables of a host, not templated. Ansible merges them anew at each look-up: it is done once here."""
        if host not in self._raw:
            self._raw[host] = self._hostvars.raw_get(host)
        return self._raw[host]

    def read(self, host: str, name: str) -> t.Any:
        """Return a variable as plain data, None where it is not set.

        :raises TemplateFault: it has a template that fails.
        """
        value = self.raw(host).get(name)
        if value is None:
            return None
        try:
            if _has_template(value):
                value = self._templar(host).template(value)
            found = plain(value)
        except (AnsibleError, TemplateError, TypeError, ValueError) as error:
            raise TemplateFault(host, name, _reason(name, error)) from error
        except RecursionError as error:
            raise TemplateFault(host, name, "it is nested too deeply") from error
        self._note_secrets(name, found)
        if name in _WITH_VALUES:
            SECRETS.know(*_encrypted(value))
        elif name not in secret_variables():
            self._vaulted.update(_encrypted(value))
        return found

    def hide_vaulted(self) -> None:
        """Let no text of ours show what came out of Ansible Vault. Only where a run ends: a name of something that is made would be hidden, too."""
        SECRETS.know(*self._vaulted)

    def _note_secrets(self, name: str, value: t.Any) -> None:
        """Remember the secrets that are in use, so that no text of ours shows them."""
        if isinstance(value, (dict, list)):
            SECRETS.know_values(value)  # of flyte_user_settings too: the name of a bucket in it is none
        elif name in secret_variables():
            SECRETS.know(value)
        elif name in PROXIES:
            SECRETS.know(password_of(value))
        elif name in WITH_QUERY:
            SECRETS.know(*query_secrets(value))

    def _templar(self, host: str) -> Templar:
        if host not in self._templars:
            self._templars[host] = Templar(loader=self._loader, variables={**self.raw(host), "hostvars": self._hostvars})
        return self._templars[host]

    def result(self, host: str, name: str) -> dict[str, t.Any] | None:
        """Return what a task registered on a host, None where it did not run there."""
        found = self.raw(host).get(name)
        if not isinstance(found, dict) or found.get("skipped"):
            return None
        # What a task registered for all hosts at once is one thing.
        if id(found) not in self._results:
            self._results[id(found)] = plain(found)
        return self._results[id(found)]


def _reason(name: str, error: Exception) -> str:
    """Return why a variable cannot be templated. What fails in the template of a secret may quote it, as a command of a look-up does."""
    if name not in secret_variables() or any(word in type(error).__name__ for word in ("Undefined", "Vault", "Decrypt")):
        return str(error)
    return "its template fails. (It is a secret, and why is not shown: ansible -m ansible.builtin.debug -a var=… shows it.)"


def _encrypted(value: t.Any) -> list[str]:
    """Return the texts in a value that were encrypted by Ansible Vault, in the inventory or where a template took them from."""
    if isinstance(value, dict):
        return [text for item in value.values() for text in _encrypted(item)]
    if isinstance(value, (list, tuple)):
        return [text for item in value for text in _encrypted(item)]
    # ansible-core 2.18 has one type for them; since 2.19 a text says itself that it is one.
    tags = getattr(value, "_ansible_tags_mapping", None) or ()
    is_one = type(value).__name__ in _ENCRYPTED or any(tag.__name__ == "VaultedValue" for tag in tags)
    return [str(value)] if is_one else []


def _has_template(value: t.Any) -> bool:
    """Return whether a template stands anywhere in a value.

    :raises ValueError: it contains itself, or has more values in it than anybody writes: aliases of YAML multiply.
    """
    found, left, seen = False, [value], 0
    while left:
        item = left.pop()
        seen += 1
        if seen > MOST_NODES:
            raise ValueError(f"it contains itself, or its YAML aliases ('*…') make more than {MOST_NODES} values of it")
        if isinstance(item, dict):
            found = found or any(map(_is_template, item))
            left.extend(item.values())
        elif isinstance(item, (list, tuple)):
            left.extend(item)
        else:
            found = found or _is_template(item)
    return found


def _is_template(value: t.Any) -> bool:
    return isinstance(value, str) and any(mark in value for mark in _TEMPLATE_MARKS)


def plain(value: t.Any) -> t.Any:
    """Return plain data of what Ansible gives: tagged, lazy and encrypted values."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, dict) or hasattr(value, "items"):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, str):
        return str.__str__(value)  # str() returns a text that ansible-core 2.18 marks as unsafe as it is, and YAML does not write that
    for kind in (int, float):
        if isinstance(value, kind):
            return kind(value)
    return str(value)


class Plain(collections.abc.Mapping[str, t.Any]):
    """What a task registered, as plain data, each value of it once it is read: a step needs few of those of a plan."""

    def __init__(self, registered: Mapping[str, t.Any]) -> None:
        self._registered, self._read = registered, dict[str, t.Any]()

    def __getitem__(self, key: str) -> t.Any:
        if key not in self._read:
            self._read[key] = plain(self._registered[key])
        return self._read[key]

    def __iter__(self) -> t.Iterator[str]:
        return iter(self._registered)

    def __len__(self) -> int:
        return len(self._registered)
