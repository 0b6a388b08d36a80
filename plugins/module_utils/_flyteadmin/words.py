# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""flyteadmin's errors in the words of the inventory: its variables in the place of a module's options. For the controller."""

from __future__ import annotations

import re

from .._inventory.variables import ADMIN_VARIABLES
from .hints import PHRASES, named

#: option of the modules that talk to flyteadmin to inventory variable
INVENTORY_VARIABLES: dict[str, str] = {
    **{option: variable for variable, option in ADMIN_VARIABLES.items()},
    "url": "flyte_admin_url",
    "projects": "flyte_canary_projects",
    "inputs": "flyte_canary_inputs",
}

_SAID = {named(phrase.of_module, str): named(phrase.of_inventory, INVENTORY_VARIABLES.__getitem__) for phrase in PHRASES}
# The longest first, since one phrase may begin as another. Whole words: what is said in these words already stays as it is.
_OURS = re.compile("|".join(rf"(?<!\w){re.escape(text)}(?!\w)" for text in sorted(_SAID, key=len, reverse=True)))


def in_inventory_words(text: str) -> str:
    """Return a module's message with inventory variables where our own hints name options. What flyteadmin said stays as it is."""
    return _OURS.sub(lambda found: _SAID[found.group()], text)
