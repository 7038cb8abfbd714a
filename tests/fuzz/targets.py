"""Every target by its name."""

from tests.fuzz import agi, ami, connecting, control, files, messages, people, sites, values
from tests.fuzz.engine import Target

_ALL = (
    *agi.TARGETS,
    *ami.TARGETS,
    *values.TARGETS,
    *people.TARGETS,
    *messages.TARGETS,
    *sites.TARGETS,
    *files.TARGETS,
    *control.TARGETS,
    *connecting.TARGETS,
)
TARGETS: dict[str, Target] = {target.name: target for target in _ALL}
