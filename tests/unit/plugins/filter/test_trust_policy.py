# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The filter, as a playbook calls it; what it merges is in test_trust.py."""

from __future__ import annotations

from ansible_collections.flyte.multicluster.plugins.filter.trust_policy import FilterModule

ISSUER = "https://oidc.eks.us-east-2.amazonaws.com/id/ABCDEF"
ARN = "arn:aws:iam::123456789012:oidc-provider/oidc.eks.us-east-2.amazonaws.com/id/ABCDEF"
ACCOUNT = {"provider_arn": ARN, "issuer": ISSUER, "subjects": ["system:serviceaccount:flyte:flytepropeller"]}


def test_a_policy_is_made_and_what_others_wrote_is_kept() -> None:
    trust_policy = FilterModule().filters()["trust_policy"]
    made = trust_policy([ACCOUNT])
    (statement,) = made["Statement"]
    assert statement["Principal"] == {"Federated": ARN} and ACCOUNT["subjects"][0] in str(statement["Condition"])
    theirs = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    both = trust_policy([ACCOUNT], {**made, "Statement": [theirs]})
    assert both["Statement"][0] == theirs and both["Statement"][1]["Principal"] == {"Federated": ARN}
    assert trust_policy([ACCOUNT], both) == both
