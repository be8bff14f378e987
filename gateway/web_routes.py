"""The browser voice client at `/`: files read once, under a policy that lets nothing from elsewhere in."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

__all__ = ["web_routes"]

_FOLDER = Path(__file__).with_name("web")
_MEDIA_TYPES: Final = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",  # asked for again each time, and answered by 304
}


def web_routes() -> list[Route]:
    """The page and its parts. They hold no data and need no key: what they ask the gateway for does."""
    files = sorted(path for path in _FOLDER.iterdir() if path.suffix in _MEDIA_TYPES)
    return [_route("/" if path.name == "index.html" else f"/{path.name}", path) for path in files]


def _route(at: str, path: Path) -> Route:
    content = path.read_bytes()
    etag = f'"{sha256(content).hexdigest()[:32]}"'
    headers = {**_HEADERS, "ETag": etag}

    async def endpoint(request: Request) -> Response:
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers=headers)
        return Response(content, media_type=_MEDIA_TYPES[path.suffix], headers=headers)

    return Route(at, endpoint)
