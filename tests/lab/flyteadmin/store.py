# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""flyteadmin's database: sqlite, so that a restart of the double loses nothing."""

from __future__ import annotations

import itertools
import sqlite3
import threading
import typing as t

#: rows of a more specific level first, as flyteadmin lists them
_PRIORITY = "CASE WHEN workflow != '' THEN 0 WHEN domain != '' AND project != '' THEN 1 WHEN project != '' THEN 2 ELSE 3 END"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS attributes (
    id INTEGER PRIMARY KEY AUTOINCREMENT, project TEXT, domain TEXT, workflow TEXT, kind TEXT, value BLOB,
    UNIQUE (project, domain, workflow, kind));
CREATE TABLE IF NOT EXISTS projects (id TEXT PRIMARY KEY, value BLOB);
CREATE TABLE IF NOT EXISTS entities (
    number INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT, project TEXT, domain TEXT, name TEXT, version TEXT, value BLOB,
    UNIQUE (kind, project, domain, name, version));
CREATE TABLE IF NOT EXISTS executions (
    number INTEGER PRIMARY KEY AUTOINCREMENT, project TEXT, domain TEXT, name TEXT, cluster TEXT, phase TEXT, value BLOB,
    inputs BLOB, UNIQUE (project, domain, name));
CREATE TABLE IF NOT EXISTS parts (
    number INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT, execution TEXT, name TEXT, parent TEXT, version INTEGER, value BLOB,
    UNIQUE (kind, execution, name));
