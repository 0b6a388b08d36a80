# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user has after the README's installation: a Python environment of its own, with the collection from its tarball."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import typing as t
import venv
import zipfile

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
COLLECTIONS = ("kubernetes/core", "amazon/aws", "community/aws")


class Versions(t.NamedTuple):
    """What the environment has. The collections come from the PyPI package C(ansible), since Galaxy cannot be reached everywhere."""

    ansible_core: str
    ansible: str
    libraries: tuple[str, ...]


#: the floors of meta/runtime.yml, galaxy.yml and requirements.txt, each exactly: ansible 11.0.0 has kubernetes.core 5.0.0, amazon.aws and community.aws 9.0.0
OLDEST = Versions("2.18.1", "11.0.0", ("boto3==1.35.0", "kubernetes==24.2.0", "requests==2.28.0", "PyYAML>=6"))
#: the newest that take this Python: ansible-core 2.20 and newer want Python 3.12
_NEWEST = ("2.21.*", "14.*") if sys.version_info >= (3, 12) else ("2.19.*", "12.*")
NEWEST = Versions(*_NEWEST, ("boto3", "kubernetes", "requests", "PyYAML"))


def build(folder: pathlib.Path) -> pathlib.Path:
    """Build the collection; return its tarball."""
    command = [str(pathlib.Path(sys.executable).with_name("ansible-galaxy")), "collection", "build", "--force", "--output-path", str(folder)]
    subprocess.run(command, cwd=REPOSITORY, check=True, stdout=subprocess.DEVNULL)
    (tarball,) = folder.glob("flyte-multicluster-*.tar.gz")
    return tarball


def install(folder: pathlib.Path, tarball: pathlib.Path, versions: Versions, *more: str) -> pathlib.Path:
    """Make the environment; return its folder of programs.

    :param more: further packages.
    """
    venv.create(folder, with_pip=True)
    programs = folder / "bin"
    pip = [str(programs / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run([*pip, "install", "--no-compile", f"ansible-core=={versions.ansible_core}", *versions.libraries, *more], check=True)
    subprocess.run([*pip, "download", "--no-deps", "--dest", str(folder), f"ansible=={versions.ansible}"], check=True)
    (wheel,) = folder.glob("ansible-*.whl")
    collections = folder / "collections"
    with zipfile.ZipFile(wheel) as archive:
        wanted = tuple(f"ansible_collections/{name}/" for name in COLLECTIONS)
        archive.extractall(collections, [name for name in archive.namelist() if name.startswith(wanted)])
    wheel.unlink()
    galaxy = [str(programs / "ansible-galaxy"), "collection", "install", "--offline", "--no-deps", "-p", str(collections), str(tarball)]
    # Not where an ansible.cfg lies: this repository's has the collection already.
    subprocess.run(galaxy, cwd=folder, env=environment(folder), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return programs


def environment(folder: pathlib.Path) -> dict[str, str]:
    """Return the environment of somebody who works with it, without what is set here."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "K8S_AUTH_", "AWS_", "KUBECONFIG", "PYTHON"))}
    paths = {"ANSIBLE_COLLECTIONS_PATH": str(folder / "collections"), "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    return {**kept, **paths, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"), "ANSIBLE_REMOTE_TEMP": str(folder / "tmp")}


if __name__ == "__main__":
    place = pathlib.Path(sys.argv[1]).resolve()
    place.mkdir(parents=True)
    print(install(place, build(place), OLDEST if "--oldest" in sys.argv else NEWEST))
