# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Generated inventories, from the declaration of the variables: refused or planned, never an exception, without a secret in any text."""

from __future__ import annotations

import collections
import copy
import typing as t

from ansible_collections.flyte.multicluster.plugins.module_utils._helm.namespaces import plain_mapping
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.build import build
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.credentials import unsendable_credentials
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.names import misplaced_variables, unknown_variables
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Site
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.complete import unfinished
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.planner import Chart, make_plan
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.show import failure_table, plan_lines
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.verify import cluster_failures
from ansible_collections.flyte.multicluster.plugins.plugin_utils._variables import _declaration, declared_variables, known_names, secret_variables
from conftest import _SITE, elsewhere
from fuzzing import EXAMPLES, NASTY, SECRET, holds, mutated, odd, without_secret
from hypothesis import strategies as st
from status_sites import said_of_status

HOSTS = ("controlplane", "dataplane_1", "dataplane_2")
_OF_KIND: dict[str, st.SearchStrategy[t.Any]] = {
    "str": st.sampled_from([*NASTY, "text", "label1", "development", "us-east-2", "https://h.example.com", "h:443", "s@p-project.iam.gserviceaccount.com"]),
    "bool": st.sampled_from([True, False, "yes", "false", 1, 0]),
    "int": st.sampled_from([1, 2, 30, "7", 0, -1, 10**9, 1.0, "nan", "9" * 5000]),
    "float": st.sampled_from([0, 0.25, 1, "0.5", -0.1, 7, True, "nan", "inf"]),
    "list": st.lists(odd, max_size=3) | st.sampled_from([["flyte-data"], ["team1"], ["development"], ["flyte-data/prefix"]]),
    "dict": st.dictionaries(st.sampled_from([*NASTY, "a", "label1"]) | st.integers(), odd, max_size=3),
    "raw": st.sampled_from(["/kubeconfig", 7]) | st.just({"users": [{"user": {"token": SECRET}}]}),
}
_LINKS = [{"name": "logs", "uri": "https://logs/{podName}", "show_while_pending": True}]
_OF_A_WORKFLOW = {"project": "p", "domain": "staging", "workflow": "a.b", "label": "label1"}
#: what has a shape of its own: right, but for a place or two
_SHAPED: dict[str, st.SearchStrategy[t.Any]] = {
    "flyte_labels": mutated(_SITE["flyte_labels"]),
    "flyte_execution_cluster_labels": mutated([*_SITE["flyte_execution_cluster_labels"], _OF_A_WORKFLOW]),
    "flyte_log_links": mutated(_LINKS),
    "flyte_gcp_domain_service_accounts": mutated({"development": "tasks@a-project.iam.gserviceaccount.com"}),
    "flyte_user_settings": mutated({"accountNumber": "1", "rdsHost": "db", "dbPassword": SECRET}),
    "flyte_canary_inputs": mutated({"a": 1, "b": [{"c": "d"}]}),
}
#: what a secret has no effect without, and beside which other one
_WITH: dict[str, dict[str, str]] = {
    "flyte_client_secret": {"flyte_client_id": "me"},
    "flyte_aws_secret_key": {"flyte_aws_access_key": "AKIA"},
    "flyte_aws_session_token": {"flyte_aws_access_key": "AKIA"},
}
_INSTEAD = {"flyte_client_secret": "flyte_admin_token", "flyte_kube_password": "flyte_kube_api_key"}


@st.composite
def inventories(draw: st.DrawFn) -> dict[str, dict[str, t.Any]]:
    """Return a correct inventory of which some variables are others, and with a secret in every variable that may be one."""
    found = {host: {**copy.deepcopy(_SITE), "flyte_kube_context": host, "flyte_eks_cluster": host} for host in HOSTS}
    provider = draw(st.sampled_from(["aws", "gcp", "generic"]))
    if provider != "aws":
        elsewhere(found, provider)
    declaration = _declaration()
    secrets = sorted(secret_variables())
    for name in [name for name in secrets if draw(st.booleans())]:
        if _INSTEAD.get(name) in found[HOSTS[0]] or (name.startswith("flyte_aws_") and provider != "aws"):
            continue
        for variables in found.values():
            variables.update(_WITH.get(name, {}))
            variables[name] = f"{SECRET}-{name}" if declaration[name]["type"] == "str" else {"dbPassword": f"{SECRET}-{name}"}
    for _number in range(draw(st.integers(0, 4))):
        name = draw(st.sampled_from(sorted(declaration)) | st.sampled_from([*_SHAPED, "flyte_kubeconfig", "flyte_kube_context"]))
        hosts = draw(st.sampled_from([HOSTS, *((host,) for host in HOSTS)]))
        usual = st.sampled_from(declaration[name]["choices"]) if declaration[name].get("choices") else _SHAPED.get(name, _OF_KIND[declaration[name]["type"]])
        value = draw(st.one_of(usual, usual, st.none(), odd))
        if name in secrets:
            value = draw(st.sampled_from([f"{SECRET}\n", f" {SECRET} ä", [SECRET], {"a": SECRET}, f"a\nb{SECRET}", value]))
        for host in hosts:
            found[host][name] = copy.deepcopy(value)
    return found


