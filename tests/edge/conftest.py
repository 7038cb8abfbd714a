"""A fake Asterisk, and a site for a whole daemon on it."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.edge.alone import free_port
from tests.edge.fake_asterisk import SECRET, FakeAmi, fake_ami
from tests.edge.whole import SITE, SPEAKS


@pytest.fixture
async def asterisk() -> AsyncIterator[FakeAmi]:
    async with fake_ami(devices={"PJSIP/101": "INUSE", "PJSIP/102": "INUSE"}) as fake:
        yield fake


@pytest.fixture
def site(tmp_path: Path, asterisk: FakeAmi) -> Path:
    values = {"ami": asterisk.port, "agi": free_port(), "secret": SECRET, "python": sys.executable, "speaks": SPEAKS}
    file = tmp_path / "callhandler.toml"
    file.touch(0o600)
    file.write_text(SITE.format(**values).replace(SPEAKS, SPEAKS.replace("\\", "\\\\")))
    return tmp_path
