# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A control plane and data planes in memory, for rotations: tokens are signed as Kubernetes does it, pods read what is stored when they start.

At each moment, so before and after each request, no running pod may have a token that a data plane refuses, and nobody's keys may be lost.
"""

from __future__ import annotations

import base64
import copy
import datetime
import json
import threading
import time
import types
import typing as t

import yaml
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.bounded import BOUND_TYPE, find_bound, term_claimed
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.client import Kube, KubeError
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.control_plane import flyteadmin_clusters
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.credentials import find_tokens, stored_credentials
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.generations import claims_of
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.observe import choose_tokens
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.readers import readers_of
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.secrets import read_secret
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.configuration import CHECKSUM_ANNOTATION
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Site
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rotation import Rotation, plan_rotation, stored_checksum
from ansible_collections.flyte.multicluster.plugins.plugin_utils import _rotation_steps as steps
from ansible_collections.flyte.multicluster.plugins.plugin_utils import _connections, _steps
from ansible_collections.flyte.multicluster.plugins.plugin_utils._outcomes import Outcomes

SECRETS = "/api/v1/namespaces/flyte/secrets"
DEPLOYMENTS = "/apis/apps/v1/namespaces/flyte/deployments"
FOREIGN = {"somebody_elses": b"kept"}
#: of a batch, as roles/rotate/tasks/batch.yml has them
STEPS = {
    "rotate_stored": (steps.store_tokens, ["rotate_result"]),
    "rotate_restarted": (steps.restart_readers, ["rotate_stored"]),
    "rotate_proven": (steps.prove, ["rotate_stored", "rotate_restarted"]),
    "rotate_retired": (steps.delete_former, ["rotate_stored", "rotate_proven"]),
    "rotate_result": (steps.end_batch, ["rotate_result", "rotate_stored", "rotate_restarted", "rotate_proven", "rotate_retired"]),
}


class Killed(BaseException):
    """The run was killed."""


def signed(plane: str, secret: str) -> str:
    """Return the token of a Secret: it depends on the account and the Secret's name alone."""
    claims = json.dumps({"iss": plane, "kubernetes.io/serviceaccount/secret.name": secret}).encode()
    return f"e30.{base64.urlsafe_b64encode(claims).decode().rstrip('=')}.sig"


def bounded_token(secret: str, uid: str, issued: float, lifetime: int, **more: t.Any) -> str:
    """Return a token that is bound to a Secret, and ends."""
    claims = {"iat": int(issued), "exp": int(issued) + lifetime, "kubernetes.io": {"secret": {"name": secret, "uid": uid}}, **more}
    return f"e30.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.sig"


def _encoded(data: t.Mapping[str, bytes]) -> dict[str, str]:
    return {key: base64.b64encode(value).decode() for key, value in data.items()}


