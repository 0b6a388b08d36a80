# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between IAM documents, statement by statement. No I/O."""

from __future__ import annotations

import json
import typing as t

from .._helm.paths import leaves
from .._helm.shown_values import Change, differs
from .documents import listed, normal

if t.TYPE_CHECKING:
    from collections.abc import Mapping


def statement_changes(before: Mapping[str, t.Any] | None, after: Mapping[str, t.Any]) -> list[Change]:
    """Return the statements that are added and removed, each as a whole, and what changes in the others.

    :param before: the document that is there, None where there is none.
    """
    old, new = _named(before), _named(after)
    others = sorted({*(before or {}), *after} - {"Statement"})
    found = [Change(key, _text((before or {}).get(key)), _text(after.get(key))) for key in others if (before or {}).get(key) != after.get(key)]
    for name in sorted({*old, *new}):
        path = f"statement[{name}]"
        if name not in old or name not in new:
            found.append(Change(path, _text(old.get(name)), _text(new.get(name))))
            continue
        there, wanted = leaves(old[name]), leaves(new[name])
        for below in sorted({*there, *wanted}):
            left, right = there.get(below), wanted.get(below)
            if differs(left, right):
                found.append(Change(f"{path}.{below}", _text(left.value) if left else None, _text(right.value) if right else None))
    return found


def _text(value: t.Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value, sort_keys=True)


def _named(document: Mapping[str, t.Any] | None) -> dict[str, t.Any]:
    """Return the statements of a document in one form, by name: whom they trust, or what they allow."""
    found: dict[str, t.Any] = {}
    for entry in listed((document or {}).get("Statement")):
        statement = normal(entry)
        name = _name(statement) if isinstance(statement, dict) else "?"
        number = 2
        unique = name
        while unique in found:
            unique, number = f"{name} {number}", number + 1
        found[unique] = statement
    return found


def _name(statement: Mapping[str, t.Any]) -> str:
    if statement.get("Sid"):
        return str(statement["Sid"])
    principal = statement.get("Principal")
    if isinstance(principal, dict) and principal:
        whom = ", ".join(str(one).rpartition(":oidc-provider/")[2] for key in sorted(principal) for one in listed(principal[key]))
        return whom
    return ", ".join(map(str, listed(statement.get("Action")))) or "?"
