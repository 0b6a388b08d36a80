# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter trust_policy. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.flyte.multicluster.plugins.module_utils._iam.subjects import Own
from ansible_collections.flyte.multicluster.plugins.module_utils._iam.trust import merge_trust
from ansible_collections.flyte.multicluster.plugins.plugin_utils._variables import plain

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


def trust_policy(
    wanted: Sequence[Mapping[str, t.Any]],
    existing: Mapping[str, t.Any] | None = None,
    *,
    namespaces: Sequence[str] = ("flyte",),
    domains: Sequence[str] = ("development", "staging", "production"),
    namespace_mapping: str = "{project}-{domain}",
    compact: bool = False,
    prune: bool = False,
) -> dict[str, t.Any]:
    """Return an IAM trust policy for the accounts of the given OIDC providers."""
    given = [(entry["provider_arn"], entry["issuer"], entry["subjects"]) for entry in plain(wanted)]
    own = Own(tuple(namespaces), tuple(domains), namespace_mapping)
    return merge_trust(plain(existing) if existing else None, given, own=own, compact=compact, prune=prune).document


class FilterModule:
    """Filters of flyte.multicluster."""

    def filters(self) -> dict[str, Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"trust_policy": trust_policy}