class Api(Kube):
    """One API server, as a client of it: what is asked goes to a table of objects."""

    def __init__(self, world: World, name: str) -> None:  # pylint: disable=super-init-not-called  # there is nothing to connect to
        self.world, self.name = world, name
        self.objects: dict[str, dict[str, t.Any]] = {}
        self.down = False
        #: seconds for which it gives a token at most
        self.longest = 1 << 30
        #: seconds by which its clock is ahead of all others
        self.ahead = 0

    @property
    def server(self) -> str:
        """The URL of the API server."""
        return f"https://{self.name}"

    @property
    def now(self) -> datetime.datetime:
        """Its time, as a client is told it."""
        return datetime.datetime.fromtimestamp(self.world.now() + self.ahead, datetime.timezone.utc)

    def request(self, method: str, path: str, *, query: t.Mapping[str, str] | None = None, body: t.Any = None, **_forms: str) -> t.Any:
        """Carry a request out, between two looks at the world."""
        self.world.let_others()
        with self.world.lock:
            self.world.before_request(method)
            if self.down:
                raise KubeError("unreachable", f"{self.server} does not answer", hint="Check it.")
            answer = copy.deepcopy(self.answered(method, path, dict(query or {}), body))
            self.world.after_request(method)
            return answer

    def answered(self, method: str, path: str, query: dict[str, str], body: t.Any) -> t.Any:
        """Return the answer."""
        if method == "POST" and path.endswith("tokenreviews"):
            return {"status": {"authenticated": self.accepts(body["spec"]["token"])}}
        if method == "POST" and path.endswith("/token"):
            return self.requested(body["spec"])
        if method == "POST":
            return self._created(f"{path}/{body['metadata']['name']}", body)
        if method == "GET" and path not in self.objects and path.rpartition("/")[2] in ("secrets", "deployments", "pods"):
            return {"items": [item for key, item in self.objects.items() if key.rpartition("/")[0] == path and _chosen(item, query)]}
        if path not in self.objects:
            raise KubeError("api", f"{method} {path}: 404", status=404)
        if method == "DELETE":
            wanted = ((body or {}).get("preconditions") or {}).get("uid")
            if wanted not in (None, self.objects[path]["metadata"]["uid"]):
                raise KubeError("api", f"{method} {path}: 409", status=409)
            return self.objects.pop(path)
        if method == "PATCH":
            metadata, wanted = self.objects[path]["metadata"], (body.get("metadata") or {}).get("resourceVersion")
            if wanted not in (None, metadata["resourceVersion"]):
                raise KubeError("api", f"{method} {path}: 409", status=409)
            _merge(self.objects[path], body)
            metadata["resourceVersion"] = self.world.version()
            self.changed(path)
        return self.objects[path]

    def _created(self, path: str, body: dict[str, t.Any]) -> dict[str, t.Any]:
        if path in self.objects:
            raise KubeError("api", f"POST {path}: 409", status=409)
        self.world.uids += 1
        made = copy.deepcopy(body)
        made["metadata"] |= {"uid": f"uid-{self.world.uids}", "creationTimestamp": f"2026-01-01T00:{self.world.uids // 60:02}:{self.world.uids % 60:02}Z"}
        made["metadata"]["resourceVersion"] = self.world.version()
        self.objects[path] = made
        self.changed(path)
        return made

    def changed(self, path: str) -> None:
        """Let the cluster's controllers do what they do."""

    def requested(self, spec: dict[str, t.Any]) -> dict[str, t.Any]:
        """Answer a TokenRequest: a token that is bound to a Secret, and ends."""
        self.world.uids += 1
        bound, now = spec["boundObjectRef"], int(self.now.timestamp())
        token = bounded_token(bound["name"], bound["uid"], now, min(spec["expirationSeconds"], self.longest), iss=self.name, jti=self.world.uids)
        return {"status": {"token": token}}

    def accepts(self, token: str) -> bool:
        """Return whether this API server takes a token."""
        term = term_claimed(token)
        if term:
            known = [item["metadata"]["uid"] for item in self.objects.values() if item.get("type") == BOUND_TYPE]
            return claims_of(token)["iss"] == self.name and term["uid"] in known and term["expires"] > self.now.timestamp()
        return any(base64.b64decode((item.get("data") or {}).get("token", "")).decode() == token for item in self.objects.values() if "type" in item)


def _chosen(item: dict[str, t.Any], query: dict[str, str]) -> bool:
    kind = query.get("fieldSelector", "").partition("=")[2]
    app = query.get("labelSelector", "").partition("=")[2]
    return (not kind or item.get("type") == kind) and (not app or item["metadata"]["labels"]["app"] == app)


def _merge(into: dict[str, t.Any], patch: t.Mapping[str, t.Any]) -> None:
    for key, value in patch.items():
        if value is None:
            into.pop(key, None)
        elif isinstance(value, dict):
            _merge(into.setdefault(key, {}), value)
        else:
            into[key] = value


