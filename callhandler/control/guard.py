"""Before every request: the peer is let in or not, bodies stay small, and each error becomes one sentence."""

from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from callhandler.control.desk import NotHere
from callhandler.errors import CallhandlerError

MOST_BODY = 65_536
"""Bytes of a request's body. The largest one ever needed is a sentence."""
_WORDS = {
    "string_pattern_mismatch": "an id is wanted here: at most 32 letters, digits, - and _",  # schemas.py has no other pattern
    "string_too_long": "is too long; at most {max_length} characters are allowed",
    "string_too_short": "is too short; at least {min_length} characters are wanted",
    "string_unicode": "is not UTF-8; write it in UTF-8",
}
"""What pydantic calls an error -> what is said of it."""


class Guard:
    """An ASGI application before the real one. `scope["state"]["peer"]` is the peer, or None for one not let in."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 403 to a peer that may not enter and 413 to a body that is too large, else ask the application."""
        if scope["type"] != "http":
            return
        if scope.get("state", {}).get("peer") is None:
            await _problem(
                403, "only root, the daemon's user and members of the control socket's group may speak to it"
            )(scope, receive, send)
            return
        body = await _body(receive)
        if body is None:
            await _problem(413, f"the request's body is larger than {MOST_BODY} bytes")(scope, receive, send)
            return
        await self.app(scope, _replay(body, receive), send)


def answer_errors(app: FastAPI) -> None:
    """Make every error of `app` an answer {"error": sentence} with its status."""
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(CallhandlerError, _refused)
    app.add_exception_handler(Exception, _failed)


async def _body(receive: Receive) -> bytes | None:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return b"".join(parts)
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MOST_BODY:
            return None
        if not message.get("more_body", False):
            return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    sent = False

    async def again() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _problem(status: int, sentence: str) -> JSONResponse:
    return JSONResponse({"error": sentence}, status_code=status)


async def _invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    places = (
        f"{'.'.join(str(part) for part in one['loc'][1:]) or one['loc'][0]}: {_said(one['type'], one['msg'], one.get('ctx', {}))}"
        for one in error.errors()
    )
    return _problem(422, "; ".join(places))


def _said(kind: str, message: str, limits: Mapping[str, object]) -> str:
    """Return what pydantic says of a value in words for whoever typed it."""
    return _WORDS[kind].format_map(limits) if kind in _WORDS else message.removeprefix("Value error, ")


async def _http(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if error.status_code == 400:  # FastAPI's for a body that is no UTF-8, or nested too deep
        return _problem(422, "the request's body can't be read: it must be a JSON object in UTF-8")
    return _problem(error.status_code, f"{error.detail}: the control API has no such request")


async def _refused(_request: Request, error: Exception) -> JSONResponse:
    return _problem(404 if isinstance(error, NotHere) else 409, str(error))


async def _failed(_request: Request, _error: Exception) -> JSONResponse:
    return _problem(500, "the daemon failed at this request; its log says why")
