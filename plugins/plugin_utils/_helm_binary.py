# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Helm on this machine, and whether kubernetes.core, which runs it, takes it: a pair that does not work would fail after the first change."""

from __future__ import annotations

import importlib.util
import json
import pathlib
import re
import shutil
import subprocess
import typing as t

import yaml
from ansible_collections.flyte.multicluster.plugins.module_utils._common.commands import printed_by

#: the first kubernetes.core whose module helm can have Helm 4 merge as Helm 3 does; before 6.4, it lists releases by flags that Helm 4 does not have
_FIRST_WITH_HELM_4 = (6, 5)
_SECONDS = 30


def helm_fault(binary: str) -> str | None:
    """Return why the releases cannot be made with this Helm, None where they can.

    :param binary: a name on E(PATH), or a path.
    """
    if shutil.which(binary) is None:
        return "there is no such program on this machine: install Helm 3, or set it to its path."
    try:
        helm = helm_version(binary)
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        return f"it cannot be run ({getattr(error, 'strerror', None) or error}): set it to the path of Helm 3."
    if helm is None:
        return f"'{binary} version' does not say a version, so it is no Helm: set it to the path of Helm 3."
    return pair_fault(helm, collection_version("kubernetes", "core"))


def helm_version(binary: str) -> tuple[int, ...] | None:
    """Return the version of a Helm, None where the program says none.

    :raises OSError: it cannot be run, or prints too much.
    :raises ValueError: its path cannot be one.
    :raises subprocess.TimeoutExpired: it did not end in time.
    """
    code, printed = printed_by([binary, "version", "--template", "{{ .Version }}"], seconds=_SECONDS)
    return None if code else version_of(printed.decode(errors="replace").strip().removeprefix("v"))


def merging(binary: str) -> dict[str, str]:
    """Return the options of kubernetes.core.helm with which every Helm changes objects as Helm 3 does.

    Helm 4 leaves that to the API server, which refuses a field that somebody else has set since: nothing that was changed by hand would be mended.
    """
    try:
        version = helm_version(binary) or ()
    except (OSError, ValueError, subprocess.TimeoutExpired):
        version = ()  # kubernetes.core says what is wrong with it
    return {"server_side": "false"} if version >= (4,) else {}


def pair_fault(helm: tuple[int, ...], collection: str | None) -> str | None:
    """Return why a Helm and a kubernetes.core do not work together, None where they do.

    :param collection: kubernetes.core's version, None where it is not installed.
    """
    shown = ".".join(map(str, helm))
    if collection is None:
        return "the collection kubernetes.core, which runs it, is not installed: ansible-galaxy collection install kubernetes.core"
    if helm < (3,):
        return f"Helm {shown} is too old: install Helm 3."
    wanted = ".".join(map(str, _FIRST_WITH_HELM_4))
    if helm >= (4,) and (version_of(collection) or ()) < _FIRST_WITH_HELM_4:
        return (
            f"Helm {shown} and kubernetes.core {collection} do not work together: set it to the path of a Helm 3, or take a newer kubernetes.core: "
            f"ansible-galaxy collection install --upgrade 'kubernetes.core:>={wanted}.0'"
        )
    return None


def version_of(text: str) -> tuple[int, ...] | None:
    """Return the numbers of a version, without what follows them; None where there are none."""
    found = re.match(r"\d+(\.\d+)*", text)
    return tuple(map(int, found[0].split("."))) if found else None


def collection_version(namespace: str, name: str) -> str | None:
    """Return the version of an installed collection, None where it is not installed."""
    try:
        spec = importlib.util.find_spec(f"ansible_collections.{namespace}.{name}")
    except ImportError:
        return None
    for place in map(pathlib.Path, (spec.submodule_search_locations or []) if spec else []):
        for file, read in (("MANIFEST.json", _of_manifest), ("galaxy.yml", _of_galaxy)):
            if (place / file).is_file():
                return read((place / file).read_text(encoding="utf-8"))
    return None


def _of_manifest(text: str) -> str:
    return str(t.cast("dict[str, t.Any]", json.loads(text))["collection_info"]["version"])


def _of_galaxy(text: str) -> str:
    return str(yaml.safe_load(text)["version"])
