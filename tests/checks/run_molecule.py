# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run molecule on a lab of its own, which is gone afterwards, also after a failure or Ctrl-C."""

from __future__ import annotations

import contextlib
import os
import pathlib
import subprocess
import sys
import tempfile

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "tests" / "lab"))

from lab import Lab  # noqa: E402
from ports import free_range  # noqa: E402
from processes import interruptible, kill_tree  # noqa: E402


def main() -> int:
    """Run the given scenarios, all of them without arguments."""
    given = os.environ.get("FLYTE_MOLECULE_PORT")
    with (
        interruptible(),
        contextlib.nullcontext(int(given)) if given else free_range() as port,
        tempfile.TemporaryDirectory(prefix="flyte-molecule-") as temporary,
    ):
        lab = Lab(REPOSITORY / f".lab-molecule-{port}", port)
        try:
            return molecule(lab, pathlib.Path(temporary))
        finally:
            lab.down()


def molecule(lab: Lab, temporary: pathlib.Path) -> int:
    """Run molecule with the lab's place in the environment, and with temporary folders that nobody else uses."""
    environment = {
        **os.environ,
        "PATH": f"{pathlib.Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "FLYTE_LAB_DIR": str(lab.folder),
        "FLYTE_LAB_PORT": str(lab.port),
        "TMPDIR": str(temporary),
        "ANSIBLE_LOCAL_TEMP": str(temporary),
        "ANSIBLE_REMOTE_TEMP": str(temporary),
        # Molecule installs the collection there: a copy in the user's home would be found by others.
        "ANSIBLE_HOME": str(temporary / "ansible"),
        "MOLECULE_EPHEMERAL_DIRECTORY": str(temporary / "molecule"),
    }
    command = [str(pathlib.Path(sys.executable).with_name("molecule")), "test", "--all", *sys.argv[1:]]
    with subprocess.Popen(command, cwd=REPOSITORY, env=environment, start_new_session=True) as process:
        try:
            return process.wait()
        finally:
            kill_tree(process)  # also its children, which would go on with a lab that is gone


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
