# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EKS Pod Identity associations: which account of a cluster takes which role."""

from __future__ import annotations

import functools
import typing as t

from .errors import AwsError, attempt, attempt_to_delete, attempt_to_find
from .session import shared_client

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Row = Mapping[str, t.Any]

_DONE = {"create": "created", "update": "updated", "delete": "deleted"}


def associations_of(eks: t.Any, cluster: str) -> list[dict[str, t.Any]]:
    """Return the associations of a cluster, each with its role and tags."""
    pages = eks.get_paginator("list_pod_identity_associations").paginate(clusterName=cluster)
    listed = attempt(f"list the Pod Identity associations of the EKS cluster {cluster}", pages.build_full_result)["associations"]
    found = []
    for number in [entry["associationId"] for entry in listed]:
        description = f"read the Pod Identity association {number} of the EKS cluster {cluster}"
        answer = attempt_to_find(description, eks.describe_pod_identity_association, clusterName=cluster, associationId=number)
        if answer is None:
            continue  # deleted since it was listed
        whole = answer["association"]
        found.append(
            {
                "id": whole["associationId"],
                "namespace": whole["namespace"],
                "service_account": whole["serviceAccount"],
                "role_arn": whole["roleArn"],
                "tags": whole.get("tags") or {},
            }
        )
    return found


def _place(row: Row) -> str:
    return f"{row['cluster']}/{row['namespace']}:{row['service_account']}"


class _Associations:
    """What is there, what has to be done, and what must not be."""

    def __init__(self, params: Mapping[str, t.Any]) -> None:
        self.present = params["state"] == "present"
        self.tags = {key: str(value) for key, value in params["tags"].items()}
        self.before: dict[str, str] = {}
        self.done: dict[str, list[str]] = {name: [] for name in _DONE.values()}
        self.work: list[Callable[[], t.Any]] = []
        self.foreign: list[str] = []

    def look(self, eks: t.Any, cluster: str, rows: Iterable[Row]) -> None:
        """Compare the associations of one cluster with what they have to be."""
        found = {(entry["namespace"], entry["service_account"]): entry for entry in associations_of(eks, cluster)}
        for row in rows:
            entry = found.get((row["namespace"], row["service_account"]))
            if entry:
                self.before[_place(row)] = entry["role_arn"]
            if self._is_due(row, entry):
                self._plan(eks, row, entry)

    def _is_due(self, row: Row, entry: Row | None) -> bool:
        if not self.present:
            return entry is not None
        return entry is None or bool(entry["role_arn"] != row["role_arn"])

    def _plan(self, eks: t.Any, row: Row, entry: Row | None) -> None:
        place = _place(row)
        if entry is None:
            account = {"namespace": row["namespace"], "serviceAccount": row["service_account"]}
            call = functools.partial(eks.create_pod_identity_association, **account, roleArn=row["role_arn"], tags=self.tags)
            self._add("create", f"associate {place} with {row['role_arn']}", row, call)
        elif not self.tags.items() <= entry["tags"].items():
            self.foreign.append(f"{place} ({entry['role_arn']})")
        elif self.present:
            call = functools.partial(eks.update_pod_identity_association, associationId=entry["id"], roleArn=row["role_arn"])
            self._add("update", f"associate {place} with {row['role_arn']} instead of {entry['role_arn']}", row, call)
        else:
            self._add("delete", f"delete the association of {place}", row, functools.partial(eks.delete_pod_identity_association, associationId=entry["id"]))

    def _add(self, kind: str, description: str, row: Row, call: Callable[..., t.Any]) -> None:
        self.done[_DONE[kind]].append(_place(row))
        where = f" ({row['host']})" if row.get("host") else ""
        act = attempt_to_delete if kind == "delete" else attempt
        self.work.append(functools.partial(act, description + where, call, clusterName=row["cluster"]))


def ensure_associations(params: Mapping[str, t.Any], check_mode: bool, connect: Callable[..., t.Any] = shared_client) -> dict[str, t.Any]:
    """Return the result of the module flyte_pod_identity.

    :param connect: makes a client; tests give one of their own.
    """
    rows: list[Row] = params["associations"]
    without = [_place(row) for row in rows if params["state"] == "present" and not row["role_arn"]]
    if without:
        raise AwsError(f"{', '.join(without)}: role_arn is required.", "Nothing was changed.")
    found = _Associations(params)
    for (cluster, region, role), own in _grouped(rows).items():
        found.look(connect(params, "eks", region=region, assume_role_arn=role), cluster, own)
    if found.foreign:
        hint = "Nothing was changed. Delete it by hand, or tag it."
        raise AwsError(f"{', '.join(found.foreign)} was not made here: it lacks the tags {found.tags}.", hint)
    for step in [] if check_mode else found.work:
        step()
    after = {_place(row): row["role_arn"] for row in rows} if found.present else {}
    return {"changed": bool(found.work), **found.done, "diff": {"before": found.before, "after": after}}


def _grouped(rows: Iterable[Row]) -> dict[tuple[t.Any, ...], list[Row]]:
    found: dict[tuple[t.Any, ...], list[Row]] = {}
    for row in rows:
        found.setdefault((row["cluster"], row["region"], row["assume_role_arn"]), []).append(row)
    return found
