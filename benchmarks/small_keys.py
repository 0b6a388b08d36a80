# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A cluster's certificates and keys, as small as they get.

The control plane's Secret holds a token and a CA certificate of each data plane, and Kubernetes takes no Secret of more than 1 MiB. With
kwokctl's own RSA keys that is 2 KiB a plane; with these it is 1,000 bytes, so that 1,000 planes fit.
"""

from __future__ import annotations

import datetime
import ipaddress
import pathlib

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID

_DAY = datetime.timedelta(days=1)


def _write(path: pathlib.Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)


def _key(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())


def make_pki(folder: pathlib.Path) -> None:
    """Make what kwokctl finds and then does not make itself: a CA, and the pair that is API server, administrator and signer of tokens."""
    folder.mkdir(parents=True)
    now = datetime.datetime.now(datetime.timezone.utc)
    authority, admin = ed25519.Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "c")])

    def builder(subject: x509.Name, key: ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey, serial: int) -> x509.CertificateBuilder:
        begun = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key).serial_number(serial)
        return begun.not_valid_before(now - _DAY).not_valid_after(now + 30 * _DAY)

    basic = x509.BasicConstraints(ca=True, path_length=None)
    ca = builder(issuer, authority.public_key(), 1).add_extension(basic, critical=True).sign(authority, None)
    subject = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "system:masters"), x509.NameAttribute(NameOID.COMMON_NAME, "kubernetes-admin")])
    names = [x509.DNSName(name) for name in ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")]
    addresses = [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = builder(subject, admin.public_key(), 2).add_extension(x509.SubjectAlternativeName([*names, *addresses]), critical=False).sign(authority, None)
    _write(folder / "ca.crt", ca.public_bytes(serialization.Encoding.PEM))
    _write(folder / "admin.crt", certificate.public_bytes(serialization.Encoding.PEM))
    _write(folder / "admin.key", _key(admin))
