# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lists of executions."""

from __future__ import annotations

from ansible_collections.flyte.multicluster.plugins.modules import flyte_execution_info
from conftest import Double, Run


def test_executions_are_listed_to_the_end(admin: Double, run: Run) -> None:
    from flyteidl.admin import execution_pb2

    for number in range(250):
        execution = execution_pb2.Execution()
        execution.id.project, execution.id.domain, execution.id.name = "team1", "development", f"f{number}"
        cluster = f"dataplane_{number % 2 + 1}"
        execution.spec.metadata.system_metadata.execution_cluster = cluster
        admin.service.store.put_execution(execution.id, cluster, "SUCCEEDED", execution.SerializeToString())
    assert len(run(flyte_execution_info, url=admin.url)["executions"]) == 250
    assert len(run(flyte_execution_info, url=admin.url, cluster="dataplane_2", phases=["SUCCEEDED"])["executions"]) == 125
