"""Who may connect: keys, browser origins and, without keys, only this very machine."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator

from starlette.requests import HTTPConnection

from gateway.errors import GatewayError
from gateway.settings import Settings, is_loopback

__all__ = ["LOCAL_USER", "authenticate"]

LOCAL_USER = "local"
"""The one user there is when no keys are configured."""

_BEARER_SUBPROTOCOL = "bearer."
_HOST = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]{2,45})\]|(?P<name>[0-9A-Za-z._-]{1,255}))(?::\d{1,5})?")


def authenticate(connection: HTTPConnection, settings: Settings) -> str:
    """The user behind a request or WebSocket handshake.

    Raises GatewayError: `unauthorized` without a valid key, `forbidden` from an origin that is not allowed.
    """
    _check_origin(connection, settings)
    if not settings.api_keys:
        return LOCAL_USER
    user = None
    for offered in _offered_keys(connection):
        for key, owner in settings.api_keys.items():
            # Every key is compared, in constant time, so that nothing can be learnt from how long it takes.
            if hmac.compare_digest(key.encode(), offered.encode()):
                user = owner
    if user is None:
        raise GatewayError("A valid API key is needed.", code="unauthorized")
    return user


def _offered_keys(connection: HTTPConnection) -> Iterator[str]:
    scheme, _, key = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        yield key.strip()
    for subprotocol in connection.scope.get("subprotocols", ())[:8]:
        if subprotocol.startswith(_BEARER_SUBPROTOCOL):
            yield subprotocol.removeprefix(_BEARER_SUBPROTOCOL)


def _check_origin(connection: HTTPConnection, settings: Settings) -> None:
    host = connection.headers.get("host", "")
    name = _HOST.fullmatch(host)
    if name is None:
        raise GatewayError("The Host header is no host name.", code="forbidden")
    origin = connection.headers.get("origin")
    may_be_browser = origin is not None or connection.scope["type"] == "http"
    if may_be_browser and not settings.api_keys and not is_loopback(name["v6"] or name["name"]):
        # Without keys, a page that points its own name at this machine must not get in.
        raise GatewayError("Without API keys only a loopback host name is served.", code="forbidden")
    if origin is None:
        return
    secure = connection.url.scheme in ("https", "wss")
    own = f"{'https' if secure else 'http'}://{host}"  # where the gateway's own page comes from
    if origin != own and origin not in settings.allowed_origins:
        raise GatewayError("This origin is not allowed.", code="forbidden")
