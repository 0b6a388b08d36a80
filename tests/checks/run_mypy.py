# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run mypy, strict, over the collection's Python (as the package that it is for Ansible) and over the lab and the tests."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]


def mypy(*arguments: str, path: str = "") -> int:
    """Run mypy; return its exit code."""
    command = [sys.executable, "-m", "mypy", "--config-file", str(REPOSITORY / "tests" / "mypy.ini"), *arguments]
    return subprocess.run(command, cwd=REPOSITORY, env={**os.environ, "MYPYPATH": path}, check=False).returncode


def main() -> int:
    """Check everything."""
    kinds = ("module_utils", "plugin_utils", "modules", "action", "filter", "inventory", "callback")
    collection = mypy(
        *(part for kind in kinds for part in ("-p", f"ansible_collections.flyte.multicluster.plugins.{kind}")),
        path=str(REPOSITORY / ".collections"),
    )
    lab = mypy("--exclude", "tests/lab/(flyteadmin/|kubelet/|example)", "tests/lab", path="tests/lab")
    # Programs of their own, each with its folder first in the path, and the lab's own after it.
    programs = [mypy(f"tests/lab/{name}", path=f"tests/lab/{name}:tests/lab") for name in ("flyteadmin", "kubelet")]
    return collection or lab or max(programs)


if __name__ == "__main__":
    sys.exit(main())
