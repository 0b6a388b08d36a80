# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What differs between rendered manifests, by object."""

from __future__ import annotations

from ansible_collections.flyte.multicluster.plugins.module_utils._helm.manifests import manifest_lines, objects_of
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.shown_values import Shower

DEPLOYMENT = """---
# Source: flyte-core/templates/admin.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: flyteadmin, namespace: flyte}
spec:
  replicas: 5
"""
SECRET = """---
apiVersion: v1
kind: Secret
metadata: {name: db-pass}
stringData:
  pass.txt: hunter2
data:
  other: aHVudGVyMg==
"""
CONFIG = """---
apiVersion: v1
kind: ConfigMap
metadata: {name: config, namespace: other}
data:
  db.yaml: |
    database:
      port: 5432
      password: hunter2
"""
HOOK = """---
kind: Job
metadata: {name: hook, annotations: {"helm.sh/hook": pre-install}}
"""


def lines(before: str, after: str, key: str | None = "key") -> list[str]:
    return manifest_lines(before, after, "flyte", Shower(key), key)


def test_objects_have_their_names() -> None:
    assert list(objects_of(DEPLOYMENT + SECRET + CONFIG + HOOK + "---\n# nothing\n", "flyte")) == [
        "Deployment/flyte/flyteadmin",
        "Secret/flyte/db-pass",
        "ConfigMap/other/config",
    ]
    assert list(objects_of("---\n{{ broken\n---\na: 1\n", "flyte")) == ["document 1", "document 2"]


def test_added_removed_and_changed() -> None:
    assert lines(DEPLOYMENT, DEPLOYMENT + CONFIG) == ["ConfigMap/other/config: added"]
    assert lines(DEPLOYMENT + CONFIG, CONFIG) == ["Deployment/flyte/flyteadmin: removed"]
    assert lines(DEPLOYMENT, DEPLOYMENT.replace("5", "2")) == [
        "Deployment/flyte/flyteadmin:",
        "  @@ -6,2 +6,2 @@",
        "   spec:",
        "  -  replicas: 5",
        "  +  replicas: 2",
    ]
    # Written in another way it is the same object.
    assert lines(DEPLOYMENT, DEPLOYMENT.replace("{name: flyteadmin, namespace: flyte}", '{namespace: "flyte", name: flyteadmin}')) == []


def test_a_file_in_a_config_map_is_compared_by_lines() -> None:
    found = lines(CONFIG, CONFIG.replace("5432", "5433"))
    assert "  -      port: 5432" in found and "  +      port: 5433" in found and not any("hunter2" in line for line in found)


def test_secrets_are_fingerprints() -> None:
    changed = SECRET.replace("hunter2", "hunter3")
    for key in ("key", None):
        found = lines(SECRET, changed, key)
        assert not any("hunter" in line or "aHVudGVyMg" in line for line in found)
    found = lines(SECRET, changed)
    assert [line.partition(":")[0].strip() for line in found if line.startswith(("  -", "  +"))] == ["-  pass.txt", "+  pass.txt"]
    # The same value has one fingerprint, whichever section it stands in.
    both = lines(SECRET, SECRET.replace("hunter2", "x").replace("aHVudGVyMg==", "eA=="))
    assert len({line.split()[-1] for line in both if line.startswith("  -")}) == 1


KEY_LINES = ("MIIEvQIBADANBgkqhkiG9w0BAQEFAASC", "AAAAB3NzaC1yc2EAAAADAQABAAABAQ")


def test_a_private_key_of_several_lines() -> None:
    pem = "\n".join(["-----BEGIN PRIVATE KEY-----", *KEY_LINES, "-----END PRIVATE KEY-----"])
    config = "kind: ConfigMap\nmetadata: {name: a}\ndata:\n  f: |\n" + "\n".join(f"    {line}" for line in pem.split("\n"))
    before = config.replace(KEY_LINES[0], "first")
    found = lines(before, config)
    assert len([line for line in found if line.startswith(("  -", "  +"))]) == 2, found
    assert not any(part in line for line in found for part in (*KEY_LINES, "first"))


def test_a_secret_in_a_block_of_a_file() -> None:
    found = lines(CONFIG.replace("hunter2", "|\n        hunter2\n      host: a"), CONFIG.replace("hunter2", "|\n        hunter3\n      host: b"))
    assert "  -      host: a" in found and "  +      host: b" in found and not any("hunter" in line for line in found)
