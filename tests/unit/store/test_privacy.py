"""No secret of a site file reaches the journal, however it is written."""

import tomllib

import pytest

from callhandler.store.privacy import masked


@pytest.mark.parametrize(
    "line",
    [
        'pin = "hush"', "pin='hush'", '"password" = "hush"  # hush', "ami_secret=\"hush\"", 'agents.7001.pin = "hush"',
        'agents."7001".pin = "hush"', 'x = { name = "n", password = "hush" }', 'x = {password="hush\\"hush", n=1}', "x = [{pin = 'hush'}]",
    ],
)  # fmt: skip
def test_secrets_are_masked(line: str) -> None:
    assert "hush" not in masked(f'[a]\nb = "kept"\n{line}\nc = "kept"\n')
    assert masked(f'[a]\nb = "kept"\n{line}\nc = "kept"\n').count("kept") == 2


def test_what_is_no_secret_stays() -> None:
    text = 'name = "password keeper"\nspin = "x"\n# pin\nprompt = "Enter your pin = now"\n'
    assert masked(text) == text


def test_it_is_still_a_site_file() -> None:
    assert tomllib.loads(masked('x = {pin = "1", n = 2}\npassword = "1"\n')) == {
        "x": {"pin": "***", "n": 2},
        "password": "***",
    }
