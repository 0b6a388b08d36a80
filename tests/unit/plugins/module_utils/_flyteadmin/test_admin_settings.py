# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The options that say how flyteadmin is reached."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.errors import AdminError
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.settings import Settings


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"url": "flyte.example.com"}, "is no http or https URL"),
        ({"url": "https://me:secret@flyte.example.com"}, "must not hold credentials"),
        ({"url": "https://x", "client_id": "me"}, "FLYTE_CLIENT_SECRET"),
        ({"url": "https://x", "client_id": "me", "client_secret_file": "/nowhere"}, "client_secret_file /nowhere: No such file"),
        ({"url": "https://x", "token_file": "/dev/null"}, "token_file /dev/null is empty"),
    ],
)
def test_wrong_options_are_said(params: dict[str, t.Any], said: str) -> None:
    with pytest.raises(AdminError, match=said) as caught:
        Settings.from_params(params, {})
    assert "me:secret" not in str(caught.value)
