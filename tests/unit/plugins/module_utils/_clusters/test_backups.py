# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is taken away is kept before, bounded in number and size, and what cannot be kept is not taken away."""

from __future__ import annotations

import base64
import gzip
import json
import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters import backups
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.client import Kube
from api_server import SECRETS, ApiServer, encoded
from stateful_api import StatefulApi


@pytest.fixture(name="api")
def _api() -> t.Iterator[StatefulApi]:
    server = StatefulApi()
    yield server
    server.close()


def kept(api: StatefulApi, kind: str) -> list[dict[str, t.Any]]:
    return [secret for secret in api.objects.values() if secret["metadata"]["labels"]["flyte.multicluster/backup"] == kind]


def test_it_is_a_secret_beside_flyteadmin(api: StatefulApi) -> None:
    name = backups.keep(Kube(api.access), "flyte", "credentials", {"a_token": b"t", "a_cacert": b"c"})
    secret = api.objects[f"{SECRETS}/{name}"]
    assert name.startswith("flyte-multicluster-backup-credentials-2") and secret["data"] == encoded(a_token="t", a_cacert="c")
    assert secret["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "flyte.multicluster"
    # The very same once more is none: a run that is repeated pushes nothing out.
    assert backups.keep(Kube(api.access), "flyte", "credentials", {"a_token": b"t", "a_cacert": b"c"}) == name and len(api.objects) == 1


def test_the_newest_ten_of_each_kind_are_kept(api: StatefulApi) -> None:
    kube = Kube(api.access)
    for number in range(13):
        backups.keep(kube, "flyte", "credentials", {"number": str(number).encode()})
        # As Kubernetes stamps them.
        newest = list(api.objects.values())[-1]
        newest["metadata"]["creationTimestamp"] = f"2026-01-01T00:00:{number:02}Z"
    backups.keep(kube, "flyte", "trust", {"role.json.gz": backups.packed({"a": 1})})
    numbers = [int(base64.b64decode(secret["data"]["number"])) for secret in kept(api, "credentials")]
    assert numbers == list(range(3, 13)) and len(kept(api, "trust")) == 1
    stored = kept(api, "trust")[0]["data"]["role.json.gz"]
    assert json.loads(gzip.decompress(base64.b64decode(stored))) == {"a": 1}


def test_what_cannot_be_kept_is_an_error(api: StatefulApi) -> None:
    with pytest.raises(backups.BackupError, match="takes 1048576") as found:
        backups.keep(Kube(api.access), "flyte", "labels", {"x": b"x" * (1 << 20)})
    assert "flyte_backups: false" in found.value.hint and not api.objects
    refusing = {SECRETS: {"items": []}, f"POST {SECRETS}": 403}
    with ApiServer(refusing) as server, pytest.raises(backups.BackupError, match="cannot be kept in the namespace") as denied:
        backups.keep(Kube(server.access), "flyte", "trust", {"x": b"x"})
    assert denied.value.hint.startswith("Nothing was taken away.")
