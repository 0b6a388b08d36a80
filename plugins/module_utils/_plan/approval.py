# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan as a file that somebody can sign, and a run held to it. No I/O, no secrets: nor anything by which a weak one could be guessed.

What a row does is its host, step, action, changes, and what of flyteadmin's configuration it takes away; its reason only says why, and changes when a run was
killed halfway.
"""

from __future__ import annotations

import json
import re
import typing as t

from .._common.redaction import MASK
from .._helm.identity import AUTH_SECRET
from .._helm.shown_values import HIDDEN, NOT_SET
from .control_plane import settings_lines
from .credentials import TO_BE_MADE
from .labels import NOT_KNOWN_YET
from .releases import MARK
from .rows import RELEASE, WAIT_FOR_EXECUTIONS

if t.TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from .rows import Row

FORMAT = "flyte.multicluster plan 3"
#: what is waited for, and notes on a role that is as wanted
_WAITS, _ROLE = ("wait", WAIT_FOR_EXECUTIONS), "role "
#: the beginning of a digest
_DIGEST = re.compile(r" ?\(was [0-9a-f]{8}\)| [0-9a-f]{8}\b")
#: what a run that was killed leaves to be done: how its action begins, how those begin of which it is a part, on the same host, and whether both end alike
_PARTS = (
    (MARK, (RELEASE,), True),
    ("restart ", (f"Secret {AUTH_SECRET}",), False),
    ("wait for EKS cluster ", ("create EKS cluster ",), True),
    ("create node group ", ("create EKS cluster ",), False),
    ("wait for node group ", ("create EKS cluster ",), False),
    ("wait for node group ", ("create node group ", "replace node group "), True),
    ("go on with the token Secret ", ("make the token Secret ",), True),
    ("finish the rotation", ("make the token Secret ", "go on with the token Secret "), False),
)
_CHANGES = ("changes", "drift", "held")
#: any other secret would look the same
_MASKED = "what a known secret is stands in it and is masked: give that secret another value, one that is in no other text"
_Document = dict[str, t.Any]


def document(
    rows: Iterable[Row], removed: Sequence[str], places: Mapping[str, str] | None = None, shown: Callable[[t.Any], t.Any] = lambda value: value
) -> _Document:
    """Return a plan as plain data: the same for the same plan.

    :param removed: what is taken away, as lines.
    :param places: what it is for: the API server of each inventory host, flyteadmin, the account of AWS.
    :param shown: takes secrets out of plain data.
    """
    found, lines, where = shown([_row(row) for row in rows]), shown(list(removed)), shown(dict(places or {}))
    return {"format": FORMAT, "rows": found, "removed": lines, "places": where, "text": [*_text(found), *lines, *_place_lines(where)]}


def _place_lines(places: Mapping[str, str]) -> list[str]:
    return [f"for {name}: {place}" for name, place in places.items()]


def elsewhere(places: Mapping[str, str], approved: Mapping[str, t.Any], hosts: Collection[str]) -> list[str]:
    """Return what of a run is in another place than the approved plan was made for, as lines.

    :param hosts: of the inventory: one that did not answer then has no place in that plan.
    """
    there = approved["places"]
    differing = {name: place for name, place in places.items() if there.get(name) != place and not (name in hosts and name not in there)}
    return [f"{name}: is {place} here, the approved plan is for {there.get(name, 'none')}" for name, place in differing.items()]


def _row(row: Row) -> _Document:
    # The fingerprint of a client's secret, which may be weak, is none that may leave this machine.
    why = _DIGEST.sub("", row.reason) if row.action.startswith(f"Secret {AUTH_SECRET}") else row.reason
    found: _Document = {"host": row.host, "step": row.step, "what": row.action, "why": why, "details": list(row.details)}
    return {**found, **{key: [change.as_dict() for change in getattr(row, key)] for key in _CHANGES}}


def _text(rows: Iterable[_Document]) -> list[str]:
    lines = []
    for row in rows:
        lines.append(f"{row['host']}: {row['step']}: {row['what']}: {row['why']}")
        lines += [f"    {detail}" for detail in row["details"]]
        for key, sign in (("drift", "changed by hand: "), ("changes", ""), ("held", "in full: ")):
            lines += [f"    {sign}{_change(entry)}" for entry in row[key]]
    return lines or ["Nothing to do."]


def _change(entry: Mapping[str, t.Any]) -> str:
    before, after = (NOT_SET if entry[key] is None else json.dumps(entry[key], ensure_ascii=False) for key in ("before", "after"))
    return f"{entry['path']}: {before} -> {after}" + (f" ({entry['why']})" if entry.get("why") else "")


def encoded(plan: Mapping[str, t.Any]) -> str:
    """Return a plan as the text of a file."""
    return json.dumps(plan, indent=2, ensure_ascii=False) + "\n"


def approved_plan(text: str) -> _Document:
    """Return the plan of a file that somebody signed.

    :raises ValueError: it is none; its text says what is wrong.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError("is no JSON: it has to be what flyte_plan_file wrote") from error
    if not isinstance(found, dict) or "format" not in found:
        raise ValueError("is no plan: it has to be what flyte_plan_file wrote")
    if found["format"] != FORMAT:
        raise ValueError(f"has the format {found['format']!r}, and has to have {FORMAT!r}: plan anew with this version of the collection")
    rows = found.get("rows")
    if not isinstance(rows, list) or not all(map(_is_row, rows)):
        raise ValueError("is no whole plan: its rows are not what flyte_plan_file wrote")
    # People sign the text, and a run is held to the rows.
    if found.get("text") != _signed(rows, found.get("removed"), found.get("places")):
        raise ValueError("was changed by hand: its text does not say what its rows do")
    return found


