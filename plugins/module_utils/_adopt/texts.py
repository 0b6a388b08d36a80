# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An adopted inventory as texts of YAML. What is written is read back before: what some parser takes for something else stands in quotes. No I/O."""

from __future__ import annotations

import functools
import re
import textwrap
import typing as t

from .._helm.values import parse
from .inventory import CONTROL_GROUP, PLANES_GROUP

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .inventory import Draft

HOSTS, VAULT = "hosts.yml", "group_vars/all/vault.yml"
_WIDTH = 160
#: no parser of YAML takes such a text for anything else; what it does not match stands in quotes
_PLAIN = re.compile(r"[A-Za-z/][\w./@+-]*(:[\w./@+-]+)*( [A-Za-z(][\w./@+()-]*)*", re.ASCII)
_WORDS = re.compile(r"(y|n|yes|no|on|off|true|false|null|nan|inf)", re.IGNORECASE)
#: variables that stand first, in this order
_FIRST = (
    *("flyte_provider", "flyte_admin_url", "flyte_admin_endpoint", "flyte_admin_insecure", "flyte_chart_ref", "flyte_chart_repo_url", "flyte_chart_version"),
    *("flyte_kubeconfig", "flyte_kube_context", "flyte_kube_host", "flyte_eks_cluster", "flyte_eks_region"),
    *("flyte_namespace", "flyte_release_name", "flyte_cluster_name", "flyte_cluster_enabled", "flyte_api_endpoint"),
)
#: and those that stand last
_LAST = ("flyte_values_files", "flyte_user_settings", "flyte_values", "flyte_labels", "flyte_default_execution_label", "flyte_execution_cluster_labels")


class Literal(str):
    """A text in which Ansible must not look for templates."""


def literal(value: t.Any) -> t.Any:
    """Return a value whose texts with braces are no templates of Ansible: they are Helm's."""
    if isinstance(value, dict):
        return {key: literal(item) for key, item in value.items()}
    if isinstance(value, list):
        return [literal(item) for item in value]
    return (
        Literal(value)
        if isinstance(value, str) and ("{{" in value or "{%" in value or "{#" in value) and not re.fullmatch(r"\{\{ vault_flyte_\w+ \}\}", value)
        else value
    )


@functools.cache
def _dumper() -> t.Any:
    import yaml

    class Dumper(yaml.SafeDumper):
        """Writes no aliases, and lists below their key."""

        def ignore_aliases(self, data: t.Any) -> bool:
            return True

        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
            super().increase_indent(flow, False)

    dumper: t.Any = Dumper

    def text(self: t.Any, value: str, tag: str = "tag:yaml.org,2002:str") -> t.Any:
        if "\n" in value.strip("\n"):
            return self.represent_scalar(tag, value, style="|")
        plain = _PLAIN.fullmatch(value) and not _WORDS.fullmatch(value)
        return self.represent_scalar(tag, value, style=None if plain else '"')

    def number(self: t.Any, value: float) -> t.Any:
        return self.represent_int(int(value)) if value.is_integer() and abs(value) < 1 << 53 else self.represent_float(value)

    dumper.add_representer(str, text)
    dumper.add_representer(Literal, lambda self, value: text(self, str(value), "!unsafe"))
    dumper.add_representer(float, number)
    return dumper


def yaml_of(value: t.Any, *, flow: bool | None = False) -> str:
    """Return a value as YAML.

    :param flow: None puts mappings and lists of plain values on one line.
    """
    import yaml

    return yaml.dump(value, Dumper=_dumper(), sort_keys=False, default_flow_style=flow, width=_WIDTH, allow_unicode=True)


def values_text(values: Mapping[str, t.Any], about: Iterable[str]) -> str:
    """Return a values file.

    :raises ValueError: Helm would read something else.
    """
    body = yaml_of(dict(values)) if values else "{}\n"
    if parse(body, strict=True) != dict(values):
        raise ValueError("these values cannot be written as YAML that reads the same")
    return "".join(f"{line}\n" for line in commented(about)) + body


def vault_text(variables: Mapping[str, t.Any]) -> str:
    """Return the variables of the vault, to be encrypted. Secrets."""
    return "---\n" + yaml_of({name: literal(value) for name, value in sorted(variables.items())})


def commented(texts: Iterable[str], indent: int = 0) -> list[str]:
    """Return texts as lines of a comment."""
    lead = " " * indent + "# "
    return [
        line
        for text in texts
        for line in textwrap.wrap(text, _WIDTH - 12, initial_indent=lead, subsequent_indent=lead, break_long_words=False, break_on_hyphens=False)
    ]


def _order(name: str) -> tuple[int, int]:
    if name in _FIRST:
        return 0, _FIRST.index(name)
    return (2, _LAST.index(name)) if name in _LAST else (1, 0)


def _variables(draft: Draft, host: str, values: Mapping[str, t.Any], indent: int) -> list[str]:
    lines = []
    for name in sorted(values, key=_order):
        lines += commented(draft.comments.get((host, name), []), indent)
        body = yaml_of({name: values[name]}, flow=None if _is_table(values[name]) else False)
        lines += textwrap.indent(body, " " * indent).rstrip("\n").split("\n")
    # What is said of variables that are not there.
    lines += [line for (owner, name), texts in draft.comments.items() if owner == host and name and name not in values for line in commented(texts, indent)]
    return lines


def _is_table(value: t.Any) -> bool:
    """Return whether a value reads best with one line for each of its entries."""
    if isinstance(value, list):
        return all(
            not isinstance(item, (dict, list)) or (isinstance(item, dict) and not any(isinstance(part, (dict, list)) for part in item.values()))
            for item in value
        )
    return isinstance(value, dict) and bool(value) and all(isinstance(item, list) and _is_table(item) for item in value.values())


def inventory_text(draft: Draft, about: Iterable[str]) -> str:
    """Return the inventory."""
    site = {name: value for name, value in draft.site.items() if value is not None}
    lines = ["---", *commented(about), "all:", "  vars:", *_variables(draft, "", site, 4), "  children:"]
    for group, hosts in ((CONTROL_GROUP, [draft.control]), (PLANES_GROUP, draft.planes)):
        lines.append(f"    {group}:")
        own = draft.groups.get(group) or {}
        if own:
            lines += ["      vars:", *_variables(draft, group, own, 8)]
        lines.append("      hosts:" if hosts else "      hosts: {}")
        for host in hosts:
            lines += commented(draft.comments.get((host, ""), []), 8)
            variables = _variables(draft, host, draft.hosts[host], 10)
            lines += [f"        {yaml_of(host).splitlines()[0]}:" + ("" if variables else " {}"), *variables]
    return "\n".join(lines) + "\n"
