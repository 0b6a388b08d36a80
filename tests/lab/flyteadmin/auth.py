# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""flyteadmin's own OAuth2 server (authServerType Self), client credentials only."""

from __future__ import annotations

import base64
import binascii
import json
import secrets
import time
import typing as t
import urllib.parse

from errors import UNAUTHENTICATED, Fault

_NO_ID_TOKEN = "Could not retrieve id token from metadata, caused by: rpc error: code = Unauthenticated desc = Request unauthenticated with IDToken"
_NO_BEARER = "Could not retrieve bearer token from metadata, caused by: rpc error: code = Unauthenticated desc = Request unauthenticated with Bearer"


class Auth:
    """Issues and checks tokens."""

    def __init__(self, issuer: str, client_id: str, client_secret: str, *, lifetime: float = 1800) -> None:
        self._issuer = issuer
        self._client = (client_id, client_secret)
        self._lifetime = lifetime
        self._tokens: dict[str, float] = {}
        self.issued = 0

    def check(self, headers: dict[str, str]) -> None:
        """Raise the recorded fault for a missing or unknown token."""
        lower = {key.lower(): value for key, value in headers.items()}
        header = lower.get("flyte-authorization") or lower.get("authorization") or ""
        scheme, _space, token = header.partition(" ")
        if scheme.lower() != "bearer":
            raise Fault(UNAUTHENTICATED, self._message(f"[JWT_VERIFICATION_FAILED] {_NO_BEARER}"))
        if token.count(".") != 2:
            raise Fault(UNAUTHENTICATED, self._message("token contains an invalid number of segments"))
        if self._tokens.get(token, 0) <= time.monotonic():
            raise Fault(UNAUTHENTICATED, self._message("token has invalid claims: token is expired"))

    @staticmethod
    def _message(reason: str) -> str:
        return f"token parse error id token err: access token err: {reason}, access token err: [JWT_VERIFICATION_FAILED] {_NO_ID_TOKEN}"

    def revoke_all(self) -> None:
        """Make every token invalid, as a restart with new keys would."""
        self._tokens.clear()

    def answer_http(self, request: t.Any, path: str, body: bytes) -> bool:
        """Answer the metadata and token endpoints; False where the path is none of them."""
        if request.command == "GET" and path == "/.well-known/oauth-authorization-server":
            request._json(200, self._metadata())
        elif request.command == "GET" and path == "/config/v1/flyte_client":
            request._json(200, self._client_config())
        elif request.command == "POST" and path == "/oauth2/token":
            status, answer = self._token(request.headers.get("Authorization", ""), urllib.parse.parse_qs(body.decode()))
            request._json(status, answer, "application/json;charset=UTF-8")
        else:
            return False
        return True

    def _metadata(self) -> dict[str, t.Any]:
        return {
            "issuer": self._issuer,
            "authorization_endpoint": f"{self._issuer}/oauth2/authorize",
            "token_endpoint": f"{self._issuer}/oauth2/token",
            "response_types_supported": ["code", "token", "code token"],
            "scopes_supported": ["all"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            "jwks_uri": f"{self._issuer}/oauth2/jwks",
            "code_challenge_methods_supported": ["S256"],
            "grant_types_supported": ["client_credentials", "refresh_token", "authorization_code"],
            "device_authorization_endpoint": "",
        }

    @staticmethod
    def _client_config() -> dict[str, t.Any]:
        return {
            "client_id": "flytectl",
            "redirect_uri": "http://localhost:53593/callback",
            "scopes": ["offline", "all"],
            "authorization_metadata_key": "flyte-authorization",
            "service_http_endpoint": "",
            "audience": "",
        }

    def _token(self, authorization: str, form: dict[str, list[str]]) -> tuple[int, dict[str, t.Any]]:
        if self._basic(authorization) != self._client:
            reason = "Client authentication failed (e.g., unknown client, no client authentication included, or unsupported authentication method)."
            return 401, {"error": "invalid_client", "error_description": reason}
        for scope in form.get("scope", [""])[0].split():
            if scope not in ("all", "offline"):
                reason = f"The requested scope is invalid, unknown, or malformed. The OAuth 2.0 Client is not allowed to request scope '{scope}'."
                return 400, {"error": "invalid_scope", "error_description": reason}
        claims = {"iss": self._issuer, "jti": secrets.token_hex(8), "exp": int(time.time() + self._lifetime)}
        parts = [json.dumps({"alg": "none"}), json.dumps(claims), secrets.token_hex(16)]
        token = ".".join(base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts)
        self._tokens[token] = time.monotonic() + self._lifetime
        self.issued += 1
        return 200, {"access_token": token, "expires_in": int(self._lifetime) - 1, "scope": form.get("scope", ["all"])[0], "token_type": "bearer"}

    @staticmethod
    def _basic(header: str) -> tuple[str, str] | None:
        scheme, _space, encoded = header.partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            name, _colon, secret = base64.b64decode(encoded).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return urllib.parse.unquote_plus(name), urllib.parse.unquote_plus(secret)
