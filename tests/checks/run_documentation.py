# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Render the documentation of every module, filter and role with ansible-doc, lint it, and check the changelog."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

from workspace import REPOSITORY, environment, workspace


def tool(name: str) -> str:
    """Return the path of one of our own tools."""
    return str(pathlib.Path(sys.executable).with_name(name))


def rendered(kind: str, names: list[str], target: pathlib.Path) -> list[str]:
    """Return the names that ansible-doc does not render with a description."""
    full = [f"flyte.multicluster.{name}" for name in names]
    answer = subprocess.run(
        [tool("ansible-doc"), "--type", kind, "--json", *full], env=environment(target), cwd=target, capture_output=True, text=True, check=False
    )
    try:
        found = json.loads(answer.stdout)
    except ValueError:
        print(answer.stderr, file=sys.stderr)
        return full
    return [name for name in full if "description" not in json.dumps(found.get(name, {}))]


def main() -> int:
    """Check all documentation."""
    modules = sorted(path.stem for path in (REPOSITORY / "plugins" / "modules").glob("*.py"))
    filters = sorted(path.stem for path in (REPOSITORY / "plugins" / "filter").glob("*.yml"))
    roles = sorted(path.name for path in (REPOSITORY / "roles").iterdir() if path.is_dir())
    problems = []
    with workspace() as target:
        for kind, names in (("module", modules), ("filter", filters), ("role", roles)):
            missing = rendered(kind, names, target)
            problems += [f"{kind} {name} is not rendered by ansible-doc" for name in missing]
            print(f"{kind}s rendered: {len(names) - len(missing)} of {len(names)}")
        commands = [
            [tool("antsibull-docs"), "lint-collection-docs", "--plugin-docs", "--validate-collection-refs", "dependent", "--skip-rstcheck", "."],
            [tool("antsibull-changelog"), "lint"],
        ]
        for command in commands:
            code = subprocess.run(command, env={**environment(target), "PYTHONWARNINGS": "ignore"}, cwd=target, check=False).returncode
            print(f"{pathlib.Path(command[0]).name} {command[1]}: {'passed' if code == 0 else 'failed'}")
            problems += [] if code == 0 else [f"{' '.join(command[:2])} failed"]
    print("\n".join(problems), file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    os.umask(0o022)
    sys.exit(main())
