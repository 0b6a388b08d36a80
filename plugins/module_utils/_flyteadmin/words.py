# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""flyteadmin's errors in the words of the inventory: its variables in the place of a module's options. For the controller."""

from __future__ import annotations

import re
import typing as t

from .._inventory.variables import ADMIN_VARIABLES
from .hints import PHRASES, named

#: option of the modules that talk to flyteadmin to inventory variable
INVENTORY_VARIABLES: dict[str, str] = {
    **{option: variable for variable, option in ADMIN_VARIABLES.items()},
    "url": "flyte_admin_url",
    "timeout": "flyte_request_timeout",
    "projects": "flyte_canary_projects",
    "inputs": "flyte_canary_inputs",
}

#: of a login that is flytepropeller's
PROPELLER_VARIABLES: dict[str, str] = {
    **INVENTORY_VARIABLES,
    **{option: f"flyte_propeller_{option}" for option in ("client_id", "client_secret", "client_secret_file", "token_url", "scopes")},
}


def _translated(variables: dict[str, str]) -> t.Callable[[str], str]:
    said = {named(phrase.of_module, str): named(phrase.of_inventory, variables.__getitem__) for phrase in PHRASES}
    ours = re.compile("|".join(rf"(?<!\w){re.escape(text)}(?!\w)" for text in sorted(said, key=len, reverse=True)))
    return lambda text: ours.sub(lambda found: said[found.group()], text)


_OF_INVENTORY, _OF_PROPELLER = _translated(INVENTORY_VARIABLES), _translated(PROPELLER_VARIABLES)


def in_inventory_words(text: str) -> str:
    """Return a module's message with inventory variables where our own hints name options. What flyteadmin said stays as it is."""
    return _OF_INVENTORY(text)


def in_propeller_words(text: str) -> str:
    """Return a message about flytepropeller's own login, with its variables."""
    return _OF_PROPELLER(text)
