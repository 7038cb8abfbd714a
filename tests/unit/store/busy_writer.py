"""Writes numbered facts as fast as they are kept, until it is killed: `busy_writer.py SITE ROUND SEED`.

Prints the number up to which all facts are on disk (database or spool), and what the journal's alarm says.
"""

import asyncio
import sys
from pathlib import Path
from random import Random

from callhandler.core.events import GapEnded
from callhandler.store.journal import Journal


def say(line: str) -> None:
    """Tell whoever started this."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def main(site: Path, round_: int, seed: int) -> None:
    """Append some, wait until they are kept, and again."""
    random = Random(seed)
    number = 0

    def alarm(sentence: str) -> None:
        say(f"alarm: {sentence}")

    async with Journal("sqlite:///var/journal.db", "pbx1", site, alarm, settle=0.002, retry=0.05) as journal:
        while True:
            for _ in range(random.randint(1, 1_500)):
                journal.append(GapEnded(at=float(number), seconds=0.0, reason=f"{round_}:{number}"))
                number += 1
            if await journal.commit():
                say(str(number))
            await asyncio.sleep(random.random() * 0.01)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
