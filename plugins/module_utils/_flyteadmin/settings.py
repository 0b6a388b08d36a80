# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How to reach flyteadmin and who to be there: the options of the doc fragment flyte.multicluster.flyteadmin."""

from __future__ import annotations

import dataclasses
import os
import re
import typing as t
import urllib.parse

from .._common.files import expanded, text_of
from .._common.redaction import shown_path
from .errors import AdminError
from .hints import CREDENTIALS_IN_URL, GIVE_URL, NO_SECRET, SECRET_FILES, SET_SECRET, USE_LOGIN

if t.TYPE_CHECKING:
    from collections.abc import Mapping

#: what a header takes of a token; a client's secret is encoded before it stands there
_SENDABLE = {"token": re.compile(r"[\x21-\x7e]+"), "client_secret": re.compile(r"[^\x00-\x1f\x7f]+")}
ADMIN_OPTIONS: dict[str, dict[str, t.Any]] = {
    "url": {"type": "str", "required": True},
    "token": {"type": "str", "no_log": True},
    "token_file": {"type": "path", "no_log": False},
    "client_id": {"type": "str"},
    "client_secret": {"type": "str", "no_log": True},
    "client_secret_file": {"type": "path", "no_log": False},
    "token_url": {"type": "str", "no_log": False},
    "token_ca_cert": {"type": "path", "no_log": False},
    "scopes": {"type": "list", "elements": "str"},
    "audience": {"type": "str"},
    "authorization_header": {"type": "str"},
    "validate_certs": {"type": "bool", "default": True},
    "ca_cert": {"type": "path"},
    "client_cert": {"type": "path"},
    "client_key": {"type": "path", "no_log": False},
    "proxy": {"type": "str"},
    "timeout": {"type": "float", "default": 15.0},
    "retry_for": {"type": "float", "default": 30.0},
}
#: of these, those that say how flyteadmin is reached, and not who asks
ADMIN_CONNECTION = ("url", "token_ca_cert", "validate_certs", "ca_cert", "client_cert", "client_key", "proxy", "timeout", "retry_for")
ADMIN_REQUIRED_TOGETHER = [("client_cert", "client_key")]
ADMIN_MUTUALLY_EXCLUSIVE = [("token", "token_file", "client_id"), ("client_secret", "client_secret_file")]
_READABLE = "It has to be a text file that can be read on this machine."
#: environment variables of the secrets, where neither the option nor its file is given
TOKEN_VARIABLE, SECRET_VARIABLE = "FLYTE_ADMIN_TOKEN", "FLYTE_CLIENT_SECRET"


@dataclasses.dataclass(frozen=True)
class Settings:
    """How to reach flyteadmin and who to be there. ``client_secret`` and ``token`` are secrets."""

    url: str
    token: str | None = dataclasses.field(default=None, repr=False)
    client_id: str | None = None
    client_secret: str | None = dataclasses.field(default=None, repr=False)
    token_url: str | None = None
    token_ca_cert: str | None = None
    scopes: tuple[str, ...] | None = None
    audience: str | None = None
    authorization_header: str | None = None
    validate_certs: bool = True
    ca_cert: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    # It may hold a password.
    proxy: str | None = dataclasses.field(default=None, repr=False)
    timeout: float = 15.0
    retry_for: float = 30.0

    @classmethod
    def from_params(cls, params: Mapping[str, t.Any], environ: Mapping[str, str] | None = None) -> Settings:
        """Return the settings from a module's options.

        :raises AdminError: an option is missing or wrong, or its file cannot be read.
        """
        environ = os.environ if environ is None else environ
        url = params["url"].rstrip("/")
        _check_url(url)
        secret = token = None
        if params.get("client_id"):
            secret = _secret(params, "client_secret", SECRET_VARIABLE, environ)
            if not secret:
                raise AdminError(NO_SECRET, hint=SET_SECRET)
        else:
            token = _secret(params, "token", TOKEN_VARIABLE, environ)
        given = {"url": url, "client_secret": secret, "token": token}
        known = {field.name for field in dataclasses.fields(cls)} - {*given, "scopes"}
        scopes = params.get("scopes")
        return cls(
            **given,
            scopes=None if scopes is None else tuple(scopes),
            **{name: params[name] for name in known if params.get(name) is not None},
        )

    @property
    def secrets(self) -> list[str]:
        """What must never be shown."""
        return [value for value in (self.token, self.client_secret) if value]


def _check_url(url: str) -> None:
    try:
        parts = urllib.parse.urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # an address in brackets, or a port, that is none
        usable = False
    if not usable:
        raise AdminError(f"{_without_credentials(url)!r} is no http or https URL.", hint=GIVE_URL)
    if parts.username or parts.password:
        raise AdminError(CREDENTIALS_IN_URL, hint=USE_LOGIN)


def _without_credentials(url: str) -> str:
    before, at, after = url.rpartition("@")
    return f"{before.partition('//')[0]}//***{at}{after}" if at else url


def _secret(params: Mapping[str, t.Any], option: str, variable: str, environ: Mapping[str, str]) -> str | None:
    """Return a secret from its option, else its file, else the environment."""
    if params.get(option):
        return t.cast(str, params[option])
    path = params.get(f"{option}_file")
    if not path:
        return environ.get(variable) or None
    try:
        content = text_of(expanded(path)).strip()
    except (OSError, ValueError) as error:
        raise AdminError(f"{SECRET_FILES[option]} {shown_path(path)}: {getattr(error, 'strerror', None) or 'no text'}.", hint=_READABLE) from error
    if not content:
        raise AdminError(f"{SECRET_FILES[option]} {shown_path(path)} is empty.", hint="It has to hold the secret.")
    if not _SENDABLE[option].fullmatch(content):
        problem = "has a line break within it, or what no header takes"
        raise AdminError(f"{SECRET_FILES[option]} {shown_path(path)} {problem}: it cannot be sent.", hint="It has to hold the secret alone.")
    return content
