# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which values are secrets, and how they are taken apart from the others. Rather too many: what is vaulted without need does no harm. No I/O."""

from __future__ import annotations

import re
import typing as t

from .._common.redaction import KEY_ENDS, holds_secrets, looks_secret
from .._helm.shown_values import holds_a_secret

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: shorter ones stand in any text
_SHORTEST = 5
#: beside a secret, what only names it
_NAMES = frozenset({"apiVersion", "clientId", "enabled", "existingSecret", "key", "kind", "mountPath", "name", "namespace", "path", "secretName", "type"})
#: where the values of a Secret's manifest stand
_DATA = ("data", "stringData")
_TEMPLATE = re.compile(r"\s*(\{\{.*?\}\}\s*)+", re.DOTALL)
#: what somebody fills in is no secret
_FILLED_IN = re.compile(r"\{\{.*?\}\}|<[A-Z][A-Z0-9_-]*>", re.DOTALL)
_OPTION = re.compile(rf"(?i)--[\w.-]*{KEY_ENDS}")


class Secrets:
    """The secrets of some values, and what each is called in the vault."""

    def __init__(self, marked: t.Collection[str] = ()) -> None:
        """Begin without any.

        :param marked: paths of values that are secrets whatever they are called.
        """
        self._marked = frozenset(marked)
        self._texts: set[str] = set()
        #: variable of the vault to the secret
        self.variables: dict[str, t.Any] = {}

    def learn(self, values: Mapping[str, t.Any]) -> None:
        """Find the secrets of values: those whose key says it, those that look like one, those in the manifest of a Secret."""
        for path, value in _leaves(values):
            if _says_secret(path, value, values) or ".".join(map(str, path)) in self._marked:
                self._texts.add(str(value))

    def know(self, *secrets: t.Any) -> None:
        """Take values for secrets whatever they look like."""
        self._texts.update(str(secret) for secret in secrets if secret not in (None, ""))

    @property
    def texts(self) -> set[str]:
        """All that were found, and what else was put into the vault."""
        return self._texts | {str(value) for value in self.variables.values() if isinstance(value, (str, int, float))}

    def holds(self, value: t.Any) -> bool:
        """Return whether a value is one of the secrets, or a text with one of them in it."""
        if isinstance(value, bool) or not isinstance(value, (str, int, float)) or value == "":
            return False
        text = str(value)
        return any(text == secret or (len(secret) >= _SHORTEST and _is_within(secret, text)) for secret in self._texts)

    def reference(self, value: t.Any, owner: str, *path: t.Any) -> str:
        """Return a template that is replaced by a secret, which goes into the vault: one variable for one secret, whoever has it."""
        for name, known in self.variables.items():
            if known == value and type(known) is type(value):
                return f"{{{{ {name} }}}}"
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", "_".join(["vault_flyte", owner, *map(str, path)]))
        stem = re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")
        name, number = stem, 2
        while name in self.variables:
            name, number = f"{stem}_{number}", number + 1
        self.variables[name] = value
        return f"{{{{ {name} }}}}"

    def apart(self, values: Mapping[str, t.Any], owner: str, *path: t.Any) -> tuple[dict[str, t.Any], dict[str, t.Any]]:
        """Return values without the secrets, and those with them as references. A list is replaced whole: one with a secret in it is not split."""
        plain: dict[str, t.Any] = {}
        secret: dict[str, t.Any] = {}
        for key, value in values.items():
            if isinstance(value, dict) and value:
                kept, taken = self.apart(value, owner, *path, key)
                plain |= {key: kept} if kept else {}
                secret |= {key: taken} if taken else {}
            elif self.has(value):
                secret[key] = self.replaced(value, owner, *path, key)
            else:
                plain[key] = value
        return plain, secret

    def has(self, value: t.Any) -> bool:
        """Return whether a secret stands anywhere in a value."""
        if isinstance(value, dict):
            return any(map(self.has, value.values()))
        return any(map(self.has, value)) if isinstance(value, list) else self.holds(value)

    def replaced(self, value: t.Any, owner: str, *path: t.Any) -> t.Any:
        """Return a value with references in the place of secrets."""
        if isinstance(value, dict):
            return {key: self.replaced(item, owner, *path, key) for key, item in value.items()}
        if isinstance(value, list):
            return [self.replaced(item, owner, *path, _name_of(item, number)) for number, item in enumerate(value)]
        return self.reference(value, owner, *path) if self.holds(value) else value


def _name_of(item: t.Any, number: int) -> t.Any:
    return item["name"] if isinstance(item, dict) and isinstance(item.get("name"), str) else number


def _is_within(secret: str, text: str) -> bool:
    start = text.find(secret)
    while start >= 0:
        before, after = text[start - 1 : start], text[start + len(secret) : start + len(secret) + 1]
        if not before.isalnum() and not after.isalnum():
            return True
        start = text.find(secret, start + 1)
    return False


def _leaves(values: t.Any, path: tuple[t.Any, ...] = ()) -> Iterator[tuple[tuple[t.Any, ...], t.Any]]:
    if isinstance(values, dict):
        for key, value in values.items():
            yield from _leaves(value, (*path, key))
    elif isinstance(values, list):
        for number, value in enumerate(values):
            yield from _leaves(value, (*path, number))
    else:
        yield path, values


def _at(values: t.Any, path: tuple[t.Any, ...]) -> t.Any:
    for key in path:
        values = values[key]
    return values


def _says_secret(path: tuple[t.Any, ...], value: t.Any, values: t.Any) -> bool:
    if isinstance(value, bool) or value in (None, "") or not isinstance(value, (str, int, float)):
        return False
    if isinstance(value, str) and (_TEMPLATE.fullmatch(value) or re.fullmatch(r"<[A-Z][A-Z0-9_-]*>", value)):
        return False
    if holds_a_secret(_FILLED_IN.sub(",", str(value))):
        return True
    key, above = path[-1], [part for part in path[:-1] if isinstance(part, str)]
    if any(name in _DATA and _at(values, path[: path.index(name)]).get("kind") == "Secret" for name in above if name in _DATA):
        return True
    if _secret_key(key) or (key == "auth" and "auths" in above):
        return True
    if isinstance(key, int) and key and not str(value).startswith("-"):
        # What follows an option in a list of arguments.
        option = _at(values, path[:-1])[key - 1]
        if isinstance(option, str) and _OPTION.fullmatch(option):
            return True
    if key == "value" and isinstance(_at(values, path[:-1]).get("name"), str):
        # A variable of the environment.
        return _secret_key(_at(values, path[:-1])["name"])
    return isinstance(value, str) and key not in _NAMES and any(holds_secrets(part) for part in above if part not in _NAMES)


def _secret_key(key: t.Any) -> bool:
    return isinstance(key, str) and key not in _NAMES and looks_secret(key)
