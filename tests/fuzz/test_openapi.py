"""The control API asked by schemathesis, from the OpenAPI document it gives, over its real Unix socket: good requests and spoilt ones.

Somebody else's reading of the document, and of each answer against it, beside that of our own target `control`. Each request meets the
real front desk of a new world (two callers in line, agents logged in), so that one that fails fails again.
"""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from requests.adapters import HTTPAdapter
from schemathesis import Case, GenerationMode
from schemathesis.schemas import APIOperation
from urllib3 import HTTPConnectionPool
from urllib3.connection import HTTPConnection

from tests.fuzz.connecting import Served
from tests.fuzz.control import DeskOfNow, Story
from tests.fuzz.running import exceptions, quiet

EXAMPLES = 7
"""Of each request, good ones and as many spoilt ones."""
HERE = {"agent": ("7001", "7002", "7003"), "call": ("test-001", "test-002")}
"""Names that mean somebody; of most that schemathesis makes up nobody has heard."""
BASE = "http://localhost"


class OverSocket(HTTPAdapter):
    """requests' way to a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__()

        class Connection(HTTPConnection):
            def _new_conn(self) -> socket.socket:
                connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                connection.settimeout(10)
                connection.connect(str(path))
                return connection

        self._pool = HTTPConnectionPool("localhost")
        self._pool.ConnectionCls = Connection

    def get_connection_with_tls_context(self, *_: object, **__: object) -> HTTPConnectionPool:
        return self._pool

    def close(self) -> None:
        self._pool.close()


class Asking:
    """A session with the server, and the desk behind it."""

    def __init__(self, desk: DeskOfNow, session: requests.Session) -> None:
        self.desk = desk
        self.session = session
        self.answered: list[int] = []

    def operations(self) -> Iterator[APIOperation]:
        """All that can be asked, but for the live log, which has no end."""
        document = self.session.get(f"{BASE}/openapi.json").json()
        for found in schemathesis.openapi.from_dict(document).exclude(path="/v1/facts").get_all_operations():
            yield found.ok()

    def ask(self, case: Case) -> None:
        """Ask a new world. Raises what is wrong with the answer."""
        self.desk.story = Story()
        answer = case.call(base_url=BASE, session=self.session)
        self.answered.append(answer.status_code)
        case.validate_response(answer)
        assert exceptions() == []


@pytest.fixture
def asking() -> Iterator[Asking]:
    desk = DeskOfNow()
    served = Served(desk)
    try:
        with quiet(), requests.Session() as session:
            session.trust_env = False
            session.mount("http://", OverSocket(served.path))
            yield Asking(desk, session)
    finally:
        served.stop()
    assert served.failures.seen == []


@pytest.mark.parametrize("mode", GenerationMode)
def test_every_answer_is_as_the_document_says(asking: Asking, mode: GenerationMode) -> None:
    for operation in asking.operations():
        if mode is GenerationMode.NEGATIVE and not operation.path_parameters and not operation.body:
            continue  # nothing of it could be spoilt

        @settings(
            max_examples=EXAMPLES, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
        )
        @given(case=operation.as_strategy(generation_mode=mode), data=st.data())
        def asked(case: Case, data: st.DataObject) -> None:
            for name in case.path_parameters or {}:
                if data.draw(st.booleans(), "somebody who is here"):
                    case.path_parameters[name] = data.draw(st.sampled_from(HERE[name]))
            asking.ask(case)

        asked()
    good = {200, 404, 409} if mode is GenerationMode.POSITIVE else {422}
    assert good <= set(asking.answered), "each kind of answer was had"