class Plane(Api):
    """A data plane: its token controller fills token Secrets, and its API server takes the tokens of those that there are."""

    def __init__(self, world: World, name: str) -> None:
        super().__init__(world, name)
        self.objects["/api/v1/namespaces/flyte/serviceaccounts/flyteadmin"] = {}
        self.objects["/api/v1/namespaces/flyte/configmaps/kube-root-ca.crt"] = {"data": {"ca.crt": "ca"}}
        self._created(f"{SECRETS}/flyteadmin-token", self._token("flyteadmin-token"))
        # Somebody else's, for the same account.
        self._created(f"{SECRETS}/by-hand", self._token("by-hand"))

    def _token(self, name: str) -> dict[str, t.Any]:
        annotations = {"kubernetes.io/service-account.name": "flyteadmin"}
        return {"type": "kubernetes.io/service-account-token", "metadata": {"name": name, "annotations": annotations}}

    def changed(self, path: str) -> None:
        """Fill a token Secret."""
        secret = self.objects[path]
        if secret.get("type") == "kubernetes.io/service-account-token":
            secret["data"] = _encoded({"token": signed(self.name, path.rpartition("/")[2]).encode(), "ca.crt": b"ca"})

    @property
    def tokens(self) -> list[str]:
        """The names of the token Secrets."""
        return sorted(path.rpartition("/")[2] for path, item in self.objects.items() if item.get("type"))


class Head(Api):
    """A control plane: its pods read the Secret when they start, the old one goes some requests after the new one came."""

    def __init__(self, world: World, name: str, planes: t.Iterable[str]) -> None:
        super().__init__(world, name)
        data = {f"{plane}_token": signed(plane, "flyteadmin-token").encode() for plane in planes} | {f"{plane}_cacert": b"ca" for plane in planes}
        self._created(f"{SECRETS}/cluster-credentials", {"metadata": {"name": "cluster-credentials"}, "data": _encoded({**data, **FOREIGN})})
        configs = [{"name": plane, "endpoint": f"https://{plane}", "enabled": True} for plane in planes]
        text = yaml.safe_dump({"clusters": {"clusterConfigs": configs}})
        self.objects["/api/v1/namespaces/flyte/configmaps/config"] = {"data": {"clusters.yaml": text}}
        checksum = stored_checksum({"clusterConfigs": configs}, stored_credentials(self.stored))
        for app in ("flyteadmin", "syncresources"):
            volumes = [{"secret": {"secretName": "cluster-credentials"}}, {"configMap": {"name": "config"}}]
            template = {"metadata": {"annotations": {CHECKSUM_ANNOTATION: checksum}}, "spec": {"volumes": volumes}}
            spec = {"replicas": 1, "selector": {"matchLabels": {"app": app}}, "template": template}
            self._created(f"{DEPLOYMENTS}/{app}", {"metadata": {"name": app, "generation": 0}, "spec": spec})
            self.roll_out()
            self.roll_out()

    @property
    def stored(self) -> dict[str, bytes]:
        """What the Secret has."""
        return {key: base64.b64decode(value) for key, value in self.objects[f"{SECRETS}/cluster-credentials"]["data"].items()}

    def pods(self, app: str) -> dict[str, dict[str, t.Any]]:
        """Return the pods of a Deployment by their paths."""
        return {path: item for path, item in self.objects.items() if "/pods/" in path and item["metadata"]["labels"]["app"] == app}

    def answered(self, method: str, path: str, query: dict[str, str], body: t.Any) -> t.Any:
        """Return the answer; with each look at pods a rollout goes on."""
        if method == "GET" and ("/deployments/" in path or path.endswith("/pods")):
            self.roll_out()
        return super().answered(method, path, query, body)

    def changed(self, path: str) -> None:
        """Count the generations of a Deployment."""
        if "/deployments/" in path:
            self.objects[path]["metadata"]["generation"] += 1

    def roll_out(self) -> None:
        """Take one step of each rollout: the new pod comes, then the old one goes."""
        for path, deployment in [entry for entry in self.objects.items() if "/deployments/" in entry[0]]:
            app, wanted = path.rpartition("/")[2], deployment["spec"]["template"]["metadata"]["annotations"]
            pods = self.pods(app)
            old = [key for key, pod in pods.items() if pod["metadata"]["annotations"] != wanted]
            if len(old) == len(pods):
                self.start(app, wanted)
            elif old:
                del self.objects[old[0]]
            fresh = [pod for pod in self.pods(app).values() if pod["metadata"]["annotations"] == wanted]
            total, generation = len(self.pods(app)), deployment["metadata"]["generation"]
            deployment["status"] = {"observedGeneration": generation, "updatedReplicas": len(fresh), "readyReplicas": total, "replicas": total}

    def start(self, app: str, annotations: t.Mapping[str, str]) -> None:
        """Start a pod: it reads what is stored now."""
        status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
        name = f"{app}-{self.world.uids + 1}"
        about = {"name": name, "labels": {"app": app}, "annotations": dict(annotations)}
        self._created(f"/api/v1/namespaces/flyte/pods/{name}", {"metadata": about, "status": status, "read": self.stored})


