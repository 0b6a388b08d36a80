# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Attributes that every module of this collection describes."""

    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying anything.
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in C(check_mode)), when in diff mode.
  idempotent:
    description: When run twice in a row outside check mode, with the same arguments, the second invocation indicates no change.
"""

    # For modules that take flyteadmin's connection from module_defaults.
    ACTION_GROUP = r"""
attributes:
  action_group:
    description: Use C(group/flyte.multicluster.flyteadmin) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - flyte.multicluster.flyteadmin
"""

    INFO = r"""
attributes:
  check_mode:
    support: full
    details: Changes nothing.
  diff_mode:
    support: N/A
    details: Changes nothing.
  idempotent:
    support: full
"""

    ACTION = r"""
attributes:
  action:
    description: Has an action plugin, which runs on the controller and reads the variables of all hosts.
    support: full
  async:
    description: Supports being run with the C(async) keyword.
    support: none
requirements:
  - python >= 3.11
  - kubernetes >= 24.2.0
  - requests >= 2.28
"""
