# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who each flytepropeller has to be: from which source, when it is refused, when its Secret is due, and what its release gets."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._common.fingerprints import fingerprint
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.identity import Identity, credentials_of, identity_override
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.release import NOT_CONFIGURED, Sources, release_values
from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Site
from ansible_collections.flyte.multicluster.plugins.module_utils._plan import identity as _identity
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.identity import Given
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.planner import Chart, make_plan
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.show import unprobed_lines
from conftest import Inventory, site_of

HEAD, ONE, TWO = "controlplane", "dataplane_1", "dataplane_2"
CHARTS, REAL, OTHER = fingerprint("foobar"), fingerprint("real"), fingerprint("other")


@pytest.fixture
def site(inventory: Inventory) -> Site:
    return site_of(inventory)


def given(**changes: t.Any) -> Given:
    base = Given(own=None, values=CHARTS, declared=False, client_id="flytepropeller", enabled=True, used=True, login={}, certificates={})
    return dataclasses.replace(base, **changes)


def observed(*, live: str | None = CHARTS, managed: bool = False, authentication: bool | None = None, **planes: t.Any) -> dict[str, t.Any]:
    head = {"reachable": True, "identity": {"managed": managed, "keys": {"client_secret": live}} if live else None}
    head["control_plane"] = {"authentication": authentication}
    return {HEAD: head, ONE: {"reachable": True, "identity": None}, TWO: {"reachable": True, "identity": None}, **planes}


def chosen(site: Site, found: dict[str, t.Any], tokens: bool = False, **hosts: Given) -> tuple[dict[str, Identity], list[str]]:
    everyone = {host: hosts.get(host, given()) for host in (HEAD, ONE, TWO)}
    identities, faults = _identity.identities(site, found, everyone, tokens=tokens)
    return identities, [str(fault) for fault in faults]


def test_left_out_the_control_planes_secret_is_copied(site: Site) -> None:
    found, faults = chosen(site, observed(live=REAL), tokens=True, controlplane=given(client_id="hub", values=None, login={"scopes": ["a"], "tokenUrl": "u"}))
    assert not faults and set(found) == {ONE, TWO}
    assert found[ONE] == Identity("hub", "the Secret flyte-secret-auth of controlplane", True, {"client_secret": REAL}, {"scopes": ["a"], "tokenUrl": "u"})


@pytest.mark.parametrize("name", ["scopes", "audience", "audience_from_admin", "token_url", "authorization_header"])
def test_a_login_of_a_control_plane_in_which_nothing_logs_in_is_a_fault(site: Site, name: str) -> None:
    value = {"scopes": ["a"], "audience_from_admin": True}.get(name, "https://login/x?hush")
    site.control_plane.propeller = {name: value}
    (fault,) = chosen(site, observed(), controlplane=given(used=False))[1]
    assert fault.startswith(f"{HEAD}: flyte_propeller_{name} = ") and "has no effect: it is of data planes" in fault and "hush" not in fault
    assert not chosen(site, observed(), controlplane=given(used=True))[1]
    # A group of all hosts has it.
    site.data_planes[1].propeller = {name: value}
    assert not chosen(site, observed(), controlplane=given(used=False))[1]


def test_a_control_plane_with_a_secret_of_the_users_logs_in_as_it_says(site: Site) -> None:
    site.control_plane.propeller = {"scopes": ["a"], "audience_from_admin": False, "client_id": "x"}
    native = {"workflow_scheduler": {"enabled": True, "type": "native"}, "configmap": {"admin": {"admin": {"clientId": "theirs"}}}}
    sources = Sources(defaults={}, chart_files=[], user_settings={}, files=[], inline=native)
    values = release_values(site, site.control_plane, sources, aws=None, configuration=NOT_CONFIGURED)
    assert values["configmap"]["admin"]["admin"] == {"clientId": "theirs", "scopes": ["a"], "useAudienceFromAdmin": False}


