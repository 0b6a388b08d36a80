# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check the package: what is in the tarball, what Galaxy says of it, the execution environment's context, licenses, and that pip ends.

The tools are in an environment of their own, ``.venv-packaging`` or the folder of ``FLYTE_PACKAGING_VENV``.
"""

from __future__ import annotations

import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tarfile
import tempfile
import typing as t

import yaml
from clean_environment import REPOSITORY, build

TOOLS = pathlib.Path(os.environ.get("FLYTE_PACKAGING_VENV") or REPOSITORY / ".venv-packaging") / "bin"
#: of the tarball, which is its code (MAINTAINING.md, "Size"); and of all of it that is no code, uncompressed, README and license included
MOST_BYTES, MOST_BESIDE_CODE = 470_000, 150_000
#: folders of the tarball: whatever else is in the repository, no user of the collection has a use for it
FOLDERS = {"changelogs", "docs", "inventories", "meta", "playbooks", "plugins", "roles"}
#: seconds in which pip has to know what it would install; where versions exclude one another it goes on for ever
PIP_SECONDS = 240


def _run(*command: str, cwd: pathlib.Path = REPOSITORY, seconds: float = 600, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": f"{TOOLS}{os.pathsep}{os.environ['PATH']}", **more}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=seconds, check=False)


def tarball_problems(tarball: pathlib.Path) -> list[str]:
    """Return what is wrong with size and content."""
    size = tarball.stat().st_size
    problems = [f"{tarball.name} has {size} bytes, at most {MOST_BYTES} are wanted: see Size in MAINTAINING.md"] if size >= MOST_BYTES else []
    with tarfile.open(tarball) as archive:
        names = archive.getnames()
        beside = sum(entry.size for entry in archive.getmembers() if not entry.name.startswith(("plugins/", "roles/", "playbooks/")))
    problems += [f"{beside} bytes beside the code, at most {MOST_BESIDE_CODE} are wanted: see build_ignore in galaxy.yml"] if beside >= MOST_BESIDE_CODE else []
    folders = {name.split("/")[0] for name in names if "/" in name}
    problems += [f"{name}/ is in the tarball: see build_ignore in galaxy.yml" for name in sorted(folders - FOLDERS)]
    problems += [f"{name} is in the tarball" for name in names if name.startswith(".") or name.endswith((".pyc", ".svg")) or "/exchanges/" in name]
    problems += [f"{name} is not in the tarball" for name in ("README.md", "LICENSE", "meta/runtime.yml", "requirements.txt") if name not in names]
    print(f"tarball: {size} bytes, {len(names)} entries; {beside} bytes beside the code, before compression")
    return problems


def importer_problems(tarball: pathlib.Path, folder: pathlib.Path) -> list[str]:
    """Return what Galaxy's importer says; it has none of the dependencies, and every plugin has to have its documentation all the same."""
    (folder / "importer.cfg").write_text("[galaxy-importer]\nRUN_ANSIBLE_LINT = False\n", encoding="utf-8")
    answer = _run(str(TOOLS / "python"), "-m", "galaxy_importer.main", str(tarball), cwd=folder, GALAXY_IMPORTER_CONFIG=str(folder / "importer.cfg"))
    said = answer.stdout + answer.stderr
    print(f"galaxy-importer: {said.strip().splitlines()[-1] if said.strip() else 'no word'}")
    if answer.returncode or "Importer processing completed successfully" not in said:
        return [f"galaxy-importer: {said}"]
    problems = [line for line in said.splitlines() if re.search(r"\b(ERROR|WARNING)\b", line)]
    blob = json.loads((folder / "importer_result.json").read_text(encoding="utf-8"))["docs_blob"]["contents"]
    plugins = [entry for entry in blob if entry["content_type"] in ("module", "filter", "inventory")]
    print(f"galaxy-importer: {len(plugins)} plugins with documentation")
    mute = [entry for entry in plugins if not (entry["doc_strings"] or {}).get("doc")]
    problems += [f"{entry['content_type']} {entry['content_name']} has no documentation at Galaxy" for entry in mute]
    return problems + ([] if len(plugins) >= 15 else [f"Galaxy found {len(plugins)} plugins only"])


