# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plugin of flytepropeller that carries out the canary of our own. The chart turns it on; who names plugins of their own may have left it out. No I/O."""

from __future__ import annotations

import typing as t

from .values import Values, lookup

if t.TYPE_CHECKING:
    from collections.abc import Mapping

ECHO = "echo"
_ENABLED = "configmap.enabled_plugins.tasks.task-plugins.enabled-plugins"


def override(base: Mapping[str, t.Any]) -> Values:
    """Return our values that turn it on beside the plugins that are, since Helm replaces lists whole; nothing where it is on."""
    enabled = lookup(base, _ENABLED, [])
    # Without any name flytepropeller has all that there are; it reads names in small letters.
    if not enabled or ECHO in (str(name).strip().lower() for name in enabled):
        return {}
    return {"configmap": {"enabled_plugins": {"tasks": {"task-plugins": {"enabled-plugins": [*enabled, ECHO]}}}}}
