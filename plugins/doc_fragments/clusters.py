# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import textwrap

# How a cluster is reached, by the names of kubernetes.core.k8s_auth_options; (at) is where they stand. A fragment of our own: where the
# documentation is rendered without that collection, as Galaxy does, a module whose fragment cannot be found has no documentation at all.
_KUBERNETES = r"""
kubeconfig:
  description: Path of a kubeconfig, or its content as a mapping.
  type: raw
context:
  description: Context of the kubeconfig.
  type: str
host:
  description: URL of the API server, instead of a kubeconfig.
  type: str
api_key:
  description: Bearer token, with O((at)host).
  type: str
username:
  description: User name for basic authentication, or of OpenShift with O((at)openshift).
  type: str
password:
  description: Password for basic authentication.
  type: str
validate_certs:
  description: Whether the API server's certificate is verified. Left out, the kubeconfig decides.
  type: bool
  aliases: [verify_ssl]
ca_cert:
  description: Path of the CA certificate of the API server.
  type: path
  aliases: [ssl_ca_cert]
client_cert:
  description: Path of a client certificate.
  type: path
  aliases: [cert_file]
client_key:
  description: Path of the key of O((at)client_cert).
  type: path
  aliases: [key_file]
proxy:
  description: URL of an HTTP proxy.
  type: str
no_proxy:
  description: Hosts that are reached without the proxy, separated by commas.
  type: str
impersonate_user:
  description: User to act as.
  type: str
impersonate_groups:
  description: Group to act as; at most one.
  type: list
  elements: str
"""
# Of one cluster alone.
_ONE = r"""
proxy_headers:
  description: Headers for the proxy. Helm takes none.
  type: dict
  suboptions:
    proxy_basic_auth:
      description: User name and password for the proxy, as C(name:password).
      type: str
    basic_auth:
      description: User name and password for basic authentication, as C(name:password).
      type: str
    user_agent:
      description: Name of this client.
      type: str
persist_config:
  description: Ignored. Tokens are renewed in memory, and no kubeconfig is written.
  type: bool
"""
# What kubernetes.core.k8s_auth_options does not have.
_METHODS = r"""
eks:
  description: >-
    An EKS cluster, where none of O((at)kubeconfig), O((at)context) and O((at)host) is
    given. Its endpoint and CA certificate come from EKS; a token is made in memory by the AWS credentials given
    here or found by boto3, and made anew before it ends.
  type: dict
  suboptions:
    cluster:
      description: Name of the EKS cluster.
      type: str
      required: true
    region:
      description: Its region.
      type: str
    assume_role_arn:
      description: A role to take on first, of the account of the cluster for example.
      type: str
    profile:
      description: Named profile of the AWS configuration.
      type: str
    endpoint_url:
      description: URL to use instead of AWS' own endpoints, for a stand-in.
      type: str
    access_key:
      description: Access key.
      type: str
    secret_key:
      description: Secret key.
      type: str
    session_token:
      description: Session token.
      type: str
openshift:
  description: Whether O((at)username) and O((at)password) are a login of OpenShift, which is exchanged for a token.
  type: bool
  default: false
"""


def reached(option: str) -> str:
    """Return the suboptions of an option that say how a cluster is reached. Fragments merge no suboptions: they are put together here.

    :param option: its name in a reference, with the brackets of a list.
    """
    return (_KUBERNETES + _METHODS).replace("(at)", f"{option}.")


def indented(*options: str, by: int = 2) -> str:
    """Return documentations of options, one below the other, at their place."""
    return textwrap.indent("\n".join(options), " " * by)


def below(option: str, *suboptions: str) -> str:
    """Return the documentation of an option from its own keys, and from its suboptions."""
    return f"options:\n{indented(option)}\n    suboptions:\n{indented(*suboptions, by=6)}"


def _clusters(name: str, *suboptions: str) -> str:
    """Return the documentation of an option C(clusters)."""
    return below(_CLUSTERS, NAME.format(name), reached("clusters[]"), *suboptions)


_CLUSTERS = r"""
clusters:
  description: The clusters.
  type: list
  elements: dict
  required: true
"""
NAME = "name:\n  description: {}\n  type: str\n  required: true\n"
_KEY = "Key of the cluster in the result."
CONFIGURED = "Name of the cluster in clusterConfigs."
NAMESPACE = r"""
namespace:
  description: Namespace of Flyte in this cluster.
  type: str
  default: flyte
"""
RELEASE = r"""
release:
  description: Name of its Helm release.
  type: str
  default: flyte-core-data
"""


