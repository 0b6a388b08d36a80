# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The floor: the same requests, sent by a bare client in one process. Usage: floor.py JOB KUBECONFIG, the job as JSON on standard input."""

from __future__ import annotations

import concurrent.futures
import json
import ssl
import sys
import time
import typing as t
import urllib.parse

import requests
import urllib3
import yaml

CONCURRENCY = 8
#: what an observation asks of a data plane that is as wanted, and how it wants namespaces: without their contents
_ASKED = (
    "/api/v1/namespaces/{}/secrets?labelSelector=status+notin+%28superseded%29",
    "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings?labelSelector=app.kubernetes.io%2Fmanaged-by%3Dflyte.multicluster",
    "/apis/flyte.lyft.com/v1alpha1",
    "/api/v1/namespaces?includeObject=None",
    "/apis/apps/v1/namespaces/{}/deployments",
)
_TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}


def _kube(kubeconfig: dict[str, t.Any], context: str) -> tuple[requests.Session, str]:
    cluster = next(entry["cluster"] for entry in kubeconfig["clusters"] if entry["name"] == context)
    user = next(entry["user"] for entry in kubeconfig["users"] if entry["name"] == context)
    session = requests.Session()
    session.trust_env = False
    session.verify, session.cert = cluster["certificate-authority"], (user["client-certificate"], user["client-key"])
    return session, cluster["server"]


def _token(kubeconfig: dict[str, t.Any], plane: dict[str, str]) -> tuple[str, str, str]:
    """Make a token Secret and read it once it is filled."""
    session, server = _kube(kubeconfig, plane["context"])
    path = f"{server}/api/v1/namespaces/{plane['namespace']}/secrets"
    body = {
        "metadata": {"name": "flyteadmin-token", "annotations": {"kubernetes.io/service-account.name": "flyteadmin"}},
        "type": "kubernetes.io/service-account-token",
    }
    session.post(path, json=body, timeout=10)
    while True:
        data = session.get(f"{path}/flyteadmin-token", timeout=10).json().get("data") or {}
        if data.get("token"):
            return plane["name"], data["token"], data["ca.crt"]
        time.sleep(0.05)


def _register(job: dict[str, t.Any], kubeconfig: dict[str, t.Any]) -> None:
    with concurrent.futures.ThreadPoolExecutor(CONCURRENCY) as pool:
        tokens = list(pool.map(lambda plane: _token(kubeconfig, plane), job["planes"]))
    session, server = _kube(kubeconfig, "controlplane")
    data = {f"{name}_{suffix}": value for name, *pair in tokens for suffix, value in zip(("token", "cacert"), pair)}
    path = f"{server}/api/v1/namespaces/flyte-bench/secrets"
    if session.post(path, json={"metadata": {"name": "cluster-credentials"}, "data": data}, timeout=10).status_code == 409:
        headers = {"Content-Type": "application/merge-patch+json"}
        session.patch(f"{path}/cluster-credentials", json={"data": data}, headers=headers, timeout=10).raise_for_status()


def _labels(job: dict[str, t.Any]) -> None:
    session = requests.Session()
    session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=CONCURRENCY))

    def put(row: dict[str, str]) -> None:
        identity = {key: row[key] for key in ("project", "domain", "workflow")}
        url = f"{job['admin_url']}/api/v1/workflow_attributes/{'/'.join(identity.values())}"
        body = {"attributes": {**identity, "matching_attributes": {"execution_cluster_label": {"value": row["label"]}}}}
        session.put(url, json=body, timeout=10).raise_for_status()

    with concurrent.futures.ThreadPoolExecutor(CONCURRENCY) as pool:
        list(pool.map(put, job["labels"]))


def _observe(job: dict[str, t.Any], kubeconfig: dict[str, t.Any]) -> None:
    """Ask each plane what an observation asks, and as flyteadmin does, by a connection of its own, what it may do; nothing is decoded or kept."""
    servers = {}
    for context in {plane["context"] for plane in job["planes"]}:
        session, server = _kube(kubeconfig, context)
        trusted = ssl.create_default_context(cafile=session.verify)
        trusted.load_cert_chain(*session.cert)
        servers[context] = (urllib.parse.urlsplit(server), trusted)
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview", "spec": {"namespace": "default"}}

    def one(plane: dict[str, str]) -> None:
        url, trusted = servers[plane["context"]]
        with urllib3.HTTPSConnectionPool(url.hostname, url.port, ssl_context=trusted) as pool:
            for path in _ASKED:
                answer = pool.request("GET", path.format(plane["namespace"]), headers=_TABLE if "includeObject" in path else None)
                if answer.status != 200:
                    raise SystemExit(f"{path}: {answer.status}")
        with urllib3.HTTPSConnectionPool(url.hostname, url.port, ssl_context=trusted) as pool:
            headers = {"Content-Type": "application/json"}
            pool.request("POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", body=json.dumps(review), headers=headers)

    with concurrent.futures.ThreadPoolExecutor(2 * CONCURRENCY) as pool:
        list(pool.map(one, job["planes"]))


def main() -> None:
    """Send the requests."""
    job = json.load(sys.stdin)
    if job["planes"]:
        with open(sys.argv[1], encoding="utf-8") as file:
            (_observe if job["observe"] else _register)(job, yaml.safe_load(file))
    _labels(job)


if __name__ == "__main__":
    main()
