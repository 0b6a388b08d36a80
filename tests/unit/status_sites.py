# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sites to show: a small one, a large one, and one whose names are chosen to break what shows them."""

from __future__ import annotations

import datetime
import random
import typing as t

from ansible_collections.flyte.multicluster.plugins.module_utils._helm.configuration import cluster_config
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Site
from ansible_collections.flyte.multicluster.plugins.module_utils._status.collect import Asked, status_of
from ansible_collections.flyte.multicluster.plugins.module_utils._status.model import Status
from ansible_collections.flyte.multicluster.plugins.module_utils._status.page import page
from ansible_collections.flyte.multicluster.plugins.module_utils._status.terminal import status_lines
from conftest import site_of

NOW = datetime.datetime(2026, 11, 28, 15, 0, tzinfo=datetime.timezone.utc)
DAY = 86400
DOMAINS = ("development", "staging", "production")
Observed = dict[str, dict[str, t.Any]]
HOSTILE = (
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "'; DROP TABLE clusters; --", "{{ lookup('pipe','id') }}", "\x1b[31mred\x1b[0m", "a\u202eb",
    "nul\x00byte", "line\nbreak", "日本語の名前" * 6, "w" * 200, "</svg></style>", "&amp;&lt;", "e\u0301\u0301\u0301\u0301\u0301\u0301", "--><!--",
    "javascript:alert(1)",
)  # fmt: skip


def observation(**changes: t.Any) -> dict[str, t.Any]:
    """Return what flyte_cluster_info says of a data plane that is as it should be."""
    release = {
        "name": "flyte-core-data", "chart": "flyte-core", "version": "v1.16.8", "revision": 3, "status": "deployed", "values_digest": "d" * 64, "age": 9 * DAY,
        "secret": "s",
    }  # fmt: skip
    token = {"secret": "flyteadmin-token", "fingerprint": "t" * 64, "ca_fingerprint": "c" * 64, "age": 40 * DAY, "created": "2026-10-19T15:00:00Z"}
    base: dict[str, t.Any] = {
        "reachable": True, "error": None, "server": "https://api.example.com", "kubernetes": "v1.34.2", "release": release, "token": token, "missing": [],
        "deployments": {"total": 2, "not_ready": [], "resized": []}, "not_working": [], "namespaces": [], "new_namespaces": [], "identity": None,
        "control_plane": None,
    }  # fmt: skip
    return {**base, **changes}


def dead() -> dict[str, t.Any]:
    """Return what flyte_cluster_info says of a cluster that does not answer."""
    error = {
        "kind": "unreachable",
        "message": "https://api.example.com does not answer within 15 s",
        "hint": "Check that it runs, and what stands in front of it.",
    }
    nothing = observation(release=None, token=None, deployments=None, namespaces=None, kubernetes=None)
    return {**nothing, "reachable": False, "error": error}


def control(names: t.Mapping[str, bool], labels: t.Mapping[str, t.Any], probes: t.Mapping[str, t.Any] | None = None) -> dict[str, t.Any]:
    """Return what flyte_cluster_info says of a control plane with these clusters (name to whether it is enabled) and labels."""
    kube_client = {"qps": 100, "burst": 25, "timeout": "10s"}
    configs = [cluster_config(name, "https://api.example.com", enabled, kube_client) for name, enabled in names.items()]
    good = {"ok": True, "error": None, "hint": None, "kind": None, "denied": []}
    known = {
        "credentials": {name: {"token": "t" * 64, "ca_cert": "c" * 64} for name in names}, "other_keys": [],
        "clusters": {"clusterConfigs": configs, "labelClusterMap": labels}, "probes": {**dict.fromkeys(names, good), **(probes or {})}, "journal": [],
        "namespace_mapping": None, "refresh_interval": None, "authentication": False,
    }  # fmt: skip
    release = {**observation()["release"], "name": "flyte-core", "revision": 7}
    return observation(release=release, token=None, deployments={"total": 6, "not_ready": [], "resized": []}, namespaces=None, control_plane=known)


def weighted(**weights: float) -> list[dict[str, t.Any]]:
    """Return the entries of a label in labelClusterMap."""
    return [{"id": name, "weight": weight} for name, weight in weights.items()]


def small(inventory: dict[str, dict[str, t.Any]]) -> tuple[Site, Observed, Asked]:
    """Two data planes that work, and one that only flyteadmin knows still."""
    for host in inventory.values():
        host["flyte_labels"] = {"label1": [{"cluster": "dataplane_1", "weight": 0.7}, {"cluster": "dataplane_2", "weight": 0.3}],
                                "label2": [{"cluster": "dataplane_2", "weight": 1}]}  # fmt: skip
    site = site_of(inventory)
    labels = {"label1": weighted(dataplane_1=0.7, dataplane_2=0.3), "label2": weighted(dataplane_2=1), "gpu": weighted(dataplane_old=1)}
    namespaces = [f"team1-{domain}" for domain in DOMAINS]
    hub = control({"dataplane_1": True, "dataplane_2": True, "dataplane_old": True}, labels)
    observed = {"controlplane": hub, "dataplane_1": observation(namespaces=namespaces), "dataplane_2": observation(namespaces=namespaces)}
    rows = {("team1", "development", ""): "label1", ("team1", "production", ""): "label2", ("team1", "production", "example.training_workflow"): "gpu"}
    counts = {"running": {"dataplane_1": 3, "dataplane_2": 1, "dataplane_old": 2}, "failed": {"dataplane_2": 1}}
    return site, observed, Asked(rows=rows, places=[("team1", domain) for domain in DOMAINS], **counts)


