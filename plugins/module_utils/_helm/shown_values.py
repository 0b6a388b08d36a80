# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between values, by key path, as a person may see it: secrets as fingerprints, long texts as a line diff. No I/O."""

from __future__ import annotations

import base64
import dataclasses
import difflib
import json
import os
import re
import typing as t

from .._common.fingerprints import keyed_fingerprint
from .._common.redaction import KEY_ENDS, SECRETS, TOKENS
from .paths import Leaf, entries, is_any_below, leaves, moved, texts_at

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

#: stands for a value that is not there
NOT_SET = "(not set)"
#: stands for a secret where nothing is a key of its fingerprint
HIDDEN = "secret:(not shown)"
#: why a list differs of which entries moved
ORDER = "the order of its entries"
#: characters of one line that a message shows
_MOST = 160
#: characters that are shown before what differs in the middle of two long ones
_BEGIN = 20
#: (patterns begin at the beginning of a word: in the middle of a long one they would take the square of its length)
#: in a text: a key whose name says what its value is, as YAML, JSON, an environment and a command line have it; and what only a secret begins with
_PAIR = re.compile(
    rf"(?P<key>(?<![\w.\0-])[\w.-]*{KEY_ENDS}[\"']?[ \t]*[:=][ \t]*)(?!\0)(?P<value>\"[^\"\n]*\"|'[^'\n]*'|(?:Bearer|Basic)[ \t]+[^\s,;}}&\"']+|[^\s,;}}&]+)",
    re.IGNORECASE,
)
#: an option, and its value as the next word, the next of a list, or on the next line of one
_OPTION = re.compile(
    rf"(?P<key>(?<![\w.-])--[\w.-]*{KEY_ENDS}[\"']?(?:[ \t]+|[ \t]*,\s*|[ \t]*\n[ \t]*-[ \t]+))(?!\0|-)(?P<value>\"[^\"\n]*\"|'[^'\n]*'|[^\s,;}}&\]]+)",
    re.IGNORECASE,
)
#: a variable of an environment, as YAML and JSON have it
_VARIABLE = re.compile(
    rf"(?P<key>\bname[\"']?:[ \t]*[\"']?[\w.-]*{KEY_ENDS}[\"']?[ \t]*(?:,[ \t]*|\n[ \t]*)[\"']?value[\"']?:[ \t]*)(?!\0)"
    r"(?P<value>\"[^\"\n]*\"|'[^'\n]*'|[^\n}]+)",
    re.IGNORECASE,
)
#: a login in a file of Docker
_LOGIN = re.compile(r"(?P<key>\"auth\"\s*:\s*)(?P<value>\"[\w+/=-]{4,}\")")
_TOKEN = re.compile(f"(?P<key>)(?P<value>{TOKENS})")
#: an element of XML
_ELEMENT = re.compile(rf"(?P<key><[\w.:-]*{KEY_ENDS}>)(?P<value>[^<\0]+)(?=</)", re.IGNORECASE)
#: a file in PEM in base64, in which a private key may be
_ENCODED = re.compile(r"LS0tLS1CRUdJTi(?:[\w+/]|\n[ \t]*(?=[\w+/]{20}))+={0,2}")
#: a key whose value is on the lines below it, if they are indented: a block of YAML, or nothing yet
_HEAD = re.compile(
    rf"(?P<key>[ \t]*(?:-[ \t]+)*(?P<name>[\"']?[\w.-]*{KEY_ENDS}[\"']?)[ \t]*:)[ \t]*(?P<block>[|>][-+\d]{{0,2}})?[ \t]*(?:#.*)?$",
    re.IGNORECASE,
)
#: what is below a key is no text, but has keys itself
_KEYED = re.compile(r"[ \t]*(?:-[ \t]+)*[\w.\"'/-]+:(?:[ \t]|$)")
_SENT = re.compile(r"(?P<key>\b(?:Bearer|Basic)[ \t]+)(?P<value>[\w.~+/=-]{8,})")
#: with what makes it one: the redaction of all that is shown would take away a fingerprint before it
_USERINFO = re.compile(r"(?P<key>://)(?P<value>[^\s\"'<>]*)@")
_PRIVATE_KEY = re.compile(r"(?P<key>)(?P<value>-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z))", re.DOTALL)


@dataclasses.dataclass(frozen=True)
class Change:
    """A value that differs, as it is shown: no secret is in it. None is a value that is not there."""

    path: str
    before: str | None
    after: str | None
    #: why, where the inventory does not say it
    why: str = ""

    def lines(self) -> list[str]:
        """Return it as text: one line, or a line diff of long texts."""
        before, after = (NOT_SET if value is None else value for value in (self.before, self.after))
        why = f" ({self.why})" if self.why else ""
        if "\n" not in before + after:
            # Of two that begin alike what differs.
            skipped = max(len(os.path.commonprefix([before, after])) - _BEGIN, 0) if min(len(before), len(after)) > _MOST else 0
            before, after = (f"…{text[skipped:]}" if skipped else text for text in (before, after))
            return [f"{self.path}: {_short(before)} -> {_short(after)}{why}"]
        return [f"{self.path}:{why}", *(f"  {line}" for line in line_diff(before, after))]

    def as_dict(self) -> dict[str, t.Any]:
        """Return plain data."""
        found = {"path": self.path, "before": self.before, "after": self.after}
        return {**found, "why": self.why} if self.why else found


def line_diff(before: str, after: str) -> list[str]:
    """Return the lines that go and that come, each with its sign, and one line around them."""
    found = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=1)
    return [_short(line.rstrip()) for line in found if not line.startswith(("---", "+++"))]


