# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A cluster is removed by the steps of the role remove, in its order; stopped after any of them, or at any write, and run again, it is gone."""

from __future__ import annotations

import base64
import contextlib
import copy
import dataclasses
import gzip
import json
import pathlib
import re
import types
import typing as t

import certifi
import pytest
import requests
import yaml
from ansible_collections.flyte.multicluster.plugins.action.flyte_step import STEPS
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin import drain
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.label import LABEL, label_value
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.namespaces import DEFAULT_MAPPING
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.shown_values import Change
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.values import digest
from ansible_collections.flyte.multicluster.plugins.module_utils._iam.required import plan as iam_plan
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Site
from ansible_collections.flyte.multicluster.plugins.module_utils._module import OperationFailed, run_here
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.control_plane import wanted_configuration
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.departure_rows import beyond_configuration
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.orphans import prune_rows
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.planner import Chart, plan_rollout
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rights import Rights
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rows import Row, control_plane_of
from ansible_collections.flyte.multicluster.plugins.modules import flyte_aws_info, flyte_cluster_info
from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import ModuleFailed, Refused
from ansible_collections.flyte.multicluster.plugins.plugin_utils._connections import observed_cluster, observed_control_plane
from ansible_collections.flyte.multicluster.plugins.plugin_utils._known import Known
from ansible_collections.flyte.multicluster.plugins.plugin_utils._outcomes import Outcomes
from ansible_collections.flyte.multicluster.plugins.plugin_utils._plan_file import PlanFiles
from ansible_collections.flyte.multicluster.plugins.plugin_utils._removal import Wanted, hosts_to_observe, planned_removal
from ansible_collections.flyte.multicluster.plugins.plugin_utils._steps import Work
from api_server import MANIFEST, SECRETS, deployment, encoded, token_secret
from conftest import REPOSITORY, Double, Inventory, site_of
from flyteidl.admin import execution_pb2
from flyteidl.core import execution_pb2 as core
from generation import Cluster as Placed
from stateful_api import Objects, StatefulApi
from workflow import launch, register

CHART = Chart(str(REPOSITORY / "tests" / "lab" / "chart" / "flyte-core"), "flyte-core", "v1")
CONFIG = "/api/v1/namespaces/flyte/configmaps/clusters"
STORED = f"{SECRETS}/cluster-credentials"
AUTH = f"{SECRETS}/flyte-secret-auth"
OURS = {"app.kubernetes.io/managed-by": "flyte.multicluster"}
CONFIGURED = "remove_plan.removal.configured"
ELSEWHERE = {"label2": [{"cluster": "dataplane_1", "weight": 1}]}
WEBHOOK = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/flyte-pod-webhook"
PLANES = ("dataplane_1", "dataplane_2")
#: flyteadmin does not start with a CA certificate that is none
AUTHORITY = re.findall(r"-----BEGIN[^-]+-----[^-]+-----END[^-]+-----", pathlib.Path(certifi.where()).read_text(encoding="utf-8"))[0]


def record(name: str, values: dict[str, t.Any], revision: int, manifest: str = MANIFEST) -> dict[str, t.Any]:
    release = {
        "name": name, "version": revision, "info": {"status": "deployed", "last_deployed": "2026-01-01T00:00:00Z"},
        "chart": {"metadata": {"name": CHART.name, "version": CHART.version}}, "config": values, "manifest": manifest,
    }  # fmt: skip
    content = base64.b64encode(gzip.compress(json.dumps(release).encode(), mtime=0))
    labels = {"version": str(revision), "owner": "helm", "name": name, LABEL: label_value(digest(values))}
    metadata = {"name": f"sh.helm.release.v1.{name}.v{revision}", "uid": f"uid-{revision}", "labels": labels}
    return {"metadata": metadata, "data": {"release": base64.b64encode(content).decode()}}


class Stopped(Exception):
    """The run was stopped."""


