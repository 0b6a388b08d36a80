# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan as a file that somebody can sign, and a run held to it. No I/O, no secrets: nor anything by which a weak one could be guessed.

What a row does is its host, step, action and changes; its reason only says why, and changes when a run was killed halfway.
"""

from __future__ import annotations

import json
import re
import typing as t

from .._helm.identity import AUTH_SECRET
from .._helm.shown_values import NOT_SET
from .releases import MARK

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .rows import Row

FORMAT = "flyte.multicluster plan 1"
#: what is waited for, and notes on a role that is as wanted
_WAIT, _ROLE = "wait", "role "
#: the beginning of a digest
_DIGEST = re.compile(r" ?\(was [0-9a-f]{8}\)| [0-9a-f]{8}\b")
_Document = dict[str, t.Any]


def document(rows: Iterable[Row], removed: Sequence[str]) -> _Document:
    """Return a plan as plain data: the same for the same plan.

    :param removed: what is taken away, as lines.
    """
    found = [_row(row) for row in rows]
    return {"format": FORMAT, "rows": found, "removed": list(removed), "text": [*_text(found), *removed]}


def _row(row: Row) -> _Document:
    # The fingerprint of a client's secret, which may be weak, is none that may leave this machine.
    why = _DIGEST.sub("", row.reason) if row.action.startswith(f"Secret {AUTH_SECRET}") else row.reason
    found: _Document = {"host": row.host, "step": row.step, "what": row.action, "why": why, "details": list(row.details)}
    return {**found, "changes": [change.as_dict() for change in row.changes], "drift": [change.as_dict() for change in row.drift]}


def _text(rows: Iterable[_Document]) -> list[str]:
    lines = []
    for row in rows:
        lines.append(f"{row['host']}: {row['step']}: {row['what']}: {row['why']}")
        lines += [f"    {detail}" for detail in row["details"]]
        for key, sign in (("drift", "changed by hand: "), ("changes", "")):
            lines += [f"    {sign}{_change(entry)}" for entry in row[key]]
    return lines or ["Nothing to do."]


def _change(entry: Mapping[str, t.Any]) -> str:
    before, after = (NOT_SET if entry[key] is None else json.dumps(entry[key], ensure_ascii=False) for key in ("before", "after"))
    return f"{entry['path']}: {before} -> {after}"


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
    return found


def _is_row(row: t.Any) -> bool:
    if not isinstance(row, dict) or not all(isinstance(row.get(key), str) for key in ("host", "step", "what")):
        return False
    changes = row.get("changes")
    return isinstance(changes, list) and all(isinstance(entry, dict) and isinstance(entry.get("path"), str) for entry in changes)


def not_approved(planned: Mapping[str, t.Any], approved: Mapping[str, t.Any]) -> list[str]:
    """Return what a run would do that the approved plan does not say, as lines. What of that plan is done already is no difference.

    :param planned: of :func:`document`.
    """
    known: dict[tuple[str, str, str], list[_Document]] = {}
    for entry in approved["rows"]:
        known.setdefault((entry["host"], entry["step"], entry["what"]), []).extend(entry["changes"])
    lines = []
    for row in planned["rows"]:
        if _only_says(row):
            continue
        where, found = f"{row['host']}: {row['step']}: {row['what']}", known.get((row["host"], row["step"], row["what"]))
        if found is None:
            lines.append(f"{where}: is not in the approved plan")
            continue
        for change in row["changes"]:
            if not any(_same(change, entry, row["step"]) for entry in found):
                there = next((_change({**change, **entry}) for entry in found if entry["path"] == change["path"]), None)
                lines.append(f"{where}: {_change(change)}" + (f"; approved is {there}" if there else ": is not in the approved plan"))
    return lines


def _only_says(row: Mapping[str, t.Any]) -> bool:
    """Return whether a row changes nothing that somebody has to agree to."""
    what = row["what"]
    return bool(what == _WAIT or what.startswith(MARK) or (what.startswith(_ROLE) and not row["changes"]))


def _same(change: Mapping[str, t.Any], approved: Mapping[str, t.Any], step: str) -> bool:
    # Before its first rollout flyteadmin cannot be asked which label somebody has.
    keys = ("path", "after") if step == "ecl" else ("path", "before", "after")
    return all(change[key] == approved.get(key) for key in keys)
