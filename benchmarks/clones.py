# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Data planes as Helm would have installed them, without a run of Helm for each: the objects and Helm's own record of a plane beside them, renamed.

What is measured on them is a run with nothing to do: that every release is as it is wanted it has to find by itself, as of those that Helm made.
"""

from __future__ import annotations

import base64
import gzip
import json
import pathlib
import subprocess
import sys
import typing as t

import yaml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / ".collections"))

from ansible_collections.flyte.multicluster.plugins.module_utils._helm.label import LABEL, label_value  # noqa: E402
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.values import digest  # noqa: E402

#: planes of one call of kubectl
_AT_ONCE = 50
_CRD = "CustomResourceDefinition"


class Kubectl(t.NamedTuple):
    """Runs kubectl on one API server."""

    command: list[str]

    def __call__(self, *arguments: str, text: str = "") -> str:
        answer = subprocess.run([*self.command, *arguments], input=text, text=True, capture_output=True, check=False)
        if answer.returncode:
            raise SystemExit(f"kubectl {' '.join(arguments)}: {answer.stderr[-2000:]}")
        return answer.stdout


class Original:
    """A plane that Helm installed, from which others are made."""

    def __init__(self, kubectl: Kubectl, namespace: str, host: str) -> None:
        self._kubectl, self._names = kubectl, (namespace, host)
        records = json.loads(kubectl("-n", namespace, "get", "secrets", "-l", "owner=helm,status=deployed", "-o", "json"))["items"]
        self._record = max(records, key=lambda record: int(record["metadata"]["labels"]["version"]))
        content = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(self._record["data"]["release"]))))
        # The CRD is the cluster's: it belongs to the first release there.
        documents = [document for document in yaml.safe_load_all(content["manifest"]) if document and document["kind"] != _CRD]
        content["manifest"] = "".join(f"---\n{yaml.safe_dump(document)}" for document in documents)
        content["config"].setdefault("flytepropeller", {})["createCRDs"] = False
        owner = {"meta.helm.sh/release-name": content["name"], "meta.helm.sh/release-namespace": namespace}
        for document in documents:
            document["metadata"].setdefault("annotations", {}).update(owner)
            document["metadata"].setdefault("labels", {})["app.kubernetes.io/managed-by"] = "Helm"
        self._content, self._documents = json.dumps(content), json.dumps(documents)

    def copies(self, names: t.Sequence[tuple[str, str]]) -> None:
        """Make planes of these namespaces and inventory hosts."""
        for start in range(0, len(names), _AT_ONCE):
            items = [item for pair in names[start : start + _AT_ONCE] for item in self._copy(pair)]
            self._kubectl("create", "-f", "-", text=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))

    def _copy(self, pair: tuple[str, str]) -> list[dict[str, t.Any]]:
        def renamed(text: str) -> str:
            for before, after in zip(self._names, pair):
                text = text.replace(before, after)
            return text

        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": pair[0]}}
        release = renamed(self._content)
        content = base64.b64encode(gzip.compress(release.encode()))
        labels = {**self._record["metadata"]["labels"], LABEL: label_value(digest(json.loads(release)["config"]))}
        record = {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": self._record["type"],
            "metadata": {"name": self._record["metadata"]["name"], "namespace": pair[0], "labels": labels},
            "data": {"release": base64.b64encode(content).decode()},
        }
        return [namespace, *json.loads(renamed(self._documents)), record]