def test_what_the_plane_says_itself_counts_more_than_what_the_control_plane_says(site: Site) -> None:
    site.data_planes[0].propeller = {"client_id": "own", "scopes": ["b"], "audience_from_admin": True}
    hub = given(own=OTHER, client_id="hub", login={"scopes": ["a"]})
    found, _faults = chosen(site, observed(live=REAL), tokens=True, controlplane=hub, dataplane_1=given(own=REAL, client_id="own"))
    assert found[ONE] == Identity("own", "flyte_propeller_client_secret", False, {"client_secret": REAL}, {"scopes": ["b"], "useAudienceFromAdmin": True})
    # The control plane's Secret will be that of its variable after this run: no plane gets the one of before.
    assert found[TWO] == Identity("hub", "controlplane: flyte_propeller_client_secret", False, {"client_secret": OTHER}, {"scopes": ["a"]})
    assert found[HEAD].keys == {"client_secret": OTHER} and not found[HEAD].copied


def test_a_secret_in_the_users_values_is_taken_from_there(site: Site) -> None:
    hosts = {"controlplane": given(values=REAL, declared=True), "dataplane_2": given(values=OTHER, declared=True)}
    found, _faults = chosen(site, observed(live=None), tokens=True, **hosts)
    assert {host: (identity.keys["client_secret"], identity.source) for host, identity in found.items()} == {
        HEAD: (REAL, "its values"), ONE: (REAL, "controlplane: its values"), TWO: (OTHER, "its values"),
    }  # fmt: skip


def test_a_secret_of_ours_in_the_control_plane_stays_when_nobody_gives_one_any_more(site: Site) -> None:
    """Helm refuses to make an object that is there and not its own."""
    found, faults = chosen(site, observed(live=REAL, managed=True), tokens=True)
    assert not faults and found[HEAD] == Identity("flytepropeller", "the Secret flyte-secret-auth", True, {"client_secret": REAL}, {}) and found[ONE].copied
    assert _identity.identities_due(observed(live=REAL, managed=True), {HEAD: found[HEAD]}) == []


def test_without_authentication_the_charts_own_secret_serves(site: Site) -> None:
    for live in (None, CHARTS):
        found, faults = chosen(site, observed(live=live))
        assert not faults and {identity.keys["client_secret"] for identity in found.values()} == {CHARTS} and HEAD not in found
    # The values mount no Secret, or leave it to the user who did not make it: then there is none of ours.
    found, _faults = chosen(site, observed(live=None), dataplane_1=given(enabled=False), controlplane=given(values=None))
    assert not found
    found, _faults = chosen(site, observed(), dataplane_1=given(enabled=False, certificates={"flyteadmin_ca.crt": "c"}))
    assert found[ONE].keys == {"client_secret": CHARTS, "flyteadmin_ca.crt": "c"}


def test_the_charts_own_secret_is_refused_where_flyteadmin_wants_tokens(site: Site) -> None:
    _found, faults = chosen(site, observed(), tokens=True)
    assert [fault.partition(":")[0] for fault in faults] == [HEAD, ONE, TWO]
    assert all("flyte_propeller_client_secret = None: flyteadmin wants tokens" in fault and "set flyte_propeller_client_id, and" in fault for fault in faults)
    # A variable may hold it, too; the control plane that runs neither a scheduler nor a flytepropeller needs none.
    _found, faults = chosen(site, observed(live=REAL), tokens=True, controlplane=given(used=False), dataplane_1=given(own=CHARTS))
    assert [fault.partition(":")[0] for fault in faults] == [ONE]


def test_a_missing_secret_is_refused_where_flyteadmin_wants_tokens(site: Site) -> None:
    _found, faults = chosen(site, observed(live=None), tokens=True, controlplane=given(values=None))
    assert len(faults) == 3
    assert all("controlplane has no Secret flyte-secret-auth with the key client_secret in the namespace flyte: make it" in fault for fault in faults)
    _found, faults = chosen(site, observed(live=REAL), tokens=True, controlplane=given(client_id="", values=None))
    assert [fault.partition(" =")[0] for fault in faults] == [f"{ONE}: flyte_propeller_client_id", f"{TWO}: flyte_propeller_client_id"]


