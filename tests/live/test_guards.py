"""nftables' rules, which may stand before Asterisk (docs/security.md): as the kernel takes them, with packets, and no Asterisk."""

import pytest

from .guards import RULES, Came, nft, rules_refused, within

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def came() -> Came:
    """What came through the rules, in a network of their own."""
    if refused := rules_refused():
        pytest.skip(f"the rules were NOT tried: this system takes none from us in a network of our own ({refused})")
    return within("walled", [str(RULES), *nft()])


@pytest.mark.parametrize(
    ("what", "burst", "rate"),
    [
        ("a flood", 120, 30), ("a flood of a network over IPv6", 120, 30),
        ("connections", 20, 5), ("connections of a network over IPv6", 20, 5),
    ],
)  # fmt: skip
def test_who_knocks_too_often_is_heard_as_often_as_the_rules_say(came: Came, what: str, burst: int, rate: int) -> None:
    """Fails if more came through than the rules promise for the time that it took, or if the burst they grant was cut."""
    count, seconds = came[what]
    assert burst <= count <= burst + rate * seconds + 1


@pytest.mark.parametrize(
    ("what", "sent"),
    [
        ("without rules", 500), ("the same address, slowly", 15), ("a phone meanwhile", 100), ("a phone of another network", 100),
        ("the provider", 1_000), ("connections of the provider", 60), ("audio", 1_000),
    ],
)  # fmt: skip
def test_nobody_else_is_hurt(came: Came, what: str, sent: int) -> None:
    """Fails if the rules took a packet of somebody who keeps to the limits, of the provider, or of audio."""
    assert came[what][0] == sent