def _short(text: str) -> str:
    return text if len(text) <= _MOST else f"{text[:_MOST]}… ({len(text)} characters)"


def _is_other(text: str) -> bool:
    """Return whether a text could be taken for a value that is none, or for nothing: true, 5, a list."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return not text.strip() or text == NOT_SET
    return "\n" not in text


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


class Shower:
    """Shows values.

    :param key: of the fingerprints, a secret; without one a secret is shown as that alone.
    :param secret: paths whose values are secrets, whatever they are called.
    """

    def __init__(self, key: str | None = None, secret: Sequence[str] = ()) -> None:
        self._key, self._secret = key, list(secret)

    def text(self, path: str, leaf: Leaf | None) -> str | None:
        """Return a value as text, None where it is not there."""
        if leaf is None:
            return None
        value = leaf.value
        if value is None or isinstance(value, bool):
            return json.dumps(value)
        if leaf.secret or is_any_below(path, self._secret):
            # A number is another secret than its digits.
            return self._fingerprint(value if isinstance(value, str) else f"\0{json.dumps(value, sort_keys=True)}")
        if isinstance(value, str):
            return f'"{self.plain(value)}"' if _is_other(value) else self.plain(value)
        return self.plain(json.dumps(value, sort_keys=True, ensure_ascii=False))

    def plain(self, text: str) -> str:
        """Return a text with fingerprints in the place of what in it is a secret."""
        # With a mask in its place one secret would look like another one, also to a run that is held to an approved plan.
        return SECRETS.text(self.without_looks(text), self._marked).replace("\0", "")

    def without_looks(self, text: str) -> str:
        """Return a text without what a secret is by how it looks, or by what stands before it."""
        text = "\n".join(self._without_blocks(_PRIVATE_KEY.sub(self._shown, text.replace("\0", "")).split("\n")))
        for pattern in (_PAIR, _OPTION, _VARIABLE, _LOGIN, _SENT, _TOKEN, _ELEMENT):
            text = pattern.sub(self._shown, text)
        text = _ENCODED.sub(lambda found: self._marked(found[0]) if _has_private_key(found[0]) else found[0], text)
        return _USERINFO.sub(lambda found: f"{found['key']}({self._marked(found['value'])}) at ", text)

    def _without_blocks(self, lines: Sequence[str]) -> Iterator[str]:
        """Yield lines with a fingerprint in the place of what stands indented below the key of a secret."""
        number = 0
        while number < len(lines):
            line, number = lines[number], number + 1
            head = _HEAD.match(line)
            end = number
            while head and end < len(lines) and (not lines[end].strip() or _indent(lines[end]) > head.start("name")):
                end += 1
            below = "\n".join(lines[number:end]).rstrip()
            if head and below and (head["block"] or not _KEYED.match(below.lstrip("\n"))):
                yield f"{head['key']} {self._marked(below)}"
                number = end
            else:
                yield line

    def _shown(self, found: re.Match[str]) -> str:
        return found["key"] + self._marked(found["value"])

    def _marked(self, secret: str) -> str:
        """Return a fingerprint between marks, so that it is taken for no key and no secret itself."""
        return f"\0{self._fingerprint(secret)}\0"

    def _fingerprint(self, secret: str) -> str:
        return f"secret:{keyed_fingerprint(self._key, secret)}" if self._key else HIDDEN


def _has_private_key(encoded: str) -> bool:
    text = re.sub(r"[\s=]", "", encoded)
    try:
        return b"PRIVATE KEY" in base64.b64decode(text[: len(text) // 4 * 4])
    except ValueError:
        return True


def holds_a_secret(text: str) -> bool:
    """Return whether a plan would not show all of a text."""
    return HIDDEN in Shower().without_looks(text)


def know_secrets(values: Mapping[str, t.Any], marked: Sequence[str]) -> None:
    """Learn the secrets of values, so that no text has them: those whose key says that they are one, and those at paths that somebody marked."""
    SECRETS.know_values(values)
    SECRETS.know(*texts_at(values, marked))


def changes(before: Mapping[str, t.Any], after: Mapping[str, t.Any], shower: Shower) -> list[Change]:
    """Return what differs between values, in the order of the paths."""
    old, new = leaves(before), leaves(after)
    differing = [path for path in {*old, *new} if differs(old.get(path), new.get(path))]
    found = [shown_change(path, old.get(path), new.get(path), shower) for path in differing]
    return in_order([*found, *order_changes(before, after, shower)])


def order_changes(before: Mapping[str, t.Any], after: Mapping[str, t.Any], shower: Shower) -> list[Change]:
    """Return the lists whose entries stand in another order: an environment variable may refer to one before it."""
    old, new = entries(before), entries(after)
    return [shown_entries(path, old[path], new[path], shower, ORDER) for path in moved(old, new)]


def shown_entries(path: str, before: Sequence[str], after: Sequence[str], shower: Shower, why: str) -> Change:
    """Return a list that differs by the names of its entries as it is shown."""
    shown, coming = (shower.plain(", ".join(names)) if names else "[]" for names in (before, after))
    return Change(path, shown, coming, shower.plain(why))


def in_order(found: Iterable[Change]) -> list[Change]:
    """Return changes in the order of their paths."""
    return sorted(found, key=lambda change: change.path)


def shown_change(path: str, before: Leaf | None, after: Leaf | None, shower: Shower) -> Change:
    """Return a value that differs as it is shown."""
    return Change(path, shower.text(path, before), shower.text(path, after))


def differs(before: Leaf | None, after: Leaf | None) -> bool:
    """Return whether two values differ; true and 1 do."""
    if before is None or after is None:
        return before is not after
    return json.dumps(before.value, sort_keys=True) != json.dumps(after.value, sort_keys=True)
