# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""No text of a plan shows a secret, and two secrets never look the same."""

from __future__ import annotations

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._common.redaction import Redactor
from ansible_collections.flyte.multicluster.plugins.module_utils._helm import shown_values
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.shown_values import HIDDEN, Shower, changes

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0."


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a: 1\npassword: |\n  ", "\nb: 2"),
        ("a: 1\npassword: >-\n\n  one\n  ", "\nb: 2"),
        ("- password: |2\n    ", "\n  b: 2"),
        ("password:\n  ", "\nb: 2"),
        ("--db-password ", " --b"),
        ("args:\n- --db-password\n- ", "\n- --b"),
        ('["--db-password", "', '", "--b"]'),
        (JWT, " b"),
        ("x ghp_abcdefghijklmnopqrst", " b"),
        ('{"auths": {"host": {"auth": "', '"}, "b": 1}'),
        ("Authorization: Bearer ", "\nb"),
        ("secretKey=", " b"),
        ("- name: DB_PASS\n  value: ", "\n- name: b"),
        ('[{"name": "DB_PASS", "value": "', '"}, "b"]'),
    ],
)
def test_a_secret_in_a_text(before: str, after: str) -> None:
    shown = [Shower("key").plain(f"{before}{secret}{after}") for secret in ("Hunter2hunter2", "Hunter3hunter3")]
    assert not any("unter" in text for text in shown) and shown[0] != shown[1]
    assert all("b" in text.replace("secret:", "").splitlines()[-1] and "\0" not in text and text.count("secret:") == 1 for text in shown)
    assert Shower().plain(f"{before}Hunter2hunter2{after}").count(HIDDEN) == 1


@pytest.mark.parametrize("text", ["secret:\n  secretName: a\n  items: b", "secretKeyRef: {name: a, key: b}", "tokenUrl: https://a/b", "--password-file /a/b"])
def test_what_is_no_secret_of_a_text(text: str) -> None:
    assert Shower("key").plain(text) == text


def test_the_secrets_of_a_store() -> None:
    found = changes({}, {"storage": {"s3": {"accessKey": "minio-user", "secretKey": "miniostorage9"}}}, Shower("key"))
    assert [change.path for change in found] == ["storage.s3.accessKey", "storage.s3.secretKey"]
    assert all(str(change.after).startswith("secret:") for change in found)


def test_a_known_secret_of_a_harmless_place(monkeypatch: pytest.MonkeyPatch) -> None:
    known = Redactor()
    known.know("first-secret", "second-secret")
    monkeypatch.setattr(shown_values, "SECRETS", known)
    first, second = (Shower("key").plain(f"https://h/?x={secret}") for secret in ("first-secret", "second-secret"))
    assert first != second and first.startswith("https://h/?x=secret:") and second.startswith("https://h/?x=secret:")
    assert Shower().plain("https://h/?x=first-secret") == f"https://h/?x={HIDDEN}"
