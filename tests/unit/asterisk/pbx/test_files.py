"""How many files Asterisk may have open: what a shell allows is enough for 170 calls."""

import subprocess
import sys

TOLD = """
import resource
from callhandler.asterisk.pbx.process import more_files
resource.setrlimit(resource.RLIMIT_NOFILE, (1_024, {hard}))
more_files()
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


def soft_limit_under(hard: int) -> int:
    """The limit after `more_files` in a program whose own were 1,024 and `hard`."""
    done = subprocess.run([sys.executable, "-c", TOLD.format(hard=hard)], capture_output=True, text=True, check=True)
    return int(done.stdout)


def test_a_shells_limit_is_raised_as_far_as_may_be() -> None:
    assert soft_limit_under(4_096) >= 4_096