def test_who_says_that_flyteadmin_wants_tokens(site: Site) -> None:
    said = [(None, False, False), (False, False, False), (True, False, True), (False, True, True), (None, True, True)]
    for answer, values, wanted in said:
        assert _identity.wants_tokens(site, observed(authentication=answer), values) is wanted


def secret(managed: bool = True, **keys: str) -> dict[str, t.Any]:
    return {"reachable": True, "identity": {"managed": managed, "keys": keys}}


@pytest.mark.parametrize(
    ("plane", "reason"),
    [
        ({"reachable": True, "identity": None}, f"client_secret {REAL[:8]} of x, token_ca.crt cccc"),
        (secret(client_secret=OTHER), f"client_secret {REAL[:8]} of x (was {OTHER[:8]}), token_ca.crt cccc"),
        (secret(False, **{"client_secret": REAL, "token_ca.crt": "cccc"}), "take it over from the Helm release"),
        (secret(**{"client_secret": REAL, "token_ca.crt": "cccc", "flyteadmin_ca.crt": "d"}), "flyteadmin_ca.crt removed"),
        (secret(**{"client_secret": REAL, "token_ca.crt": "cccc"}), None),
        ({**secret(client_secret=OTHER), "reachable": False}, None),
    ],
)
def test_when_a_secret_is_due(site: Site, plane: dict[str, t.Any], reason: str | None) -> None:
    wanted = {ONE: Identity("c", "x", False, {"client_secret": REAL, "token_ca.crt": "cccc"}, {})}
    found = observed(**{ONE: plane})
    due = _identity.identities_due(found, wanted)
    assert [(row.host, row.step, row.reason) for row in _identity.rows(site, found, wanted, due)] == ([(ONE, "dataplane", reason)] if reason else [])


def test_the_plan_has_the_secret_before_the_release_that_mounts_it(site: Site) -> None:
    release = {"name": "r", "chart": "flyte-core", "version": "v1", "revision": 1, "status": "deployed", "values_digest": "d", "age": 5, "secret": "s"}
    base = {"error": None, "server": "https://api", "release": release, "missing": [], "deployments": None}
    token = {"secret": "flyteadmin-token", "fingerprint": "t", "ca_fingerprint": "c", "age": 5}
    found = {host: {**entry, **base, "token": token} for host, entry in observed().items()}
    wanted = {host: Identity("c", "x", False, {"client_secret": REAL}, {}) for host in (HEAD, ONE)}
    plan = make_plan(site, found, chart=Chart("/c", "flyte-core", "v1"), digest=lambda *_: "e", aws=None, identities=wanted)
    actions = [(row.host, row.action.partition(" ")[0]) for row in plan.rows]
    assert actions.index((ONE, "Secret")) < actions.index((ONE, "Helm")) and actions.index((HEAD, "Secret")) < actions.index((HEAD, "Helm"))
    assert plan.identity == [HEAD, ONE] and plan.controlplane
    # Nothing but the Secret differs: its hosts have something to do all the same.
    quiet = make_plan(site, found, chart=Chart("/c", "flyte-core", "v1"), digest=lambda *_: "d", aws=None, identities={ONE: wanted[ONE]})
    assert {"host": ONE, "group": "flyte_todo_dataplane"} in quiet.groups(HEAD, list(found)) and not quiet.releases


# -- values


def values(**changes: t.Any) -> dict[str, t.Any]:
    credentials = {"enabled": True, "clientSecret": "foobar", "clientId": "flytepropeller", **changes.pop("credentials", {})}
    client = {"clientId": "{{ .Values.secrets.adminOauthClientCredentials.clientId }}", **changes.pop("client", {})}
    base = {"secrets": {"adminOauthClientCredentials": credentials}, "configmap": {"admin": {"admin": client}}, "flytepropeller": {"enabled": False}}
    return {**base, "workflow_scheduler": {"enabled": True, "type": "native"}, **changes}


