"""The provider's addresses, laid out like those of Pro Santé Connect.

Source: clients.md 7.1 and 7.2; RFC 6749 sections 3 and 5; RFC 9207; reliability.md E01, E02, E09.
"""

import hmac
from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from mssante.doors.identity.pages import STYLE, choose_page, error_page, phone_page
from mssante.flows.provider import Provider
from mssante.wire.oidc.claims import discovery
from mssante.wire.oidc.values import Client, OAuthError

BODY_MAX_BYTES: Final = 64 * 1024
FIELDS_MAX: Final = 50
# One for each page: somebody who looks at the telephone keeps the page on which he chooses who he is.
CHOOSE_COOKIE: Final = "__Host-mssante-provider-choose"
PHONE_COOKIE: Final = "__Host-mssante-provider-phone"
_HEADERS: Final = {
    "Cache-Control": "no-store",
    # Not "no-referrer": browsers would then post our own forms with "Origin: null" (Fetch, request Origin header).
    "Referrer-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
}
# Of forms the answer may lead to the program's own address: form-action would stop it, the Origin check stands for it.
_CSP: Final = "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'"

Endpoint = Callable[[Request], Awaitable[Response]]


class _Door:
    """The endpoints; hold nothing but the use case."""

    def __init__(self, provider: Provider, new_token: Callable[[], str]) -> None:
        self._provider = provider
        self._new_token = new_token
        issuer = provider.settings.issuer
        parts = urlsplit(issuer)
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._path = parts.path
        self._base = f"{self._path}/protocol/openid-connect"

    def routes(self) -> list[Route]:
        base, path = self._base, self._path
        table: list[tuple[str, Endpoint, list[str]]] = [
            (f"{path}/.well-known/openid-configuration", self.describe, ["GET"]),
            (f"{path}/.well-known/wallet-openid-configuration", self.describe, ["GET"]),
            (f"{base}/auth", self.authorize, ["GET", "POST"]),
            (f"{base}/choose", self.choose, ["POST"]),
            (f"{base}/token", self.token, ["POST"]),
            (f"{base}/userinfo", self.userinfo, ["GET", "POST"]),
            (f"{base}/logout", self.log_out, ["POST"]),
            (f"{base}/token/introspect", self.introspect, ["POST"]),
            (f"{base}/certs", self.keys, ["GET"]),
            (f"{base}/ext/ciba/auth", self.decoupled, ["POST"]),
            (f"{path}/telephone", self.phone, ["GET", "POST"]),
            (f"{path}/style.css", self.style, ["GET"]),
        ]
        return [Route(where, endpoint, methods=methods) for where, endpoint, methods in table]

    # -- documents -----------------------------------------------------------------------------------------------

    async def describe(self, _request: Request) -> Response:
        return _json(discovery(self._provider.settings.issuer))

    async def keys(self, _request: Request) -> Response:
        return _json(self._provider.published_keys())

    async def missing(self, request: Request, error: Exception) -> Response:
        """Answer what no address answers, as safely as the rest."""
        del request
        status = error.status_code if isinstance(error, HTTPException) else 500
        allowed = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
        answer = self._page(error_page("Rien ne répond à cette adresse demandée ainsi.", self._style_at), status)
        answer.headers.update(allowed)
        return answer

    async def style(self, _request: Request) -> Response:
        return Response(STYLE, media_type="text/css", headers={**_HEADERS, "Cache-Control": "max-age=3600"})

    # -- the browser ---------------------------------------------------------------------------------------------

    async def authorize(self, request: Request) -> Response:
        form = dict(request.query_params) if request.method == "GET" else await _form(request)
        found = self._provider.redirect_of(form)
        if isinstance(found, OAuthError):
            return self._page(error_page(f"Votre logiciel a mal demandé : {found.description}.", self._style_at), 400)
        client, uri = found
        number = self._provider.ask(client, uri, form)
        if isinstance(number, OAuthError):
            return self._back(uri, error=number.code, error_description=number.description, state=form.get("state", ""))
        page = choose_page(self._provider.people.values(), number, f"{self._base}/choose", self._style_at)
        answer = self._page(page)
        answer.set_cookie(CHOOSE_COOKIE, number, secure=True, httponly=True, samesite="lax", path="/")
        return answer

    async def choose(self, request: Request) -> Response:
        form = await _form(request)
        if not self._is_ours(request, CHOOSE_COOKIE, form.get("request", "")):
            return self._page(
                error_page("Cette page est trop ancienne : repartez de votre logiciel.", self._style_at), 403
            )
        found = self._provider.choose(form.get("request", ""), form.get("who", ""))
        if isinstance(found, OAuthError):
            return self._page(
                error_page("Cette page est trop ancienne : repartez de votre logiciel.", self._style_at), 400
            )
        asked, code = found
        return self._back(asked.redirect_uri, code=code, state=asked.state)

    async def phone(self, request: Request) -> Response:
        if request.method == "POST":
            form = await _form(request)
            if not self._is_ours(request, PHONE_COOKIE, form.get("token", "")):
                return self._page(error_page("Cette page est trop ancienne : rechargez-la.", self._style_at), 403)
            self._provider.answer(form.get("request", ""), approved=form.get("answer") == "yes")
            return RedirectResponse(f"{self._path}/telephone", 303, headers=_HEADERS)
        token = self._new_token()
        page = phone_page(self._provider.waiting(), token, f"{self._path}/telephone", self._style_at)
        answer = self._page(page)
        answer.set_cookie(PHONE_COOKIE, token, secure=True, httponly=True, samesite="lax", path="/")
        return answer

    # -- programs ------------------------------------------------------------------------------------------------

    async def token(self, request: Request) -> Response:
        return await self._for_client(request, self._provider.token)

    async def decoupled(self, request: Request) -> Response:
        return await self._for_client(request, self._provider.start_decoupled)

    async def introspect(self, request: Request) -> Response:
        def told(client: Client, form: dict[str, str]) -> dict[str, Any] | OAuthError:
            if not client.secret:
                return OAuthError("invalid_client", "only a confidential client may ask", 401)
            return self._provider.introspect(form.get("token", ""))

        return await self._for_client(request, told)

    async def log_out(self, request: Request) -> Response:
        def ended(client: Client, form: dict[str, str]) -> dict[str, Any]:
            self._provider.log_out(client, form.get("refresh_token", ""))
            return {}

        return await self._for_client(request, ended)

    async def userinfo(self, request: Request) -> Response:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        return _answer(self._provider.userinfo(token if scheme.lower() == "bearer" else ""))

    async def _for_client(
        self, request: Request, work: Callable[[Client, dict[str, str]], dict[str, Any] | OAuthError]
    ) -> Response:
        form = await _form(request)
        client = self._provider.authenticate(form, request.headers.get("authorization", ""))
        return _answer(client if isinstance(client, OAuthError) else work(client, form))

    # -- what pages need ------------------------------------------------------------------------------------------

    @property
    def _style_at(self) -> str:
        return f"{self._path}/style.css"

    def _is_ours(self, request: Request, name: str, token: str) -> bool:
        """Tell whether a form was posted from our own page to the same browser."""
        cookie = request.cookies.get(name, "")
        origin = request.headers.get("origin")
        return bool(token) and origin == self._origin and hmac.compare_digest(cookie.encode(), token.encode())

    def _page(self, text: str, status: int = 200) -> HTMLResponse:
        return HTMLResponse(text, status, headers={**_HEADERS, "Content-Security-Policy": _CSP})

    def _back(self, uri: str, **facts: str) -> Response:
        told = {name: value for name, value in facts.items() if value}
        query = urlencode({**told, "iss": self._provider.settings.issuer})
        return RedirectResponse(f"{uri}{'&' if '?' in uri else '?'}{query}", 303, headers=_HEADERS)


def build_app(provider: Provider, new_token: Callable[[], str]) -> Starlette:
    """Return the application of one provider.

    Args:
        provider: the use case.
        new_token: returns an unguessable text, for forms.
    """
    door = _Door(provider, new_token)
    return Starlette(routes=door.routes(), exception_handlers={HTTPException: door.missing})


async def _form(request: Request) -> dict[str, str]:
    """Return what was posted, the first value of each name; too much of it counts as nothing."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_MAX_BYTES:
            return {}
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=FIELDS_MAX)
    except ValueError:
        return {}
    return dict(reversed(pairs))


def _answer(found: dict[str, Any] | OAuthError) -> Response:
    if isinstance(found, OAuthError):
        answer = _json({"error": found.code, "error_description": found.description}, found.status)
        if found.status == 401:
            answer.headers["WWW-Authenticate"] = "Basic" if found.code == "invalid_client" else "Bearer"
        return answer
    return _json(found)


def _json(value: dict[str, Any], status: int = 200) -> JSONResponse:
    return JSONResponse(value, status, headers={**_HEADERS, "Content-Security-Policy": "default-src 'none'"})