def large(inventory: dict[str, dict[str, t.Any]], planes: int = 100, labels: int = 30, projects: int = 60) -> tuple[Site, Observed, Asked]:
    """Many of everything, some of it unwell."""
    chance = random.Random(7)
    names = [f"{place}-{number:02d}" for place in ("eu-west-1", "us-east-2", "ap-south-1", "us-west-2") for number in range(1, planes // 4 + 1)]
    pools = [names[start : start + 5] for start in range(0, len(names), 5)]
    label_map: dict[str, list[dict[str, t.Any]]] = {}
    for number in range(labels):
        pool = pools[number % len(pools)] if number < len(pools) else chance.choice(pools)[:2] + chance.choice(pools)[:2]
        label_map[f"pool-{number:02d}"] = [{"id": name, "weight": round(1 / len(dict.fromkeys(pool)), 4)} for name in dict.fromkeys(pool)]
    label_map["legacy"] = [{"id": "old-frankfurt", "weight": 1}]
    hub_vars = {key: value for key, value in inventory["controlplane"].items() if key != "flyte_execution_cluster_labels"}
    wanted = {label: [{"cluster": entry["id"], "weight": entry["weight"]} for entry in entries] for label, entries in label_map.items() if label != "legacy"}
    hosts = {"controlplane": {**hub_vars, "flyte_labels": wanted}}
    hosts |= {name: {**hub_vars, "flyte_labels": wanted, "flyte_kube_context": name, "flyte_eks_cluster": name} for name in names}
    site = site_of(hosts)
    drained, broken = set(names[3::25]), names[9::30]
    for cluster in site.data_planes:
        cluster.enabled = cluster.name not in drained
    places = [(f"team-{number:02d}", domain) for number in range(1, projects + 1) for domain in DOMAINS]
    namespaces = [f"{project}-{domain}" for project, domain in places]
    observed = {name: observation(namespaces=namespaces, token={**observation()["token"], "age": DAY * chance.randint(3, 120)}) for name in names}
    observed[broken[0]] = dead()
    observed[broken[1]] = observation(namespaces=namespaces, missing=["the FlyteWorkflow CRD"])
    observed[broken[2]] = observation(namespaces=namespaces[:-3], not_working=[{"name": "flytepropeller", "reason": "no leader for 4711 s"}])
    resized = [{"name": "flytepropeller", "wanted": 1, "found": 3}]
    observed[names[1]] = observation(namespaces=namespaces, deployments={"total": 2, "not_ready": [], "resized": resized})
    observed["controlplane"] = control({**{name: name not in drained for name in names}, "old-frankfurt": True}, label_map)
    rows: dict[tuple[str, str, str], str] = {}
    ordered = list(label_map)
    for number, (project, domain) in enumerate(places[:-4]):
        rows[(project, domain, "")] = ordered[(number // 3 * 7 + (domain == "production")) % len(ordered)]
    for number in range(25):
        project, domain = chance.choice(places)
        rows[(project, domain, f"pipelines.nightly_{number}.train_model")] = chance.choice(ordered)
    rows[(*places[0], "pipelines.old.workflow")] = "no-such-label"
    running = {name: chance.randint(0, 40) for name in names if name not in drained}
    return site, observed, Asked(rows=rows, places=places, running={**running, "old-frankfurt": 2}, failed={name: chance.randint(0, 3) for name in names})


def hostile(inventory: dict[str, dict[str, t.Any]]) -> tuple[Site, Observed, Asked]:
    """Names of clusters, labels, projects and workflows that flyteadmin may have stored, and texts of servers."""
    site = site_of(inventory)
    names = {**{"dataplane_1": True, "dataplane_2": False}, **{name: number % 2 == 0 for number, name in enumerate(HOSTILE)}}
    labels = {f"label {name}": [{"id": name, "weight": 1}, {"id": f"unknown {name}", "weight": 1}] for name in HOSTILE}
    denied = {"ok": False, "error": HOSTILE[0], "hint": HOSTILE[1], "kind": None, "denied": [HOSTILE[0]]}
    observed = {
        "controlplane": control(names, labels, dict.fromkeys(HOSTILE, denied)),
        "dataplane_1": dead(),
        "dataplane_2": observation(missing=[HOSTILE[0]]),
    }
    observed["dataplane_1"]["error"]["message"] = HOSTILE[1]
    observed["dataplane_2"]["release"] = {**observation()["release"], "status": HOSTILE[4], "chart": HOSTILE[0], "name": HOSTILE[9]}
    rows = {(name, HOSTILE[number - 1], HOSTILE[number - 2]): f"label {name}" for number, name in enumerate(HOSTILE)}
    return site, observed, Asked(rows=rows, places=[(name, name) for name in HOSTILE], running={}, failed={}, notes=HOSTILE)


def said_of_status(site: Site, observed: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    """Return all that a status says of a site; the page of each tenth one only, which takes longer than all else."""
    status = status_of(site, observed, Asked(rows={}, places=[("team1", "development")]), now=NOW)
    lines = status_lines(status)
    yield from lines
    yield page(status) if sum(map(len, lines)) % 10 == 0 else ""


def status_of_site(found: tuple[Site, Observed, Asked]) -> Status:
    """Return the status of one of these sites."""
    site, observed, asked = found
    return status_of(site, observed, asked, now=NOW)
