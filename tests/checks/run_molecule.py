# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run molecule on a lab of its own, which is gone afterwards, also after a failure or Ctrl-C."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]


def main() -> int:
    """Run the given scenarios, all of them without arguments."""
    lab = REPOSITORY / ".lab-molecule"
    environment = {
        **os.environ,
        "PATH": f"{pathlib.Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "FLYTE_LAB_DIR": str(lab),
        "FLYTE_LAB_PORT": os.environ.get("FLYTE_MOLECULE_PORT", "28500"),
    }
    command = [str(pathlib.Path(sys.executable).with_name("molecule")), "test", "--all", *sys.argv[1:]]
    try:
        return subprocess.run(command, cwd=REPOSITORY, env=environment, check=False).returncode
    finally:
        subprocess.run([sys.executable, str(REPOSITORY / "tests" / "lab" / "lab.py"), "down"], env=environment, stdout=subprocess.DEVNULL, check=False)


if __name__ == "__main__":
    sys.exit(main())