class ModuleDocFragment:
    """Documentation fragments for modules that talk to many clusters at once."""

    DOCUMENTATION = r"""
options:
  concurrency:
    description: How many clusters are asked at the same time.
    type: int
    default: 16
  timeout:
    description: Seconds to wait for one answer of an API server. Connecting takes at most 5 seconds.
    type: float
    default: 15
notes:
  - A cluster without O(clusters[].kubeconfig), O(clusters[].context), O(clusters[].host) and O(clusters[].eks) is an
    error. There is no fallback to the cluster that is current on this machine.
requirements:
  - python >= 3.11
  - kubernetes >= 24.2.0
"""

    # Annotated from here on: ansible-test's yamllint reads plain assignments, and ends where one is not a literal.
    # Of a module that looks into one cluster.
    ACCESS: str = "options:\n" + indented(*(part.replace("(at)", "") for part in (_KUBERNETES, _ONE, _METHODS)))

    # For modules that take it from module_defaults.
    ACTION_GROUP = r"""
attributes:
  action_group:
    description: Use C(group/flyte.multicluster.kubernetes) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - flyte.multicluster.kubernetes
"""

    # The option clusters of flyte_cluster_info.
    INFO: str = _clusters(
        _KEY,
        NAMESPACE,
        RELEASE,
        r"""
control_plane:
  description: Whether this is the control plane.
  type: bool
  default: false
data_plane:
  description: Whether workflows run here.
  type: bool
  default: true
propeller:
  description:
    - Whether flytepropeller has to lead, where it elects a leader (the Lease is renewed, by the API server's own clock), and the webhook,
      where the release has one, has to be registered with the CA of its Secret. V(false) where their pods are stand-ins.
  type: bool
  default: true
rights:
  description:
    - Whether what M(flyte.multicluster.flyte_dataplane_rights) writes has to be there. Else it is no failure where ClusterRoleBindings may not be listed.
  type: bool
  default: false
token_secret:
  description: Name of the token Secret that is preferred, where there are several.
  type: str
  default: flyteadmin-token
ca_data:
  description: CA certificate that flyteadmin trusts for this cluster, as PEM, in the place of that of the token Secret.
  type: str
""",
    )

    # That of flyte_cluster_credentials.
    CREDENTIALS: str = _clusters(
        CONFIGURED,
        r"""
state:
  description: With V(absent) its two keys are removed. Remove it from flyteadmin's configuration first.
  type: str
  choices: [present, absent]
  default: present
endpoint:
  description:
    - URL of the API server as flyteadmin calls it. With it the data plane is probed with exactly this endpoint, token
      and CA certificate.
  type: str
namespace:
  description: Namespace of the ServiceAccount in the data plane.
  type: str
  default: flyte
service_account:
  description: ServiceAccount that flyteadmin uses there.
  type: str
  default: flyteadmin
token_secret:
  description: Name of the token Secret, where one has to be made.
  type: str
  default: flyteadmin-token
token_kind:
  description: >-
    What is made where the account has no token that the Secret of the control plane has - one that does not end (V(long_lived)), or one that is bound to a
    Secret without content and ends (V(bounded)).
  type: str
  choices: [long_lived, bounded]
  default: long_lived
token_lifetime:
  description: Seconds for which a V(bounded) token is asked. The API server may give less.
  type: int
  default: 86400
token_least:
  description: Seconds that a V(bounded) token has to hold at least; one that the API server gives for less is not stored.
  type: int
  default: 0
token:
  description: A ready-made token; with O(clusters[].ca_data) the data plane itself is not asked.
  type: str
ca_data:
  description: >-
    CA certificate (PEM) of the API server as flyteadmin reaches it, in the place of that of the token Secret. Required with O(clusters[].token).
  type: str
""",
    )

    # That of flyte_propeller_identity.
    IDENTITY: str = _clusters(
        _KEY,
        NAMESPACE,
        r"""
client_secret:
  description: The secret of flytepropeller's client. Left out, the one of O(control_plane) is copied.
  type: str
certificates:
  description: CA certificates, as PEM by key, C(flyteadmin_ca.crt) for flyteadmin and C(token_ca.crt) for the token endpoint. Those left out are removed.
  type: dict
checksum:
  description: Value of the annotation C(flyte.multicluster/identity-checksum) of pods that this secret belongs to. Left out, nothing is restarted.
  type: str
""",
    )

    # That of flyte_dataplane_rights.
    RIGHTS: str = _clusters(
        _KEY,
        NAMESPACE,
        r"""
accounts:
  description:
    - The rules of each account, by its name (C(flyteadmin), C(syncresources)), as a ClusterRole has them. With O(state=absent) only the names count.
  type: dict
  required: true
""",
    )

    # That of flyte_propeller_identity_info.
    NAMESPACED: str = _clusters(_KEY, NAMESPACE)
