# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flyte's own namespace where the chart's values have ``flyte`` written out, and the namespaces of the tasks. No I/O."""

from __future__ import annotations

import typing as t

from .values import Values, lookup

if t.TYPE_CHECKING:
    from collections.abc import Mapping

#: flyteadmin's own default
DEFAULT_MAPPING = "{project}-{domain}"
_MAPPING = "configmap.namespace_config.namespace_mapping.template"
_AUTHORIZED = "configmap.adminServer.auth.authorizedUris"
_CONNECTOR = "flyteconnector.plugin_config.plugins.connector-service.defaultConnector.endpoint"
#: the namespace that the chart's values have written out
_WRITTEN_OUT = "flyte"


def propeller_override(base: Mapping[str, t.Any], namespace: str) -> Values:
    """Return our values of a release with flytepropeller: elsewhere than in its own namespace it finds no Lease, and nothing ever moves."""
    lock = {"propeller": {"leader-election": {"lock-config-map": {"namespace": namespace}}}}
    found: Values = {"configmap": {"core": lock}}
    connector = lookup(base, _CONNECTOR)
    if isinstance(connector, str) and f"flyteconnector.{_WRITTEN_OUT}:" in connector and namespace != _WRITTEN_OUT:
        moved = connector.replace(f"flyteconnector.{_WRITTEN_OUT}:", f"flyteconnector.{namespace}:")
        found["flyteconnector"] = {"plugin_config": {"plugins": {"connector-service": {"defaultConnector": {"endpoint": moved}}}}}
    return found


def admin_override(base: Mapping[str, t.Any], namespace: str, mapping: str) -> Values:
    """Return our values of flyteadmin: the URI under which it is called inside the cluster, and the namespaces of tasks.

    :param mapping: ``{project}-{domain}`` and the like.
    """
    configmap: Values = dict(mapping_override(base, mapping).get("configmap") or {})
    uris = lookup(base, _AUTHORIZED, [])
    moved = [str(uri).replace(f"//flyteadmin.{_WRITTEN_OUT}.svc", f"//flyteadmin.{namespace}.svc") for uri in uris]
    if moved != uris:
        configmap["adminServer"] = {"auth": {"authorizedUris": moved}}
    return {"configmap": configmap} if configmap else {}


def mapping_override(base: Mapping[str, t.Any], mapping: str) -> Values:
    """Return our values of what makes the namespaces of tasks.

    :param mapping: ``{project}-{domain}`` and the like.
    """
    if mapping == (mapping_of(base) or DEFAULT_MAPPING):
        return {}
    return {"configmap": {"namespace_config": {"namespace_mapping": {"template": template_of(mapping)}}}}


def mapping_of(values: Mapping[str, t.Any]) -> str | None:
    """Return the mapping of projects and domains to namespaces that values have, as the inventory writes it; None where they have none."""
    template = lookup(values, _MAPPING)
    return plain_mapping(None if template is None else str(template))


def plain_mapping(template: str | None) -> str | None:
    """Return flyteadmin's template with plain braces. It fills in exactly ``{{ project }}`` and ``{{ domain }}``."""
    return template.replace("{{ project }}", "{project}").replace("{{ domain }}", "{domain}") if template else None


def template_of(mapping: str) -> str:
    """Return a mapping with plain braces as flyteadmin reads it."""
    return mapping.replace("{project}", "{{ project }}").replace("{domain}", "{{ domain }}")


def namespace_of(mapping: str, project: str, domain: str) -> str:
    """Return the namespace that a mapping with plain braces makes of a project and a domain."""
    return mapping.replace("{project}", project).replace("{domain}", domain)
