# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Flyte's own compiler, a small program of ours in Go: what is registered becomes what flytepropeller runs."""

from __future__ import annotations

import base64
import json
import pathlib
import subprocess
import typing as t

from errors import INVALID_ARGUMENT, Fault
from flyteidl.core import compiler_pb2


class Compiler(t.Protocol):
    """What flyteadmin asks its compiler."""

    def compile(self, closure: t.Any) -> t.Any:
        """Return a CompiledWorkflowClosure whose templates were not compiled yet, compiled."""

    def build(self, launch: dict[str, t.Any]) -> dict[str, t.Any]:
        """Return the FlyteWorkflow object of a launch; its values are those of Launch in ``flytecompile``, messages as bytes."""


class FlyteCompile:
    """The compiler as a program: ``tests/lab/binaries/flytepropeller/compile``."""

    def __init__(self, program: pathlib.Path) -> None:
        self._program = program

    def compile(self, closure: t.Any) -> t.Any:
        """Return it compiled; what cannot be compiled is the fault of who registers it."""
        return compiler_pb2.CompiledWorkflowClosure.FromString(self._run("compile", closure.SerializeToString()))

    def build(self, launch: dict[str, t.Any]) -> dict[str, t.Any]:
        """Return the FlyteWorkflow object."""
        plain = {key: base64.b64encode(value).decode() if isinstance(value, bytes) else value for key, value in launch.items()}
        return t.cast("dict[str, t.Any]", json.loads(self._run("build", json.dumps(plain).encode())))

    def _run(self, command: str, content: bytes) -> bytes:
        answer = subprocess.run([str(self._program), command], input=content, capture_output=True, timeout=30, check=False)
        if answer.returncode != 0:
            raise Fault(INVALID_ARGUMENT, answer.stderr.decode(errors="replace").strip())
        return answer.stdout
