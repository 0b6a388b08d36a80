# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# /// script
# dependencies = ["nox>=2025.5", "antsibull-nox>=1.10"]
# ///
"""Every check of this collection by its name: ``nox -Re lint``, ``nox -Re units -- tests/unit/plugins``. ``make`` calls the same.

They run in the environment that nox runs in: ``make setup`` makes one (``.venv/bin/nox -Re …``), the workflows one for each version of Ansible.
"""

from __future__ import annotations

import os
import pathlib
import sys

import antsibull_nox
import nox

BIN = pathlib.Path(sys.executable).parent
#: seconds that a test gets after Ctrl-C to end its lab; nox kills it after half a second otherwise
_ENDING = 120
nox.options.sessions = ["lint", "types", "units", "docs", "extra-checks"]
antsibull_nox.load_antsibull_nox_toml()


def _run(session: nox.Session, *command: str, **environment: str) -> None:
    """Run a program of this environment."""
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    arguments = [*command[1:], *session.posargs]
    session.run(
        str(BIN / command[0]), *arguments, external=True, env={"PATH": path, **environment}, interrupt_timeout=_ENDING, terminate_timeout=_ENDING
    )


@nox.session(venv_backend="none")
def lint(session: nox.Session) -> None:
    """ansible-lint in its production profile, yamllint, ruff."""
    _run(session, "ruff", "check", ".")
    _run(session, "yamllint", "--strict", ".")
    # Before what ~/.ansible may have of an older version.
    _run(session, "ansible-lint", "--offline", ANSIBLE_COLLECTIONS_PATH=str(pathlib.Path(".collections").resolve()))


@nox.session(venv_backend="none")
def types(session: nox.Session) -> None:
    """mypy, strict."""
    _run(session, "python", "tests/checks/run_mypy.py")


@nox.session(venv_backend="none")
def units(session: nox.Session) -> None:
    """The unit tests; arguments choose: ``-- tests/unit/plugins``."""
    _run(session, "python", "-m", "pytest", *([] if session.posargs else ["tests/unit"]))


@nox.session(venv_backend="none")
def commit(session: nox.Session) -> None:
    """What is run before each commit: lint, types, and the unit tests of the same parts of the collection."""
    sys.path.insert(0, "tests/checks")
    import touched

    tests = touched.unit_tests(touched.changed())
    for name, arguments in (("lint", []), ("types", []), *([("units", tests)] if tests else [])):
        session.notify(name, posargs=arguments)


@nox.session(venv_backend="none")
def sanity(session: nox.Session) -> None:
    """ansible-test sanity, without a container engine."""
    _run(session, "python", "tests/checks/run_sanity.py")


@nox.session(venv_backend="none")
def docs(session: nox.Session) -> None:
    """The documentation of every plugin and role, and the site, without a warning."""
    _run(session, "python", "tests/checks/run_documentation.py")


@nox.session(venv_backend="none")
def packaging(session: nox.Session) -> None:
    """The tarball, Galaxy's importer, the execution environment, licenses."""
    _run(session, "python", "tests/checks/run_packaging.py")


@nox.session(venv_backend="none")
def molecule(session: nox.Session) -> None:
    """The molecule scenarios, on a lab of their own."""
    _run(session, "python", "tests/checks/run_molecule.py")


@nox.session(venv_backend="none")
def integration(session: nox.Session) -> None:
    """The whole site on labs of its own."""
    _run(session, "python", "-m", "pytest", *([] if session.posargs else ["tests/integration"]))


if __name__ == "__main__":
    nox.main()
