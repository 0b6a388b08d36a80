# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Links to logs: single braces in, what Helm and flytepropeller read out."""

from __future__ import annotations

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.log_links import escaped, override, unknown_names

#: what Helm writes where it reads this
OPEN = "{{`{{`}}"


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("no braces", "no braces"),
        ("{podName}", f"{OPEN} .podName }}}}"),
        ("{PODNAME}-{namespace}", f"{OPEN} .PODNAME }}}}-{OPEN} .namespace }}}}"),
        ('{"pod":"{podName}"}', f'{{"pod":"{OPEN} .podName }}}}"}}'),
        # Who writes flytepropeller's own braces gets them.
        ("{{ .podName }}", f"{OPEN} .podName }}}}"),
        ("{{podName}}", f"{OPEN}podName}}}}"),
    ],
)
def test_braces_are_written_for_helm(text: str, given: str) -> None:
    assert escaped(text) == given and not unknown_names(text)


def test_unknown_names_are_found() -> None:
    assert unknown_names("{pod}/{podName}/{a b}/{}/{taskid}") == ["pod"]


def test_no_link_is_no_value() -> None:
    assert override({"configmap": {"task_logs": {"plugins": {"logs": {"templates": [{"displayName": "x"}]}}}}}, []) == {}
