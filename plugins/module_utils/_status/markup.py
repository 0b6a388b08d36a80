# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTML and SVG as text in which everything is escaped that is not markup of ours. No I/O."""

from __future__ import annotations

import html
import typing as t

from .words import clean

#: elements without an end
_VOID = frozenset(("meta", "input", "link"))


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


def escaped(value: t.Any) -> Markup:
    """Return a value as markup: text is escaped, and nothing unseen is left in it."""
    return value if isinstance(value, Markup) else Markup(html.escape(clean(value), quote=True))


def joined(parts: t.Iterable[t.Any]) -> Markup:
    """Return parts after one another; None and False are nothing."""
    return Markup("".join(escaped(part) for part in parts if part is not None and part is not False))


def element(name: str, /, *children: t.Any, **attributes: t.Any) -> Markup:
    """Return an element.

    :param attributes: ``class_`` is ``class``; an underscore is a hyphen; None and False leave one out, True is one without a value.
    """
    given = "".join(_attribute(key, value) for key, value in attributes.items() if value is not None and value is not False)
    start = f"<{name}{given}>"
    return Markup(start if name in _VOID else f"{start}{joined(children)}</{name}>")


def _attribute(key: str, value: t.Any) -> str:
    name = key.rstrip("_").replace("_", "-")
    if value is True:
        return f" {name}"
    return f' {name}="{escaped(_short(value))}"'


def _short(value: t.Any) -> t.Any:
    """Return numbers as SVG needs them, no longer."""
    return f"{value:.1f}".rstrip("0").rstrip(".") if isinstance(value, float) else value
