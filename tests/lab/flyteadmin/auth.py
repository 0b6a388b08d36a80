# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""flyteadmin's own OAuth2 server (authServerType Self), client credentials only, and the service by which clients find it."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import secrets
import time
import typing as t
import urllib.parse

from errors import UNAUTHENTICATED, Fault
from flyteidl.service import auth_pb2

_NO_ID_TOKEN = "Could not retrieve id token from metadata, caused by: rpc error: code = Unauthenticated desc = Request unauthenticated with IDToken"
_NO_BEARER = "Could not retrieve bearer token from metadata, caused by: rpc error: code = Unauthenticated desc = Request unauthenticated with Bearer"


class Auth:
    """Issues and checks tokens."""

    def __init__(self, issuer: str, clients: dict[str, str], *, lifetime: float = 1800) -> None:
        """:param clients: the secret of each client id."""
        self._issuer = issuer
        self._clients = clients
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
        """Answer the token endpoint, which is no RPC; False where the path is another."""
        if request.command == "POST" and path == "/oauth2/token":
            status, answer = self._token(request.headers.get("Authorization", ""), urllib.parse.parse_qs(body.decode()))
            request._json(status, answer, "application/json;charset=UTF-8")
        else:
            return False
        return True

    def GetOAuth2Metadata(self, _request: t.Any) -> t.Any:
        return auth_pb2.OAuth2MetadataResponse(
            issuer=self._issuer,
            authorization_endpoint=f"{self._issuer}/oauth2/authorize",
            token_endpoint=f"{self._issuer}/oauth2/token",
            response_types_supported=["code", "token", "code token"],
            scopes_supported=["all"],
            token_endpoint_auth_methods_supported=["client_secret_basic"],
            jwks_uri=f"{self._issuer}/oauth2/jwks",
            code_challenge_methods_supported=["S256"],
            grant_types_supported=["client_credentials", "refresh_token", "authorization_code"],
        )

    def GetPublicClientConfig(self, _request: t.Any) -> t.Any:
        return auth_pb2.PublicClientAuthConfigResponse(
            client_id="flytectl",
            redirect_uri="http://localhost:53593/callback",
            scopes=["offline", "all"],
            authorization_metadata_key="flyte-authorization",
        )

    def _token(self, authorization: str, form: dict[str, list[str]]) -> tuple[int, dict[str, t.Any]]:
        name, secret = self._basic(authorization)
        if name not in self._clients or not hmac.compare_digest(self._clients[name].encode(), secret.encode()):
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
    def _basic(header: str) -> tuple[str, str]:
        scheme, _space, encoded = header.partition(" ")
        if scheme.lower() != "basic":
            return "", ""
        try:
            name, _colon, secret = base64.b64decode(encoded).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return "", ""
        return urllib.parse.unquote_plus(name), urllib.parse.unquote_plus(secret)