class World:
    """Clusters, flyteadmin and AWS, as doubles that keep what is done to them."""

    def __init__(self, inventory: Inventory, double: Double) -> None:
        for host, own in inventory.items():
            own["flyte_admin_url"] = double.url
            own["flyte_remove_executions"] = "abort"
            own["flyte_remove_timeout"] = 20
            own["flyte_remove_namespaces"] = True
            own["flyte_user_settings"] = {"certificateArn": "arn:aws:acm:x:1:certificate/y", "rdsHost": "db", "dbPassword": "pw", "logGroup": "g"}
            own |= {"flyte_api_endpoint": f"https://{host}", "flyte_probe_from": "none"} if host != "controlplane" else {}
        self.inventory, self.double = inventory, double
        self.apis = {"controlplane": StatefulApi(self._hub()), **{name: StatefulApi(self._plane()) for name in PLANES}}
        self.aws = self._aws()
        self.check_mode = False
        #: what happens in AWS before it is asked again
        self.asked_aws: t.Callable[[], t.Any] = lambda: None
        #: the one that does not answer
        self.dead: str | None = None
        #: whether site.yml removes it
        self.pruning = False
        #: None, or after how many changes anywhere the run is stopped
        self.left: int | None = None
        self.changes: list[str] = []
        self.said: list[str] = []
        self.broken: list[str] = []
        for name, api in self.apis.items():
            self._watch(name, api)
        double.planes.plane = self._plane_of  # type: ignore[method-assign]
        self._first_rollout()

    def close(self) -> None:
        for api in self.apis.values():
            api.close()

    # -- what is there at first

    def _hub(self) -> Objects:
        mounting = {"template": {"spec": {"volumes": [{"configMap": {"name": "clusters"}}]}}}
        stored = {f"{name}_{kind}": text for name in PLANES for kind, text in (("token", f"token-of-{name}"), ("cacert", AUTHORITY))}
        admin = {**deployment("flyteadmin"), "spec": {**deployment("flyteadmin")["spec"], **mounting}}
        return {
            "/apis/apps/v1/namespaces/flyte/deployments/flyteadmin": admin,
            STORED: {"metadata": {"name": "cluster-credentials"}, "data": encoded(**stored, somebody_elses="kept")},
        }

    def _plane(self) -> Objects:
        service = {"clientConfig": {"service": {"namespace": "flyte", "name": "flyte-pod-webhook"}}}
        login = {"name": "flyte-secret-auth", "labels": OURS, "annotations": {"helm.sh/resource-policy": "keep"}}
        names = ("flyte", "team1-development", "team1-production", "theirs")
        return {
            f"{SECRETS}/flyteadmin-token": {**token_secret()},
            f"{SECRETS}/sh.helm.release.v1.flyte-core-data.v1": record("flyte-core-data", {}, 1),
            "/apis/apps/v1/namespaces/flyte/deployments/flytepropeller": deployment(),
            "/apis/flyte.lyft.com/v1alpha1": {"kind": "APIResourceList"},
            AUTH: {"metadata": login, "data": encoded(client_secret="s")},
            WEBHOOK: {"metadata": {"name": "flyte-pod-webhook"}, "webhooks": [service]},
            **{f"/api/v1/namespaces/{name}": {"metadata": {"name": name, "creationTimestamp": "2026-01-01T00:00:00Z"}} for name in names},
        }

    def _aws(self) -> dict[str, t.Any]:
        hosts = ("controlplane", *PLANES)
        clusters = {host: {"status": "ACTIVE", "issuer": f"https://oidc/{host}", "error": None, "missing": False} for host in hosts}
        providers = [f"arn:aws:iam::1:oidc-provider/oidc/{host}" for host in hosts]
        aws: dict[str, t.Any] = {"account": "1", "partition": "aws", "clusters": clusters, "roles": {}, "policy": None, "oidc_providers": providers}
        planned = iam_plan(self.site(), aws)
        roles = {name: {"arn": f"arn:aws:iam::1:role/{name}", "trust": role["trust"], "policies": []} for name, role in planned["roles"].items()}
        return {**aws, "roles": roles}

    def _first_rollout(self) -> None:
        credentials = dict.fromkeys(PLANES, {"token": "t", "ca_cert": "c"})
        wanted = wanted_configuration(self.site(), {"controlplane": {"reachable": True, "control_plane": {}}}, credentials=credentials, probes={})
        self.apis["controlplane"].objects[CONFIG] = {"data": {"clusters.yaml": yaml.safe_dump({"clusters": wanted.section()})}}
        self.apis["controlplane"].objects[f"{SECRETS}/sh.helm.release.v1.flyte-core.v1"] = record("flyte-core", {"of": "before"}, 1, "")

    # -- what changes is counted, and the run is stopped there

    def _watch(self, name: str, api: StatefulApi) -> None:
        answer = api.answer

        def counting(method: str, path: str, body: t.Any) -> tuple[int, t.Any]:
            if method != "GET" and not self._allowed(f"{name}: {method} {path}"):
                return 500, {"message": "the run was stopped"}
            found = answer(method, path, body)
            self.hold()
            return found

        api.answer = counting  # type: ignore[method-assign]

    def _allowed(self, change: str) -> bool:
        if self.left is not None:
            if self.left == 0:
                return False
            self.left -= 1
        self.changes.append(change)
        return True

    def hold(self) -> None:
        """Note what has to be true at any moment, and is not: flyteadmin has the keys of all that it is configured with, and reaches what runs."""
        data = self.apis["controlplane"].objects[STORED]["data"]
        names = [entry["name"] for entry in self.section()["clusterConfigs"]]
        self.broken += [f"flyteadmin would not start: {name}" for name in names if not {f"{name}_token", f"{name}_cacert"} <= set(data)]
        self.broken += ["nobody hears of the end of what runs"] if self.open_executions() and "dataplane_2" not in names else []

    def section(self) -> dict[str, t.Any]:
        """Return the section clusters of flyteadmin's configuration."""
        return t.cast("dict[str, t.Any]", yaml.safe_load(self.apis["controlplane"].objects[CONFIG]["data"]["clusters.yaml"])["clusters"])

    def open_executions(self) -> list[str]:
        raw = self.double.service.store._run("SELECT name FROM executions WHERE cluster = 'dataplane_2' AND phase NOT IN ('ABORTED', 'SUCCEEDED', 'FAILED')")
        return [row[0] for row in raw]

    def _plane_of(self, cluster: t.Any) -> t.Any:
        """A data plane of flyteadmin's double: what is aborted ends there, as flytepropeller's event says."""

        def call(method: str, path: str, _body: t.Any = None, *_more: t.Any) -> t.Any:
            if method == "DELETE":
                assert cluster.name in [entry["name"] for entry in self.section()["clusterConfigs"]]
                for project, domain, name in self.double.service.store._run("SELECT project, domain, name FROM executions"):
                    if path.endswith(f"/{name}"):
                        identifier = types.SimpleNamespace(project=project, domain=domain, name=name)
                        execution = execution_pb2.Execution.FromString(self.double.service.store.execution(identifier))
                        execution.closure.phase = core.WorkflowExecution.ABORTED
                        self.double.service._put(execution)
            return types.SimpleNamespace(status_code=200)

        return types.SimpleNamespace(call=call)

    def execute(self) -> None:
        """Let two executions run on dataplane_2."""
        self.double.planes.current.labels[""] = [("dataplane_2", 1.0)]
        for domain in ("development", "production"):
            register(self.double.url, "team1", domain, "w", "v1")
            launch(self.double.url, "team1", domain, "w", "v1")
        assert len(self.open_executions()) == 2

    # -- the run

    def site(self) -> Site:
        site = site_of(self.inventory)
        site.settings["flyte_namespace_mapping"] = site.settings["flyte_namespace_mapping"] or DEFAULT_MAPPING
        return t.cast(Site, site)

    def read(self, host: str, name: str) -> t.Any:
        own = {"flyte_kube_context": None}
        if host == self.dead:
            own |= {"flyte_kube_host": "http://127.0.0.1:1", "flyte_kube_api_key": "x"}
        elif host in self.apis:
            own |= {"flyte_kube_host": self.apis[host].url, "flyte_kube_api_key": "x"}
        return own[name] if name in own else self.inventory.get(host, {}).get(name)

    def here(self, operation: t.Any, arguments: dict[str, t.Any], *, reads: bool = False) -> dict[str, t.Any]:
        if operation is flyte_aws_info.OPERATION:
            self.asked_aws()
            return {"roles": {name: self.aws["roles"].get(name) for name in arguments["roles"]}, "oidc_providers": self.aws["oidc_providers"]}
        try:
            return run_here(operation, arguments, check_mode=self.check_mode and not reads, warn=lambda _text: None)
        except OperationFailed as error:
            raise ModuleFailed({"failed": True, "msg": str(error)}) from error

    def module(self, name: str, arguments: dict[str, t.Any], **_how: t.Any) -> dict[str, t.Any]:
        """In the place of modules of other collections, and of those that talk to AWS."""
        if self.check_mode:
            return {"changed": True}
        if not self._allowed(name):
            raise ModuleFailed({"failed": True, "msg": "the run was stopped"})
        if name == "amazon.aws.iam_role":
            self.aws["roles"][arguments["name"]]["trust"] = arguments["assume_role_policy_document"]
        elif name == "flyte.multicluster.flyte_pod_identity":
            assert arguments["state"] == "absent"
            known = self.aws["clusters"]["dataplane_2"]["associations"]
            gone = [(entry["namespace"], entry["service_account"]) for entry in arguments["associations"]]
            known[:] = [entry for entry in known if (entry["namespace"], entry["service_account"]) not in gone]
        elif name == "kubernetes.core.helm":
            assert arguments["release_state"] == "absent" and arguments["release_name"] == "flyte-core-data"
            api = next(api for api in self.apis.values() if api.url in json.dumps(arguments["kubeconfig"]))
            api.objects = {path: item for path, item in api.objects.items() if "helm.release" not in path and "/deployments/" not in path}
        else:
            assert name == "flyte.multicluster.flyte_oidc_provider" and arguments["state"] == "absent"
            issuer = arguments["issuers"][0]
            self.aws["oidc_providers"] = [arn for arn in self.aws["oidc_providers"] if not issuer.endswith(arn.partition("oidc-provider/")[2])]
        return {"changed": True}

    @property
    def action(self) -> t.Any:
        variables = types.SimpleNamespace(read=self.read, result=lambda _host, _name: None)
        given = {"here": self.here, "module": self.module, "say": self.said.append, "environment": lambda _more: contextlib.nullcontext()}
        return types.SimpleNamespace(check_mode=self.check_mode, variables=variables, **given)

    def plan(self, name: str = "dataplane_2", labels: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        site = self.site()
        hosts = hosts_to_observe(site, name)
        clusters = [observed_cluster(site, cluster, self.read) for cluster in site.clusters if cluster.host in hosts]
        given = {"clusters": clusters, **observed_control_plane(site, Rights(), self.read), "timeout": 5}
        observed = self.here(flyte_cluster_info.OPERATION, given, reads=True)["clusters"]
        known = Known(site, observed, copy.deepcopy(self.aws), CHART)
        wanted = Wanted(name, ELSEWHERE if labels is None else labels, self.pruning)
        return planned_removal(self.action, known, wanted, PlanFiles(site, self.read))

    def rollout(self, plan: dict[str, t.Any]) -> dict[str, t.Any]:
        """In the place of flyte_release: the same decision, and what Helm would make of it."""
        known = Known.from_result(plan)
        site, hub = known.site, self.apis["controlplane"]
        head = control_plane_of(known.observed, "controlplane")
        wanted = wanted_configuration(site, known.observed, credentials=head["credentials"], probes=head["probes"])
        rollout = plan_rollout(site, known.observed["controlplane"], wanted, chart=CHART, digest=known.digest_of(self.read))
        assert rollout.failure is None
        if rollout.reason and not self.check_mode:
            values = known.values_of(self.read)(site.control_plane, wanted)
            revision = 1 + max(int(path.rpartition(".v")[2]) for path in hub.objects if ".flyte-core.v" in path)
            if not self._allowed(f"rollout {[(entry['name'], entry['enabled']) for entry in wanted.cluster_configs]}"):
                raise Stopped
            hub.objects[CONFIG] = {"data": {"clusters.yaml": yaml.safe_dump({"clusters": wanted.section()})}}
            hub.objects[f"{SECRETS}/sh.helm.release.v1.flyte-core.v{revision}"] = record("flyte-core", values, revision, "")
            # flyteadmin's new generation.
            self.double.planes.current.clusters.clear()
            for entry in wanted.cluster_configs:
                self.double.planes.current.clusters[entry["name"]] = Placed(entry["name"], entry["enabled"], "", "", "")
            self.hold()
        return {"changed": bool(rollout.reason)}

    def steps(self) -> list[t.Callable[[dict[str, t.Any]], dict[str, t.Any]]]:
        """Return the steps of the role, in its order."""
        tasks = yaml.safe_load((REPOSITORY / "roles" / "remove" / "tasks" / "main.yml").read_text(encoding="utf-8"))
        block = next(task["block"] for task in tasks if "block" in task)
        found: list[t.Callable[[dict[str, t.Any]], dict[str, t.Any]]] = []
        for task in block:
            assert task.get("when") in (None, CONFIGURED) or "debug" in "".join(task), task
            release, step = task.get("flyte.multicluster.flyte_release"), task.get("flyte.multicluster.flyte_step")
            if release:
                found.append(lambda plan, task=task, release=release: self.release(plan, task, release))  # type: ignore[misc]
            elif step and step["step"] != "ready":  # there are no pods to wait for
                found.append(lambda plan, name=step["step"]: self.step(name, plan))  # type: ignore[misc]
        return found

    def release(self, plan: dict[str, t.Any], task: dict[str, t.Any], arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        """Roll out as a task of the role says, where it is not skipped."""
        if task.get("when") == CONFIGURED and not plan["removal"]["configured"]:
            return {}
        return self.rollout(plan["without"] if "without" in arguments["plan"] else plan)

    def step(self, name: str, plan: dict[str, t.Any]) -> dict[str, t.Any]:
        plan = json.loads(json.dumps(plan))  # as a registered result is
        work = Work(self.action, Known.from_result(plan), plan, [], Outcomes(self.action.variables, [], []))
        return STEPS[name](work)

    def run(self, name: str = "dataplane_2", *, steps: int | None = None, labels: dict[str, t.Any] | None = None) -> list[dict[str, t.Any]]:
        """Plan and carry out; a step that fails ends the run. Return what the steps returned.

        :param steps: after so many it is stopped.
        """
        plan = self.plan(name, labels)
        done: list[dict[str, t.Any]] = []
        try:
            for step in self.steps()[:steps]:
                done.append(step(plan))
                if done[-1].get("failed"):
                    break
        except Stopped:
            pass
        return done

    def state(self) -> dict[str, t.Any]:
        """Return everything that is left, but for Helm's history and what is kept of before."""
        kept = {
            name: {path: item for path, item in api.objects.items() if ".flyte-core.v" not in path and "-backup-" not in path}
            for name, api in self.apis.items()
        }
        return json.loads(json.dumps({**kept, "aws": self.aws, "open": self.open_executions(), "labels": self.double.rows()}))  # type: ignore[no-any-return]


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here takes time to end."""
    monkeypatch.setattr(drain, "_FIRST_PAUSE", 0.01)


@pytest.fixture(name="world")
def _world(inventory: Inventory, admin: Double) -> t.Iterator[World]:
    found = World(inventory, admin)
    found.execute()
    yield found
    found.close()


def check_gone(world: World) -> None:
    """Everything of dataplane_2 is gone, and nothing else."""
    hub, plane, other = (world.apis[name].objects for name in ("controlplane", "dataplane_2", "dataplane_1"))
    assert [entry["name"] for entry in world.section()["clusterConfigs"]] == ["dataplane_1"]
    assert world.section()["labelClusterMap"] == {label: [{"id": "dataplane_1", "weight": 1}] for label in ("label1", "label2")}
    assert set(hub[STORED]["data"]) == {"dataplane_1_token", "dataplane_1_cacert", "somebody_elses"}
    left = {"/api/v1/namespaces/flyte", "/api/v1/namespaces/theirs", "/apis/flyte.lyft.com/v1alpha1"}
    assert set(plane) == left and other == world._plane()
    assert "oidc/dataplane_2" not in json.dumps(world.aws["roles"]) and "dataplane_1" in json.dumps(world.aws["roles"])
    assert [arn.rpartition("/")[2] for arn in world.aws["oidc_providers"]] == ["controlplane", "dataplane_1"]
    assert not world.open_executions() and not world.broken, world.broken


def test_a_cluster_with_two_executions_is_removed(world: World) -> None:
    plan = world.plan()
    assert "drain: abort executions: dataplane_2: 2 executions (team1/development/" in "\n".join(plan["lines"])
    steps = [row["step"] for row in plan["rows"]]
    order = ["disable", "drain", "configuration", "credentials", "dataplane", "iam", "namespaces"]
    assert list(dict.fromkeys(steps)) == order
    assert not any(result.get("failed") for result in world.run())
    check_gone(world)
    rollouts = [change for change in world.changes if change.startswith("rollout")]
    assert rollouts == ["rollout [('dataplane_1', True), ('dataplane_2', False)]", "rollout [('dataplane_1', True)]"]
    # Once more: nothing.
    count, again = len(world.changes), world.run()
    assert len(world.changes) == count and not any(result.get("changed") for result in again)
    assert world.plan()["lines"][0] == "Nothing of dataplane_2 is left."


def test_what_it_takes_away_is_kept(world: World) -> None:
    hub = world.apis["controlplane"].objects
    before, trust = dict(hub[STORED]["data"]), world.aws["roles"]["flyte-dataplane-role"]["trust"]
    world.run()
    kept = {item["metadata"]["labels"]["flyte.multicluster/backup"]: item["data"] for path, item in hub.items() if "-backup-" in path}
    assert kept["credentials"] == before
    assert json.loads(gzip.decompress(base64.b64decode(kept["trust"]["flyte-dataplane-role.json.gz"]))) == trust


def test_check_mode_changes_nothing(world: World) -> None:
    before = world.state()
    world.check_mode = True
    found = world.run()
    assert world.state() == before and not world.changes and not any(result.get("failed") for result in found)
    assert [bool(result.get("changed")) for result in found] == [False, True, True, True, True, True, True, True]


def test_stopped_after_any_step_the_next_run_finishes_it(inventory: Inventory) -> None:
    wanted = None
    for number in range(9):
        double = Double()
        world = World({host: dict(own) for host, own in inventory.items()}, double)
        try:
            world.execute()
            if number < 8:
                world.run(steps=number)
            assert not any(result.get("failed") for result in world.run()), number
            check_gone(world)
            wanted = wanted or comparable(world.state())
            assert comparable(world.state()) == wanted, number
        finally:
            world.close()
            double.close()
    assert len(world.steps()) == 8


def test_stopped_at_any_change_the_next_run_finishes_it_by_the_same_approved_plan(inventory: Inventory, tmp_path: pathlib.Path) -> None:
    number, done = 0, False
    while not done:
        double = Double()
        world = World({host: dict(own) for host, own in inventory.items()}, double)
        try:
            world.execute()
            held(world, tmp_path)
            world.left = number
            world.run()
            done, world.left = world.left > 0, None
            assert not any(result.get("failed") for result in world.run()), world.changes
            check_gone(world)
        finally:
            world.close()
            double.close()
        number += 1
    assert number > 12


def held(world: World, folder: pathlib.Path, **labels: t.Any) -> pathlib.Path:
    """Write the plan, and hold every run from now on to it."""
    path = folder / "plan.json"
    world.inventory["controlplane"] |= {"flyte_plan_file": str(path), "flyte_approved_plan": None}
    world.plan(**labels)
    world.inventory["controlplane"] |= {"flyte_plan_file": None, "flyte_approved_plan": str(path)}
    return path


def test_the_plan_that_is_approved_says_value_by_value_what_goes(world: World, tmp_path: pathlib.Path) -> None:
    text = json.loads(held(world, tmp_path).read_text(encoding="utf-8"))["text"]
    disabled = '    configmap.clusters.clusterConfigs[dataplane_2].enabled: (not set) -> "false"'
    assert disabled in text and '    configmap.clusters.clusterConfigs[dataplane_2].enabled: "false" -> (not set)' in text
    assert "dataplane_2: dataplane: delete the MutatingWebhookConfiguration flyte-pod-webhook: no release has it" in text
    assert any(line.startswith("    statement[oidc/dataplane_2]: ") and line.endswith(" -> (not set)") for line in text)


def _more_of_a_namespace(world: World) -> None:
    made = {"metadata": {"name": "team1-staging", "creationTimestamp": "2026-01-01T00:00:00Z"}}
    world.apis["dataplane_2"].objects["/api/v1/namespaces/team1-staging"] = made


def _more_trust(world: World) -> None:
    statement = world.aws["roles"]["flyte-dataplane-role"]["trust"]["Statement"][-1]
    condition = next(iter(statement["Condition"].values()))
    key = next(key for key in condition if key.endswith(":sub"))
    condition[key] = [*condition[key], "system:serviceaccount:team1-more:default"]


def _other_values(world: World) -> None:
    world.inventory["controlplane"]["flyte_values"] = {"flyteadmin": {"replicaCount": 3}}


def _other_token(world: World) -> None:
    world.apis["dataplane_2"].objects[f"{SECRETS}/flyteadmin-token"]["data"]["token"] = encoded(token="another")["token"]


def _other_label(world: World) -> None:
    section = world.section()
    section["labelClusterMap"]["label1"] = [{"id": "dataplane_2", "weight": 1}]
    world.apis["controlplane"].objects[CONFIG] = {"data": {"clusters.yaml": yaml.safe_dump({"clusters": section})}}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_more_of_a_namespace, "dataplane_2: namespaces: delete team1-staging: is not in the approved plan"),
        (_more_trust, "controlplane: iam: trust policy of flyte-dataplane-role: statement["),
        (_other_values, 'controlplane: disable: Helm release flyte-core: flyteadmin.replicaCount: (not set) -> "3"; approved is flyteadmin.replicaCount: '),
        (_other_token, "dataplane_2: dataplane: delete the token Secret flyteadmin-token: token: "),
        (_other_label, "controlplane: disable: Helm release flyte-core: labelClusterMap: label1: dataplane_1 1: is not in the approved plan"),
    ],
)  # fmt: skip
def test_a_removal_that_is_another_one_than_was_approved_is_refused(
    world: World, tmp_path: pathlib.Path, change: t.Callable[[World], None], said: str
) -> None:
    held(world, tmp_path)
    world.plan()
    change(world)
    before = world.state()
    with pytest.raises(Refused, match=re.escape(said)):
        world.plan()
    assert world.state() == before and not world.changes


def test_executions_are_aborted_only_where_the_plan_says_it(world: World, tmp_path: pathlib.Path) -> None:
    for own in world.inventory.values():
        own["flyte_remove_executions"] = "wait"
    held(world, tmp_path)
    for own in world.inventory.values():
        own["flyte_remove_executions"] = "abort"
    with pytest.raises(Refused, match="controlplane: drain: abort executions: is not in the approved plan"):
        world.plan()
    # Where none runs yet the plan says it, too: some may until the cluster is disabled.
    world.double.service.store._run("DELETE FROM executions")
    world.inventory["controlplane"]["flyte_approved_plan"] = None
    assert "controlplane: drain: abort executions: dataplane_2: those that begin until it is disabled, 20 s at most" in world.plan()["lines"]


def test_what_site_removes_is_a_row_of_its_own_plan(world: World, tmp_path: pathlib.Path) -> None:
    path = held(world, tmp_path)
    world.pruning = True
    with pytest.raises(Refused, match="controlplane: prune: remove the cluster dataplane_2: is not in the approved plan"):
        world.plan()
    site = world.site()
    files = PlanFiles(dataclasses.replace(site, settings={**site.settings, "flyte_plan_file": str(path), "flyte_approved_plan": None}), world.read)
    files.use(prune_rows(site, ["dataplane_2"]), [], write=True)
    # Nothing of the release besides the clusters and labels: a file may have become another one since.
    with pytest.raises(Refused, match="controlplane: controlplane: Helm release flyte-core: is not in the approved plan"):
        world.plan()
    assert not world.changes
    rolled_out = Row("controlplane", "controlplane", "Helm release flyte-core", "x", changes=beyond_configuration(_rows(world))[0].changes)
    files.use([*prune_rows(site, ["dataplane_2"]), rolled_out], [], write=True)
    assert not any(result.get("failed") for result in world.run())
    check_gone(world)


def _rows(world: World) -> list[Row]:
    """Return the rows of the plan of a removal that nothing holds."""
    approved = world.inventory["controlplane"].pop("flyte_approved_plan")
    found = [
        dataclasses.replace(Row(**{**row, "changes": ()}), changes=tuple(Change(**change) for change in row["changes"])) for row in world.plan()["rows"]
    ]
    world.inventory["controlplane"]["flyte_approved_plan"] = approved
    return found


def test_nothing_is_left_behind_that_the_plan_does_not_say(world: World, tmp_path: pathlib.Path) -> None:
    held(world, tmp_path)
    for own in world.inventory.values():
        own["flyte_remove_force"] = True
    with pytest.raises(Refused, match="controlplane: drain: leave what runs on dataplane_2: is not in the approved plan"):
        world.plan()
    text = json.loads(held(world, tmp_path).read_text(encoding="utf-8"))["text"]
    assert [line for line in text if line.startswith("controlplane: drain: leave what runs on dataplane_2: flyte_remove_force: ")]
    assert world.plan()


def test_each_rollout_has_the_digest_of_the_values_that_were_planned(world: World) -> None:
    plan = world.plan()
    first, second = (one["digests"]["controlplane"] for one in (plan, plan["without"]))
    assert first != second and all(len(one) == 64 for one in (first, second))


def test_a_stored_label_that_somebody_changed_is_not_taken_away(world: World, tmp_path: pathlib.Path) -> None:
    for own in world.inventory.values():
        own["flyte_labels"] = {"label1": [{"cluster": "dataplane_1", "weight": 1}]}
        own["flyte_execution_cluster_labels"] = []
    section = world.section()
    section["labelClusterMap"] |= {"label3": [{"id": "dataplane_2", "weight": 1}]}
    world.apis["controlplane"].objects[CONFIG] = {"data": {"clusters.yaml": yaml.safe_dump({"clusters": section})}}

    def store(label: str) -> None:
        body = {"attributes": {"project": "team1", "domain": "production", "matching_attributes": {"execution_cluster_label": {"value": label}}}}
        requests.put(f"{world.double.url}/api/v1/project_domain_attributes/team1/production", json=body, timeout=5).raise_for_status()

    store("label2")
    held(world, tmp_path, labels={"label2": [], "label3": []})
    assert world.plan(labels={"label2": [], "label3": []})
    store("label3")
    with pytest.raises(Refused, match=r"controlplane: labels: remove team1/production: label: \"label3\" -> \(not set\); approved is label: \"label2\""):
        world.plan(labels={"label2": [], "label3": []})


def test_values_that_somebody_gave_the_release_by_hand_are_not_taken_away_along(world: World) -> None:
    found = record("flyte-core", {"of": "before", "flyteadmin": {"replicaCount": 5, "podLabels": {"team": "ml"}}}, 2, "")
    found["metadata"]["labels"][LABEL] = label_value(digest({"of": "before"}))
    world.apis["controlplane"].objects[f"{SECRETS}/sh.helm.release.v1.flyte-core.v2"] = found
    with pytest.raises(Refused, match=re.escape("flyteadmin.podLabels.team: ml")):
        world.plan()
    for own in world.inventory.values():
        own["flyte_drop_values"] = ["flyteadmin.podLabels"]
    # What the chart's files have is set right, and said.
    assert "    changed by hand: flyteadmin.replicaCount: 5 -> " in "\n".join(world.plan()["lines"])


def comparable(state: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return a state without the addresses of its doubles."""
    return {name: part for name, part in state.items() if name not in ("labels",)}


def test_an_orphan_is_removed_from_flyteadmin_and_the_rest_is_said(world: World) -> None:
    """Its host left the inventory, and flyteadmin still places executions there."""
    before = world.state()["dataplane_2"]
    del world.inventory["dataplane_2"]
    for own in world.inventory.values():
        own["flyte_labels"] = {"label1": [{"cluster": "dataplane_1", "weight": 1}]}
        own["flyte_execution_cluster_labels"] = []
    plan = world.plan(labels={})
    assert "dataplane_2: is in no inventory: what is in the cluster itself, and what AWS has of it, stays" in plan["lines"]
    assert not any(result.get("failed") for result in world.run(labels={}))
    assert [entry["name"] for entry in world.section()["clusterConfigs"]] == ["dataplane_1"] and "label2" not in world.section()["labelClusterMap"]
    assert set(world.apis["controlplane"].objects[STORED]["data"]) == {"dataplane_1_token", "dataplane_1_cacert", "somebody_elses"}
    assert world.state()["dataplane_2"] == before and not world.open_executions()


def test_executions_that_do_not_end_hold_it(world: World) -> None:
    for own in world.inventory.values():
        own |= {"flyte_remove_executions": "wait", "flyte_remove_timeout": 1}
    found = world.run()
    failure = found[-1]["failures"][0]
    assert failure["step"] == "drain" and "2 executions (team1/development/" in failure["problem"] and "after 1 s" in failure["problem"]
    assert {entry["name"]: entry["enabled"] for entry in world.section()["clusterConfigs"]} == {"dataplane_1": True, "dataplane_2": False}
    assert "dataplane_2_token" in world.apis["controlplane"].objects[STORED]["data"] and len(world.open_executions()) == 2
    assert "waiting for 2 executions" in world.said[0]


def test_a_dead_plane_is_refused_and_left_with_force(world: World) -> None:
    world.apis["dataplane_2"].close()
    with pytest.raises(Refused, match="flyte_remove_force=true"):
        world.plan()
    for own in world.inventory.values():
        own["flyte_remove_force"] = True
    found = world.run()
    assert not any(result.get("failed") for result in found)
    said = [line for result in found for line in result.get("lines") or []]
    assert "2 executions (team1/development/" in said[0] and "flyteadmin shows them so for ever" in said[0]
    assert [entry["name"] for entry in world.section()["clusterConfigs"]] == ["dataplane_1"]
    assert "oidc/dataplane_2" not in json.dumps(world.aws["roles"])


def test_one_that_was_dead_and_comes_back_is_removed_by_the_same_command(world: World) -> None:
    """Nothing of flyteadmin leads there any more; what is in it goes as soon as it answers."""
    world.dead = "dataplane_2"
    for own in world.inventory.values():
        own["flyte_remove_force"] = True
    assert not any(result.get("failed") for result in world.run())
    world.dead = None
    for own in world.inventory.values():
        own["flyte_remove_force"] = False
    plan = world.plan()
    assert not any(row["step"] in ("disable", "configuration", "credentials", "drain") for row in plan["rows"]), plan["lines"]
    assert any("uninstall the Helm release" in line for line in plan["lines"])
    world.double.service.store._run("DELETE FROM executions")  # which was said of them
    world.broken.clear()
    assert not any(result.get("failed") for result in world.run())
    check_gone(world)


def test_a_workflow_alone_that_has_its_label_holds_it(world: World) -> None:
    """And executions without a label do, whose default it is; taken away, its rows go, and those of others at the same place stay."""
    for own in world.inventory.values():
        own["flyte_execution_cluster_labels"] = [{"project": "team1", "domain": "development", "label": "label1"}]
    for place, label in (("team1/development", "label1"), ("team1/development/train", "label2"), ("team1/development/test", "label1")):
        level = "workflow_attributes" if place.count("/") == 2 else "project_domain_attributes"
        attributes = dict(zip(("project", "domain", "workflow"), place.split("/")))
        body = {"attributes": {**attributes, "matching_attributes": {"execution_cluster_label": {"value": label}}}}
        requests.put(f"{world.double.url}/api/v1/{level}/{place}", json=body, timeout=5).raise_for_status()
    with pytest.raises(Refused, match="flyte_labels.label2 = 'label2': would lead to no enabled cluster") as refused:
        world.plan(labels={})
    assert "team1/development/train" in str(refused.value)
    for own in world.inventory.values():
        own["flyte_default_execution_label"] = "label2"
    with pytest.raises(Refused, match="executions without a label"):
        world.plan(labels={})
    with pytest.raises(Refused, match="flyte_default_execution_label: take that out"):
        world.plan(labels={"label2": []})
    for own in world.inventory.values():
        own["flyte_default_execution_label"] = None
    assert not any(result.get("failed") for result in world.run(labels={"label2": []}))
    assert world.double.rows() == {"team1/development": "label1", "team1/development/test": "label1"}


def test_a_label_of_the_canary_goes_along(world: World) -> None:
    for own in world.inventory.values():
        own |= {"flyte_canary_project": "team1", "flyte_canary_labels": True}
    world._first_rollout()
    assert [label for label, entries in world.section()["labelClusterMap"].items() if "canary" in label and entries[0]["id"] == "dataplane_2"]
    assert not any(result.get("failed") for result in world.run())
    assert "dataplane_2" not in json.dumps(world.section())


def test_rows_of_a_label_that_is_taken_away(world: World) -> None:
    for own in world.inventory.values():
        own["flyte_execution_cluster_labels"] = [{"project": "team1", "domain": "development", "label": "label1"}]
    for place, label in (("team1/production", "label2"), ("team1/development", "label1")):
        project, domain = place.split("/")
        body = {"attributes": {"project": project, "domain": domain, "matching_attributes": {"execution_cluster_label": {"value": label}}}}
        requests.put(f"{world.double.url}/api/v1/project_domain_attributes/{place}", json=body, timeout=5).raise_for_status()
    assert not any(result.get("failed") for result in world.run(labels={"label2": []}))
    assert world.double.rows() == {"team1/development": "label1"} and list(world.section()["labelClusterMap"]) == ["label1"]
    kept = [item for path, item in world.apis["controlplane"].objects.items() if "-backup-labels" in path]
    rows = json.loads(gzip.decompress(base64.b64decode(kept[0]["data"]["rows.json.gz"])))
    assert rows == [{"project": "team1", "domain": "production", "workflow": "", "label": "label2"}]
    assert "flyte_labels: take label2 out" in world.plan(labels={"label2": []})["ending"]


def test_keys_stay_where_another_run_put_the_cluster_back(world: World) -> None:
    plan = world.plan()
    found = world.step("remove_keys", plan)
    assert found["failed"] and "has dataplane_2 again" in found["failures"][0]["problem"] and not world.changes


def test_workflows_that_flytepropeller_has_not_ended_hold_the_release(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from ansible_collections.flyte.multicluster.plugins.plugin_utils import _removal_steps

    monkeypatch.setattr(_removal_steps, "SETTLE", 0.0)
    place = "/apis/flyte.lyft.com/v1alpha1/flyteworkflows/f1"
    world.apis["dataplane_2"].objects[place] = {"metadata": {"namespace": "team1-development", "name": "f1", "finalizers": ["x"]}}
    found = world.run()
    assert found[-1]["failed"] and "team1-development/f1" in found[-1]["failures"][0]["problem"]
    assert any("helm.release" in path for path in world.apis["dataplane_2"].objects)
    del world.apis["dataplane_2"].objects[place]
    assert not any(result.get("failed") for result in world.run())
    check_gone(world)


def test_what_was_given_to_the_control_planes_release_by_hand_is_not_taken_away(world: World) -> None:
    hub = world.apis["controlplane"].objects
    newest = f"{SECRETS}/sh.helm.release.v1.flyte-core.v2"
    by_hand = {"flyteadmin": {"podAnnotations": {"example.com/aPassword": "a-password-4711"}}}
    hub[newest] = record("flyte-core", by_hand, 2, "")
    hub[newest]["metadata"]["labels"][LABEL] = label_value(digest({"of": "before"}))
    before = world.state()
    with pytest.raises(Refused) as refused:
        world.plan()
    said = "\n".join(refused.value.lines)
    assert "controlplane: the Helm release flyte-core in the namespace flyte: it was changed by hand" in said and "a-password-4711" not in said
    assert """flyte_drop_values: ['flyteadmin.podAnnotations["example.com/aPassword"]']""" in said and world.state() == before
    for own in world.inventory.values():
        own["flyte_drop_values"] = ["flyteadmin.podAnnotations"]
    assert not any(result.get("failed") for result in world.run())
    check_gone(world)


ADMINS = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::1:root"}, "Action": "sts:AssumeRole"}


def test_a_statement_that_somebody_added_meanwhile_stays(world: World) -> None:
    """Executions may be waited for for an hour after the policies were read."""
    role = world.aws["roles"]["flyte-dataplane-role"]
    world.asked_aws = lambda: role.update(trust={**role["trust"], "Statement": [*role["trust"]["Statement"], ADMINS]})
    assert not [step for step in world.run() if step.get("failed")]
    world.asked_aws = lambda: None
    check_gone(world)
    assert ADMINS in role["trust"]["Statement"]
    (kept,) = [item for path, item in world.apis["controlplane"].objects.items() if "backup-trust" in path]
    assert ADMINS in json.loads(gzip.decompress(base64.b64decode(kept["data"]["flyte-dataplane-role.json.gz"])))["Statement"]


def test_what_a_role_trusts_of_the_cluster_meanwhile_is_looked_at_anew(world: World) -> None:
    role, grafana = world.aws["roles"]["flyte-dataplane-role"], "system:serviceaccount:monitoring:grafana"

    def add() -> None:
        (own,) = [statement for statement in role["trust"]["Statement"] if "oidc/dataplane_2" in json.dumps(statement)]
        own["Condition"]["StringEquals"]["oidc/dataplane_2:sub"].append(grafana)

    world.asked_aws = add
    failed = [step for step in world.run() if step.get("failed")]
    assert "was changed since this run looked at it" in failed[0]["failures"][0]["problem"] and "Run playbooks/remove.yml again" in str(failed), failed
    world.asked_aws = lambda: None
    assert not [step for step in world.run() if step.get("failed")]
    (left,) = [statement for statement in role["trust"]["Statement"] if "oidc/dataplane_2" in json.dumps(statement)]
    assert left["Condition"]["StringEquals"]["oidc/dataplane_2:sub"] in (grafana, [grafana])


def test_associations_of_ours_go_and_others_stay(world: World) -> None:
    entry = {"id": "a-1", "namespace": "flyte", "service_account": "flytepropeller", "role_arn": "arn:x", "tags": {"managed-by": "flyte.multicluster"}}
    theirs = {**entry, "service_account": "theirs", "tags": {}}
    world.aws["clusters"]["dataplane_2"]["associations"] = [entry, theirs]
    assert "remove Pod Identity flyte:flytepropeller" in "\n".join(world.plan()["lines"])
    assert not [step for step in world.run() if step.get("failed")]
    assert world.aws["clusters"]["dataplane_2"]["associations"] == [theirs]
    check_gone(world)


def test_a_provider_of_somebody_else_stays(world: World) -> None:
    module = world.module

    def foreign(name: str, arguments: dict[str, t.Any], **how: t.Any) -> dict[str, t.Any]:
        if "oidc" in name:
            raise ModuleFailed({"failed": True, "msg": "arn:x was not made here: it lacks the tags {}. Delete it by hand if nothing else uses it."})
        return module(name, arguments, **how)

    world.module = foreign  # type: ignore[method-assign]
    found = world.run()
    assert not any(result.get("failed") for result in found)
    assert [line for result in found for line in result.get("lines") or []][-1].startswith("controlplane: stays: arn:x was not made here")


def test_a_flyteadmin_that_does_not_answer_refuses_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from ansible_collections.flyte.multicluster.plugins.plugin_utils import _removal

    monkeypatch.setattr(_removal, "RETRY_FOR", 0.1)
    for own in world.inventory.values():
        own["flyte_admin_url"] = "http://127.0.0.1:1"
    with pytest.raises(Refused, match="flyteadmin has to say which executions run on dataplane_2") as refused:
        world.plan()
    assert "flyte_admin_url" in str(refused.value) and not world.changes


@pytest.mark.parametrize(("key", "value"), [("dataplane_2_cacert", "bm9uZQ=="), ("dataplane_2_token", None)])
def test_one_with_whose_keys_flyteadmin_would_not_start_goes_at_once(world: World, key: str, value: str | None) -> None:
    data = world.apis["controlplane"].objects[STORED]["data"]
    data.pop(key) if value is None else data.update({key: value})
    with pytest.raises(Refused, match="2 executions .* on dataplane_2, and .*Run site.yml, which stores its credentials anew"):
        world.plan()
    for own in world.inventory.values():
        own["flyte_remove_force"] = True
    assert not any(result.get("failed") for result in world.run())
    assert [change for change in world.changes if change.startswith("rollout")] == ["rollout [('dataplane_1', True)]"]
    assert set(world.apis["controlplane"].objects[STORED]["data"]) == {"dataplane_1_token", "dataplane_1_cacert", "somebody_elses"}


def test_without_backups(world: World) -> None:
    for own in world.inventory.values():
        own["flyte_backups"] = False
    world.run()
    check_gone(world)
    assert not any("-backup-" in path for path in world.apis["controlplane"].objects)


def test_a_plan_holds_no_secret(world: World) -> None:
    text = json.dumps(world.plan())
    assert "token-of-dataplane_2" not in text and "its-token" not in text
