# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A new secret of flytepropeller's client is proven before the former one is given up."""

from __future__ import annotations

import types
import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._common.fingerprints import fingerprint
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.identity import CHART_SECRET, Identity
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Site
from ansible_collections.flyte.multicluster.plugins.plugin_utils import _identity_steps as steps
from ansible_collections.flyte.multicluster.plugins.plugin_utils._outcomes import Outcomes
from ansible_collections.flyte.multicluster.plugins.plugin_utils._steps import Work
from conftest import Double, Inventory, site_of
from scripted import clean_environment  # noqa: F401  pylint: disable=unused-import

NEW, FORMER = "right secret", "the former secret"


class Pairs:
    """In the place of what reads variables and values."""

    def __init__(self, *_arguments: t.Any) -> None:
        self.secret = NEW

    def texts(self, _cluster: t.Any, identity: Identity) -> dict[str, str]:
        """Return the secret that the inventory has."""
        return {} if identity.copied else {"client_secret": self.secret}


class Case:
    """One data plane whose Secret is due."""

    def __init__(self, site: Site, url: str) -> None:
        site.settings["flyte_admin_url"] = url
        self.rows: list[dict[str, str]] = []
        self.written: list[dict[str, t.Any]] = []
        self.identity = Identity("client", "flyte_propeller_client_secret", False, {"client_secret": fingerprint(NEW)}, {})
        self.stored: str | None = fingerprint(FORMER)
        self.authentication: bool | None = True
        self.site = site

    def run(self) -> dict[str, t.Any]:
        """Carry the step out."""
        keys = {"client_secret": self.stored} if self.stored else {}
        observed = {
            "controlplane": {"control_plane": {"authentication": self.authentication}},
            "dataplane_1": {"reachable": True, "identity": {"managed": True, "keys": keys}},
        }
        known = types.SimpleNamespace(site=self.site, observed=observed, identities={"dataplane_1": self.identity})
        read = {"flyte_kube_context": "x"}
        variables = types.SimpleNamespace(read=lambda _host, name: read.get(name))
        action = types.SimpleNamespace(check_mode=False, variables=variables, here=self._written)
        plan = {"identity": ["dataplane_1"], "rows": self.rows, "restarts": {}}
        outcomes = Outcomes(t.cast("t.Any", None), [], [])
        return steps.store_identities(Work(t.cast("t.Any", action), t.cast("t.Any", known), plan, ["dataplane_1"], outcomes))

    def _written(self, _operation: t.Any, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        self.written.append(arguments)
        return {"changed": True, "diff": {}, "restarted": {}, "failed_clusters": []}


@pytest.fixture
def case(inventory: Inventory, admin_with_auth: Double, monkeypatch: pytest.MonkeyPatch) -> Case:
    monkeypatch.setattr(steps, "Pairs", Pairs)
    monkeypatch.setattr(steps, "_copied", lambda _work: NEW)
    return Case(t.cast("Site", site_of(inventory)), admin_with_auth.url)


def refused(case: Case, text: str) -> None:
    found = case.run()
    assert not case.written and [row["host"] for row in found["failures"]] == ["dataplane_1"]
    assert text in found["failures"][0]["problem"] and "The former one stays." in found["failures"][0]["remedy"]
    assert NEW not in str(found) and "wrong" not in str(found)


def test_one_that_opens_flyteadmin_is_written(case: Case) -> None:
    assert not case.run()["failures"] and len(case.written) == 1
    case.identity = Identity("client", "the Secret", True, {"client_secret": fingerprint(NEW)}, {})
    assert not case.run()["failures"] and len(case.written) == 2


def test_one_that_does_not_is_refused_and_the_former_stays(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    case.identity = Identity("another", "flyte_propeller_client_secret", False, {"client_secret": fingerprint(NEW)}, {})
    refused(case, "the new secret is not taken: as 'another'")
    case.identity = Identity("client", "the Secret", True, {"client_secret": fingerprint("wrong")}, {})
    monkeypatch.setattr(steps, "_copied", lambda _work: "wrong")
    refused(case, "the new secret is not taken: as 'client'")


@pytest.mark.parametrize(
    ("stored", "authentication", "row"),
    [
        (None, True, None),  # there is none that could be given up
        (fingerprint(CHART_SECRET), True, None),
        (fingerprint(NEW), True, None),  # it is only taken over
        (fingerprint(FORMER), False, None),
        (fingerprint(FORMER), None, None),
        (fingerprint(FORMER), True, "Helm release flyte-core"),  # which may be what makes it known
    ],
)
def test_where_nothing_can_be_proven_it_is_written(case: Case, stored: str | None, authentication: bool | None, row: str | None) -> None:
    case.identity = Identity("another", "flyte_propeller_client_secret", False, {"client_secret": fingerprint(NEW)}, {})
    case.stored, case.authentication = stored, authentication
    case.rows = [{"host": "controlplane", "action": row}] if row else []
    assert not case.run()["failures"] and len(case.written) == 1


@pytest.mark.parametrize(
    ("path", "proven"), [('flyteadmin.podAnnotations["flyte.multicluster/credentials-checksum"]', True), ("configmap.adminServer.auth", False)]
)
def test_pods_that_only_start_anew_make_no_secret_known(path: str, proven: bool) -> None:
    row = {"host": "controlplane", "action": "Helm release flyte-core", "changes": [{"path": path}]}
    assert steps._may_make_it_known(row) is not proven
