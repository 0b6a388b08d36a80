# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run ansible-test sanity without a container engine."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import types

import ansible_test
from workspace import environment, workspace

#: ansible-test downloads this file once; where only a package registry is reachable, one that uses ensurepip does the same
_BOOTSTRAP = '''\
import subprocess, sys
subprocess.check_call([sys.executable, "-m", "ensurepip", "--upgrade"])
wanted = [argument for argument in sys.argv[1:] if not argument.startswith("--no-") and not argument.startswith("--disable")]
subprocess.check_call([sys.executable, "-m", "pip", "install", "--disable-pip-version-check", *wanted])
'''


def provide_bootstrap(version: str) -> None:
    """Put the bootstrap into ansible-test's cache, under the name of the pip that it wants."""
    sys.path.insert(0, str(pathlib.Path(ansible_test.__file__).parent / "_util" / "target" / "common"))
    from ansible_test._internal.python_requirements import get_venv_packages

    pip = get_venv_packages(types.SimpleNamespace(version=version))["pip"]
    target = pathlib.Path("~/.ansible/test/cache").expanduser() / f"get_pip_{pip.replace('.', '_')}.py"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(_BOOTSTRAP, encoding="utf-8")


def main() -> int:
    """Run all tests that need no other Python."""
    version = ".".join(str(part) for part in sys.version_info[:2])
    provide_bootstrap(version)
    with workspace() as target:
        command = [str(pathlib.Path(sys.executable).with_name("ansible-test")), "sanity", "--python", version, "--color", "no", *sys.argv[1:]]
        return subprocess.run(command, cwd=target, env={**environment(target), "HOME": os.environ["HOME"]}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
