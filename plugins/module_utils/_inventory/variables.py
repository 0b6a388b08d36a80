# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory's variables. They are declared once, in ``roles/preflight/meta/argument_specs.yml``, where ``ansible-doc`` reads them too.

Which of them are options of a connection, and of which name there, stands here. No I/O: the declaration is handed in.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .kinds import converted

if t.TYPE_CHECKING:
    from collections.abc import Mapping

#: how the description of a variable begins that is one host's own; the others are the whole site's, read from the control plane's host
_OF_A_HOST = "Host variable"


@dataclasses.dataclass(frozen=True)
class Variable:
    """An inventory variable: its type, its default, and what it has to be."""

    kind: str
    default: t.Any = None
    choices: tuple[str, ...] = ()
    #: whether its value may hold a password: no message shows it
    secret: bool = False
    #: of a list, the type of its entries
    elements: str | None = None


@dataclasses.dataclass(frozen=True)
class Variables:
    """All declared variables. What says how something is reached may be a credential: it is checked, and not kept."""

    #: of the whole site, read from the control plane's host (set them for ``all``)
    site: dict[str, Variable]
    #: of one host
    host: dict[str, Variable]
    #: what says how flyteadmin and AWS are reached, and one host's cluster
    site_connection: dict[str, Variable] = dataclasses.field(default_factory=dict)
    host_connection: dict[str, Variable] = dataclasses.field(default_factory=dict)


def declared(options: Mapping[str, Mapping[str, t.Any]]) -> Variables:
    """Return the variables that an argument spec declares.

    :param options: of the entry point ``main`` of the role preflight.
    """
    found = Variables({}, {})
    for name, option in options.items():
        of_a_host = str(option["description"][0]).startswith(_OF_A_HOST)
        if name in CONNECTION_VARIABLES:
            scope = found.host_connection if of_a_host else found.site_connection
        else:
            scope = found.host if of_a_host else found.site
        choices = tuple(option.get("choices") or ())
        scope[name] = Variable(option["type"], option.get("default"), choices, bool(option.get("no_log")), option.get("elements"))
    return found


#: how a host reaches its cluster: variable to option of kubernetes.core
ACCESS_VARIABLES: dict[str, str] = {
    "flyte_kubeconfig": "kubeconfig",
    "flyte_kube_context": "context",
    "flyte_kube_host": "host",
    "flyte_kube_api_key": "api_key",
    "flyte_kube_username": "username",
    "flyte_kube_password": "password",
    "flyte_kube_validate_certs": "validate_certs",
    "flyte_kube_ca_cert": "ca_cert",
    "flyte_kube_client_cert": "client_cert",
    "flyte_kube_client_key": "client_key",
    "flyte_kube_proxy": "proxy",
}

#: how flyteadmin is reached: variable to option of the doc fragment flyte.multicluster.flyteadmin
ADMIN_VARIABLES: dict[str, str] = {
    "flyte_admin_token": "token",
    "flyte_admin_token_file": "token_file",
    "flyte_client_id": "client_id",
    "flyte_client_secret": "client_secret",
    "flyte_client_secret_file": "client_secret_file",
    "flyte_token_url": "token_url",
    "flyte_token_ca_cert": "token_ca_cert",
    "flyte_token_scopes": "scopes",
    "flyte_token_audience": "audience",
    "flyte_authorization_header": "authorization_header",
    "flyte_admin_validate_certs": "validate_certs",
    "flyte_admin_ca_cert": "ca_cert",
    "flyte_admin_client_cert": "client_cert",
    "flyte_admin_client_key": "client_key",
    "flyte_admin_proxy": "proxy",
}

#: of these, files that are no secrets on their own
ADMIN_FILES: dict[str, str] = {name: option for name, option in ADMIN_VARIABLES.items() if option in ("ca_cert", "token_ca_cert", "client_cert", "client_key")}

#: how AWS is reached: variable to option of amazon.aws' modules
AWS_VARIABLES: dict[str, str] = {
    "flyte_aws_region": "region",
    "flyte_aws_profile": "profile",
    "flyte_aws_endpoint_url": "endpoint_url",
    "flyte_aws_access_key": "access_key",
    "flyte_aws_secret_key": "secret_key",
    "flyte_aws_session_token": "session_token",
}

#: flytepropeller's own secret: variable to option of flyte_propeller_identity, and what names a file with it
PROPELLER_VARIABLES: dict[str, str] = {"flyte_propeller_client_secret": "client_secret", "flyte_propeller_client_secret_file": "client_secret_file"}
#: certificates, as PEM or as a file on the controller
CERTIFICATE_VARIABLES = ("flyte_propeller_ca_cert", "flyte_api_ca_cert")

#: what only says how something is reached, or is a secret otherwise: the site does not keep it, since it may be a credential
CONNECTION_VARIABLES = frozenset(
    {*ACCESS_VARIABLES, *ADMIN_VARIABLES, *AWS_VARIABLES, *PROPELLER_VARIABLES, *CERTIFICATE_VARIABLES, "flyte_plan_key"} - {"flyte_aws_region"}
)

#: credentials that are sent in a header as they are
SENT = frozenset(
    {"flyte_kube_api_key", "flyte_admin_token", "flyte_client_id", "flyte_client_secret"}
    | {f"flyte_aws_{name}" for name in ("access_key", "secret_key", "session_token")}
)

#: what an EKS cluster and its node group are created from, and which of it has no default
EKS_NOT_FOR_CREATION = ("flyte_eks_cluster", "flyte_eks_create")
EKS_REQUIRED = ("flyte_eks_version", "flyte_eks_role_arn", "flyte_eks_node_role_arn", "flyte_eks_subnets")


def options_of(host: str, read: t.Callable[[str, str], t.Any], variables: Mapping[str, str]) -> dict[str, t.Any]:
    """Return the options of a connection that a host sets. They may be credentials: use them, keep them nowhere.

    :param variables: variable to option, one of the tables above.
    """
    found = {option: read(host, variable) for variable, option in variables.items()}
    # As any editor writes a file, a token has a line break at its end.
    trimmed = {variables[variable] for variable in SENT & set(variables)}
    found = {option: value.strip() if option in trimmed and isinstance(value, str) else value for option, value in found.items()}
    if "validate_certs" in found:
        # "false" of -e is text, and no text is false.
        found["validate_certs"] = converted(found["validate_certs"], "bool")
    return {option: value for option, value in found.items() if value is not None}
