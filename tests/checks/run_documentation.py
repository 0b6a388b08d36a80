# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Render the documentation of every plugin and role with ansible-doc, lint it, check the changelog, and build the site, all without a warning.

The site is kept in the folder of ``FLYTE_DOCS``, where that is set.
"""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from workspace import REPOSITORY, environment, workspace

sys.path.insert(0, str(REPOSITORY / "docs" / "site"))

import pages  # noqa: E402


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


def documentation_problems() -> list[str]:
    """Return what has no documentation where, as on Galaxy, the collections that we depend on are not there."""
    kinds = {
        "module": sorted(path.stem for path in (REPOSITORY / "plugins" / "modules").glob("*.py")),
        "filter": sorted(path.stem for path in (REPOSITORY / "plugins" / "filter").glob("*.yml")),
        "callback": sorted(path.stem for path in (REPOSITORY / "plugins" / "callback").glob("*.py")),
        "inventory": sorted(path.stem for path in (REPOSITORY / "plugins" / "inventory").glob("*.py")),
        "role": sorted(path.name for path in (REPOSITORY / "roles").iterdir() if path.is_dir()),
    }
    problems = []
    with workspace(dependencies=False) as target:
        for kind, names in kinds.items():
            missing = rendered(kind, names, target)
            problems += [f"{kind} {name} is not rendered by ansible-doc" for name in missing]
            print(f"{kind}s rendered: {len(names) - len(missing)} of {len(names)}")
    return problems


def site(target: pathlib.Path, source: pathlib.Path, built: pathlib.Path) -> int:
    """Put the pages together and build the site; return Sphinx' exit code."""
    for path in (*REPOSITORY.glob("docs/*.md"), *REPOSITORY.glob("docs/*.svg"), *REPOSITORY.glob("docs/*.png"), REPOSITORY / "docs" / "site" / "conf.py"):
        shutil.copy2(path, source / path.name)
    (source / "steps.md").write_text(pages.steps(), encoding="utf-8")
    (source / "variables.md").write_text(pages.variables(), encoding="utf-8")
    (source / "messages.md").write_text(pages.messages_page(), encoding="utf-8")
    index = (REPOSITORY / "docs" / "site" / "index.md").read_text(encoding="utf-8")
    others = [path.stem for path in sorted(source.glob("*.md")) if f"\n{path.stem}\n" not in index]
    (source / "index.md").write_text(index.replace("EVERY_DAY\n", "".join(f"{name}\n" for name in others)), encoding="utf-8")
    for path in source.glob("*.md"):
        path.write_text(path.read_text(encoding="utf-8").replace("](../", f"]({pages.REPOSITORY_URL}/blob/main/"), encoding="utf-8")
    antsibull = [tool("antsibull-docs"), "collection", "--use-current", "--squash-hierarchy", "--fail-on-error", "--dest-dir", str(source / "collections")]
    (source / "collections").mkdir()
    code = subprocess.run([*antsibull, "flyte.multicluster"], env=environment(target), cwd=target, stdout=subprocess.DEVNULL, check=False).returncode
    sphinx = [tool("sphinx-build"), "--fail-on-warning", "--keep-going", "--quiet", "--builder", "html", str(source), str(built)]
    code = code or subprocess.run(sphinx, env=environment(target), check=False).returncode
    print(f"site of {len(list(built.rglob('*.html')))} pages: {'failed' if code else 'passed'}")
    return code


def main() -> int:
    """Check all documentation."""
    problems = documentation_problems()
    with workspace() as target, tempfile.TemporaryDirectory(prefix="flyte-docs-") as folder:
        commands = [
            [tool("antsibull-docs"), "lint-collection-docs", "--plugin-docs", "--validate-collection-refs", "dependent", "--skip-rstcheck", "."],
            [tool("antsibull-changelog"), "lint"],
        ]
        for command in commands:
            code = subprocess.run(command, env={**environment(target), "PYTHONWARNINGS": "ignore"}, cwd=target, check=False).returncode
            print(f"{pathlib.Path(command[0]).name} {command[1]}: {'passed' if code == 0 else 'failed'}")
            problems += [] if code == 0 else [f"{' '.join(command[:2])} failed"]
        source = pathlib.Path(folder) / "source"
        source.mkdir()
        built = pathlib.Path(os.environ.get("FLYTE_DOCS") or pathlib.Path(folder) / "site").resolve()
        problems += ["the site has warnings"] if site(target, source, built) else []
    print("\n".join(problems), file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    os.umask(0o022)
    sys.exit(main())
