# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lets the tests import the collection by its full name, and gives them an inventory and a flyteadmin."""

from __future__ import annotations

import copy
import json
import os
import pathlib
import sys
import threading
import typing as t

import pytest
import requests

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
# ansible_collections is a namespace package: both this folder and site-packages are parts of it.
_PATHS = (".collections", "tests/lab/flyteadmin", "tests/lab", "tests/unit")
sys.path[:0] = [str(REPOSITORY / path) for path in _PATHS]

Inventory = dict[str, dict[str, t.Any]]

_SITE: dict[str, t.Any] = {
    "flyte_provider": "aws",
    "flyte_admin_url": "https://flyte.example.com",
    "flyte_aws_region": "us-east-2",
    "flyte_buckets": ["flyte-data"],
    "flyte_labels": {"label1": [{"cluster": "dataplane_1", "weight": 1}], "label2": [{"cluster": "dataplane_2", "weight": 1}]},
    "flyte_execution_cluster_labels": [
        {"project": "team1", "domain": "development", "label": "label1"},
        {"project": "team1", "domain": "production", "label": "label2"},
    ],
}


@pytest.fixture
def inventory() -> Inventory:
    """A correct inventory of a control plane and two data planes."""
    hosts = {
        "controlplane": {"flyte_kube_context": "hub", "flyte_eks_cluster": "hub"},
        "dataplane_1": {"flyte_kube_context": "dp1", "flyte_eks_cluster": "dp1"},
        "dataplane_2": {"flyte_kube_context": "dp2", "flyte_eks_cluster": "dp2"},
    }
    return {host: {**copy.deepcopy(_SITE), **own} for host, own in hosts.items()}


def elsewhere(inventory: Inventory, provider: str) -> None:
    """Let an inventory be of another provider than AWS, without what only that one reads."""
    for variables in inventory.values():
        variables["flyte_provider"] = provider
        del variables["flyte_aws_region"], variables["flyte_eks_cluster"]
        if provider == "generic":
            del variables["flyte_buckets"]


def site_of(inventory: Inventory) -> t.Any:
    """Return the site of an inventory without faults."""
    from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.build import build
    from ansible_collections.flyte.multicluster.plugins.plugin_utils._variables import declared_variables

    planes = [host for host in inventory if host != "controlplane"]
    built, faults = build(["controlplane"], planes, lambda host, name: inventory[host].get(name), declared_variables())
    assert built is not None, faults
    return built


class Double:
    """A flyteadmin double of two data planes that accept everything, served on a free port."""

    def __init__(self, *, auth: bool = False, finish_after: float = -1) -> None:
        from auth import Auth
        from gateway import Gateway

        from planes_double import Planes, service_of

        self.planes = Planes(finish_after)
        self.service = service_of(self.planes)
        self.auth = Auth("http://127.0.0.1", {"client": "right secret"}) if auth else None
        self.gateway = Gateway(0, self.service, self.auth, lambda: True)
        self.url = f"http://127.0.0.1:{self.gateway.server_port}"
        if self.auth:
            self.auth._issuer = self.url
        self.requests: list[str] = []
        handle = self.gateway.RequestHandlerClass

        class Recording(handle):  # type: ignore[misc,valid-type]
            """Notes each request."""

            def log_message(inner, format: str, *_arguments: t.Any) -> None:  # noqa: N805  pylint: disable=no-self-argument
                self.requests.append(f"{inner.command} {inner.path}")

        self.gateway.RequestHandlerClass = Recording
        threading.Thread(target=self.gateway.serve_forever, args=(0.02,), daemon=True).start()

    def rows(self) -> dict[str, str]:
        """Return the stored labels, read from the store itself."""
        from flyteidl.admin import matchable_resource_pb2

        return {
            "/".join(part for part in row[:3] if part): matchable_resource_pb2.MatchingAttributes.FromString(row[3]).execution_cluster_label.value
            for row in self.service.store.attributes("EXECUTION_CLUSTER_LABEL")
        }

    def close(self) -> None:
        """Stop serving."""
        self.gateway.shutdown()
        self.gateway.server_close()


@pytest.fixture
def admin() -> t.Iterator[Double]:
    """A flyteadmin double without authentication."""
    double = Double()
    yield double
    double.close()


@pytest.fixture
def admin_with_auth() -> t.Iterator[Double]:
    """A flyteadmin double that wants a token."""
    double = Double(auth=True)
    yield double
    double.close()


