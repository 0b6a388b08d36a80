# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the settings of the data planes' tokens have to be. No I/O."""

from __future__ import annotations

import typing as t

from .._common.times import FORM, seconds_of

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from .reader import Reader


LIFETIME, INTERVAL = "flyte_token_lifetime", "flyte_token_renew_interval"
#: of a TokenRequest's expirationSeconds
_LEAST, _MOST = 600, 1 << 32


def check_tokens(reader: Reader, host: str, settings: Mapping[str, t.Any]) -> None:
    """Check how old tokens may get, and whether those that end are renewed in time."""
    text = settings["flyte_token_max_age"]
    if text is not None and seconds_of(text) is None:
        reader.fault(host, "flyte_token_max_age", text, f"has to be {FORM}.")
    bounded = settings["flyte_token_kind"] == "bounded"
    if settings["flyte_rotate_due"] and text is None and not bounded and not reader.has_fault(host, "flyte_token_max_age"):
        reader.fault(host, "flyte_rotate_due", True, "needs flyte_token_max_age, or flyte_token_kind: bounded: without them no token is due.")
    seconds = {name: seconds_of(settings[name]) for name in (LIFETIME, INTERVAL)}
    for name, number in seconds.items():
        if number is None:
            reader.fault(host, name, settings[name], f"has to be {FORM}.")
    lifetime, interval = seconds[LIFETIME], seconds[INTERVAL]
    if not bounded or lifetime is None or interval is None:
        return
    if not _LEAST <= lifetime <= _MOST:
        reader.fault(host, LIFETIME, settings[LIFETIME], "has to be between 10m and 49710d: that is what a TokenRequest takes.")
    elif lifetime < 2 * interval:
        remedy = f"is shorter than twice {INTERVAL} ({settings[INTERVAL]}): a renewal that fails once could not be repeated in time. Renew more often."
        reader.fault(host, LIFETIME, settings[LIFETIME], remedy)