def _signed(rows: Iterable[_Document], removed: t.Any, places: t.Any) -> list[str] | None:
    """Return the text that a plan of rows has, None where there is none."""
    try:
        return [*_text(rows), *removed, *_place_lines(places)]
    except (AttributeError, KeyError, TypeError):
        return None


def _is_row(row: t.Any) -> bool:
    if not isinstance(row, dict) or not all(isinstance(row.get(key), str) for key in ("host", "step", "what")):
        return False
    if not isinstance(row.get("details"), list) or not all(isinstance(line, str) for line in row["details"]):
        return False
    lists = [row.get(key) for key in _CHANGES]
    return all(isinstance(found, list) and all(isinstance(entry, dict) and isinstance(entry.get("path"), str) for entry in found) for found in lists)


def not_approved(planned: Mapping[str, t.Any], approved: Mapping[str, t.Any]) -> list[str]:
    """Return what a run would do that the approved plan does not say, as lines. What of that plan is done already is no difference.

    :param planned: of :func:`document`.
    """
    lines = []
    for row in planned["rows"]:
        if _only_says(row):
            continue
        where, allowing = f"{row['host']}: {row['step']}: {row['what']}", [entry for entry in approved["rows"] if _allows(entry, row)]
        if not allowing:
            lines.append(f"{where}: is not in the approved plan")
            continue
        found = [change for entry in allowing for key in ("changes", "held") for change in entry[key]]
        said, settings = {detail for entry in allowing for detail in entry["details"]}, settings_lines(row["details"])
        lines += [line for change in (*row["changes"], *row["held"]) if (line := _difference(change, found, row["step"], where))]
        lines += [f"{where}: {detail}: is not in the approved plan" for detail in settings if detail not in said]
        lines += [f"{text}: {_MASKED}" for text in (where, *(f"{where}: {detail}" for detail in settings)) if MASK in text]
    return lines


def _allows(approved: Mapping[str, t.Any], row: Mapping[str, t.Any]) -> bool:
    """Return whether a row is one of the approved plan, or what was left to be done of it."""
    if (approved["host"], approved["step"]) != (row["host"], row["step"]):
        return False
    return bool(approved["what"] == row["what"] or any(_is_part(row["what"], approved["what"], *part) for part in _PARTS))


def _is_part(what: str, approved: str, begins: str, wholes: Sequence[str], alike: bool) -> bool:
    """Return whether an action is what is left of an approved one. What of it has another name has that among its changes."""
    if not what.startswith(begins):
        return False
    ends = [approved.removeprefix(whole) for whole in wholes if approved.startswith(whole)]
    return bool(ends) and (not alike or what.removeprefix(begins) in ends)


def _only_says(row: Mapping[str, t.Any]) -> bool:
    """Return whether a row changes nothing."""
    return bool(row["what"] in _WAITS or (row["what"].startswith(_ROLE) and not row["changes"]))


def _difference(change: Mapping[str, t.Any], approved: Sequence[Mapping[str, t.Any]], step: str, where: str) -> str:
    """Return what of a change is not in the approved plan, nothing where all of it is."""
    if not any(_same(change, entry, step) for entry in approved):
        there = next((_change({**change, **entry}) for entry in approved if entry["path"] == change["path"]), None)
        return f"{where}: {_change(change)}" + (f"; approved is {there}" if there else ": is not in the approved plan")
    if HIDDEN in f"{change['before']}{change['after']}":
        return f"{where}: {change['path']}: a secret of which the plan does not say whether it is another one: flyte_plan_key, for the plan and for the run"
    if MASK in f"{change['path']}{change['before']}{change['after']}":
        return f"{where}: {change['path']}: {_MASKED}"
    return ""


def _same(change: Mapping[str, t.Any], approved: Mapping[str, t.Any], step: str) -> bool:
    # Before its first rollout flyteadmin cannot be asked which label somebody has.
    keys = ("path",) if step == "ecl" and approved.get("before") == NOT_KNOWN_YET else ("path", "before")
    # A token that was to be made is there after a run that was killed.
    after = (change["after"], TO_BE_MADE["token"]) if step == "credentials" else (change["after"],)
    return all(change[key] == approved.get(key) for key in keys) and approved.get("after") in after