_FINGERPRINT = st.sampled_from(["f", "g"])
_RELEASE = st.none() | st.fixed_dictionaries(
    {
        "name": st.just("flyte-core-data"),
        "chart": st.just("flyte-core"),
        "version": st.sampled_from(["v1", "v2"]),
        "revision": st.integers(1, 3),
        "status": st.sampled_from(["deployed", "failed", "pending-install", "pending-upgrade", "uninstalling", "?"]),
        "values_digest": _FINGERPRINT,
        "age": st.integers(0, 500),
        "secret": st.just("s"),
    }
)
_AGE = st.none() | st.integers(0)
_TOKEN = st.none() | st.fixed_dictionaries({"secret": st.just("s"), "fingerprint": _FINGERPRINT, "ca_fingerprint": _FINGERPRINT, "age": _AGE})
_WAITING = {"name": "deployment/flytepropeller", "reason": "r"}
_NOT_READY = st.none() | st.fixed_dictionaries({"total": st.just(1), "not_ready": st.lists(st.just(_WAITING), max_size=1)})
_DEAD = {"reachable": False, "error": {"kind": "api", "message": "m", "hint": "h"}}


@st.composite
def observations(draw: st.DrawFn) -> dict[str, t.Any]:
    """Return what the clusters may be like, in the shape in which they are observed."""
    names = st.sampled_from([*HOSTS, "by_hand"])
    found = {}
    for host in HOSTS:
        if draw(st.integers(0, 9)) == 0 and host != HOSTS[0]:
            if draw(st.booleans()):
                found[host] = {**_empty(), **_DEAD}
            continue
        entry = {**_empty(), "reachable": True, "server": "https://api", "release": draw(_RELEASE)}
        if entry["release"]:
            entry |= {"token": draw(_TOKEN), "deployments": draw(_NOT_READY), "missing": draw(st.lists(st.just("the FlyteWorkflow CRD"), max_size=1))}
            entry["not_working"] = draw(st.lists(st.just({"name": "flytepropeller", "reason": "r"}), max_size=1))
        found[host] = entry
    configs = [{"name": name, "endpoint": "https://api", "enabled": draw(st.booleans())} for name in draw(st.lists(names, unique=True, max_size=4))]
    label_map = draw(st.dictionaries(st.sampled_from(["label1", "old"]), st.lists(names.map(lambda name: {"id": name, "weight": 1}), max_size=2), max_size=2))
    found[HOSTS[0]]["control_plane"] = {
        "credentials": draw(st.dictionaries(names, st.fixed_dictionaries({"token": _FINGERPRINT, "ca_cert": _FINGERPRINT}), max_size=4)),
        "other_keys": draw(st.lists(names, max_size=1)),
        "clusters": draw(st.sampled_from([{}, {"clusterConfigs": configs, "labelClusterMap": label_map}])),
        "probes": {entry["name"]: {"ok": draw(st.booleans()), "error": "e", "hint": "h", "kind": "token"} for entry in configs},
        "journal": [],
        "namespace_mapping": None,
        "refresh_interval": None,
        "authentication": draw(st.none() | st.booleans()),
    }
    return found


def _empty() -> dict[str, t.Any]:
    return {
        "reachable": False, "error": None, "server": None, "release": None, "token": None, "missing": [], "deployments": None,
        "not_working": [], "namespaces": None, "new_namespaces": [], "identity": None, "control_plane": None,
    }  # fmt: skip


def _faults(inventory: dict[str, dict[str, t.Any]]) -> tuple[Site | None, list[t.Any]]:
    def read(host: str, name: str) -> t.Any:
        return inventory[host].get(name)

    site, wrong = build(HOSTS[:1], HOSTS[1:], read, declared_variables())
    more = unsendable_credentials(HOSTS, read) + misplaced_variables(HOSTS[0], HOSTS[1:], inventory.__getitem__, read, declared_variables().site)
    more += unknown_variables(inventory, known_names())
    return site, [*wrong, *more]


def test_a_thousand_inventories_are_refused_or_planned() -> None:
    came: collections.Counter[str] = collections.Counter()

    def check(given: tuple[dict[str, dict[str, t.Any]], dict[str, t.Any]]) -> None:
        inventory, observed = given
        site, faults = _faults(copy.deepcopy(inventory))
        for fault in faults:
            assert fault.host in (*HOSTS, "inventory") and fault.variable.startswith(("flyte_", "inventory_hostname")) and fault.remedy, fault
            without_secret(str(fault))
        assert (site is None) <= bool(faults) and [str(fault) for fault in _faults(inventory)[1]] == [str(fault) for fault in faults]
        came["refused" if faults else "planned"] += 1
        if site is None:
            return
        same = _faults(inventory)[0]
        assert Site.from_dict(site.as_dict()) == site and same == site
        text = "\n".join(_planned(site, observed))
        assert text == "\n".join(_planned(site, copy.deepcopy(observed)))
        without_secret(text + str(site.as_dict()))

    holds(check, st.tuples(inventories(), observations()))
    assert sum(came.values()) >= EXAMPLES and min(came["refused"], came["planned"]) > EXAMPLES / 10, came


def _planned(site: Site, observed: dict[str, t.Any]) -> t.Iterator[str]:
    """Return all that a run would say of a site."""
    plan = make_plan(site, observed, chart=Chart("/c", "flyte-core", "v1"), digest=lambda cluster, configuration: "f", aws=None)
    yield from plan_lines(plan.rows)
    assert all(failure.host and failure.problem and failure.remedy for failure in plan.failures)
    failures = [*plan.failures, *cluster_failures(site, observed), *unfinished(site, observed)]
    assert all(failure.host and failure.problem and failure.remedy for failure in failures)
    yield "\n".join(failure_table(failures))
    yield from said_of_status(site, observed)
    yield str(plan.groups(HOSTS[0], HOSTS))
    yield str(plain_mapping(site.mapping))