def test_what_values_say() -> None:
    found = credentials_of(values())
    assert (found.enabled, found.client_id, found.secret, found.login, found.wants_tokens, found.used) == (True, "flytepropeller", "foobar", {}, False, True)
    assert "foobar" not in repr(found)
    assert credentials_of(values(client={"clientId": "mine", "scopes": ["a"], "audience": "b"})).login == {"scopes": ["a"], "audience": "b"}
    assert credentials_of(values(client={"clientId": "mine"})).client_id == "mine"
    for secret_of_values in (None, "", "{{ .Values.mine }}"):
        assert credentials_of(values(credentials={"clientSecret": secret_of_values})).secret is None
    assert credentials_of(values(credentials={"clientSecret": 4711})).secret == "4711"
    assert not credentials_of(values(workflow_scheduler={"enabled": True, "type": "aws"})).used
    security = {"configmap": {"adminServer": {"server": {"security": {"useAuth": True}}}}}
    assert credentials_of({**values(), **security}).wants_tokens
    assert credentials_of({}).client_id == ""


def test_what_a_release_gets() -> None:
    identity = Identity("me", "x", False, {"client_secret": REAL}, {"scopes": ["a"]})
    override = identity_override(identity, {}, is_control_plane=False)
    credentials = override["secrets"]["adminOauthClientCredentials"]
    assert credentials == {"enabled": True, "secretName": "flyte-secret-auth", "clientId": "me", "clientSecret": None}
    assert override["configmap"]["admin"]["admin"] == {"clientId": "me", "clientSecretLocation": "/etc/secrets/client_secret", "scopes": ["a"]}
    assert override["flytepropeller"] == {"podAnnotations": {"flyte.multicluster/identity-checksum": identity.checksum}} and "flytescheduler" not in override
    assert identity.checksum != dataclasses.replace(identity, keys={"client_secret": OTHER}).checksum
    head = identity_override(identity, {}, is_control_plane=True)
    assert head["flytescheduler"] == head["flytepropeller"]
    assert Identity.from_dict(dataclasses.asdict(identity)) == identity


def test_a_private_ca_is_trusted_for_grpc_and_for_the_token_endpoint() -> None:
    """caCertFilePath counts for gRPC only; Go's own folders for HTTPS. The user's variables stay."""
    identity = Identity("me", "x", False, {"client_secret": REAL, "flyteadmin_ca.crt": "c"}, {})
    base = {"flytepropeller": {"podEnv": [{"name": "MINE", "value": "1"}, {"name": "SSL_CERT_DIR", "value": "/old"}]}}
    override = identity_override(identity, base, is_control_plane=False)
    assert override["configmap"]["admin"]["admin"]["caCertFilePath"] == "/etc/secrets/flyteadmin_ca.crt"
    environment = {entry["name"]: entry["value"] for entry in override["flytepropeller"]["podEnv"]}
    assert environment["MINE"] == "1" and environment["SSL_CERT_DIR"].split(":")[-1] == "/etc/secrets" and len(environment) == 2
    token_only = identity_override(dataclasses.replace(identity, keys={"token_ca.crt": "c"}), {"flytepropeller": {"podEnv": {}}}, is_control_plane=False)
    assert "caCertFilePath" not in token_only["configmap"]["admin"]["admin"] and len(token_only["flytepropeller"]["podEnv"]) == 1


def test_a_plane_that_nobody_tries_is_said(site: Site) -> None:
    assert unprobed_lines(site) == []
    site.data_planes[1].probe_from, site.data_planes[0].probe_from = "none", "control_plane"
    assert unprobed_lines(site) == ["dataplane_2: flyteadmin's token and CA certificate are not tried there (flyte_probe_from: none)"]
