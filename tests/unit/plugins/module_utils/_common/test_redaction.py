# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""No text shows a secret, in whatever form a library or a server quotes it."""

from __future__ import annotations

import base64
import collections
import json
import types
import urllib.parse

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._common.redaction import MASK, Redactor, is_secret_place, looks_secret, texts_of, those_in

SECRET = 'pa"ss/wörd +=\n4711'


@pytest.fixture(name="redactor")
def _redactor() -> Redactor:
    found = Redactor()
    found.know(SECRET, "token-one", "token-one-longer", None, 7, "", " ", "abc")
    return found


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        SECRET + "\n",
        repr(SECRET)[1:-1],
        json.dumps(SECRET)[1:-1],
        urllib.parse.quote(SECRET, safe=""),
        urllib.parse.quote_plus(SECRET),
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode().rstrip("="),
    ],
)
def test_every_form_of_a_secret(redactor: Redactor, form: str) -> None:
    found = redactor.text(f"Invalid header value b'Bearer {form}'; see {form}.")
    assert "4711" not in found and "NDcxM" not in found and found.count(MASK) == 2 and found.startswith("Invalid header value")


def test_one_secret_that_begins_another_one(redactor: Redactor) -> None:
    assert redactor.text("token-one-longer token-one") == f"{MASK} {MASK}"


def test_what_is_no_secret_stays(redactor: Redactor) -> None:
    assert redactor.text("abc: a token of 7 abc at https://host/path") == "abc: a token of 7 abc at https://host/path"


@pytest.mark.parametrize("userinfo", ["bob:pw", "bob:p/w", "bob:p@w", "pw"])
def test_no_password_of_a_url(userinfo: str) -> None:
    assert Redactor().text(f"cannot reach https://{userinfo}@host:443/x, sorry") == f"cannot reach https://{MASK}@host:443/x, sorry"


def test_data_of_any_depth(redactor: Redactor) -> None:
    assert redactor.data({"a": [SECRET, {"b": "token-one"}], "n": 1, "token-one": None}) == {"a": [MASK, {"b": MASK}], "n": 1, MASK: None}


def test_values_whose_key_says_that_they_are_secrets() -> None:
    redactor = Redactor()
    redactor.know_values({"db": {"dbPassword": "from-values", "host": "a-host"}, "secretsList": [], "clientSecrets": [{"x": "deep-secret"}]})
    assert redactor.text("from-values deep-secret a-host") == f"{MASK} {MASK} a-host"


def test_what_only_names_a_secret_is_none() -> None:
    redactor = Redactor()
    volume = {"name": "auth", "secret": {"secretName": "flyte-secret-auth", "items": [{"key": "dataplane_1_token", "path": "a-path"}]}}
    manifest = {"databaseSecret": {"name": "db-pass", "secretManifest": {"kind": "Secret", "type": "Opaque", "stringData": {"pass.txt": "hidden-one"}}}}
    redactor.know_values({"volumes": [volume], "common": manifest})
    redactor.know_values({"env": [{"name": "DB_PASSWORD", "value": "hidden-two"}, {"name": "DB_HOST", "value": "a-host"}]})
    redactor.know_values({"adminOauthClientCredentials": {"secretName": "flyte-secret-auth", "clientSecret": "hidden-three"}})
    text = "Secret flyte-secret-auth: dataplane_1_token, db-pass, Opaque, a-host"
    assert redactor.text(f"{text} hidden-one hidden-two hidden-three") == f"{text} {MASK} {MASK} {MASK}"


@pytest.mark.parametrize(
    ("key", "secret"), [("password", True), ("API_KEY", True), ("apikey", True), ("passwordPath", False), ("secretName", False), (7, False)]
)
def test_which_keys_are_of_secrets(key: str, secret: bool) -> None:
    assert looks_secret(key) == secret


SECRET_KEYS = (
    "secretKey accessKey signingKey encryptionKey tokenEncryptionKey tlsKey tls.key hashKey blockKey redisHostKey licenseKey connectionString pwd pass DB_PASS"
    " dbPass redis_auth authorization cookie AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY x-api-key pass.txt"
)
NAMES = (
    "secretName secretKeyRef existingSecretKey secretKeys keyName topologyKey roleNameKey key publicKey tokenUrl passwordPath tokenFile tlsKeyPath auth"
    " cookieHashKeySecretName authorizationHeader compass bypass Kind"
)


@pytest.mark.parametrize("key", SECRET_KEYS.split())
def test_keys_of_secrets(key: str) -> None:
    assert looks_secret(key)


@pytest.mark.parametrize("key", NAMES.split())
def test_keys_of_names_and_paths(key: str) -> None:
    assert not looks_secret(key)


@pytest.mark.parametrize(
    ("place", "secret"),
    [
        ("storage s3 secretKey", True),
        ("env DB_PASS value", True),
        ("auths registry.example.com auth", True),
        ("env DB_PASSWORD valueFrom secretKeyRef key", False),
        ("volumeMounts db-pass subPath", False),
        ("authorization mode", False),
        ("databaseSecret secretManifest stringData pass.txt", True),
    ],
)
def test_places_of_secrets(place: str, secret: bool) -> None:
    assert is_secret_place(place.split()) == secret


@pytest.mark.parametrize("secret", [b"\xff\xfe binary".decode("utf-8", "surrogateescape"), "half \ud800 of a pair"])
def test_a_secret_that_is_no_text(secret: str) -> None:
    found = Redactor()
    found.know(secret)
    assert found.text(f"a {secret} b") == f"a {MASK} b"


def test_a_word_that_every_message_has_stays_readable() -> None:
    redactor = Redactor()
    redactor.know("flyte", " flytepropeller\n", "flyte-4711")
    assert redactor.text("flyte_labels of flytepropeller: flyte-4711") == f"flyte_labels of flytepropeller: {MASK}"


def test_the_secrets_that_stand_in_data_are_found_wherever_they_do() -> None:
    data = {"a": ["x", "x", {"b": "before token-4711 after"}], "c": ("d", ["e", 7000001]), "f": b"bytes-4711", "no-key-4711": None, "g": {"set-4711"}}
    texts = texts_of(data)
    assert texts >= {"x", "before token-4711 after", "d", "e", "7000001", "bytes-4711", "set-4711"} and "no-key-4711" not in texts
    wanted = {"token-4711", "7000001", "bytes-4711", "set-4711", "x"}
    assert those_in(wanted | {"absent", "token-4711 after and more", "no-key-4711"}, texts) == wanted
    assert those_in(wanted, []) == set() and those_in([], texts) == set()


def test_they_are_found_as_they_are_in_whatever_holds_texts() -> None:
    """The text of such a thing would show a line break or a quote as Python writes it."""
    data = {"a": types.MappingProxyType({"b": SECRET}), "c": frozenset({f"1{SECRET}"}), "d": collections.deque([f"2{SECRET}"]), "e": b"\xff3\n"}
    assert texts_of(data) == {SECRET, f"1{SECRET}", f"2{SECRET}", "\udcff3\n"} and those_in([SECRET], texts_of(data)) == {SECRET}
