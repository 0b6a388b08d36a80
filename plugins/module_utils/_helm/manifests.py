# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between rendered manifests, by object: added, removed, changed with a line diff. Secrets as fingerprints. No I/O."""

from __future__ import annotations

import base64
import json
import re
import typing as t

from .._common.fingerprints import keyed_fingerprint
from .shown_values import Shower, line_diff
from .values import parse

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SEPARATOR = re.compile(r"^---[^\n]*$", re.MULTILINE)
#: what Helm keeps apart from the manifest of a release, and ``helm template`` has in it
_HOOK = "helm.sh/hook"


def objects_of(manifest: str, namespace: str) -> dict[str, dict[str, t.Any]]:
    """Return the objects of a manifest by ``kind/namespace/name``, hooks left out.

    :param namespace: of objects that name none.
    """
    found: dict[str, dict[str, t.Any]] = {}
    for number, document in enumerate(_SEPARATOR.split(manifest)):
        if not document.strip():
            continue
        try:
            content = parse(document)
            if not content:
                continue
            metadata = content.get("metadata") or {}
            if _HOOK in (metadata.get("annotations") or {}):
                continue
            name = f"{content['kind']}/{metadata.get('namespace') or namespace}/{metadata['name']}"
        except (ValueError, KeyError, TypeError, AttributeError):
            name, content = f"document {number}", {"text": document}
        found[name] = content
    return found


def manifest_lines(before: str, after: str, namespace: str, shower: Shower, key: str | None) -> list[str]:
    """Return what differs between two manifests, as lines.

    :param shower: shows texts without secrets.
    :param key: of the fingerprints of Secrets' data.
    """
    old, new = objects_of(before, namespace), objects_of(after, namespace)
    lines: list[str] = []
    for name in sorted({*old, *new}):
        if name not in new:
            lines.append(f"{name}: removed")
        elif name not in old:
            lines.append(f"{name}: added")
        elif old[name] != new[name]:
            lines += [f"{name}:", *(f"  {line}" for line in line_diff(_text(old[name], shower, key), _text(new[name], shower, key)))]
    return lines


def _text(content: Mapping[str, t.Any], shower: Shower, key: str | None) -> str:
    """Return an object as text, one line a value; long texts (a ConfigMap's files) keep their lines."""
    shown, secret = dict(content), {}
    if content.get("kind") == "Secret":
        for section in ("data", "stringData"):
            if isinstance(content.get(section), dict):
                secret[section] = {name: _fingerprint(section, value, key) for name, value in shown.pop(section).items()}
    # The whole text, not each line: a secret may have several. Fingerprints stay what they are.
    return "\n".join([shower.plain("\n".join(_yaml_lines(shown, ""))), *_yaml_lines(secret, "")])


def _fingerprint(section: str, value: t.Any, key: str | None) -> str:
    text = str(value)
    if section == "data":
        try:
            text = base64.b64decode(text, validate=True).decode("utf-8", "surrogateescape")
        except ValueError:
            pass
    return f"secret:{keyed_fingerprint(key, text)}" if key else "secret:(not shown)"


def _yaml_lines(value: t.Any, indent: str) -> Iterator[str]:
    items: Iterator[tuple[str, t.Any]]
    if isinstance(value, dict):
        items = ((f"{name}:", item) for name, item in sorted(value.items(), key=lambda pair: str(pair[0])))
    else:
        items = (("-", item) for item in value)
    for mark, item in items:
        if isinstance(item, (dict, list)) and item:
            yield f"{indent}{mark}"
            yield from _yaml_lines(item, f"{indent}  ")
        elif isinstance(item, str) and "\n" in item:
            yield f"{indent}{mark} |"
            yield from (f"{indent}  {line}" for line in item.splitlines())
        else:
            yield f"{indent}{mark} {item if isinstance(item, str) and item else json.dumps(item)}"
