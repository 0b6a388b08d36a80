# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Flyte's own namespace, and those of tasks."""

from __future__ import annotations

from ansible_collections.flyte.multicluster.plugins.module_utils._helm.namespaces import admin_override, mapping_of, propeller_override

URIS = ["https://flyte.example.com", "http://flyteadmin.flyte.svc.cluster.local:80"]
BASE = {"configmap": {"adminServer": {"auth": {"authorizedUris": URIS}}}}


def test_the_lease_lies_in_flytes_namespace() -> None:
    for namespace in ("flyte", "elsewhere"):
        core = propeller_override({}, namespace)["configmap"]["core"]
        assert core == {"propeller": {"leader-election": {"lock-config-map": {"namespace": namespace}}}}


def test_the_connectors_address_follows() -> None:
    def base(endpoint: str) -> dict[str, object]:
        return {"flyteconnector": {"plugin_config": {"plugins": {"connector-service": {"defaultConnector": {"endpoint": endpoint}}}}}}

    found = propeller_override(base("k8s://flyteconnector.flyte:8000"), "elsewhere")
    assert found["flyteconnector"] == base("k8s://flyteconnector.elsewhere:8000")["flyteconnector"]
    assert "flyteconnector" not in propeller_override(base("k8s://flyteconnector.flyte:8000"), "flyte")
    assert "flyteconnector" not in propeller_override(base("dns:///mine.flyte:8000"), "elsewhere")


def test_the_address_inside_the_cluster_follows() -> None:
    assert admin_override(BASE, "flyte", "{project}-{domain}") == {}
    found = admin_override(BASE, "elsewhere", "{project}-{domain}")
    assert found["configmap"]["adminServer"]["auth"]["authorizedUris"] == [URIS[0], "http://flyteadmin.elsewhere.svc.cluster.local:80"]


def test_a_mapping_is_written_only_where_values_have_another_one() -> None:
    def base(template: object) -> dict[str, object]:
        return {"configmap": {"namespace_config": {"namespace_mapping": {"template": template}}}}

    assert admin_override(base("{{ domain }}"), "flyte", "{domain}") == {}
    assert admin_override(base("{{ domain }}"), "flyte", "{project}-{domain}") == base("{{ project }}-{{ domain }}")
    assert admin_override({}, "flyte", "x-{domain}") == base("x-{{ domain }}")
    assert mapping_of(base("{{ domain }}")) == "{domain}" and mapping_of({}) is None
    assert mapping_of(base(5)) == "5"
    # flyteadmin does not fill this in.
    assert mapping_of(base("{{domain}}")) == "{{domain}}"
