from rostergate.config.settings import ThrottleSettings
from rostergate.gate.throttle import Throttle

SETTINGS = ThrottleSettings()


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
    one = Throttle(SETTINGS, clock)
    fail(one, 11)
    assert not one.address_banned("192.0.2.1")
    fail(one, 1)
    assert one.address_banned("192.0.2.1")
    assert not one.address_banned("192.0.2.2")
    clock.seconds = 60
    fail(one, 11)
    assert not one.address_banned("192.0.2.1")
    fail(one, 1)
    clock.seconds += 119
    assert one.address_banned("192.0.2.1")
    clock.seconds += 1
    assert not one.address_banned("192.0.2.1")


def test_bans_have_an_end() -> None:
    """However often it fails, an address is never shut out for more than an hour at a time."""
    clock = Clock()
    one = Throttle(SETTINGS, clock)
    for _ in range(20):
        fail(one, 12)
        clock.seconds += SETTINGS.ban_seconds_max
        assert not one.address_banned("192.0.2.1")


def test_ban_that_stays_over_is_forgotten() -> None:
    """Whoever comes back soon after a ban is shut out for longer; after more than an hour it begins anew."""
    clock = Clock()
    clock.seconds = 1_000_000
    one = Throttle(SETTINGS, clock)
    for quiet, ban in ((0, 60), (1, 120), (3_600, 240), (3_601, 60)):
        clock.seconds += quiet
        fail(one, 12)
        clock.seconds += ban - 1
        assert one.address_banned("192.0.2.1")
        clock.seconds += 1
        assert not one.address_banned("192.0.2.1")


def test_points_fade() -> None:
    """A failure every ten minutes never adds up to a ban."""
    clock = Clock()
    one = Throttle(SETTINGS, clock)
    for _ in range(1_000):
        fail(one, 1)
        clock.seconds += 600
        assert not one.address_banned("192.0.2.1")


def test_success_forgives_the_address() -> None:
    """After a login the address begins anew."""
    one = Throttle(SETTINGS, Clock())
    fail(one, 11)
    one.succeeded("lincoln", "192.0.2.1")
    fail(one, 11)
    assert not one.address_banned("192.0.2.1")


def test_account_stays_open_to_those_it_knows() -> None:
    """An account under attack is closed to strangers, not to the address its district comes from."""
    one = Throttle(SETTINGS, Clock())
    one.succeeded("lincoln", "198.51.100.7")
    for number in range(30):
        one.failed("lincoln", f"192.0.2.{number}")
    assert one.account_banned("lincoln", "203.0.113.9")
    assert not one.account_banned("lincoln", "198.51.100.7")
    assert not one.account_banned("madison", "203.0.113.9")


def test_account_knows_its_other_addresses_however_often_one_comes() -> None:
    """A district that logs in all day from one address is still known at the other one."""
    one = Throttle(SETTINGS, Clock())
    one.succeeded("lincoln", "198.51.100.7")
    for _ in range(SETTINGS.known_addresses_max):
        one.succeeded("lincoln", "198.51.100.8")
    for number in range(30):
        one.failed("lincoln", f"192.0.2.{number}")
    assert one.account_banned("lincoln", "203.0.113.9")
    assert not one.account_banned("lincoln", "198.51.100.7")


def test_memory_is_bounded() -> None:
    """However many addresses fail, and however many an account comes from, only so many are remembered."""
    one = Throttle(SETTINGS.model_copy(update={"scores_max": 100, "known_addresses_max": 2}), Clock())
    for number in range(110):
        one.failed("lincoln", f"192.0.2.{number}")
        one.succeeded("madison", f"198.51.100.{number}")
    assert len(one._addresses.by_name) == 100
    assert one._known["madison"] == ["198.51.100.108", "198.51.100.109"]


def test_one_wrong_client_keeps_its_neighbours_out_for_the_ban_only() -> None:
    """What is tried during a ban does not lengthen it, and a neighbour's login clears the address they share."""
    clock = Clock()
    one = Throttle(SETTINGS, clock)
    fail(one, 12)
    for _ in range(59):
        clock.seconds += 1
        fail(one, 20)
        assert one.address_banned("192.0.2.1")
    clock.seconds += 1
    assert not one.address_banned("192.0.2.1")
    one.succeeded("madison", "192.0.2.1")
    fail(one, 12)
    clock.seconds += 60
    assert not one.address_banned("192.0.2.1")


def test_connections_that_do_not_even_try_add_up() -> None:
    """An address that connects again and again without a login is shut out; one that looks in now and then is not."""
    clock = Clock()
    one = Throttle(SETTINGS, clock)
    reached = [limit for _ in range(240) for limit in one.unfinished("192.0.2.1")]
    assert reached == ["throttle.address_points_max"]
    assert one.address_banned("192.0.2.1")
    for _ in range(1_000):
        clock.seconds += 30
        one.unfinished("192.0.2.2")
        assert not one.address_banned("192.0.2.2")


def test_a_network_of_ipv6_is_one_address() -> None:
    """Whoever has a /64 network cannot begin anew with each of its addresses; the next network is somebody else."""
    one = Throttle(SETTINGS, Clock())
    for number in range(12):
        fail(one, 1, address=f"2001:db8:0:1::{number:x}")
    assert one.address_banned("2001:db8:0:1:ffff::1")
    assert not one.address_banned("2001:db8:0:2::1")


def test_what_is_reached_is_named() -> None:
    """The failure that brings a ban about says which limit it was, and the next one does not."""
    one = Throttle(SETTINGS.model_copy(update={"account_points_max": 12.0}), Clock())
    fail(one, 11)
    assert one.failed("lincoln", "192.0.2.1") == ["throttle.address_points_max", "throttle.account_points_max"]
    assert one.failed("lincoln", "192.0.2.1") == []
