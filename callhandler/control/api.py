"""The control API: what people and programs may ask of the daemon, and its OpenAPI description (/openapi.json).

Each endpoint asks the `Desk` once and answers with a view. Endpoints are coroutines without an `await` where the desk's
method has none, so that they run in the daemon's event loop and see one moment. Knows no socket and no Asterisk.
"""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Path, Request
from fastapi.responses import StreamingResponse

from callhandler.control.desk import Desk, ReloadResult
from callhandler.control.guard import Guard, answer_errors
from callhandler.control.schemas import (
    AddCallback,
    CancelCallback,
    Close,
    Done,
    Finish,
    Login,
    Move,
    Pause,
    Prioritise,
    Problem,
    Reload,
    RescheduleCallback,
)
from callhandler.control.streams import Streams
from callhandler.core.views import AgentView, CallbackView, CallView, DecisionView, ItemView, QueueView, StatusView

VERSION = "1"
CallId = Annotated[str, Path(max_length=150, description="A call's id, such as `pbx1-1795286814.0`.")]
AgentId = Annotated[str, Path(max_length=32, description="An agent's id, such as `7001`.")]
_PROBLEMS: dict[int | str, dict[str, object]] = {
    403: {"model": Problem, "description": "The asking user may not speak to the daemon."},
    404: {"model": Problem, "description": "There is no such call, agent or queue."},
    409: {"model": Problem, "description": "Understood and refused; the sentence says why."},
    422: {"model": Problem, "description": "The request itself is wrong."},
}


async def _by(request: Request) -> str:  # a coroutine, else FastAPI runs it in a thread
    return str(request.state.peer.user)


By = Annotated[str, Depends(_by)]


def build(desk: Desk, streams: Streams) -> Guard:
    """Return the API as an ASGI application that answers for `desk`."""
    app = FastAPI(
        title="callhandler control API",
        version=VERSION,
        description="The present of a callhandler daemon, and what may be asked of it. Served on a Unix socket only; "
        "who asks is the user at the other end of it. Times are seconds since the epoch (UTC), durations seconds.",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # an empty name is nobody's, not another request
    )
    for router in (_house(desk, streams), _calls(desk), _agents(desk), _callbacks(desk), _inbox(desk)):
        app.include_router(router, prefix=f"/v{VERSION}", responses=_PROBLEMS)
    answer_errors(app)
    return Guard(app)


def _house(desk: Desk, streams: Streams) -> APIRouter:
    router = APIRouter(tags=["daemon"])

    @router.get("/status", summary="How the daemon is")
    async def status() -> StatusView:
        return desk.status()

    @router.get("/queues", summary="The waiting lines now, in the site file's order")
    async def queues() -> Sequence[QueueView]:
        return desk.queues()

    @router.post("/emergency/close", summary="Close the whole site to new calls at once")
    async def close(body: Close, by: By) -> Done:
        desk.emergency(True, body.reason, by)
        return Done()

    @router.post("/emergency/open", summary="End the emergency closing")
    async def open_again(by: By) -> Done:
        desk.emergency(False, "", by)
        return Done()

    @router.post("/reload", summary="Read the site file again, show the differences and apply them")
    async def reload(body: Reload, by: By) -> ReloadResult:
        return await desk.reload(body.dry_run, by)

    @router.get("/facts", summary="Facts as they happen, one JSON object a line, until either side hangs up")
    async def facts() -> StreamingResponse:
        return StreamingResponse(streams.lines(desk.subscribe), media_type="application/x-ndjson")

    return router


