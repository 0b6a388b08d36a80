# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""flyteadmin's client: TLS, proxies, repeating."""

from __future__ import annotations

import datetime
import email.utils
import ipaddress
import pathlib
import re
import ssl
import time
import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin import client as _client
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.errors import AdminError
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.words import in_inventory_words
from ansible_collections.flyte.multicluster.plugins.modules import flyte_ecl_info
from conftest import Double, Run
from hostile import HOSTILE, Raw, endless, never, slowly, slowly_after_the_head
from scripted import EMPTY, Scripted, as_json, clean_environment, client  # noqa: F401  pylint: disable=unused-import

# -- TLS and proxies


def _certificate(name: str, issuer: tuple[t.Any, t.Any] | None, folder: pathlib.Path) -> tuple[t.Any, t.Any]:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer[0].subject if issuer else subject).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
    builder = builder.add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), True)
    # Python 3.13 verifies strictly: a CA has to say what its key is for, and a certificate which key signed it.
    usage = dict.fromkeys(("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only", "decipher_only"), False)
    usage |= {"digital_signature": issuer is not None, "key_cert_sign": issuer is None, "crl_sign": issuer is None}
    builder = builder.add_extension(x509.KeyUsage(**usage), True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
    signer = issuer[0].public_key() if issuer else key.public_key()
    builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer), False)
    certificate = builder.sign(issuer[1] if issuer else key, hashes.SHA256())
    (folder / f"{name}.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    (folder / f"{name}.key").write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    return certificate, key


def test_tls_with_an_own_ca_and_a_client_certificate(tmp_path: pathlib.Path, run: Run) -> None:
    authority = _certificate("ca", None, tmp_path)
    for name in ("server", "client"):
        _certificate(name, authority, tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")
    context.load_verify_locations(tmp_path / "ca.crt")
    context.verify_mode = ssl.CERT_REQUIRED
    ours = {"client_cert": str(tmp_path / "client.crt"), "client_key": str(tmp_path / "client.key")}
    with Scripted(EMPTY) as server:
        server.server.socket = context.wrap_socket(server.server.socket, server_side=True)
        url = server.url.replace("http:", "https:")
        assert client(url, ca_cert=str(tmp_path / "ca.crt"), **ours).label_rows() == []
        assert client(url, validate_certs=False, **ours).label_rows() == []
        with pytest.raises(AdminError, match="certificate verify failed.*Set ca_cert"):
            client(url, **ours).label_rows()
        with pytest.raises(AdminError, match="client_cert where it wants one|does not answer|Connection"):
            client(url, ca_cert=str(tmp_path / "ca.crt")).label_rows()
        with pytest.raises(AdminError, match="Check ca_cert"):
            client(url, ca_cert="/nowhere", **ours).label_rows()
        found = run(flyte_ecl_info, url=url, ca_cert=str(tmp_path / "ca.crt"), client_cert=ours["client_cert"])
        assert found["failed"] and "client_key" in found["msg"]


def test_a_proxy_is_used_and_the_option_counts_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with Scripted(EMPTY) as proxy, Scripted(EMPTY) as other:
        monkeypatch.setenv("http_proxy", other.url)
        assert client("http://flyte.example.com", proxy=proxy.url).label_rows() == []
        assert proxy.seen[0][1].startswith("http://flyte.example.com/api/v1/") and not other.seen
        assert client("http://flyte.example.com").label_rows() == []
        assert len(other.seen) == 1
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        with Scripted(EMPTY) as direct:
            assert client(direct.url).label_rows() == [] and direct.seen[0][1].startswith("/api")
    with pytest.raises(AdminError, match="Check proxy"):
        client("http://flyte.example.com", proxy="http://127.0.0.1:1").label_rows()


# -- what never ends


@pytest.mark.parametrize("serve", [never, slowly, slowly_after_the_head, endless, HOSTILE["nothing"], HOSTILE["a page"], HOSTILE["deeply nested"]])
def test_an_answer_that_does_not_end_is_a_failure_soon(serve: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_client, "MOST", 1 << 20)
    started = time.monotonic()
    with Raw(serve) as server, pytest.raises(AdminError) as caught:
        client(server.access["host"], timeout=0.5, retry_for=0.5).label_rows()
    assert time.monotonic() - started < 5 and caught.value.message and caught.value.hint


def test_what_took_too_long_or_is_too_much_is_said_in_the_inventorys_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_client, "MOST", 1 << 20)
    too_long, too_much = "everything within 1 s. Check that flyteadmin.*flyte_request_timeout sets", "more than 1 MiB. Check that flyte_admin_url"
    for serve, said in ((slowly, too_long), (endless, too_much)):
        with Raw(serve) as server, pytest.raises(AdminError) as caught:
            client(server.access["host"], timeout=0.5, retry_for=0.0).label_rows()
        assert re.search(said, in_inventory_words(str(caught.value))), caught.value


# -- repeating


def test_503_is_repeated_until_it_serves(admin: Double) -> None:
    answers = iter([False, False, True])
    admin.gateway.serving = lambda: next(answers, True)
    assert client(admin.url, retry_for=10).label_rows() == []


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_429_waits_as_long_as_the_server_says(method: str) -> None:
    for form in ("seconds", "date"):
        then = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=2)  # a date has whole seconds only
        after = "1" if form == "seconds" else email.utils.format_datetime(then)
        with Scripted(as_json(429, {"code": 8, "message": "slow down"}, **{"Retry-After": after}), EMPTY) as server:
            started = time.monotonic()
            client(server.url, retry_for=10).call(method, "/api/v1/x")
            assert len(server.seen) == 2 and 0.9 < time.monotonic() - started < 5


def test_what_flyteadmin_says_of_the_time_counts_not_this_machines_clock() -> None:
    """It is a day behind: a date until which it wants us to wait is by its own clock, and so is what is of the last day."""
    behind = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)
    date, until = (email.utils.format_datetime(behind + datetime.timedelta(seconds=more)) for more in (0, 2))
    with Scripted(as_json(429, {}, **{"Date": date, "Retry-After": until}), (200, {"Date": date}, EMPTY[2])) as server:
        started, admin = time.monotonic(), client(server.url, retry_for=10)
        admin.label_rows()
        assert 1.5 < time.monotonic() - started < 5 and abs((admin.now - behind).total_seconds()) < 5


def test_429_that_lasts_is_said() -> None:
    with Scripted(as_json(429, {"code": 8, "message": "slow down"}, **{"Retry-After": "20"})) as server:
        with pytest.raises(AdminError, match="429, code 8: slow down flyteadmin or its ingress limits requests") as caught:
            client(server.url).label_rows()
        assert caught.value.status == 429 and len(server.seen) == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_lost_connection_is_repeated(method: str) -> None:
    with Scripted(None, None, EMPTY) as server:
        client(server.url, retry_for=10).call(method, "/api/v1/x")
        assert len(server.seen) == 3


def test_an_error_of_flyteadmin_is_not_repeated() -> None:
    with Scripted(as_json(500, {"code": 13, "message": "database is gone"})) as server:
        with pytest.raises(AdminError, match=r"GET http://.*: 500, code 13: database is gone"):
            client(server.url, retry_for=10).label_rows()
        assert len(server.seen) == 1
