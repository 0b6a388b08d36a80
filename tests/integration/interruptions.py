# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""rotate.yml and remove.yml, killed where each of their tasks begins, one after the other, and run again: ``make interruptions``, about half an hour.

Not part of ``make test``, which kills them at some of their tasks (test_tokens.py, test_site_without.py). ``-k rotate`` and ``-k remove`` are its halves.
"""

from __future__ import annotations

import json
import typing as t

import pytest
from conftest import SiteUnderTest, differing, until
from interruption import run_held, tasks_of
from test_tokens import PLANES, SLEEP, Calls, _accepts, _refuses, _tokens
from workflow import execution, launch, register

pytestmark = pytest.mark.built_site

ELSEWHERE = json.dumps({"labels": {"label2": [{"cluster": "dataplane_1", "weight": 1}]}})
REMOVE = ("-e", "cluster=dataplane_2", "-e", ELSEWHERE, "-e", "flyte_remove_executions=abort", "-e", "flyte_remove_namespaces=true")
TRUST = "flyte-dataplane-role"
#: of what the lab, Kubernetes or Helm's history count
VOLATILE = ("sh.helm.release", "flyte-multicluster-backup-")
SECRETS = "/api/v1/namespaces/flyte/secrets"
DEPLOYMENTS = "/apis/apps/v1/namespaces/flyte/deployments"


def _numbered(playbook: str) -> t.Any:
    names = tasks_of(playbook)
    return pytest.mark.parametrize(("number", "name"), [pytest.param(number, name, id=f"{number}-{name}") for number, name in enumerate(names, 1)])


def _startable(site: SiteUnderTest) -> None:
    """flyteadmin has the keys of all clusters that it is configured with: without it would not start."""
    keys = site.cluster("controlplane").secret("cluster-credentials")
    for name in site.configs():
        assert keys[f"{name}_token"] and keys[f"{name}_cacert"], name


def _quiet(site: SiteUnderTest) -> None:
    """A run of the whole site finds nothing to do."""
    result = site.run("--check")
    assert result.code == 0 and set(result.changed.values()) == {0}, result.output


# -- rotate


def _rotated(site: SiteUnderTest) -> dict[str, t.Any]:
    """Return what a rotation leaves, without what is new each time."""
    hub = site.cluster("controlplane")
    stored = hub.secret("cluster-credentials")
    mounting = {entry["metadata"]["name"]: entry for entry in hub.get(DEPLOYMENTS)["items"] if "cluster-credentials" in json.dumps(entry["spec"])}
    checksums = {entry["spec"]["template"]["metadata"]["annotations"]["flyte.multicluster/credentials-checksum"] for entry in mounting.values()}
    return {
        "tokens": {host: [token == stored[f"{host}_token"] for token in _tokens(site.cluster(context)).values()] for host, context in PLANES.items()},
        "accepted": {host: _accepts(site.cluster(context), stored[f"{host}_token"]) for host, context in PLANES.items()},
        "keys": sorted(stored),
        "staging": hub.secret("cluster-credentials-next"),
        "readers": sorted(mounting),
        "checksums": len(checksums),
    }


@pytest.fixture(name="rotated", scope="module")
def _whole_rotation(site: SiteUnderTest) -> dict[str, t.Any]:
    """What a rotation leaves that nobody interrupted. It begins exactly the tasks at which the others are killed."""
    told = run_held(site, "rotate")
    assert told.code == 0 and told.tasks == tasks_of("rotate"), told
    return _rotated(site)


@_numbered("rotate")
def test_rotate(site: SiteUnderTest, rotated: dict[str, t.Any], number: int, name: str) -> None:
    hub = site.cluster("controlplane")
    before = hub.secret("cluster-credentials")
    with Calls(site) as calls:
        killed = run_held(site, "rotate", at=number)
        assert killed.code != 0 and killed.tasks[-1] == name, killed
        for host, context in PLANES.items():
            assert _accepts(site.cluster(context), hub.secret("cluster-credentials")[f"{host}_token"])
        again = run_held(site, "rotate")
        assert again.code == 0, again.output
    # At no moment had a running flyteadmin a token that a data plane refused.
    assert not calls.problems and {entry["status"] for entry in calls.answers} == {201}, (calls.problems, calls.answers[-5:])
    assert _rotated(site) == rotated, differing(rotated, _rotated(site))
    after = hub.secret("cluster-credentials")
    for host, context in PLANES.items():
        assert after[f"{host}_token"] != before[f"{host}_token"] and _refuses(site.cluster(context), before[f"{host}_token"])


def test_rotate_leaves_a_site_with_nothing_to_do(site: SiteUnderTest) -> None:
    _quiet(site)


# -- remove


def _removed(site: SiteUnderTest) -> dict[str, t.Any]:
    """Return what a removal leaves in the control plane, in both data planes and in AWS, without what is new each time."""
    hub, plane = site.cluster("controlplane"), site.cluster("dataplane2")
    stored, iam = hub.secret("cluster-credentials"), site.lab.aws_client("iam")
    specs = {entry["metadata"]["name"]: entry["spec"] for entry in hub.get(DEPLOYMENTS)["items"]}
    for spec in specs.values():
        spec["template"]["metadata"].get("annotations", {}).pop("kubectl.kubernetes.io/restartedAt", None)
    namespaces = [item["metadata"]["name"] for item in plane.get("/api/v1/namespaces")["items"] if not item["metadata"].get("deletionTimestamp")]
    return {
        "stored": stored,
        "configs": site.configs(),
        "label map": site.label_map(),
        "rows": site.labels(),
        "deployments": specs,
        "plane": sorted(path for path in plane.snapshot() if not any(mark in path for mark in VOLATILE) and "/namespaces/" not in path),
        "namespaces": sorted(namespaces),
        "webhooks": [item["metadata"]["name"] for item in plane.get("/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations")["items"]],
        "other plane": site.cluster("dataplane1").snapshot(),
        "trust": sorted(json.dumps(statement, sort_keys=True) for statement in site.trust(TRUST)),
        "providers": sorted(entry["Arn"] for entry in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]),
    }


def _built_with_an_execution(site: SiteUnderTest) -> str:
    """Bring the data plane back, and let an execution run on it; return its name."""
    made = site.run()
    assert made.code == 0, made.output
    plane = site.cluster("dataplane2")
    until(lambda: bool(plane.get("/api/v1/namespaces/team1-production/resourcequotas/project-quota")), "namespaces")
    register(site.lab.admin_url, "team1", "production", SLEEP, "v1", args=["sleep", "900"])
    return launch(site.lab.admin_url, "team1", "production", SLEEP, "v1")


def _ended(site: SiteUnderTest, name: str) -> None:
    closure = execution(site.lab.admin_url, "team1", "production", name)["closure"]
    assert closure["phase"] == "ABORTED", closure


@pytest.fixture(name="removed", scope="module")
def _whole_removal(site: SiteUnderTest) -> dict[str, t.Any]:
    """What a removal leaves that nobody interrupted."""
    name = _built_with_an_execution(site)
    told = run_held(site, "remove", *REMOVE)
    assert told.code == 0 and set(told.tasks) <= set(tasks_of("remove")), told
    _ended(site, name)
    return _removed(site)


def _killed(site: SiteUnderTest, number: int, name: str) -> None:
    """Kill a removal where a task begins: flyteadmin can start with what is there then."""
    killed = run_held(site, "remove", *REMOVE, at=number)
    assert killed.code != 0 and killed.tasks[-1] == name, killed
    _startable(site)


def _finished(site: SiteUnderTest, running: str, removed: dict[str, t.Any]) -> None:
    """Let the next run end a removal: it leaves what one leaves that nobody interrupted."""
    last = run_held(site, "remove", *REMOVE)
    assert last.code == 0, last.output
    _ended(site, running)
    found = _removed(site)
    assert found == removed, differing(removed, found)


@_numbered("remove")
def test_remove(site: SiteUnderTest, removed: dict[str, t.Any], number: int, name: str) -> None:
    running = _built_with_an_execution(site)
    _killed(site, number, name)
    _finished(site, running, removed)


def test_remove_again_and_again(site: SiteUnderTest, removed: dict[str, t.Any]) -> None:
    """One removal, killed at each of its tasks in turn."""
    running = _built_with_an_execution(site)
    for number, name in enumerate(tasks_of("remove"), 1):
        _killed(site, number, name)
    _finished(site, running, removed)


def test_remove_leaves_a_site_with_nothing_to_do(site: SiteUnderTest, removed: dict[str, t.Any]) -> None:
    assert removed
    smaller = site.changed_copy()
    del smaller.planes["dataplane_2"]
    smaller.variables["flyte_labels"]["label2"] = [{"cluster": "dataplane_1", "weight": 1}]
    _quiet(smaller)