class Flyteadmin:
    """A flyteadmin to run module tests against: the double, or any other by ``FLYTE_ADMIN_URL``.

    Of another one, the tests use two projects (``FLYTE_TEST_PROJECTS``, ``team1,project1``) that have no labels yet, and two
    labels of its labelClusterMap with the cluster of each (``FLYTE_TEST_LABELS``, ``label1=dataplane_1,label2=dataplane_2``).
    ``FLYTE_CLIENT_ID`` with ``FLYTE_CLIENT_SECRET``, or ``FLYTE_ADMIN_TOKEN``, is the login. Where its data planes run
    propeller, ``FLYTE_TEST_FINISHES=1`` lets executions be waited for.
    """

    def __init__(self, options: dict[str, t.Any], session: requests.Session, *, finishes: bool, double: Double | None = None) -> None:
        self.options = options
        self.url = str(options["url"])
        self.session = session
        self.finishes = finishes
        self.double = double
        self.projects = ("team1", "project1") if double else tuple(os.environ.get("FLYTE_TEST_PROJECTS", "team1,project1").split(","))
        given = "label1=dataplane_1,label2=dataplane_2" if double else os.environ.get("FLYTE_TEST_LABELS", "label1=dataplane_1,label2=dataplane_2")
        self.clusters = dict(pair.split("=") for pair in given.split(","))
        self.labels = list(self.clusters)

    @property
    def placement(self) -> dict[str, t.Any]:
        """What its configuration is, as options of the modules."""
        entries = {label: [{"id": cluster, "weight": 1}] for label, cluster in self.clusters.items()}
        return {"label_cluster_map": entries, "enabled_clusters": sorted(self.clusters.values())}

    def call(self, method: str, path: str, body: t.Any = None) -> t.Any:
        """Send one request, not through the collection."""
        answer = self.session.request(method, self.url + path, json=body, timeout=15)
        answer.raise_for_status()
        return answer.json()

    def rows(self) -> dict[str, str]:
        """Return the labels of the tests' projects."""
        rows = self.call("GET", "/api/v1/matchable_attributes?resource_type=EXECUTION_CLUSTER_LABEL").get("configurations") or []
        return {
            "/".join(part for part in (row["project"], row["domain"], row["workflow"]) if part): row["attributes"]["execution_cluster_label"]["value"]
            for row in rows
            if row["project"] in self.projects
        }

    def clean(self) -> None:
        """Remove all labels of the tests' projects: those of a project take everything below along."""
        for place in self.rows():
            parts = place.split("/")
            level = {1: "project_attributes", 2: "project_domain_attributes", 3: "workflow_attributes"}[len(parts)]
            body = {**dict(zip(("project", "domain", "workflow"), parts)), "resource_type": "EXECUTION_CLUSTER_LABEL"}
            self.call("DELETE", f"/api/v1/{level}/{place}", body)


def bearer(url: str, client_id: str, secret: str) -> str:
    """Return a token of flyteadmin's own OAuth2 server, not through the collection."""
    metadata = requests.get(url + "/.well-known/oauth-authorization-server", headers={"Accept": "application/json"}, timeout=15).json()
    form = {"grant_type": "client_credentials", "scope": "all"}
    return str(requests.post(metadata["token_endpoint"], data=form, auth=(client_id, secret), timeout=15).json()["access_token"])


def _session(token: str | None) -> requests.Session:
    session = requests.Session()
    session.headers.update({"Accept": "application/json", **({"flyte-authorization": f"Bearer {token}"} if token else {})})
    return session


def _given() -> Flyteadmin:
    url, client_id, token = os.environ["FLYTE_ADMIN_URL"].rstrip("/"), os.environ.get("FLYTE_CLIENT_ID"), os.environ.get("FLYTE_ADMIN_TOKEN")
    options: dict[str, t.Any] = {"url": url}
    if client_id:
        options["client_id"] = client_id  # its secret is read by the modules themselves
        token = bearer(url, client_id, os.environ["FLYTE_CLIENT_SECRET"])
    found = Flyteadmin(options, _session(token), finishes=os.environ.get("FLYTE_TEST_FINISHES") == "1")
    if found.rows():
        pytest.exit(f"{url} has labels in {', '.join(found.projects)} already: name two projects without labels with FLYTE_TEST_PROJECTS.", 2)
    return found


@pytest.fixture(params=["given"] if os.environ.get("FLYTE_ADMIN_URL") else ["without authentication", "with authentication"])
def flyteadmin(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> t.Iterator[Flyteadmin]:
    """A flyteadmin without labels in the tests' projects: the double, with and without authentication, or the one of ``FLYTE_ADMIN_URL``."""
    if request.param == "given":
        found = _given()
        yield found
        found.clean()
        return
    for name in ("FLYTE_ADMIN_TOKEN", "FLYTE_CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)
    with_auth = request.param == "with authentication"
    double = Double(auth=with_auth, finish_after=0.2)
    options: dict[str, t.Any] = {"url": double.url}
    token = None
    if with_auth:
        options |= {"client_id": "client", "client_secret": "right secret"}
        token = bearer(double.url, "client", "right secret")
    yield Flyteadmin(options, _session(token), finishes=True, double=double)
    double.close()


Run = t.Callable[..., dict[str, t.Any]]


@pytest.fixture(autouse=True)
def _a_new_process() -> None:
    """Let each test begin without secrets that are known, as a process does: what one test learned may be a word of another."""
    from ansible_collections.flyte.multicluster.plugins.module_utils._common.redaction import SECRETS

    SECRETS._forms.clear()


@pytest.fixture
def run(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a module as Ansible does and returns its result."""
    from module_arguments import patch_module_args

    def run_module(module: t.Any, *, check: bool = False, **arguments: t.Any) -> dict[str, t.Any]:
        if module.__name__.endswith(".flyte_ecl"):
            arguments.setdefault("journal", str(tmp_path / "journal"))
        arguments.setdefault("retry_for", 1)
        with patch_module_args({**arguments, "_ansible_check_mode": check}), pytest.raises(SystemExit):
            module.main()
        return t.cast("dict[str, t.Any]", json.loads(capsys.readouterr().out))

    return run_module


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The requests that the collection's client sends, as they are sent."""
    from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin import client as _admin

    found: list[str] = []
    send = _admin.Admin._send

    def noting(self: t.Any, method: str, url: str, **arguments: t.Any) -> t.Any:
        found.append(f"{method} {url.partition('/api')[1]}{url.partition('/api')[2] or url.partition('//')[2].partition('/')[2]}")
        return send(self, method, url, **arguments)

    monkeypatch.setattr(_admin.Admin, "_send", noting)
    return found
