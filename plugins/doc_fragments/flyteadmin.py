# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.flyte.multicluster.plugins.doc_fragments.clusters import below, indented

# How it is reached; (at) is where the options stand. The names are those of settings.ADMIN_CONNECTION.
_CONNECTION = r"""
url:
  description: URL of flyteadmin's HTTP API, without C(/api/v1).
  type: str
  required: true
token_ca_cert:
  description:
    - Path of the CA certificate of the token endpoint. Left out, that of flyteadmin holds for flyteadmin's own, and this
      machine's certificates for one on another host.
  type: path
validate_certs:
  description: Whether flyteadmin's certificate is verified.
  type: bool
  default: true
ca_cert:
  description: Path of the CA certificate of flyteadmin.
  type: path
client_cert:
  description: Path of a client certificate.
  type: path
client_key:
  description: Path of the key of O((at)client_cert).
  type: path
proxy:
  description: URL of an HTTP proxy. Left out, E(HTTPS_PROXY) and E(NO_PROXY) hold.
  type: str
timeout:
  description: Seconds to wait for one answer.
  type: float
  default: 15
retry_for:
  description:
    - Seconds within which a request is repeated where that is safe, after a lost connection, 429 or 503 (a
      C(Retry-After) is honoured).
  type: float
  default: 30
"""
# Who asks.
_LOGIN = r"""
token:
  description:
    - A ready-made bearer token. It cannot be renewed here.
    - Falls back to O(token_file), then to the environment variable E(FLYTE_ADMIN_TOKEN). Without any of them and without
      O(client_id), no authentication is used.
  type: str
token_file:
  description: File with the token; white space around it is dropped.
  type: path
client_id:
  description:
    - OAuth2 client for the client credentials grant.
    - Token endpoint, scopes, audience and the name of the header come from flyteadmin's own metadata
      (C(/.well-known/oauth-authorization-server) and C(/config/v1/flyte_client)) unless set here.
    - The token is kept in memory, renewed before it ends, and once where flyteadmin does not accept it.
  type: str
client_secret:
  description: Secret of O(client_id). Falls back to O(client_secret_file), then to the environment variable E(FLYTE_CLIENT_SECRET).
  type: str
client_secret_file:
  description: File with the secret of O(client_id); white space around it is dropped.
  type: path
token_url:
  description:
    - Token endpoint of an external authorization server. flyteadmin is not asked for one then, and its metadata may be missing.
  type: str
scopes:
  description: Scopes to ask for.
  type: list
  elements: str
audience:
  description: Audience to ask for.
  type: str
authorization_header:
  description:
    - Name of the header that carries the token. Left out, it is the one that flyteadmin's metadata name, else C(authorization).
  type: str
"""


class ModuleDocFragment:
    """Documentation fragment for modules that talk to flyteadmin."""

    # Annotated, as in the fragment clusters.
    DOCUMENTATION: str = (
        "options:\n"
        + indented(_CONNECTION.replace("(at)", ""), _LOGIN)
        + r"""
requirements:
  - python >= 3.11
  - requests >= 2.28
"""
    )

    # How it is reached, below an option of its own: who asks is not said there.
    CONNECTION: str = below(
        r"""
flyteadmin:
  description: How flyteadmin is reached. Who asks is not said here.
  type: dict
""",
        _CONNECTION.replace("(at)", "flyteadmin."),
    )
