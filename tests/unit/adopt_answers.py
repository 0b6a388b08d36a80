# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What API servers answer of an installation that somebody made: Deployments as Helm makes them, and Helm's records."""

from __future__ import annotations

import base64
import gzip
import json
import typing as t

from api_server import SECRETS

ALL = "/apis/apps/v1/deployments?fieldSelector=metadata.name%3D{}"
RELEASES = f"{SECRETS}?labelSelector=owner%3Dhelm%2Cstatus%3Ddeployed"


def record(name: str, values: dict[str, t.Any], chart: str = "flyte-core") -> dict[str, t.Any]:
    """Return Helm's record of a release."""
    content = {"name": name, "version": 3, "chart": {"metadata": {"name": chart, "version": "v1.16.8"}}, "config": values}
    packed = base64.b64encode(gzip.compress(json.dumps(content).encode()))
    return {"metadata": {"name": f"sh.helm.release.v1.{name}.v3"}, "data": {"release": base64.b64encode(packed).decode()}}


def deployment(name: str, release: str | None = "flyte-core-data", namespace: str = "flyte", **spec: t.Any) -> dict[str, t.Any]:
    """Return a Deployment as Helm makes it."""
    annotations = {"meta.helm.sh/release-name": release, "meta.helm.sh/release-namespace": namespace} if release else {}
    return {"metadata": {"name": name, "namespace": namespace, "annotations": annotations}, "spec": {"template": {"spec": spec}}}
