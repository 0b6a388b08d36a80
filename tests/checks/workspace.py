# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A copy of the repository at the path that ansible-test and antsibull want, ``…/ansible_collections/flyte/multicluster``."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import typing as t

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]


@contextlib.contextmanager
def workspace(*, dependencies: bool = True) -> t.Iterator[pathlib.Path]:
    """Copy what git would take, with the collections that we depend on beside it; removed in the end.

    :param dependencies: whether they are.
    """
    listing = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=REPOSITORY, capture_output=True, check=True)
    with tempfile.TemporaryDirectory(prefix="flyte-multicluster-") as folder:
        root = pathlib.Path(folder) / "ansible_collections"
        target = root / "flyte" / "multicluster"
        for name in listing.stdout.decode().split("\0"):
            source = REPOSITORY / name
            if name and source.is_file():
                (target / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target / name)
        import ansible_collections

        installed = pathlib.Path(list(ansible_collections.__path__)[0])
        for collection in ("kubernetes/core", "amazon/aws", "community/aws") if dependencies else ():
            (root / collection).parent.mkdir(parents=True, exist_ok=True)
            if collection in ("kubernetes/core", "amazon/aws"):
                # antsibull-docs does not follow links, and our modules' documentation has parts from here.
                shutil.copytree(installed / collection, root / collection, ignore=shutil.ignore_patterns("tests", "docs"))
            else:
                (root / collection).symlink_to(installed / collection)
        subprocess.run(["git", "init", "-q", "."], cwd=target, check=True)
        subprocess.run(["git", "add", "-A"], cwd=target, check=True)
        yield target


def environment(target: pathlib.Path) -> dict[str, str]:
    """Return the environment with our own tools first and the copy as the place of collections."""
    return {
        **os.environ,
        "PATH": f"{pathlib.Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "ANSIBLE_COLLECTIONS_PATH": str(target.parents[2]),
        # Not those of the virtual environment: inside a git checkout antsibull-docs would take them for untracked files.
        "ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "false",
    }