def _calls(desk: Desk) -> APIRouter:
    router = APIRouter(prefix="/calls", tags=["calls"])

    @router.get("", summary="The calls that are here now, longest here first")
    async def calls() -> Sequence[CallView]:
        return desk.calls()

    @router.get("/{call}", summary="One call that is here now")
    async def call(call: CallId) -> CallView:
        return desk.call(call)

    @router.get("/{call}/decisions", summary="Why a call, present or past, went where it went")
    async def decisions(call: CallId) -> Sequence[DecisionView]:
        return await desk.explain(call)

    @router.post("/{call}/hangup", summary="Hang up a call, whatever it does")
    async def hang_up(call: CallId, by: By) -> Done:
        desk.hang_up(call, by)
        return Done()

    @router.post("/{call}/move", summary="Move a waiting call to another queue, its time of entry kept")
    async def move(call: CallId, body: Move, by: By) -> CallView:
        return desk.move(call, body.queue, by)

    @router.post("/{call}/prioritise", summary="Change a waiting call's order")
    async def prioritise(call: CallId, body: Prioritise, by: By) -> CallView:
        return desk.prioritise(call, body.priority, body.bonus, by)

    return router


def _agents(desk: Desk) -> APIRouter:
    router = APIRouter(prefix="/agents", tags=["agents"])

    @router.get("", summary="All agents of the site, by id")
    async def agents() -> Sequence[AgentView]:
        return desk.agents()

    @router.post("/{agent}/login", summary="Log an agent in at a phone")
    async def login(agent: AgentId, body: Login, by: By) -> AgentView:
        return desk.login(agent, body.phone, by)

    @router.post("/{agent}/logout", summary="Log an agent out; a conversation under way goes on")
    async def logout(agent: AgentId, by: By) -> AgentView:
        return desk.logout(agent, by)

    @router.post("/{agent}/pause", summary="Send an agent on break; a conversation under way goes on")
    async def pause(agent: AgentId, body: Pause, by: By) -> AgentView:
        return desk.pause(agent, body.reason, by)

    @router.post("/{agent}/resume", summary="Make an agent available: ends a break, misses and wrap-up")
    async def resume(agent: AgentId, by: By) -> AgentView:
        return desk.resume(agent, by)

    return router


def _callbacks(desk: Desk) -> APIRouter:
    router = APIRouter(prefix="/callbacks", tags=["callbacks"])

    @router.get("", summary="The callbacks that are open, in the order of the line")
    async def callbacks() -> Sequence[CallbackView]:
        return desk.callbacks.all()

    @router.post("", summary="Have somebody called back, who takes the place of now")
    async def add(body: AddCallback, by: By) -> CallbackView:
        return await desk.callbacks.add(body.queue, body.number, body.name, body.due, by)

    @router.get("/{call}", summary="One callback that is open")
    async def callback(call: CallId) -> CallbackView:
        return desk.callbacks.one(call)

    @router.post("/{call}/cancel", summary="End a callback that isn't wanted any more")
    async def cancel(call: CallId, body: CancelCallback, by: By) -> Done:
        await desk.callbacks.cancel(call, body.reason, by)
        return Done()

    @router.post("/{call}/reschedule", summary="Have a callback wait until another time, its place kept")
    async def reschedule(call: CallId, body: RescheduleCallback, by: By) -> CallbackView:
        return await desk.callbacks.reschedule(call, body.due, by)

    @router.post("/{call}/run", summary="Have a callback wait for its turn from now on, whatever it waits for")
    async def run(call: CallId, by: By) -> CallbackView:
        return await desk.callbacks.run(call, by)

    return router


def _inbox(desk: Desk) -> APIRouter:
    router = APIRouter(prefix="/inbox", tags=["inbox"])

    @router.get("", summary="What waits for a person to see to, oldest first")
    async def inbox() -> Sequence[ItemView]:
        return desk.inbox()

    @router.post("/{call}/claim", summary="Take on what there is to see to about a call")
    async def claim(call: CallId, by: By) -> Sequence[ItemView]:
        return await desk.claim(call, by)

    @router.post("/{call}/done", summary="Have done what there was to see to about a call")
    async def done(call: CallId, body: Finish, by: By) -> Done:
        await desk.finish(call, body.reason, by)
        return Done()

    return router
