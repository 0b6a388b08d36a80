# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An API server of Kubernetes that answers from a table, and objects for it: for what a cluster, or something in its place, may answer."""

from __future__ import annotations

import base64
import datetime
import gzip
import http.server
import json
import threading
import typing as t

import yaml

#: a path to what it answers: an object, bytes as they are, a status, or a function of the request's headers that returns one of these
Answers = dict[str, t.Any]

DEPLOYMENTS = "/apis/apps/v1/namespaces/flyte/deployments"
SECRETS = "/api/v1/namespaces/flyte/secrets"
RECORDS = f"{SECRETS}?labelSelector=owner%3Dhelm%2Cname%3Dflyte-core-data%2Cstatus+notin+%28superseded%29"
TOKENS = f"{SECRETS}?fieldSelector=type%3Dkubernetes.io%2Fservice-account-token"
BOUNDS = f"{SECRETS}?fieldSelector=type%3Dflyte.multicluster%2Fbound-token"
ALL_SECRETS = f"{SECRETS}?labelSelector=status+notin+%28superseded%29"
PODS = "/api/v1/namespaces/flyte/pods"
CRD = "/apis/flyte.lyft.com/v1alpha1"
ACCOUNT = "/api/v1/namespaces/flyte/serviceaccounts/flyteadmin"
CONFIG_MAPS = "/api/v1/namespaces/flyte/configmaps"
NAMESPACES = "/api/v1/namespaces"
LEASE = "/apis/coordination.k8s.io/v1/namespaces/flyte/leases/propeller-leader"
WEBHOOK = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/flyte-pod-webhook"
MANIFEST = """---
# Source: flyte-core/templates/propeller/deployment.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: flytepropeller
  namespace: flyte
spec:
  replicas: 1
"""


#: a release whose flytepropeller elects a leader, and that has a webhook
WORKING_MANIFEST = f"""{MANIFEST}---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: flyte-pod-webhook, namespace: flyte}}
spec: {{replicas: 1}}
---
kind: ConfigMap
data:
  core.yaml: |
    propeller:
      leader-election:
        enabled: true
        lease-duration: 15s
        lock-config-map:
          name: propeller-leader
          namespace: flyte
      max-workflow-retries: 30
    webhook:
      certDir: /etc/webhook/certs
      serviceName: flyte-pod-webhook
"""


class ApiServer:
    """Serves a table over HTTP and notes the requests: method, path with its query, headers, body."""

    def __init__(self, answers: Answers | None = None, *, date: str | None = None) -> None:
        """Serve.

        :param date: what it says of the time, where that is not this machine's.
        """
        self.answers: Answers = answers or {}
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            """Answers from the table: first a path with its query, then one without, then with a method in front."""

            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {key.lower(): value for key, value in self.headers.items()}
                outer.seen.append((self.command, self.path, headers, body))
                plain = self.path.partition("?")[0]
                keys = (f"{self.command} {plain}", self.path, plain) if self.command == "GET" else (f"{self.command} {plain}",)
                found = next((outer.answers[key] for key in keys if key in outer.answers), 404 if self.command == "GET" else {})
                found = found(headers) if callable(found) else found
                status, content = (found, {"kind": "Status", "reason": "", "message": "said by the table"}) if isinstance(found, int) else (200, found)
                raw = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            do_GET = do_POST = do_PATCH = do_DELETE = _answer

            def date_time_string(self, timestamp: float | None = None) -> str:
                """Return the time of an answer."""
                return date or super().date_time_string(timestamp)

            def log_message(self, format: str, *args: t.Any) -> None:
                """Say nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def asked(self) -> list[str]:
        """Method and path of each request."""
        return [f"{method} {path.partition('?')[0]}" for method, path, _headers, _body in self.seen]

    @property
    def access(self) -> dict[str, t.Any]:
        """The options that reach it."""
        return {"host": self.url, "api_key": "the-token"}

    def __enter__(self) -> ApiServer:
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def encoded(**data: str) -> dict[str, str]:
    """Return a Secret's data; two underscores are a dot."""
    return {key.replace("__", "."): base64.b64encode(value.encode()).decode() for key, value in data.items()}


def token_secret(name: str = "flyteadmin-token", data: dict[str, str] | None = None, **metadata: t.Any) -> dict[str, t.Any]:
    """Return a token Secret of flyteadmin's account, filled where nothing else is said."""
    annotations = {"kubernetes.io/service-account.name": "flyteadmin"}
    given = {"name": name, "annotations": annotations, "creationTimestamp": "2026-01-01T00:00:00Z", **metadata}
    filled = encoded(token="its-token", ca__crt="its-ca") if data is None else data
    return {"type": "kubernetes.io/service-account-token", "metadata": given, "data": filled}


def helm_record(manifest: str = MANIFEST, *, revision: int = 1, status: str = "deployed", raw: bytes | None = None) -> dict[str, t.Any]:
    """Return Helm's record of a revision; ``raw`` stands in for its content."""
    release = {
        "name": "flyte-core-data",
        "version": revision,
        "info": {"status": status, "last_deployed": "2026-01-01T00:00:00.123456789+02:00"},
        "chart": {"metadata": {"name": "flyte-core", "version": "v1.16.8"}},
        "config": {"a": 1},
        "manifest": manifest,
    }
    content = base64.b64encode(gzip.compress(json.dumps(release).encode())) if raw is None else raw
    name = f"sh.helm.release.v1.flyte-core-data.v{revision}"
    labels = {"name": "flyte-core-data", "owner": "helm", "status": status, "version": str(revision)}
    about = {"name": name, "labels": labels, "creationTimestamp": "2026-01-01T00:00:00Z"}
    return {"metadata": about, "data": {"release": base64.b64encode(content).decode()}}


