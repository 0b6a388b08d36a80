# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every text of the inventory has to be, beside what its own variable wants: one line that shows what it is. No I/O."""

from __future__ import annotations

import re
import typing as t

from .reader import NOT_SHOWN
from .urls import PROXIES
from .variables import CERTIFICATE_VARIABLES, PROPELLER_VARIABLES, SENT

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from .reader import Reader
    from .variables import Variable

#: paths of files whose content is a secret, or often stands beside one
_FILES = frozenset(
    {f"flyte_kube_{name}" for name in ("ca_cert", "client_cert", "client_key")}
    | {f"flyte_admin_{name}" for name in ("ca_cert", "client_cert", "client_key", "token_file")}
    | {"flyte_token_ca_cert", "flyte_client_secret_file", "flyte_propeller_client_secret_file"}
)
#: paths of files that a run writes or reads, which may not be URLs: these are written to nowhere, and may hold a password
_OF_A_RUN = frozenset({"flyte_status_json", "flyte_status_page", "flyte_plan_file", "flyte_approved_plan"})
#: what is checked on its own, and not shown
_OWN_CHECK = frozenset({*SENT, *PROXIES, *CERTIFICATE_VARIABLES, *PROPELLER_VARIABLES} - {"flyte_propeller_client_secret_file"})
#: what becomes of bytes that are no text, and what ends a text for many a program
_BINARY = re.compile("[\x00\ud800-\udfff]")


def check_connection(reader: Reader, host: str, variables: Mapping[str, Variable]) -> None:
    """Check the types of what says how something is reached, which nothing else reads before it is used."""
    for name, variable in variables.items():
        if name not in _OWN_CHECK and not reader.has_fault(host, name):
            reader.read(host, name, variable)


def check_texts(reader: Reader, host: str, variables: Mapping[str, Variable]) -> None:
    """Check the texts of a host with which nothing else is wrong."""
    for name, variable in variables.items():
        value = reader.raw(host, name)
        if isinstance(value, str) and _BINARY.search(value) and name not in SENT and not reader.has_fault(host, name):
            remedy = "is no text: it has bytes in it that are none in UTF-8, or a NUL. (It is not shown.)"
            reader.fault(host, name, NOT_SHOWN, remedy)
        if name == "flyte_kubeconfig" and isinstance(value, str) and ("\n" in value.strip() or value.lstrip().startswith("{")):
            reader.fault(host, name, NOT_SHOWN, "has to be the path of a file, or what is in it as a mapping ('| from_yaml'). (It is not shown.)")
        if name == "flyte_kubeconfig" and value == "":
            reader.fault(host, name, value, "must not be empty; leave it out.")
        if variable.secret and value == "" and name not in _OWN_CHECK:
            reader.fault(host, name, NOT_SHOWN, "must not be empty; leave it out.")
        if variable.kind != "str" or not isinstance(value, str) or name in _OWN_CHECK or variable.secret or reader.has_fault(host, name):
            continue
        if name in _FILES and ("\n" in value.strip() or "-----" in value):
            reader.fault(host, name, NOT_SHOWN, "has to be the path of a file, not what is in it. (It is not shown.)")
        elif name in _OF_A_RUN and "://" in value:
            reader.fault(host, name, NOT_SHOWN, "is a URL (not shown), and has to be the path of a file on this machine.")
        elif not value:
            # Taken for one that is left out it would lead elsewhere: to the current context, past a proxy, past the plan that was approved.
            left_out = f"left out, it is {variable.default}" if variable.default else "leave it out"
            reader.fault(host, name, value, f"must not be empty; {left_out}.")
        elif not one_line(value):
            reader.fault(host, name, value, "has to be one line of text, without control characters and white space around it.")


def one_line(text: str) -> bool:
    """Return whether a text has nothing in it that a screen would not show, and no white space around it."""
    return text.isprintable() and text == text.strip()
