# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an adoption writes: secrets taken apart, texts of YAML. Nothing is written here."""

from __future__ import annotations

import dataclasses

from ansible_collections.flyte.multicluster.plugins.module_utils._adopt.found import FoundCluster
from ansible_collections.flyte.multicluster.plugins.module_utils._adopt.inventory import PLANES_GROUP, Draft
from ansible_collections.flyte.multicluster.plugins.module_utils._adopt.secret_values import Secrets
from ansible_collections.flyte.multicluster.plugins.module_utils._adopt.texts import HOSTS, VAULT, inventory_text, literal, values_text, vault_text
from ansible_collections.flyte.multicluster.plugins.module_utils._adopt.values import shared, without_shared
from ansible_collections.flyte.multicluster.plugins.module_utils._common.redaction import SECRETS
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.values import Values
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.build import draft as site_draft
from ansible_collections.flyte.multicluster.plugins.plugin_utils._variables import declared_variables, secret_variables

CONTROL_FILE, PLANES_FILE = "values-controlplane.yaml", "values-dataplanes.yaml"
_SETTINGS, _VALUES, _FILES = "flyte_user_settings", "flyte_values", "flyte_values_files"
_ABOUT = [
    "What playbooks/adopt.yml found of an installation. Read it, then see what site.yml would change: --check --diff.",
    f"Texts of Helm in braces are marked !unsafe: Ansible fills in nothing there. vault_flyte_… are in {VAULT}, encrypted.",
]


@dataclasses.dataclass
class Adopted:
    """What is to be written. ``vault`` has secrets."""

    texts: dict[str, str]
    vault: str | None = dataclasses.field(repr=False)
    secrets: int
    lines: list[str]
    #: candidates that could not be asked
    dead: list[FoundCluster]


def written(draft: Draft, own: dict[str, Values]) -> Adopted:
    """Take secrets apart, and return all texts.

    :param own: the user's own values of each release, by host.
    """
    # Paths that the inventory of accesses says to be secret.
    secrets = Secrets(marked=[str(path) for host in (draft.control, *draft.planes) for path in draft.read(host, "flyte_secret_values") or []])
    for values in own.values():
        secrets.learn(values)
    _learn_accesses(draft, secrets)
    files: dict[str, Values] = {}
    for host, values in own.items():
        settings = values.pop("userSettings", None) or {}
        plain, secret = secrets.apart(values, host)
        files[host] = plain
        if settings:
            draft.hosts[host][_SETTINGS] = literal(secrets.replaced(settings, host, "userSettings"))
        if secret:
            draft.hosts[host][_VALUES] = literal(secret)
    SECRETS.know(*secrets.texts)
    texts = _values_files(draft, files)
    for scope in (draft.site, *draft.groups.values(), *draft.hosts.values()):
        for name, value in scope.items():
            if name not in (_SETTINGS, _VALUES):
                scope[name] = literal(secrets.replaced(value, "" if scope is draft.site else "access", name.removeprefix("flyte_")))
    vault = vault_text(secrets.variables) if secrets.variables else None
    _site, faults = site_draft([draft.control], draft.planes, draft.read, declared_variables())
    lines = [f"still to be corrected: {fault}" for fault in faults if "<CHANGE ME" not in str(fault.value) and "vault_flyte_" not in str(fault.value)]
    return Adopted({HOSTS: inventory_text(draft, _ABOUT), **texts}, vault, len(secrets.variables), lines, [])


def _learn_accesses(draft: Draft, secrets: Secrets) -> None:
    """Learn the secrets with which clusters, flyteadmin and AWS are reached."""
    named = {*secret_variables(), "flyte_aws_access_key"}
    for scope in (draft.site, *draft.groups.values(), *draft.hosts.values()):
        secrets.know(*(scope[name] for name in named if isinstance(scope.get(name), str)))
        secrets.learn({name: value for name, value in scope.items() if name.endswith("_proxy")})
        # Its query is often a token.
        secrets.know(*(url for url in [scope.get("flyte_chart_repo_url")] if isinstance(url, str) and "?" in url))
        kubeconfig = scope.get("flyte_kubeconfig")
        if isinstance(kubeconfig, dict):
            secrets.learn(kubeconfig)
        elif isinstance(kubeconfig, str) and ("\n" in kubeconfig or kubeconfig.lstrip().startswith("{")):
            secrets.know(kubeconfig)


def _values_files(draft: Draft, files: dict[str, Values]) -> dict[str, str]:
    """Return the values files: the control plane's, what all data planes have alike, and what one has besides."""
    texts: dict[str, str] = {}
    control = files.pop(draft.control, {})
    if control:
        texts[CONTROL_FILE] = values_text(control, [f"Values of the control plane's release, on top of the chart's own files. Secrets are in {VAULT}."])
        draft.hosts[draft.control][_FILES] = [CONTROL_FILE]
    if not files:
        return texts
    common = shared(list(files.values()))
    alike = [PLANES_FILE] if common else []
    if common:
        texts[PLANES_FILE] = values_text(
            common, [f"Values that the releases of all data planes have alike, on top of the chart's own files. Secrets are in {VAULT}."]
        )
        draft.groups.setdefault(PLANES_GROUP, {})[_FILES] = alike
    for host, values in files.items():
        rest = without_shared(values, common)
        if rest:
            name = f"values-{host}.yaml" if f"values-{host}.yaml" not in (CONTROL_FILE, PLANES_FILE) else f"values-plane-{host}.yaml"
            texts[name] = values_text(rest, [f"What the release of {host} has besides."])
            draft.hosts[host][_FILES] = [*alike, name]
    for name in (_SETTINGS, _VALUES):
        found = [draft.hosts[host].get(name) for host in files]
        if found[0] and len(files) == len(draft.planes) and all(value == found[0] for value in found):
            draft.groups.setdefault(PLANES_GROUP, {})[name] = found[0]
            for host in files:
                del draft.hosts[host][name]
    return texts
