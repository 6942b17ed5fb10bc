"""Accounts, sessions and the second factor."""

import base64
import sqlite3
import stat

import pytest
from service_support import PASSWORD, QUICK

from perisai.model import BadInputError
from perisai.service.identity import IdentityStore, Throttle, is_loopback, make_exercise_accounts
from perisai.service.identity.totp import code_at, matching_step

RFC_6238_SHA1 = {
    59: "94287082",
    1111111109: "07081804",
    1111111111: "14050471",
    1234567890: "89005924",
    2000000000: "69279037",
    20000000000: "65353130",
}
"""RFC 6238, appendix B: seconds and codes of eight digits for the secret 12345678901234567890."""
SECRET = base64.b32encode(b"12345678901234567890").decode()


@pytest.mark.oracle
def test_codes_are_those_of_the_standard():
    for now_s, code in RFC_6238_SHA1.items():
        assert code_at(SECRET, now_s // 30, digits=8) == code


def test_a_code_counts_once_and_only_near_its_time():
    code = code_at(SECRET, 1000)
    assert matching_step(SECRET, code, 30_000.0, 0) == 1000
    assert matching_step(SECRET, code, 30_000.0, 1000) is None
    assert matching_step(SECRET, code, 30_030.0, 0) == 1000
    assert matching_step(SECRET, code, 30_060.0, 0) is None
    assert matching_step(SECRET, "", 30_000.0, 0) is None


def test_an_account_signs_in_until_it_is_locked_or_removed(tmp_path):
    store = IdentityStore(tmp_path, QUICK)
    store.add("olena", "operator", PASSWORD)
    assert store.check_password("olena", PASSWORD + "x") is None
    assert store.check_password("nobody", PASSWORD) is None
    account = store.check_password("olena", PASSWORD)
    assert account is not None
    token = store.sign_in(account, now_us=0, lasts_s=10)
    again = IdentityStore(tmp_path, QUICK)  # another process, or the same after a crash
    session = again.session(token, now_us=9_999_999)
    assert session is not None and session.account.role == "operator"
    assert again.session(token, now_us=10_000_000) is None
    assert again.session(token + "x", now_us=1) is None
    store.set_disabled("olena")
    assert again.session(token, now_us=1) is None
    assert store.check_password("olena", PASSWORD) is None
    store.set_disabled("olena", False)
    assert again.session(token, now_us=1) is None, "an old session does not come back"
    token = store.sign_in(account, 0, 10)
    store.set_role("olena", "viewer")
    assert again.session(token, 1) is None
    token = store.sign_in(account, 0, 10)
    store.remove("olena")
    assert again.session(token, 1) is None
    with pytest.raises(BadInputError, match="no account olena"):
        store.set_role("olena", "viewer")


def test_neither_passwords_nor_tokens_are_kept(tmp_path):
    store = IdentityStore(tmp_path, QUICK)
    store.add("olena", "operator", PASSWORD)
    account = store.check_password("olena", PASSWORD)
    assert account is not None
    token = store.sign_in(account, 0, 10)
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert PASSWORD.encode() not in kept and token.encode() not in kept
    (hashed,) = sqlite3.connect(store.path).execute("SELECT password FROM account").fetchone()
    assert hashed.startswith("$argon2id$")
    assert all(stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 for path in tmp_path.iterdir())


def test_a_second_factor_is_asked_for_and_not_taken_twice(tmp_path):
    store = IdentityStore(tmp_path, QUICK)
    store.add("olena", "operator", PASSWORD)
    assert not store.check_code("olena", code_at(SECRET, 0), 0.0), "no second factor yet"
    secret = store.set_second_factor("olena")
    account = store.check_password("olena", PASSWORD)
    assert account is not None and account.second_factor
    assert store.check_code("olena", code_at(secret, 5), 150.0)
    assert not store.check_code("olena", code_at(secret, 5), 150.0)


@pytest.mark.parametrize(
    ("name", "role", "password", "fault"),
    [
        ("Olena K", "operator", PASSWORD, "name"),
        ("olena", "king", PASSWORD, "role"),
        ("olena", "operator", "short", "password"),
    ],
)
def test_what_is_wrong_with_an_account_is_told(tmp_path, name, role, password, fault):
    with pytest.raises(BadInputError, match=f"^{fault}: "):
        IdentityStore(tmp_path, QUICK).add(name, role, password)


def test_exercise_accounts_are_new_each_time(tmp_path):
    store = IdentityStore(tmp_path, QUICK)
    first, second = make_exercise_accounts(store), make_exercise_accounts(store)
    assert [account.role for account in second] == ["operator", "operator", "supervisor"]
    assert not {account.password for account in first} & {account.password for account in second}
    assert store.check_password(first[0].name, first[0].password) is None
    assert store.check_password(second[0].name, second[0].password) is not None


def test_tries_run_out_and_come_back():
    now = 0.0
    throttle = Throttle(3, 10.0, lambda: now)
    assert [throttle.take("a") for _ in range(4)] == [0.0, 0.0, 0.0, 10.0]
    assert throttle.take("b") == 0.0
    now = 10.0
    assert [throttle.take("a") for _ in range(2)] == [0.0, 10.0]
    throttle.forget("a")
    assert throttle.take("a") == 0.0


def test_a_flood_of_names_takes_no_memory():
    throttle = Throttle(1, 10.0, lambda: 0.0)
    for number in range(30_000):
        throttle.spend(str(number))
    assert len(throttle._spent) <= 10_000


def test_loopback_is_told_from_the_rest():
    assert all(map(is_loopback, ("127.0.0.1", "127.8.9.1", "::1", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.0.2.1", "example.org", "")))