def deployment(name: str = "flytepropeller", *, replicas: int = 1, ready: int | None = None, **status: t.Any) -> dict[str, t.Any]:
    """Return a Deployment, ready where nothing else is said."""
    count = replicas if ready is None else ready
    state = {"observedGeneration": 1, "updatedReplicas": replicas, "readyReplicas": count, "replicas": replicas, **status}
    return {"metadata": {"name": name, "generation": 1}, "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}}}, "status": state}


def pod(name: str, app: str = "flytepropeller", **status: t.Any) -> dict[str, t.Any]:
    """Return a pod."""
    return {"metadata": {"name": name, "labels": {"app": app, "more": "x"}}, "status": status}


def table(*names: str) -> dict[str, t.Any]:
    """Return a list as the API server shows it to kubectl."""
    columns = [{"name": name} for name in ("Name", "Status", "Age")]
    return {"kind": "Table", "columnDefinitions": columns, "rows": [{"cells": [name, "Active", "4d"], "object": None} for name in names]}


def lease(age: float = 1, *, holder: str = "flytepropeller-1") -> dict[str, t.Any]:
    """Return a Lease that was renewed so many seconds ago."""
    renewed = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=age)
    return {"spec": {"holderIdentity": holder, "leaseDurationSeconds": 15, "renewTime": renewed.strftime("%Y-%m-%dT%H:%M:%S.%fZ")}}


def webhook(certificate: str = "its-ca", namespace: str = "flyte") -> dict[str, t.Any]:
    """Return the configuration that a webhook makes of itself."""
    bundle = base64.b64encode(certificate.encode()).decode()
    return {"webhooks": [{"clientConfig": {"caBundle": bundle, "service": {"name": "flyte-pod-webhook", "namespace": namespace}}}]}


def working_plane(**changes: t.Any) -> Answers:
    """Return the answers of a data plane whose flytepropeller leads and whose webhook is registered."""
    base: Answers = {
        RECORDS: {"items": [helm_record(WORKING_MANIFEST)]},
        DEPLOYMENTS: {"items": [deployment(), deployment("flyte-pod-webhook")]},
        LEASE: lambda _headers: lease(),
        WEBHOOK: webhook(),
        f"{SECRETS}/flyte-pod-webhook": {"data": encoded(ca__crt="its-ca")},
    }
    return data_plane(**{**base, **changes})


def data_plane(**changes: t.Any) -> Answers:
    """Return the answers of a data plane where all is well."""

    def secrets(_headers: dict[str, str]) -> t.Any:
        return {"items": [token_secret()]}

    base: Answers = {
        RECORDS: {"items": [helm_record()]},
        TOKENS: secrets,
        BOUNDS: {"items": []},
        CRD: {"kind": "APIResourceList"},
        ACCOUNT: {"kind": "ServiceAccount"},
        DEPLOYMENTS: {"items": [deployment()]},
        NAMESPACES: table("default", "flyte", "team1-development"),
    }
    answers = {**base, **changes}
    # By what the table has when it is asked: a test may change it.
    answers.setdefault(ALL_SECRETS, lambda headers: all_secrets(answers, headers))
    return answers


def all_secrets(answers: Answers, headers: dict[str, str]) -> t.Any:
    """Return all Secrets of a table of answers, Helm's records among them, as one request gets them."""
    found = []
    for path in (RECORDS, TOKENS):
        listed = answers.get(path, {"items": []})
        listed = listed(headers) if callable(listed) else listed
        if not isinstance(listed, dict) or not isinstance(listed.get("items"), list):
            return listed
        found += listed["items"]
    named = [(path.rpartition("/")[2], answer) for path, answer in answers.items() if path.startswith(f"{SECRETS}/") and isinstance(answer, dict)]
    return {"items": [*found, *({**answer, "metadata": {"name": name, **answer.get("metadata", {})}} for name, answer in named)]}


def control_plane(endpoint: str = "https://127.0.0.1:1", **changes: t.Any) -> Answers:
    """Return the answers of a control plane whose flyteadmin knows one data plane."""
    sources = [{"configMap": {"name": "config"}}, {"secret": {"name": "s"}}]
    mounting = {"template": {"spec": {"volumes": [{"name": "a", "projected": {"sources": sources}}, {"emptyDir": {}}]}}}
    section = {"labelClusterMap": {"l": [{"id": "a", "weight": 1}]}, "clusterConfigs": [{"name": "a", "endpoint": endpoint, "enabled": True}]}
    return data_plane(
        **{
            f"{SECRETS}/cluster-credentials": {"data": encoded(a_token="t", a_cacert="c", other="x")},
            f"{DEPLOYMENTS}/flyteadmin": {**deployment("flyteadmin"), "spec": mounting},
            f"{CONFIG_MAPS}/config": {"data": {"clusters.yaml": yaml.safe_dump({"clusters": section}), "x.yaml": "clusters: {{ template }}", "y": "clusters:"}},
            **changes,
        }
    )
