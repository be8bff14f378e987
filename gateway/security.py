"""Who may connect: keys, browser origins and, without keys, only this very machine."""

from __future__ import annotations

import hmac
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from gateway.errors import GatewayError
from gateway.settings import Settings, is_loopback

__all__ = ["LOCAL_USER", "authenticate"]

LOCAL_USER = "local"
"""The one user there is when no keys are configured."""

_BEARER_SUBPROTOCOL = "bearer."


def authenticate(connection: HTTPConnection, settings: Settings) -> str:
    """The user behind a request or WebSocket handshake.

    Raises GatewayError: `unauthorized` without a valid key, `forbidden` from an origin that is not allowed.
    """
    _check_origin(connection, settings)
    if not settings.api_keys:
        return LOCAL_USER
    offered = _offered_key(connection).encode()
    user = None
    for key, owner in settings.api_keys.items():
        # Every key is compared, in constant time, so that nothing can be learnt from how long it takes.
        if hmac.compare_digest(key.encode(), offered):
            user = owner
    if user is None:
        raise GatewayError("A valid API key is needed.", code="unauthorized")
    return user


def _offered_key(connection: HTTPConnection) -> str:
    scheme, _, key = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return key.strip()
    for subprotocol in connection.scope.get("subprotocols", ()):
        if subprotocol.startswith(_BEARER_SUBPROTOCOL):
            return str(subprotocol.removeprefix(_BEARER_SUBPROTOCOL))
    return ""


def _check_origin(connection: HTTPConnection, settings: Settings) -> None:
    host = connection.headers.get("host", "")
    if not settings.api_keys and not is_loopback(urlsplit(f"//{host}").hostname or ""):
        # Without keys, a page that points its own name at this machine must not get in.
        raise GatewayError("Without API keys only a loopback host name is served.", code="forbidden")
    origin = connection.headers.get("origin")
    if origin is None:  # not a browser
        return
    if settings.allowed_origins:
        allowed = origin in settings.allowed_origins
    else:
        secure = connection.url.scheme in ("https", "wss")
        allowed = origin == f"{'https' if secure else 'http'}://{host}"
    if not allowed:
        raise GatewayError("This origin is not allowed.", code="forbidden")
