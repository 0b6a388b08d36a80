# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Token Secrets, and what of the control plane's Secret has to change."""

from __future__ import annotations

import base64
import datetime
import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters import credentials as _credentials
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.client import Kube
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.credentials import CredentialError, Token, ensure_token, find_token
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.errors import KubeError
from ansible_collections.flyte.multicluster.plugins.module_utils._common.times import age_of
from api_server import ACCOUNT, SECRETS, ApiServer, encoded, token_secret

NAMED = f"{SECRETS}/flyteadmin-token"
NOW = datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc)
NO_TEXT = base64.b64encode(b"\xff\xfe").decode()
#: what makes a token Secret none
DAMAGED: dict[str, t.Any] = {
    "empty": {},
    "without CA": encoded(token="t"),
    "blank CA": encoded(token="t", ca__crt=" \n"),
    "without token": encoded(ca__crt="c"),
    "no base64": {"token": "!", "ca.crt": "Yw=="},
    "no text": {"token": NO_TEXT, "ca.crt": "Yw=="},
    "CA is no text": {"token": "dA==", "ca.crt": NO_TEXT},
    "a list": ["token"],
    "numbers": {"token": 1, "ca.crt": 2},
}


def test_a_patch_of_the_secret_names_only_keys_that_change() -> None:
    data = {"a_token": b"1", "a_cacert": b"ca", "foreign": b"x", "b_token": b"2", "b_cacert": b"ca"}
    assert _credentials.merge_patch(data, {"a": ("1", "ca")}) == {}
    assert set(_credentials.merge_patch(data, {"a": ("2\n", "ca")})) == {"a_token"}
    assert _credentials.merge_patch(data, {}, ["b"]) == {"b_token": None, "b_cacert": None}


def test_a_token_is_stored_without_white_space_around_it() -> None:
    """flyteadmin reads the file untrimmed: a newline in it breaks every call."""
    assert _credentials.merge_patch({"a_token": b"1\n", "a_cacert": b"ca"}, {"a": ("1\n", "ca")}) == {"a_token": "MQ=="}


def test_only_complete_pairs_count_as_credentials() -> None:
    data = {"a_token": b"1", "a_cacert": b"2", "b_token": b"1", "c_cacert": b"1", "d_token": b"", "d_cacert": b"1"}
    assert set(_credentials.stored_credentials(data)) == {"a"}


def test_a_token_shows_no_token() -> None:
    token = _credentials.Token("name", "the-token", "the-ca", "2026-01-01T00:00:00Z")
    assert "the-token" not in str(token.public(NOW)) and "the-ca" not in str(token.public(NOW)) and token.public(NOW)["age"] == 86400
    assert "the-token" not in repr(token) and "the-ca" not in repr(token)


@pytest.mark.parametrize("created", [["2026-01-01T00:00:00Z"], 7, "yesterday", "", None])
def test_an_age_that_is_not_known_is_none(created: t.Any) -> None:
    assert age_of(created, NOW) is None


# -- found


def find(*secrets: t.Any) -> Token | None:
    with ApiServer({SECRETS: {"items": list(secrets)}}) as server:
        return find_token(Kube(server.access), "flyte", "flyteadmin", "flyteadmin-token")


def test_the_named_token_counts_then_the_oldest() -> None:
    old, older = token_secret("old", creationTimestamp="2020-01-01T00:00:00Z"), token_secret("older", creationTimestamp="2019-01-01T00:00:00Z")
    other = token_secret("other", annotations={"kubernetes.io/service-account.name": "default"}, creationTimestamp="2001-01-01T00:00:00Z")
    found = find(old, other, older, token_secret())
    assert found is not None and (found.secret, found.token, found.ca_cert) == ("flyteadmin-token", "its-token", "its-ca")
    found = find(old, other, older, token_secret(data={}))
    assert found is not None and found.secret == "older"


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_token_counts_as_not_filled(data: t.Any) -> None:
    assert find(token_secret(data=data)) is None
    found = find(token_secret(data=data), token_secret("by-hand"))
    assert found is not None and found.secret == "by-hand"


@pytest.mark.parametrize("items", ["x", [1], [{"type": "kubernetes.io/service-account-token", "metadata": None}], {"a": 1}])
def test_token_secrets_that_are_none_are_named(items: t.Any) -> None:
    with ApiServer({SECRETS: {"items": items}}) as server, pytest.raises(KubeError, match="the token Secrets in the namespace flyte cannot be read"):
        find_token(Kube(server.access), "flyte", "flyteadmin", "flyteadmin-token")


# -- made


def ensure(server: ApiServer, *, timeout: float = 5, check_mode: bool = False) -> Token | None:
    return ensure_token(Kube(server.access), "flyte", "flyteadmin", "flyteadmin-token", timeout=timeout, check_mode=check_mode)


@pytest.mark.parametrize("data", [{}, DAMAGED["without CA"]])
def test_another_token_is_made_and_waited_for(data: t.Any) -> None:
    """Beside one that somebody else named, and under the wanted name where that is there already (409)."""
    steps = iter([404, token_secret(data=data), token_secret()])
    answers = {SECRETS: {"items": [token_secret("by-hand", data=data)]}, ACCOUNT: {}, NAMED: lambda _headers: next(steps), f"POST {SECRETS}": 409}
    with ApiServer(answers) as server:
        found = ensure(server)
        assert found is not None and (found.secret, found.changed) == ("flyteadmin-token", True)
        assert [entry for entry in server.asked if not entry.startswith("GET")] == [f"POST {SECRETS}"]


def test_check_mode_makes_none() -> None:
    with ApiServer({SECRETS: {"items": []}}) as server:
        assert ensure(server, check_mode=True) is None and server.asked == [f"GET {SECRETS}"]


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED)
def test_a_token_that_stays_damaged_says_what_to_do(data: t.Any) -> None:
    with ApiServer({SECRETS: {"items": []}, ACCOUNT: {}, NAMED: token_secret(data=data)}) as server, pytest.raises(CredentialError) as caught:
        ensure(server, timeout=0.1)
    assert "flyte/flyteadmin-token" in str(caught.value) and "kubectl -n flyte delete secret flyteadmin-token" in caught.value.hint


def test_a_secret_of_another_kind_under_the_wanted_name_is_left() -> None:
    for secret in ({**token_secret(), "type": "Opaque"}, token_secret(annotations={})):
        answers = {SECRETS: {"items": []}, ACCOUNT: {}, NAMED: secret, f"POST {SECRETS}": 409}
        with ApiServer(answers) as server, pytest.raises(CredentialError, match="is no token of the ServiceAccount") as caught:
            ensure(server)
        assert "flyte_token_secret" in caught.value.hint


def test_without_its_account_no_token_is_made() -> None:
    with ApiServer({SECRETS: {"items": []}}) as server, pytest.raises(CredentialError, match="has no ServiceAccount flyteadmin"):
        ensure(server)
    assert not [entry for entry in server.asked if entry.startswith("POST")]