class World:
    """A control plane and some data planes, what runs on them, and a run that may be killed at a request."""

    def __init__(self, *planes: str) -> None:
        self.lock = threading.RLock()
        #: seconds by which the clock of everything is ahead
        self.later = 0
        self.uids = 0
        #: requests that change something until the run is killed, and whether that is before or after the request
        self.kill_at: int | None = None
        self.kill_after = False
        self.dead = False
        self.changes: list[str] = []
        #: what happens beside the run before its request of this number
        self.beside: t.Callable[[], t.Any] | None = None
        self.beside_at = 0
        self._versions = 0
        self.planes = {name: Plane(self, name) for name in planes}
        self.head = Head(self, "controlplane", planes)

    def now(self) -> float:
        """Return the time."""
        return time.time() + self.later

    def api(self, host: str) -> Api:
        """Return an API server by its inventory host."""
        return self.planes.get(host) or self.head

    def version(self) -> str:
        """Return the version of an object that is written now."""
        self._versions += 1
        return str(self._versions)

    def let_others(self) -> None:
        """Let happen what is to happen beside the run before this request."""
        if self.beside is None:
            return
        self.beside_at -= 1
        if self.beside_at < 0:
            others, self.beside = self.beside, None
            others()

    def before_request(self, method: str) -> None:
        """Look, and end here where the run is dead."""
        self.look()
        if self.dead or (method != "GET" and self._is_due() and not self.kill_after):
            self.dead = True
            raise Killed
        if method != "GET":
            self.changes.append(method)

    def after_request(self, method: str) -> None:
        """Look, and end here where this was the last request."""
        self.look()
        if method != "GET" and self.kill_after and self.kill_at is not None and len(self.changes) == self.kill_at + 1:
            self.dead = True
            raise Killed

    def _is_due(self) -> bool:
        return self.kill_at is not None and len(self.changes) == self.kill_at

    def look(self) -> None:
        """Let nothing be wrong at this moment."""
        if not hasattr(self, "head"):
            return
        stored = self.head.stored
        assert {key: stored.get(key) for key in FOREIGN} == FOREIGN
        running = [pod for path, pod in self.head.objects.items() if "/pods/" in path]
        assert running, "nothing serves"
        for has in [stored, *(pod["read"] for pod in running if "read" in pod)]:
            for name, plane in self.planes.items():
                assert plane.accepts(has[f"{name}_token"].decode()), f"a token that {name} refuses is in use"
        assert all("by-hand" in plane.tokens for plane in self.planes.values())

    # -- a run

    def observed(self) -> dict[str, dict[str, t.Any]]:
        """Return what flyte_cluster_info would of these clusters, as far as a rotation asks."""
        found: dict[str, dict[str, t.Any]] = {}
        for name, plane in self.planes.items():
            kube = t.cast("t.Any", plane)
            tokens = [] if plane.down else [token.public(kube.now) for token in find_tokens(kube, "flyte", "flyteadmin", "flyteadmin-token")]
            bounds = [] if plane.down else [bound.public("ca", kube.now) for bound in find_bound(kube, "flyte", "flyteadmin")]
            error = {"message": f"https://{name} does not answer", "hint": "Check it."} if plane.down else None
            found[name] = {"reachable": not plane.down, "error": error, "tokens": tokens + bounds, "token": next(iter(tokens), None)}
            found[name] |= {"control_plane": None}
        head = t.cast("t.Any", self.head)
        data = read_secret(head, "flyte", "cluster-credentials")[1]
        known = {
            "credentials": stored_credentials(data),
            "terms": {name: term for name in self.planes if (term := term_claimed(data[f"{name}_token"].decode()))},
            "clusters": flyteadmin_clusters(head, "flyte"),
            "probes": {name: {"ok": not plane.down, "error": "does not answer", "kind": None} for name, plane in self.planes.items()},
            "readers": readers_of(head, "flyte"),
        }
        found["controlplane"] = {"reachable": True, "error": None, "tokens": [], "token": None, "control_plane": known}
        choose_tokens(found.values())
        return found

    def probe(self, endpoint: str, token: str, ca_cert: str, **_more: t.Any) -> dict[str, t.Any]:
        """Ask a data plane as flyteadmin does."""
        plane = self.planes[endpoint.removeprefix("https://")]
        with self.lock:
            error = "does not answer" if plane.down else None if plane.accepts(token) and ca_cert == "ca" else "401"
        return {"ok": error is None, "error": error, "hint": "Check it." if error else None, "kind": None, "denied": []}


