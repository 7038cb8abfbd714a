"""`python -m tests.fuzz.guided TARGET FOLDER SECONDS`: looks for inputs that reach lines nobody has reached yet, with atheris (libFuzzer).

It stops at the first failure. What it found is in FOLDER, and goes into the corpus by hand. atheris is no dependency of the project:
have it in an environment of its own, beside requirements/dev.txt.
"""

import sys
from pathlib import Path
from random import Random

import atheris

with atheris.instrument_imports(include=["callhandler", "tomllib"]):
    from tests.fuzz.engine import LONGEST, bred, tokens_of
    from tests.fuzz.running import quiet
    from tests.fuzz.targets import TARGETS


def main() -> None:
    """Fuzz one target; every other mutation is one of ours, which know the grammar."""
    target, folder, seconds = TARGETS[sys.argv[1]], Path(sys.argv[2]), sys.argv[3]
    corpus, tokens = target.corpus(), tokens_of(target)
    folder.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(corpus):
        (folder / f"corpus-{number}").write_bytes(data)

    def mutated(data: bytes, most: int, seed: int) -> bytes:
        return bred(Random(seed), [data, *corpus], tokens)[:most] if seed % 2 else atheris.Mutate(data, most)

    limits = [f"-max_total_time={seconds}", f"-max_len={LONGEST}", "-timeout=10", f"-artifact_prefix={folder}/"]
    atheris.Setup([sys.argv[0], str(folder), *limits, "-print_final_stats=1"], target.check, custom_mutator=mutated)
    with quiet():
        atheris.Fuzz()


if __name__ == "__main__":
    main()
