# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Execution cluster labels of flyteadmin: compared, changed, and what a delete takes along written again."""

from __future__ import annotations

import typing as t

from .._common.text import nearest
from .._labels.places import unknown_places
from .._labels.rows import as_dict, deletes, describe, from_api, lost_by, plan
from .client import Admin
from .errors import AdminError

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .._labels.placement import Placement
    from .._labels.rows import Change, Key, Rows
    from .journal import Journal
    from .settings import Settings


def _entries(params: dict[str, t.Any]) -> dict[Key, str | None]:
    given = params["labels"] if params["labels"] is not None else [params]
    rows: dict[Key, str | None] = {}
    for entry in given:
        key = (entry["project"], entry["domain"] or "", entry["workflow"] or "")
        place = describe(key)
        if not key[0]:
            raise AdminError("a row has no project.", hint="Name the project of each row.")
        if key[2] and not key[1]:
            raise AdminError(f"{place}: a workflow's label needs a domain.", hint="Name the domain.")
        if key in rows:
            raise AdminError(f"{place} is given twice.", hint="Give it once.")
        if params["state"] == "present" and not entry["label"]:
            raise AdminError(f"{place}: label is required.", hint="Give it a label, or set state: absent.")
        rows[key] = entry["label"]
    return rows


def _guard(rows: Mapping[Key, str | None], params: dict[str, t.Any], placement_of: Callable[[], Placement | None]) -> None:
    """Refuse labels that labelClusterMap does not have, or that lead to no enabled cluster as far as that is known."""
    known = params["known_labels"]
    placement = placement_of() if known is None and params["state"] == "present" else None
    if placement is not None:
        known = list(placement.label_map)
    if known is None or params["state"] != "present":
        return
    wrong = [f"{describe(key)}: unknown label {label!r}.{nearest(label, known)}" for key, label in sorted(rows.items()) if label not in known]
    text = f"{'; '.join(wrong)} Known are: {', '.join(sorted(known)) or 'none'}." if wrong else ""
    if placement is not None:
        idle = [(key, label) for key, label in sorted(rows.items()) if label in known and not placement.shares(label)]
        text += "".join(f" {describe(key)}: label {label!r}: {placement.problem(t.cast(str, label))}." for key, label in idle)
    if text:
        raise AdminError(text.strip(), hint="Nothing was written: Flyte would run these workflows on any cluster, silently.")


def _failure(results: list[tuple[t.Any, t.Any, AdminError | None]], place: Callable[[t.Any], str], what: str) -> AdminError | None:
    """Return one error for all that failed, None where nothing did."""
    failed = [(item, error) for item, _result, error in results if error is not None]
    if not failed:
        return None
    item, error = failed[0]
    text = f"{len(failed)} of {len(results)} rows could not be {what}, the first is {place(item)}: {error.message}"
    return AdminError(text, status=error.status, code=error.code, hint=error.hint, result={"changed": True})


def _apply(admin: Admin, changes: list[Change], rescued: Rows, journal: Journal, left: bool) -> None:
    """Delete, then write. What a delete takes along is in the journal from before it until it is written again."""
    lost = lost_by(changes)
    if lost:
        journal.write({**rescued, **lost})
    deleted = admin.many(lambda change: admin.delete_label(change.key), deletes(changes))
    # Also after a delete that failed: others have taken rows along by then, and its answer alone may be what was lost.
    rows = {**lost, **{change.key: change.after for change in changes if change.after is not None}}
    written = admin.many(lambda row: admin.put_label(row[0], row[1]), sorted(rows.items()))
    missing = {row[0]: row[1] for row, _result, error in written if error is not None and row[0] in {**rescued, **lost}}
    if missing:
        journal.write(missing)
    elif lost or left:
        journal.clear()
    problem = _failure(deleted, lambda change: describe(change.key), "deleted") or _failure(written, lambda row: describe(row[0]), "written")
    if problem:
        if missing:
            problem.hint = f"{problem.hint} Rows that flyteadmin deleted along with others are kept in the {journal.place}; the next run writes them.".strip()
        raise problem


def _known(rows: list[dict[str, t.Any]]) -> Rows:
    return {(row["project"], row["domain"] or "", row["workflow"] or ""): row["label"] for row in rows}


def run(
    params: dict[str, t.Any],
    settings: Settings,
    *,
    check_mode: bool,
    warn: Callable[[str], None],
    placement_of: Callable[[], Placement | None],
    journal: Journal,
) -> dict[str, t.Any]:
    """Compare and write; return the module's result.

    :param placement_of: reads what flyteadmin's configuration makes of a label, where ``known_labels`` are not given.
    """
    given = _entries(params)
    _guard(given, params, placement_of)
    admin = Admin(settings, concurrency=params["concurrency"])
    saved = _known(params["journal_rows"]) if params["journal_rows"] is not None else journal.read()
    current = from_api(admin.label_rows())
    wanted: Rows = {}
    absent: list[Key] = []
    if params["state"] == "present":
        wanted = {key: t.cast(str, label) for key, label in given.items()}
    else:
        absent = list(given)
    # Rows that a killed run deleted and did not write again: this run wants them back, unless it says otherwise itself.
    rescued = {key: label for key, label in saved.items() if key not in current and key not in given and key[0] not in params["purge"]}
    changes = plan(current, {**rescued, **wanted}, absent, purge=params["purge"])
    new = [change.key for change in changes if change.after is not None and change.before is None and change.key not in rescued]
    unknown = "; ".join(unknown_places(new, admin.project_domains())) if new else ""
    if unknown and not check_mode:
        raise AdminError(unknown, hint="Nothing was written. Create the project first (flytectl create project), or correct its name.")
    if unknown:
        warn(f"{unknown} Without it, these labels cannot be set.")  # a run of site.yml may create it before
    if not check_mode:
        lost = {change.key: change.before for change in changes if change.before is not None}
        if lost and params["backups"]:
            journal.keep(lost)
        _apply(admin, changes, rescued, journal, bool(saved))
    result = _result(changes, rescued, journal)
    if params["gather"]:
        result["rows"] = [as_dict(key, label) for key, label in sorted(_after(current, changes).items())]
        result["project_domains"] = [{"project": project, "domain": domain} for project, domain in admin.project_domains()]
    return result


def _after(current: Rows, changes: list[Change]) -> Rows:
    changed = {change.key: change.after for change in changes}
    return {key: label for key, label in {**current, **changed}.items() if label is not None}


def _result(changes: list[Change], rescued: Rows, journal: Journal) -> dict[str, t.Any]:
    restored = {**rescued, **lost_by(changes)}
    result = {
        "changed": bool(changes),
        "before": [as_dict(change.key, change.before) for change in changes],
        "after": [as_dict(change.key, change.after) for change in changes],
        "restored": [as_dict(key, label) for key, label in sorted(restored.items())],
        "journal": journal.place,
        "diff": {"before": _lines(changes, "before"), "after": _lines(changes, "after")},
    }
    if restored:
        places = ", ".join(describe(key) for key in sorted(restored))
        result["msg"] = f"Rows that flyteadmin deletes along with the one above them are written again: {places}."
    return result


def _lines(changes: list[Change], side: str) -> str:
    rows = [(change.key, getattr(change, side)) for change in changes]
    return "".join(f"{describe(key)}: {label}\n" for key, label in sorted(rows) if label is not None)