class Run:
    """One run of rotate.yml on a world."""

    def __init__(self, world: World, site: Site, *, check: bool = False) -> None:
        self.world, self.site, self.check = world, site, check
        self.results: dict[str, dict[str, t.Any]] = {}
        self.plan: Rotation | None = None

    def all(self, **limits: t.Any) -> dict[str, t.Any]:
        """Run it to its end; return what the report shows.

        :raises Killed: the run was killed.
        """
        hosts = limits.get("hosts") or ["controlplane", *self.world.planes]
        observed = self.world.observed()
        self.plan = plan_rotation(self.site, observed, hosts)
        live, rights = observed["controlplane"]["control_plane"]["clusters"], types.SimpleNamespace(needed=[])
        known = types.SimpleNamespace(site=self.site, observed=observed, rights=rights, live=live)
        failures = [{"host": row.host, "step": row.step, "problem": row.problem, "remedy": row.remedy} for row in self.plan.failures]
        for batch in self.plan.batches:
            for name, (step, results) in STEPS.items():
                variables = types.SimpleNamespace(result=lambda _host, key: self.results.get(key), read=lambda _host, _name: None)
                outcomes = Outcomes(t.cast("t.Any", variables), ["controlplane"], results)
                action = types.SimpleNamespace(check_mode=self.check, variables=variables, here=self.here)
                plan = {"rotation": self.plan.as_dict(), "failures": failures}
                work = _steps.Work(t.cast("t.Any", action), t.cast("t.Any", known), plan, batch, outcomes)
                self.results[name] = {"changed": False, **step(work)}
                if self.world.dead:
                    raise Killed
        last = self.results.get("rotate_result") or {}
        return {**last, "failures": [*failures, *[row for row in last.get("failures") or [] if row not in failures]]}

    def here(self, _operation: t.Any, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        """Do what the Job of flyte_cluster_probe does: try what a Secret of the control plane has."""
        data = read_secret(t.cast("t.Any", self.world.head), "flyte", arguments["secret"])[1]
        entries = {entry["name"]: entry["endpoint"] for entry in arguments["clusters"]}
        return {"probes": {name: self.world.probe(url, data[f"{name}_token"].decode(), data[f"{name}_cacert"].decode()) for name, url in entries.items()}}


def connect(world: World, monkeypatch: t.Any) -> None:
    """Let the steps talk to a world."""

    def method_of(options: t.Mapping[str, t.Any]) -> t.Any:
        return types.SimpleNamespace(connect=lambda _timeout: world.api(options["host"]))

    def probe_all(configs: t.Sequence[t.Mapping[str, t.Any]], data: t.Mapping[str, bytes], unprobed: t.Collection[str] = (), **_more: t.Any) -> t.Any:
        asked = [entry for entry in configs if entry["name"] not in unprobed]
        return {entry["name"]: world.probe(entry["endpoint"], data[f"{entry['name']}_token"].decode(), "ca") for entry in asked}

    for module in (_connections, _steps):
        monkeypatch.setattr(module, "method_of", method_of)
        monkeypatch.setattr(module, "cluster_options", lambda _site, cluster, _read: {"host": cluster.host})
    monkeypatch.setattr(steps, "settled_probe", world.probe)
    monkeypatch.setattr(steps, "probe_all", probe_all)
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
