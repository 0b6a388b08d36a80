# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages that are made of the code: all variables, of their one declaration, and all messages, of where they are made."""

from __future__ import annotations

import ast
import pathlib
import re
import typing as t

import yaml

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
REPOSITORY_URL = "https://github.com/flyteorg/flyte-multicluster"
#: the first pattern that a variable's name matches is its group; the last group comes first on the page
GROUPS: list[tuple[str, str]] = [
    ("Waiting and asking", r"flyte_(concurrency|request_timeout|wait_timeout|kube_client_(burst|qps|timeout)|sync_|explain|allow_)"),
    ("How flytepropeller logs in to flyteadmin", r"flyte_propeller_"),
    ("Private endpoints", r"flyte_(probe|api)_"),
    ("EKS clusters", r"flyte_eks_"),
    ("Rights, and who makes namespaces", r"flyte_(dataplane_rbac|sync)$"),
    ("IAM", r"flyte_(iam_|control_plane_role_arn|data_plane_role_arn)"),
    ("Google Cloud", r"flyte_gcp_"),
    ("AWS", r"flyte_aws_"),
    ("Labels and placement", r"flyte_(labels|execution_cluster_labels|default_execution_label|projects|domains|strict_labels|removal_limit)"),
    ("Verification", r"flyte_(canary|verify)_"),
    ("Status", r"flyte_status_"),
    ("Removing a cluster, and what is kept", r"flyte_(remove_|prune$|backups$)"),
    ("Tokens and their rotation", r"flyte_(rotate|token_(secret|kind|lifetime|renew_interval|max_age)$)"),
    ("The plan, and having it approved", r"flyte_(plan_|approved_plan$|drop_values$|secret_values$)"),
    ("How a cluster is reached", r"flyte_(kube_|kubeconfig|openshift)"),
    ("How flyteadmin is reached, and who asks", r"flyte_(admin_|client_|token_|authorization_header)"),
    ("Releases and their values", r"flyte_(chart_|values|user_settings|release_|helm_|namespace|log_links|provider|catalog_|pending_)"),
    ("Buckets", r"flyte_(buckets|raw_data_bucket|storage)"),
    ("Clusters", r"flyte_"),
]
#: calls that make a message, and which of their arguments a person reads: positions, and names
SAID: dict[str, tuple[tuple[int, ...], tuple[str, ...]]] = {
    "KubeError": ((1,), ("message", "hint")),
    "AdminError": ((0,), ("message", "hint")),
    "AwsError": ((0,), ("message", "hint")),
    "Failure": ((2, 3), ("problem", "remedy")),
    "Refused": ((0, 1, 2), ()),
    "Fault": ((3,), ("remedy",)),
    "fault": ((2, 3), ("remedy",)),
    "ModuleFailed": ((0,), ()),
    "BackupError": ((0, 1), ("message", "hint")),
    "CredentialError": ((0, 1), ("message", "hint")),
    "JournalError": ((0, 1), ("message", "hint")),
    "LiteralError": ((0,), ()),
    "ShapeError": ((0,), ()),
    "_Fault": ((0,), ()),
    "_NoSuchContext": ((0,), ()),
    "_Unknown": ((0,), ()),
    "AnsibleParserError": ((0,), ()),
    "warn": ((0,), ()),
}
#: functions that return a message, or nothing
_MESSAGE_FUNCTION = re.compile(r"(fault|problem|failure|remedy|hint)$")
_WORDS = re.compile("[a-z]{3}")
#: of which part of a run a file is
AREAS: list[tuple[str, str]] = [
    ("The inventory", "module_utils/_inventory|plugin_utils/_variables|action/flyte_plan|plugin_utils/_helm_binary"),
    ("The chart, its values and what they render", "module_utils/_helm|plugin_utils/_(chart|rendering)"),
    ("Clusters", "module_utils/_clusters"),
    ("flyteadmin, labels and executions", "module_utils/(_flyteadmin|_labels|_plan/strays)|plugin_utils/_(canary|placement|stored|namespace|status)"),
    ("AWS", "module_utils/_(aws|iam)|plugin_utils/_cloud|inventory/"),
    ("The plan and its steps", "plugins"),
]


def steps() -> str:
    """Return the page of the guide's steps: the table of the README."""
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    (table,) = re.findall(r"^\| The guide \| Here \|\n(?:\|.*\n)+", text, re.MULTILINE)
    table = table.replace("](docs/", "](")
    head = "What does each step of Flyte's guide here. Where the guide goes wrong, or leaves something out: [guide](guide.md)."
    return f"# The guide, step by step\n\n{head}\n\n{table}"


def options() -> dict[str, dict[str, t.Any]]:
    """Return the declaration of all variables."""
    path = REPOSITORY / "roles" / "preflight" / "meta" / "argument_specs.yml"
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    return t.cast("dict[str, dict[str, t.Any]]", content["argument_specs"]["main"]["options"])


def plain(text: str) -> str:
    """Return Markdown of a description with Ansible's marks."""
    text = re.sub(r"[CVOEIP]\(([^)]*)\)", lambda found: f"`{found[1].partition('#')[0]}`", text)
    text = re.sub(r"M\(([^)]*)\)", r"`\1`", text)
    return text.replace("<", "&lt;") if "`" not in text else re.sub(r"<(?=[^`]*(?:`[^`]*`[^`]*)*$)", "&lt;", text)


