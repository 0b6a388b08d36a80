# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is run before a commit is what belongs to it, and no more: it has to end within two minutes."""

from __future__ import annotations

import pathlib
import sys

import pytest
from conftest import REPOSITORY

sys.path.insert(0, str(REPOSITORY / "tests" / "checks"))

from touched import unit_tests  # noqa: E402


@pytest.mark.parametrize(
    ("files", "tests"),
    [
        ([], []),
        (["plugins/module_utils/_plan/rows.py"], ["tests/unit/plugins/module_utils/_plan"]),
        (["plugins/module_utils/_plan/rows.py", "tests/unit/plugins/module_utils/_plan/test_planning.py"], ["tests/unit/plugins/module_utils/_plan"]),
        (["tests/unit/plugins/module_utils/_plan/test_planning.py"], ["tests/unit/plugins/module_utils/_plan/test_planning.py"]),
        (["plugins/modules/flyte_ecl.py"], ["tests/unit/plugins/modules", "tests/unit/test_documentation.py"]),
        (["roles/ecl/tasks/main.yml"], ["tests/unit/test_documentation.py", "tests/unit/test_playbooks.py"]),
        (["docs/aws.md"], ["tests/unit/test_documentation.py"]),
        (["tests/lab/aws.py", "tests/unit/plugins/gone/test_gone.py", "Makefile"], ["tests/unit/lab"]),
    ],
)
def test_the_tests_of_what_is_to_be_committed(files: list[str], tests: list[str]) -> None:
    assert unit_tests(files) == tests


def test_every_part_of_the_collection_has_tests() -> None:
    """Or nothing is run for it, silently; documents have theirs in one file."""
    kinds = {path.parent for path in (REPOSITORY / "plugins").rglob("*.py") if path.name != "__init__.py"} - {REPOSITORY / "plugins" / "doc_fragments"}
    assert [str(path.relative_to(REPOSITORY)) for path in kinds if not unit_tests([str(pathlib.Path(path.relative_to(REPOSITORY), "some.py"))])] == []
