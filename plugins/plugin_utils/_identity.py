# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who each flytepropeller is to flyteadmin: from the inventory's variables, and from the values. Secrets: in memory, for the module that writes them."""

from __future__ import annotations

import typing as t

from ansible_collections.flyte.multicluster.plugins.module_utils._common.fingerprints import fingerprint
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.identity import (
    ADMIN_CA,
    AUTH_SECRET,
    CHART_SECRET,
    CLIENT_SECRET,
    SECTIONS,
    TOKEN_CA,
    credentials_of,
)
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.release import users_values
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.values import merge
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.identity import Given, identities, wants_tokens
from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import ModuleFailed, Refused
from ansible_collections.flyte.multicluster.plugins.plugin_utils._certificates import certificate_of, content_of

if t.TYPE_CHECKING:
    from ansible_collections.flyte.multicluster.plugins.module_utils._helm.identity import Credentials, Identity
    from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Cluster
    from ansible_collections.flyte.multicluster.plugins.plugin_utils._certificates import Read
    from ansible_collections.flyte.multicluster.plugins.plugin_utils._known import Known


class Pairs:
    """Reads what variables and values say of the identity of each flytepropeller. Secrets."""

    def __init__(self, known: Known, read: Read) -> None:
        self._site, self._read = known.site, read
        self._values = known.values_reader(read)
        self._credentials: dict[str, Credentials] = {}

    def credentials(self, cluster: Cluster) -> Credentials:
        """Return what the values of a cluster's release say."""
        if cluster.host not in self._credentials:
            self._credentials[cluster.host] = self._of_values(cluster)
        return self._credentials[cluster.host]

    def _of_values(self, cluster: Cluster) -> Credentials:
        sources = self._values.sources(cluster)
        layers = (sources.defaults, users_values(sources))
        return credentials_of(merge({key: layer[key] for key in SECTIONS if key in layer} for layer in layers))

    def own(self, cluster: Cluster) -> str | None:
        """Return the secret that the variables of a host give.

        :raises Refused: its file cannot be read, or is empty.
        """
        secret, path = (self._read(cluster.host, f"flyte_propeller_client_{name}") for name in ("secret", "secret_file"))
        if secret is not None or path is None:
            return t.cast("str | None", secret)
        content = content_of(cluster.host, "flyte_propeller_client_secret_file", path).strip()
        if not content:
            raise Refused(f"{cluster.host}: flyte_propeller_client_secret_file = {path!r}: is empty: it has to hold the secret of flytepropeller's client.")
        return content

    def certificates(self, cluster: Cluster) -> dict[str, str]:
        """Return the CA certificates that a data plane's flytepropeller trusts, by key of its Secret."""
        if cluster.is_control_plane:
            return {}  # it calls flyteadmin within the cluster
        head = self._site.control_plane.host
        own = certificate_of(cluster.host, "flyte_propeller_ca_cert", self._read) or certificate_of(head, "flyte_admin_ca_cert", self._read)
        found = {ADMIN_CA: None if self._site.settings["flyte_admin_insecure"] else own, TOKEN_CA: certificate_of(head, "flyte_token_ca_cert", self._read)}
        return {key: text for key, text in found.items() if text}

    def given(self, cluster: Cluster) -> Given:
        """Return what variables and values say, with fingerprints in the place of secrets."""
        own, values = self.own(cluster), self.credentials(cluster)
        runs_workflows = cluster.is_control_plane and bool(self._site.settings["flyte_control_plane_runs_workflows"])
        return Given(
            own=fingerprint(own) if own else None,
            values=fingerprint(values.secret) if values.secret else None,
            declared=values.secret not in (None, CHART_SECRET),
            client_id=str(cluster.propeller.get("client_id") or values.client_id),
            enabled=values.enabled,
            used=values.used or runs_workflows,
            login=values.login,
            certificates={key: fingerprint(text) for key, text in self.certificates(cluster).items()},
        )

    def texts(self, cluster: Cluster, identity: Identity) -> dict[str, str]:
        """Return what a cluster's Secret has to have, without what is copied from the control plane's.

        :raises ModuleFailed: it became another one since the plan, which somebody may have approved.
        """
        found = self.certificates(cluster)
        if not identity.copied:
            head = self._site.control_plane
            texts = (self.own(cluster), self.credentials(cluster).secret, self.own(head), self.credentials(head).secret)
            found[CLIENT_SECRET] = next((text for text in texts if text and fingerprint(text) == identity.keys[CLIENT_SECRET]), "")
        if any(fingerprint(text) != identity.keys.get(key) for key, text in found.items()):
            said = "not written: a file, a variable or a look-up gives another secret, or another certificate, than when this run planned"
            raise ModuleFailed({"failed": True, "msg": f"the Secret {AUTH_SECRET} of {cluster.host}: {said}"})
        return found


def planned_identities(known: Known, read: Read) -> dict[str, Identity]:
    """Return the identity of each observed cluster.

    :raises Refused: flyteadmin wants tokens, and a flytepropeller could get none; or what the inventory names cannot be read.
    """
    site = known.site
    if site.control_plane.host not in known.observed:
        return {}
    pairs = Pairs(known, read)
    hosts = [cluster for cluster in site.clusters if cluster.host in known.observed or cluster.is_control_plane]
    given = {cluster.host: pairs.given(cluster) for cluster in hosts}
    tokens = wants_tokens(site, known.observed, pairs.credentials(site.control_plane).wants_tokens)
    found, faults = identities(site, known.observed, given, tokens=tokens)
    if faults:
        raise Refused(*map(str, faults))
    return found
