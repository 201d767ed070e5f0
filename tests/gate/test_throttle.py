from rostergate.gate import throttle
from rostergate.gate.throttle import Throttle


class Clock:
    """A clock that only tests move."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.seconds


def fail(one: Throttle, times: int, account: str = "lincoln", address: str = "192.0.2.1") -> None:
    """Fail to log in so many times."""
    for _ in range(times):
        one.failed(account, address)


def test_address_is_banned_and_let_in_again() -> None:
    """Twelve failures shut an address out for a minute; the next twelve for two."""
    clock = Clock()
    one = Throttle(clock)
    fail(one, 11)
    assert not one.address_banned("192.0.2.1")
    fail(one, 1)
    assert one.address_banned("192.0.2.1")
    assert not one.address_banned("192.0.2.2")
    clock.seconds = 60
    assert not one.address_banned("192.0.2.1")
    fail(one, 12)
    clock.seconds += 119
    assert one.address_banned("192.0.2.1")
    clock.seconds += 1
    assert not one.address_banned("192.0.2.1")


def test_bans_have_an_end() -> None:
    """However often it fails, an address is never shut out for more than an hour at a time."""
    clock = Clock()
    one = Throttle(clock)
    for _ in range(20):
        fail(one, 12)
        clock.seconds += throttle.BAN_SECONDS_MAX
        assert not one.address_banned("192.0.2.1")


def test_points_fade() -> None:
    """A failure every ten minutes never adds up to a ban."""
    clock = Clock()
    one = Throttle(clock)
    for _ in range(1_000):
        fail(one, 1)
        clock.seconds += 600
        assert not one.address_banned("192.0.2.1")


def test_success_forgives_the_address() -> None:
    """After a login the address begins anew."""
    one = Throttle(Clock())
    fail(one, 11)
    one.succeeded("lincoln", "192.0.2.1")
    fail(one, 11)
    assert not one.address_banned("192.0.2.1")


def test_account_stays_open_to_those_it_knows() -> None:
    """An account under attack is closed to strangers, not to the address its district comes from."""
    one = Throttle(Clock())
    one.succeeded("lincoln", "198.51.100.7")
    for number in range(30):
        one.failed("lincoln", f"192.0.2.{number}")
    assert one.account_banned("lincoln", "203.0.113.9")
    assert not one.account_banned("lincoln", "198.51.100.7")
    assert not one.account_banned("madison", "203.0.113.9")


def test_memory_is_bounded() -> None:
    """However many addresses fail, only so many are remembered."""
    one = Throttle(Clock())
    for number in range(throttle.SCORES_MAX + 10):
        one.failed("lincoln", str(number))
    assert len(one._addresses.by_name) == throttle.SCORES_MAX