def _lines(name: str, option: t.Mapping[str, t.Any], indent: str = "") -> list[str]:
    description = option["description"]
    said = plain(" ".join([description] if isinstance(description, str) else description))
    kind = option.get("type", "str") + (f" of {option['elements']}" if option.get("elements") else "")
    facts = [kind, *(["required"] if option.get("required") else [])]
    if option.get("default") is not None:
        facts.append(f"default `{yaml.safe_dump(option['default'], default_flow_style=True).removesuffix('...').strip().splitlines()[0]}`")
    if option.get("choices"):
        facts.append("one of " + ", ".join(f"`{choice}`" for choice in option["choices"]))
    lines = [f"{indent}- **`{name}`** ({'; '.join(facts)}): {said}"]
    for below, suboption in (option.get("options") or {}).items():
        lines += _lines(below, suboption, indent + "  ")
    return lines


def variables() -> str:
    """Return the page of all variables, by group."""
    groups: dict[str, list[str]] = {title: [] for title, _pattern in GROUPS}
    for name, option in sorted(options().items()):
        title = next(title for title, pattern in GROUPS if re.match(pattern, name))
        groups[title] += _lines(name, option)
    head = (
        "# Variables\n\nAll of them, from their one declaration. Where a description begins with \"Host variable\", each host may have its own; "
        "the others are the whole site's.\n"
    )
    return head + "".join(f"\n## {title}\n\n" + "\n".join(lines) + "\n" for title, lines in reversed(groups.items()) if lines)


class _Source:
    """One file: the messages that it makes."""

    def __init__(self, text: str) -> None:
        self._tree = ast.parse(text)
        self._constants: dict[str, str] = {}
        for node in self._tree.body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                self._constants[node.targets[0].id] = self.said(node.value)

    def messages(self) -> list[str]:
        """Return what its errors say, and what the functions return that only make a message."""
        found = []
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Call):
                found.append(self._of_call(node))
            elif isinstance(node, ast.FunctionDef) and _MESSAGE_FUNCTION.search(node.name):
                found += [self.said(part.value) for part in ast.walk(node) if isinstance(part, ast.Return) and part.value]
            elif isinstance(node, ast.Tuple) and self._is_remedy(node):
                found.append(self.said(node.elts[1]))
        return [text for text in found if _WORDS.search(text)]

    def _of_call(self, node: ast.Call) -> str:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        positions, names = SAID.get(name, ((), ()))
        parts = [node.args[place] for place in positions if place < len(node.args)] + [word.value for word in node.keywords if word.arg in names]
        return " ".join(text for text in map(self.said, parts) if _WORDS.search(text))

    def _is_remedy(self, node: ast.Tuple) -> bool:
        """Return whether it is a pair of _clusters/remedies.py: what somebody else says, and what to do."""
        return "_REMEDIES" in self._names and len(node.elts) == 2 and all(isinstance(part, ast.Constant) and isinstance(part.value, str) for part in node.elts)

    @property
    def _names(self) -> set[str]:
        return {node.target.id for node in self._tree.body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)}

    def said(self, node: ast.AST) -> str:
        """Return what an expression says, with an ellipsis where it depends on the run."""
        if isinstance(node, ast.Name):
            return self._constants.get(node.id, "…")
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value
        if isinstance(node, ast.JoinedStr):
            return "".join(map(self.said, node.values))
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            return self.said(node.left) + self.said(node.right)
        if isinstance(node, ast.IfExp):
            return f"{self.said(node.body)} | {self.said(node.orelse)}"
        if isinstance(node, ast.BoolOp):
            return " | ".join(dict.fromkeys(map(self.said, node.values)))
        return "…"


def _of_playbooks() -> list[str]:
    """Return what playbooks and roles say where they fail."""
    texts = [path.read_text(encoding="utf-8") for folder in ("playbooks", "roles") for path in sorted((REPOSITORY / folder).rglob("*.yml"))]
    found = [text for whole in texts for text in _failures(yaml.safe_load(whole))]
    return [re.sub(r"\{\{.*?\}\}", "…", text) for text in found if _WORDS.search(text)]


def _failures(part: t.Any) -> t.Iterator[str]:
    if isinstance(part, list):
        for item in part:
            yield from _failures(item)
    elif isinstance(part, dict):
        said = [part.get("fail_msg"), (part.get("ansible.builtin.fail") or {}).get("msg")]
        yield from (text for text in said if isinstance(text, str))
        for item in part.values():
            yield from _failures(item)


def messages() -> dict[str, list[str]]:
    """Return all messages by area, as they stand in the code: what is said, and what to do."""
    found: dict[str, dict[str, None]] = {title: {} for title, _pattern in AREAS}
    for path in sorted((REPOSITORY / "plugins").rglob("*.py")):
        area = next(title for title, pattern in AREAS if re.search(pattern, str(path.relative_to(REPOSITORY))))
        found[area] |= dict.fromkeys(_Source(path.read_text(encoding="utf-8")).messages())
    found[AREAS[-1][0]] |= dict.fromkeys(_of_playbooks())
    return {area: list(texts) for area, texts in found.items()}


def messages_page() -> str:
    """Return the page of all messages."""
    head = (
        "# All messages\n\nMade of the code, so that none is missing. An ellipsis stands for what differs from run to run: a host, a variable, a path. "
        "What a message asks for is in the message; what lies behind the more frequent ones is in [troubleshooting](troubleshooting.md).\n"
    )
    body = ""
    for title, texts in messages().items():
        body += f"\n## {title}\n\n" + "".join(f"- {_escaped(text)}\n" for text in sorted(texts, key=str.lower))
    return head + body


def _escaped(text: str) -> str:
    return re.sub(r"([\\`*_{}\[\]<>|#$~])", r"\\\1", re.sub(r"\s+", " ", text)).replace("://", ":&#8203;//")
