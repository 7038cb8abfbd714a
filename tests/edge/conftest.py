"""A fake Asterisk, and a site for a whole daemon on it."""

import wave
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.edge.fake_asterisk import SECRET, FakeAmi, fake_ami
from tests.edge.whole import SITE
from tests.ports import free_port


@pytest.fixture
async def asterisk() -> AsyncIterator[FakeAmi]:
    async with fake_ami(devices={"PJSIP/101": "INUSE", "PJSIP/102": "INUSE"}) as fake:
        yield fake


@pytest.fixture
def site(tmp_path: Path, asterisk: FakeAmi) -> Path:
    spoken = tmp_path / "spoken.wav"
    with wave.open(str(spoken), "wb") as file:
        file.setparams((1, 2, 8_000, 0, "NONE", ""))
        file.writeframes(b"\0\x40" * 800)
    path = tmp_path / "callhandler.toml"
    path.touch(0o600)
    path.write_text(SITE.format(ami=asterisk.port, agi=free_port(), secret=SECRET, spoken=spoken))
    return tmp_path
