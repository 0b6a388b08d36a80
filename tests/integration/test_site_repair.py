# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What keeps a plane from working is found by verify, named with its cause, and mended by the next run. On a site that is built.

A wrong client secret is in test_identity.py, a namespace that is missing in test_site_ready.py.
"""

from __future__ import annotations

import json
import re
import typing as t

import pytest
from conftest import SiteUnderTest
from workflow import register

pytestmark = pytest.mark.built_site

WORKFLOW = "example.training_workflow"
DEPLOYMENT = "/apis/apps/v1/namespaces/flyte/deployments/flytepropeller"
QUOTA = "/api/v1/namespaces/team1-development/resourcequotas/project-quota"
CANARY = ("-e", "flyte_canary_project=team1", "-e", "flyte_canary_labels=true", "-e", "flyte_canary_timeout=60")
#: for what will not end; enough for the other planes' canaries on a machine that is busy
SHORT = ("-e", "flyte_canary_timeout=30")


def test_a_stopped_propeller(site: SiteUnderTest) -> None:
    plane = site.cluster("dataplane1")
    assert site.run(*CANARY).code == 0
    plane.patch(DEPLOYMENT, {"spec": {"replicas": 0}})
    found = site.run(*CANARY, *SHORT, playbook="verify.yml")
    assert found.code != 0 and "the Deployment flytepropeller (scaled to 0" in found.flat, found.output
    assert re.search(r"dataplane_1 +verify", found.output) and not re.search(r"dataplane_2 +verify", found.output), found.output
    mended = site.run(*CANARY)
    assert mended.code == 0 and mended.changed["dataplane_1"] and "dataplane_2" not in mended.changed, mended.output
    assert site.run(*CANARY, playbook="verify.yml").code == 0


def test_a_wrong_endpoint_of_flyteadmin(site: SiteUnderTest) -> None:
    """flytepropeller starts and leads; nobody but an execution shows that its events do not arrive."""
    wrong = site.changed_copy()
    wrong.variables["flyte_admin_endpoint"] = "dns:///127.0.0.1:1"
    found = wrong.run(*CANARY, *SHORT)
    assert found.code != 0 and re.search(r"dataplane_1 +verify: canary", found.output), found.output
    assert "flyte_admin_endpoint" in found.output, found.output
    mended = site.run(*CANARY)
    assert mended.code == 0 and mended.output.count("proven") >= len(site.planes), mended.output


def test_a_full_quota(site: SiteUnderTest) -> None:
    plane = site.cluster("dataplane1")
    assert site.run().code == 0  # without the canary's labels
    for domain in ("development", "production"):
        register(site.lab.admin_url, "team1", domain, WORKFLOW, "v1")
    before: dict[str, t.Any] = plane.get(QUOTA)["spec"]["hard"]
    given = {"flyte_canary_workflow": WORKFLOW, "flyte_canary_version": "v1", "flyte_canary_projects": ["team1"], "flyte_canary_timeout": 60}
    users = json.dumps(given)
    plane.patch(QUOTA, {"spec": {"hard": {"pods": "0"}}})
    try:
        found = site.run("-e", users, *SHORT, playbook="verify.yml")
        assert found.code != 0 and re.search(r"team1/development.*quota", found.flat), found.output
    finally:
        plane.patch(QUOTA, {"spec": {"hard": {**before, "pods": None}}})
    assert site.run("-e", users, playbook="verify.yml").code == 0
    assert site.run().code == 0
