# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What differs between IAM documents, statement by statement."""

from __future__ import annotations

import typing as t

from ansible_collections.flyte.multicluster.plugins.module_utils._iam.documents import VERSION, pod_identity_statement, s3_policy, statement
from ansible_collections.flyte.multicluster.plugins.module_utils._iam.statements import statement_changes

ISSUER = "oidc.eks.us-east-2.amazonaws.com/id/ONE"
SUBJECT = "system:serviceaccount:flyte:flytepropeller"


def trust(*statements: dict[str, t.Any]) -> dict[str, t.Any]:
    return {"Version": VERSION, "Statement": list(statements)}


def of(issuer: str, *subjects: str) -> dict[str, t.Any]:
    return statement(f"arn:aws:iam::123456789012:oidc-provider/{issuer}", f"https://{issuer}", list(subjects))


def changes(before: dict[str, t.Any] | None, after: dict[str, t.Any]) -> dict[str, tuple[str | None, str | None]]:
    return {change.path: (change.before, change.after) for change in statement_changes(before, after)}


def test_a_statement_that_comes_or_goes_is_one_change() -> None:
    there = trust(of(ISSUER, SUBJECT))
    found = changes(there, trust(of(ISSUER, SUBJECT), pod_identity_statement()))
    assert list(found) == ["statement[pods.eks.amazonaws.com]"] and found["statement[pods.eks.amazonaws.com]"][0] is None
    gone = changes(there, trust())
    assert list(gone) == [f"statement[{ISSUER}]"] and gone[f"statement[{ISSUER}]"][1] is None
    assert set(changes(None, there)) == {"Version", f"statement[{ISSUER}]"}


def test_what_changes_in_a_statement_is_named() -> None:
    stray = of(ISSUER, SUBJECT)
    stray["Condition"]["StringEquals"][f"{ISSUER}.:aud"] = stray["Condition"]["StringEquals"].pop(f"{ISSUER}:aud")
    found = changes(trust(stray), trust(of(ISSUER, SUBJECT)))
    assert found == {
        f'statement[{ISSUER}].Condition.StringEquals["{ISSUER}.:aud"]': ("sts.amazonaws.com", None),
        f'statement[{ISSUER}].Condition.StringEquals["{ISSUER}:aud"]': (None, "sts.amazonaws.com"),
    }
    more = changes(trust(of(ISSUER, SUBJECT)), trust(of(ISSUER, SUBJECT, "system:serviceaccount:a-b:default")))
    ((_path, (before, after)),) = more.items()
    assert before == SUBJECT and after is not None and "a-b:default" in after


def test_what_means_the_same_is_no_change() -> None:
    other = of(ISSUER, SUBJECT)
    other["Action"], other["Principal"]["Federated"] = [other["Action"]], [other["Principal"]["Federated"]]
    assert changes(trust(other), trust(of(ISSUER, SUBJECT))) == {}
    assert changes(trust(of(ISSUER, "a", "b"), of("x", "y")), trust(of("x", "y"), of(ISSUER, "b", "a"))) == {}


def test_statements_without_a_name_of_their_own() -> None:
    assert list(changes(s3_policy(["a"]), s3_policy(["a", "b"]))) == ["statement[s3:DeleteObject*, s3:GetObject*, s3:ListBucket, s3:PutObject*].Resource"]
    twice = trust({"Effect": "Allow", "Action": "a"}, {"Effect": "Deny", "Action": "a"})
    assert list(changes(trust({"Effect": "Allow", "Action": "a"}), twice)) == ["statement[a 2]"]
    assert list(changes(trust({"Sid": "Mine"}), trust())) == ["statement[Mine]"]
    assert changes({"Version": "2008-10-17", "Statement": []}, trust()) == {"Version": ("2008-10-17", VERSION)}