def environment_problems(tarball: pathlib.Path, folder: pathlib.Path) -> list[str]:
    """Return what is wrong with the execution environment's context, which no container engine builds here."""
    definition = yaml.safe_load((REPOSITORY / "execution-environment.yml").read_text(encoding="utf-8"))
    (source,) = definition["additional_build_files"]
    # As the definition's own first lines say, but from the tarball that was built already.
    source["src"] = str(tarball)
    definition["dependencies"]["galaxy"] = str(REPOSITORY / "requirements.yml")
    (folder / "execution-environment.yml").write_text(yaml.safe_dump(definition), encoding="utf-8")
    answer = _run(str(TOOLS / "ansible-builder"), "create", "--context", str(folder / "context"), "--output-filename", "Containerfile", cwd=folder)
    if answer.returncode:
        return [f"ansible-builder create: {answer.stdout}{answer.stderr}"]
    print("ansible-builder create: passed")
    steps = (folder / "context" / "Containerfile").read_text(encoding="utf-8")
    wanted = {
        "this collection": rf"ansible-galaxy collection install /build/{source['dest']}/flyte-multicluster-\*\.tar\.gz",
        "Helm": r"COPY --from=\S+helm:\d\S* /usr/bin/helm /usr/local/bin/helm",
        "the collections that it depends on": r"ansible-galaxy collection install .*requirements\.yml",
    }
    problems = [f"the execution environment lacks {what}" for what, pattern in wanted.items() if not re.search(pattern, steps)]
    if not (folder / "context" / "_build" / source["dest"] / tarball.name).is_file():
        problems.append("the execution environment's context lacks the tarball")
    # What the introspection of the installed collection finds is its requirements.txt.
    with tarfile.open(tarball) as archive:
        archive.extractall(folder / "installed" / "ansible_collections" / "flyte" / "multicluster", filter="data")
    script = folder / "context" / "_build" / "scripts" / "introspect.py"
    found = _run(str(TOOLS / "python"), str(script), "introspect", str(folder / "installed")).stdout
    return problems + [f"the execution environment has no {name}: {found}" for name in ("boto3", "kubernetes", "requests") if name not in found]


def pip_problems() -> list[str]:
    """Return whether pip does not end with what the README has users install."""
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^pip install (.*)$", text, re.MULTILINE)
    packages = [part for part in shlex.split(command) if not part.startswith("-")]
    floors = [line for line in (REPOSITORY / "requirements.txt").read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    problems = [f"README.md and requirements.txt differ: {packages} and {floors}"] if packages != ["ansible-core", *floors] else []
    pip = (sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet", "--disable-pip-version-check")
    try:
        answer = _run(*pip, "--report", "-", *packages, seconds=PIP_SECONDS)
    except subprocess.TimeoutExpired:
        return [*problems, f"pip install {command} does not end within {PIP_SECONDS} seconds"]
    if answer.returncode:
        return [*problems, f"pip install {command}: {answer.stderr}"]
    versions = {entry["metadata"]["name"].lower(): entry["metadata"]["version"] for entry in json.loads(answer.stdout)["install"]}
    print("pip: " + ", ".join(f"{name} {versions[name]}" for name in ("ansible-core", "boto3", "kubernetes", "requests", "pyyaml")))
    return problems


def license_problems() -> list[str]:
    """Return what REUSE says."""
    answer = _run(str(TOOLS / "reuse"), "lint", "--quiet")
    print(f"reuse lint: {'failed' if answer.returncode else 'passed'}")
    return [_run(str(TOOLS / "reuse"), "lint").stdout] if answer.returncode else []


def main() -> int:
    """Check everything."""
    with tempfile.TemporaryDirectory(prefix="flyte-packaging-") as temporary:
        folder = pathlib.Path(temporary)
        tarball = build(folder)
        checks: list[t.Callable[[], list[str]]] = [
            lambda: tarball_problems(tarball),
            license_problems,
            lambda: environment_problems(tarball, folder),
            lambda: importer_problems(tarball, folder),
            pip_problems,
        ]
        problems = [problem for check in checks for problem in check()]
    print("\n".join(problems), file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