"""


class Store:
    """All state, one connection, one lock."""

    def __init__(self, path: str) -> None:
        #: held over what is read, changed and written back
        self.lock = threading.RLock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=OFF")
        self._connection.executescript(_SCHEMA)

    def _run(self, statement: str, *values: t.Any) -> list[tuple[t.Any, ...]]:
        with self.lock:
            return self._connection.execute(statement, values).fetchall()

    # -- projects

    def projects(self) -> list[bytes]:
        """Return all projects by name."""
        return [row[0] for row in self._run("SELECT value FROM projects ORDER BY id")]

    def project(self, name: str) -> bytes | None:
        """Return one project."""
        return next((row[0] for row in self._run("SELECT value FROM projects WHERE id = ?", name)), None)

    def put_project(self, name: str, value: bytes) -> None:
        """Create or replace a project."""
        self._run("INSERT OR REPLACE INTO projects VALUES (?, ?)", name, value)

    # -- matchable attributes

    def attributes(self, kind: str) -> list[tuple[str, str, str, bytes]]:
        """Return the raw rows of every level."""
        rows = self._run(f"SELECT project, domain, workflow, value FROM attributes WHERE kind = ? ORDER BY {_PRIORITY}, id", kind)
        return t.cast("list[tuple[str, str, str, bytes]]", rows)

    def inherited(self, kind: str, project: str, domain: str, workflow: str) -> tuple[str, str, str, bytes] | None:
        """Return the row of this level, else the one that it inherits."""
        levels = itertools.takewhile(bool, [(project, domain, workflow), (project, domain, ""), (project, "", "")])
        for level in levels:
            rows = self._run("SELECT value FROM attributes WHERE kind = ? AND project = ? AND domain = ? AND workflow = ?", kind, *level)
            if rows:
                return (*level, rows[0][0])
        return None

    def put_attributes(self, kind: str, project: str, domain: str, workflow: str, value: bytes) -> None:
        """Create or replace the row of one level."""
        self._run(
            "INSERT INTO attributes (project, domain, workflow, kind, value) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (project, domain, workflow, kind) DO UPDATE SET value = excluded.value",
            project,
            domain,
            workflow,
            kind,
            value,
        )

    def delete_attributes(self, kind: str, project: str, domain: str, workflow: str) -> None:
        """Delete the row of one level and, as the real one does, every row below it."""
        statement, values = "DELETE FROM attributes WHERE kind = ? AND project = ?", [kind, project]
        for column, value in (("domain", domain), ("workflow", workflow)):
            if value:
                statement += f" AND {column} = ?"
                values.append(value)
        self._run(statement, *values)

    # -- tasks, workflows, launch plans

    def put_entity(self, kind: str, identifier: t.Any, value: bytes) -> bool:
        """Create an entity; False where it exists with another content."""
        key = (kind, identifier.project, identifier.domain, identifier.name, identifier.version)
        with self.lock:
            present = self.entity(kind, identifier)
            if present is None:
                self._run("INSERT INTO entities (kind, project, domain, name, version, value) VALUES (?, ?, ?, ?, ?, ?)", *key, value)
        return present is None

    def replace_entity(self, kind: str, identifier: t.Any, value: bytes) -> None:
        """Replace the content of an entity that exists."""
        self._run(
            "UPDATE entities SET value = ? WHERE kind = ? AND project = ? AND domain = ? AND name = ? AND version = ?",
            value,
            kind,
            identifier.project,
            identifier.domain,
            identifier.name,
            identifier.version,
        )

    def entity(self, kind: str, identifier: t.Any) -> bytes | None:
        """Return one entity."""
        rows = self._run(
            "SELECT value FROM entities WHERE kind = ? AND project = ? AND domain = ? AND name = ? AND version = ?",
            kind,
            identifier.project,
            identifier.domain,
            identifier.name,
            identifier.version,
        )
        return rows[0][0] if rows else None

    def entities(self, kind: str, project: str, domain: str, name: str) -> list[bytes]:
        """Return the entities of a project-domain, of one name where it is given, oldest first."""
        statement, values = "SELECT value FROM entities WHERE kind = ? AND project = ? AND domain = ?", [kind, project, domain]
        if name:
            statement += " AND name = ?"
            values.append(name)
        return [row[0] for row in self._run(statement + " ORDER BY number", *values)]

    # -- executions

    def put_execution(self, identifier: t.Any, cluster: str, phase: str, value: bytes, inputs: bytes | None = None) -> None:
        """Create or replace an execution."""
        self._run(
            "INSERT INTO executions (project, domain, name, cluster, phase, value, inputs) VALUES (?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (project, domain, name) DO UPDATE SET cluster = excluded.cluster, phase = excluded.phase, value = excluded.value",
            identifier.project,
            identifier.domain,
            identifier.name,
            cluster,
            phase,
            value,
            inputs or b"",
        )

    def execution(self, identifier: t.Any) -> bytes | None:
        """Return one execution."""
        rows = self._run(
            "SELECT value FROM executions WHERE project = ? AND domain = ? AND name = ?", identifier.project, identifier.domain, identifier.name
        )
        return rows[0][0] if rows else None

    def execution_inputs(self, identifier: t.Any) -> bytes:
        """Return the inputs of one execution."""
        rows = self._run(
            "SELECT inputs FROM executions WHERE project = ? AND domain = ? AND name = ?", identifier.project, identifier.domain, identifier.name
        )
        return rows[0][0] if rows else b""

    def executions(
        self, project: str, domain: str, where: list[tuple[str, list[str]]], limit: int, offset: int, newest_first: bool = False
    ) -> list[bytes]:
        """Return the executions of a project-domain whose columns have one of the given values."""
        statement, values = "SELECT value FROM executions WHERE project = ? AND domain = ?", [project, domain]
        for column, wanted in where:
            statement += f" AND {column} IN ({', '.join('?' * len(wanted))})"
            values += wanted
        order = "number DESC" if newest_first else "number"
        return [row[0] for row in self._run(f"{statement} ORDER BY {order} LIMIT ? OFFSET ?", *values, limit, offset)]

    # -- nodes and tasks of executions

    @staticmethod
    def _key(execution: t.Any) -> str:
        return f"{execution.project}/{execution.domain}/{execution.name}"

    def put_part(self, kind: str, execution: t.Any, name: str, value: bytes, *, parent: str, version: int = 0) -> None:
        """Create or replace a node or a task of an execution; the parent of a task is its node, that of a node, if any, the node that it is within."""
        self._run(
            "INSERT INTO parts (kind, execution, name, parent, version, value) VALUES (?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (kind, execution, name) DO UPDATE SET version = excluded.version, value = excluded.value",
            kind,
            self._key(execution),
            name,
            parent,
            version,
            value,
        )

    def part(self, kind: str, execution: t.Any, name: str) -> tuple[bytes, int] | None:
        """Return a node or a task, and the version of its phase."""
        rows = self._run("SELECT value, version FROM parts WHERE kind = ? AND execution = ? AND name = ?", kind, self._key(execution), name)
        return (rows[0][0], rows[0][1]) if rows else None

    def parts(self, kind: str, execution: t.Any, parent: str) -> list[bytes]:
        """Return the nodes or the tasks of an execution that have this parent, oldest first."""
        statement = "SELECT value FROM parts WHERE kind = ? AND execution = ? AND parent = ? ORDER BY number"
        return [row[0] for row in self._run(statement, kind, self._key(execution), parent)]
