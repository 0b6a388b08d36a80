# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CA certificates and secrets of the inventory: as text, or in a file on this machine."""

from __future__ import annotations

import typing as t

from ansible_collections.flyte.multicluster.plugins.module_utils._common.certificates import is_certificate
from ansible_collections.flyte.multicluster.plugins.module_utils._common.files import expanded, text_of
from ansible_collections.flyte.multicluster.plugins.module_utils._common.redaction import shown_path
from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import Refused

if t.TYPE_CHECKING:
    from collections.abc import Callable

    Read = Callable[[str, str], t.Any]


def content_of(host: str, variable: str, path: str) -> str:
    """Return the text of a file that a variable names.

    :raises Refused: it cannot be read.
    """
    try:
        return text_of(expanded(path))
    except (OSError, ValueError) as error:
        shown = shown_path(path) if variable.endswith("_secret_file") else path
        raise Refused(f"{host}: {variable} = {shown!r}: {getattr(error, 'strerror', None) or 'no text'}: it has to be a file that can be read here.") from error


def certificate_of(host: str, variable: str, read: Read) -> str | None:
    """Return the certificates that a variable gives, as PEM or by the path of a file; None where it is not set.

    :raises Refused: they cannot be read, or are none.
    """
    value = read(host, variable)
    if value is None:
        return None
    given = str(value)
    text = given if "-----BEGIN" in given else content_of(host, variable, given)
    if not is_certificate(text):
        what = "the PEM that it holds" if given is text else repr(given)
        raise Refused(f"{host}: {variable} = {what}: has to be a CA certificate as PEM, with its BEGIN and END lines.")
    return text.strip() + "\n"
