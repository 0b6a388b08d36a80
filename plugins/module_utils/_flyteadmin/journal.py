# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the rows that a delete takes along are kept until they are written again, so that a killed run loses none.

In a ConfigMap of the control plane, where every later run finds them whatever machine it runs on; in a file of this
machine where no access to the control plane is given.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import pathlib
import typing as t

from .._clusters import backups
from .._clusters.client import Kube, KubeError
from .._common.names import LABELS
from .._labels.rows import as_dict

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .._labels.rows import Key, Rows

CONFIG_MAP = "flyte-multicluster-ecl-journal"
_KEY = "rows.json"
_UNREADABLE = "It holds rows to restore: correct it, or move it away."


class JournalError(Exception):
    """The rows cannot be read or saved; ``hint`` says what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class Journal(t.Protocol):
    """Keeps rows."""

    @property
    def place(self) -> str:
        """Where it is, for people."""

    def read(self) -> Rows:
        """Return the rows that a killed run left."""

    def write(self, rows: Mapping[Key, str]) -> None:
        """Save rows, in the place of those before; they are safe when this returns."""

    def clear(self) -> None:
        """Forget the rows: they are written again."""

    def keep(self, rows: Mapping[Key, str]) -> None:
        """Keep rows that are changed or removed on purpose, for people; they are safe when this returns."""


def _encoded(rows: Mapping[Key, str]) -> str:
    return json.dumps([as_dict(key, label) for key, label in sorted(rows.items())], indent=1)


def _decoded(text: str, place: str) -> Rows:
    try:
        rows = {(row["project"], row["domain"], row["workflow"]): row["label"] for row in json.loads(text)}
        if not all(isinstance(part, str) for key, label in rows.items() for part in (*key, label)):
            raise TypeError("a row holds something else than text")
        return rows
    except (ValueError, TypeError, KeyError) as error:
        raise JournalError(f"the journal {place} cannot be read: {error!r}", _UNREADABLE) from error


class FileJournal:
    """A file for each flyteadmin in a folder of this machine."""

    def __init__(self, folder: str, url: str) -> None:
        self._path = pathlib.Path(folder) / f"ecl-{hashlib.sha256(url.rstrip('/').encode()).hexdigest()[:12]}.json"

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return str(self._path)

    def read(self) -> Rows:
        """Return the rows that a killed run left."""
        try:
            return _decoded(self._path.read_text(encoding="utf-8"), self.place)
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError) as error:
            raise JournalError(f"the journal {self.place} cannot be read: {error}", _UNREADABLE) from error

    def write(self, rows: Mapping[Key, str]) -> None:
        """Save rows, in the place of those before; they are on the disk when this returns."""
        scratch = self._path.with_suffix(f".{os.getpid()}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with open(scratch, "w", encoding="utf-8") as file:
                file.write(_encoded(rows))
                file.flush()
                os.fsync(file.fileno())
            scratch.replace(self._path)
        except OSError as error:
            raise JournalError(f"the journal {self.place} cannot be written: {error}", "Nothing was deleted. Set journal to another folder.") from error

    def clear(self) -> None:
        """Forget the rows: they are written again."""
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            raise JournalError(f"the journal {self.place} cannot be removed: {error}", "Its rows are written again: remove it.") from error

    def keep(self, rows: Mapping[Key, str]) -> None:
        """Keep rows in a file beside the journal, in the place of those before."""
        path = self._path.with_suffix(".backup.json")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(_encoded(rows), encoding="utf-8")
        except OSError as error:
            raise JournalError(f"the backup {path} cannot be written: {error}", "Nothing was changed. Set journal to another folder.") from error


class ConfigMapJournal:
    """A ConfigMap beside flyteadmin. The connection is made when it is first needed."""

    def __init__(self, connect: Callable[[], Kube], namespace: str) -> None:
        self._connect = connect
        self._namespace = namespace
        self._path = f"/api/v1/namespaces/{namespace}/configmaps"

    @functools.cached_property
    def _kube(self) -> Kube:
        return self._connect()

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return f"ConfigMap {self._namespace}/{CONFIG_MAP} of the control plane"

    def read(self) -> Rows:
        """Return the rows that a killed run left."""
        found = self._kube.find(f"{self._path}/{CONFIG_MAP}")
        text = ((found or {}).get("data") or {}).get(_KEY)
        return _decoded(text, self.place) if text else {}

    def write(self, rows: Mapping[Key, str]) -> None:
        """Save rows, in the place of those before."""
        body = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": CONFIG_MAP, "namespace": self._namespace, "labels": LABELS},
            "data": {_KEY: _encoded(rows)},
        }
        try:
            try:
                self._kube.create(self._path, body)
            except KubeError as error:
                if error.status != 409:
                    raise
                self._kube.patch(f"{self._path}/{CONFIG_MAP}", {"data": body["data"]})
        except KubeError as error:
            raise JournalError(f"the journal {self.place} cannot be written: {error.message}", f"Nothing was deleted. {error.hint}".strip()) from error

    def clear(self) -> None:
        """Forget the rows: they are written again."""
        self._kube.delete(f"{self._path}/{CONFIG_MAP}")

    def keep(self, rows: Mapping[Key, str]) -> None:
        """Keep rows as a backup beside flyteadmin."""
        try:
            backups.keep(self._kube, self._namespace, "labels", {"rows.json.gz": backups.packed([as_dict(key, label) for key, label in sorted(rows.items())])})
        except backups.BackupError as error:
            raise JournalError(error.message, error.hint) from error
