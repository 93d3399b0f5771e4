"""The desk as one application: pages and answers behind the guard, errors said in the house's words."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from hubs.errors import InputError
from optimizer.desk import answers, pages
from optimizer.desk.desk import Desk
from optimizer.desk.guard import Guard, Refusal


def make_app(folder: Path, port: int) -> Guard:
    """The desk of a folder, to be served on the loopback at `port`."""
    desk = Desk.at(folder)

    @asynccontextmanager
    async def at_work(app: FastAPI) -> AsyncIterator[None]:
        app.state.desk = desk
        desk.open()
        try:
            yield
        finally:
            await run_in_threadpool(desk.close)

    app = FastAPI(lifespan=at_work, docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(pages.router)
    app.include_router(answers.router)
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(InputError, _faulty)
    app.add_exception_handler(HTTPException, _unknown)
    app.add_exception_handler(RequestValidationError, _misasked)
    return Guard(app, port)


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return _said(request, error.status, str(error))


def _faulty(request: Request, error: Exception) -> Response:
    """A run that lacks a table or cannot be read."""
    assert isinstance(error, InputError)
    return _said(request, 422, "This cannot be shown.", tuple(map(str, error.faults)))


def _unknown(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _said(request, error.status_code, "There is no such page on the desk.")


def _misasked(request: Request, error: Exception) -> Response:
    """What was asked is not repeated: it may hold anything."""
    assert isinstance(error, RequestValidationError)
    named = {str(item["loc"][1]) for item in error.errors() if len(item["loc"]) > 1}
    places = sorted(name for name in named if name.isidentifier() and len(name) < 20)
    return _said(request, 422, f"Not understood: {', '.join(places) or 'what was asked'}.")


def _said(request: Request, status: int, message: str, faults: tuple[str, ...] = ()) -> Response:
    if request.url.path.startswith("/api/"):
        return JSONResponse({"message": " ".join([message, *faults])}, status)
    return pages.refused(request.app.state.desk, status, message, faults)
