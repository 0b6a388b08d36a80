# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The unit tests of what is to be committed: those of the same part of the collection."""

from __future__ import annotations

import pathlib
import subprocess
import typing as t

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
#: what stands in documents, and what they say of the code
DOCUMENTED = "tests/unit/test_documentation.py"
PLAYED = "tests/unit/test_playbooks.py"


def changed() -> list[str]:
    """Return the files that differ from the last commit, new ones too."""
    told = subprocess.run(["git", "status", "--porcelain", "--untracked-files=all", "-z"], cwd=REPOSITORY, capture_output=True, check=True).stdout.decode()
    return [entry[3:] for entry in told.split("\0") if len(entry) > 3]


def unit_tests(files: t.Iterable[str], root: pathlib.Path = REPOSITORY) -> list[str]:
    """Return the test files and folders for changed files, by where they lie: those of plugins/A/B are in tests/unit/plugins/A/B."""
    found: set[str] = set()
    for name in map(pathlib.PurePosixPath, files):
        if name.parts[:2] == ("tests", "unit") and name.name.startswith("test_"):
            found.add(str(name))
        elif name.parts[0] == "plugins":
            found.add(f"tests/unit/{name.parent}")
        elif name.parts[:2] == ("tests", "lab"):
            found.add("tests/unit/lab")
        elif name.parts[0] in ("playbooks", "roles", "extensions"):
            found.add(PLAYED)
        if name.suffix in (".md", ".yml") or name.parts[:2] in (("plugins", "modules"), ("plugins", "doc_fragments")):
            found.add(DOCUMENTED)
    there = sorted(path for path in found if (root / path).exists())
    # pytest runs what is named twice once only where it is named alike.
    return [path for path in there if not any(path.startswith(f"{other}/") for other in there)]
