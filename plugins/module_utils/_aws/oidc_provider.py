# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IAM OIDC providers of EKS clusters."""

from __future__ import annotations

import typing as t

from .._iam.subjects import AUDIENCE, issuer_path, provider_arn
from .errors import AwsError, attempt, attempt_to_delete, attempt_to_find
from .observe import account_and_partition, oidc_providers
from .session import shared_client

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping


#: of what is left, and an error, since somebody else made it
FOREIGN = "was not made here"


def ensure_providers(params: Mapping[str, t.Any], check_mode: bool, connect: Callable[..., t.Any] = shared_client) -> dict[str, t.Any]:
    """Return the result of the module flyte_oidc_provider.

    :param connect: makes a client; tests give one of their own.
    """
    iam = connect(params, "iam")
    account, partition = account_and_partition(connect(params, "sts"))
    wanted = {provider_arn(account, issuer, partition): issuer for issuer in params["issuers"]}
    before = sorted(set(wanted) & set(oidc_providers(iam)))
    if params["state"] == "absent":
        after: list[str] = []
        changed = _delete(iam, {arn: wanted[arn] for arn in before}, params["tags"], check_mode)
    else:
        after = sorted(wanted)
        changed = _create(iam, [wanted[arn] for arn in after if arn not in before], params["tags"], check_mode)
    return {"changed": changed, "providers": after, "diff": {"before": {"providers": before}, "after": {"providers": after}}}


def _create(iam: t.Any, issuers: list[str], tags: Mapping[str, t.Any], check_mode: bool) -> bool:
    listed = [{"Key": key, "Value": str(value)} for key, value in tags.items()]
    for issuer in [] if check_mode else issuers:
        # The thumbprint of an EKS issuer is not used by IAM since 2023, and found by it where it is left out.
        url = f"https://{issuer_path(issuer)}"
        attempt(f"create the OIDC provider of {issuer}", iam.create_open_id_connect_provider, Url=url, ClientIDList=[AUDIENCE], Tags=listed)
    return bool(issuers)


def _delete(iam: t.Any, present: Mapping[str, str], tags: Mapping[str, t.Any], check_mode: bool) -> bool:
    """Delete providers, all or none: what was not made here is left, and is an error."""
    foreign = [arn for arn, issuer in present.items() if not _has_tags(iam, arn, issuer, tags)]
    if foreign:
        raise AwsError(f"{', '.join(foreign)} {FOREIGN}: it lacks the tags {tags}.", "Delete it by hand if nothing else uses it.")
    for arn, issuer in [] if check_mode else present.items():
        attempt_to_delete(f"delete the OIDC provider of {issuer}", iam.delete_open_id_connect_provider, OpenIDConnectProviderArn=arn)
    return bool(present)


def _has_tags(iam: t.Any, arn: str, issuer: str, tags: Mapping[str, t.Any]) -> bool:
    """Return whether a provider has all of these tags; one that is gone by now is nobody else's."""
    answer = attempt_to_find(f"read the OIDC provider of {issuer}", iam.get_open_id_connect_provider, OpenIDConnectProviderArn=arn)
    found = {tag["Key"]: tag["Value"] for tag in (answer or {}).get("Tags") or []}
    return answer is None or {key: str(value) for key, value in tags.items()}.items() <= found.items()
