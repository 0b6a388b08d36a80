# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A file that the inventory names is read to its end, which it has to have."""

from __future__ import annotations

import os
import pathlib

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.access import method_of
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.errors import KubeError
from ansible_collections.flyte.multicluster.plugins.module_utils._common.certificates import is_certificate
from ansible_collections.flyte.multicluster.plugins.module_utils._common.files import MOST_BYTES, bytes_of, text_of
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.errors import AdminError
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.settings import Settings
from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import Refused
from ansible_collections.flyte.multicluster.plugins.plugin_utils._certificates import certificate_of

KEY = "-----BEGIN PRIVATE KEY-----\nhush\n-----END PRIVATE KEY-----\n"


@pytest.fixture(name="endless", params=["pipe", "device", "folder", "large"])
def _endless(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> str:
    path = tmp_path / "file"
    if request.param == "pipe":
        os.mkfifo(path)
    elif request.param == "folder":
        path.mkdir()
    elif request.param == "large":
        with path.open("wb") as file:
            file.truncate(MOST_BYTES + 1)
    return "/dev/zero" if request.param == "device" else str(path)


def test_what_has_no_end_is_not_read(endless: str) -> None:
    with pytest.raises(OSError, match="pipe or a device|Is a directory|larger than"):
        bytes_of(endless)
    with pytest.raises(Refused, match="controlplane: flyte_admin_ca_cert = .*(pipe or a device|Is a directory|larger than)"):
        certificate_of("controlplane", "flyte_admin_ca_cert", lambda _host, _name: endless)
    with pytest.raises(AdminError, match=r"token_file.*(pipe or a device|Is a directory|larger than)"):
        Settings.from_params({"url": "https://h", "token_file": endless})
    with pytest.raises(KubeError, match=r"(pipe or a device|Is a directory|larger than)[^']*$"):
        method_of({"kubeconfig": endless, "context": "c"}).validate()


def test_a_file_of_another_system_is_text(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"a\r\nb\r\n")
    assert text_of(str(path)) == "a\nb\n" and text_of(os.devnull) == ""


@pytest.mark.parametrize("text", ["", "\n", KEY, "nothing"])
def test_what_is_no_certificate(text: str) -> None:
    assert not is_certificate(text)
