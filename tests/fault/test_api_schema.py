"""Every operation of the API, with requests made from its own schema by somebody else's generator: never a 500."""

from collections import Counter

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from test_kill import Centre

from perisai.service.identity import IdentityStore

PASSWORD = "correct horse battery staple"
EXAMPLES = 4
RESTS = (
    "alerts/active.json",
    "alerts",
    "alerts/1",
    "%00",
    "..%2f..",
    "%ff%fe",
    "x" * 3000,
    "alerts/99999999999999999999",
)
"""For paths that take whatever comes, which the generator cannot make."""

SIGN_OUT = ("DELETE", "/api/v1/session")


def operations(schema):
    found = [one.ok() for one in schema.get_all_operations()]
    return [one for one in found if not one.path.startswith("/api/v1/stream/")]  # these never end


@pytest.mark.oracle
@pytest.mark.timeout(600)
def test_no_request_makes_the_server_fail(tmp_path):
    centre = Centre(tmp_path)
    said: Counter[int] = Counter()
    unready: set[str] = set()
    unmade: set[str] = set()
    try:
        identity = IdentityStore(tmp_path / "data")
        identity.add("ann", "operator", PASSWORD)
        identity.add("root", "admin", PASSWORD)
        schema = schemathesis.openapi.from_url(centre.address + "api/docs/openapi.json")
        for account in ("", "ann", "root"):
            headers = sign_in(centre.address, account) if account else {}
            for operation in operations(schema):
                if account and (operation.method.upper(), operation.path) == SIGN_OUT:
                    continue
                try:
                    try_it(operation, headers, said, unready)
                except Unsatisfiable:
                    unmade.add(operation.label)
        for path in unmade:
            for rest in RESTS:
                said[httpx.get(centre.address + path.split("/", 1)[1].replace("{rest}", rest)).status_code] += 1
    finally:
        centre.process.kill()
        centre.process.wait()
    print(dict(said), unmade, unready)
    assert said[200] > 50 and said[400] > 10 and said[403] > 10, "taken, wrong and forbidden requests"
    assert not [status for status in said if status >= 500 and status != 503], said
    assert {path.split(" ")[1] for path in unmade} <= {"/v1/{rest}", "/v2/{rest}", "/api/v3/{rest}"}
    assert all(path.startswith("/api/v1/health") for path in unready), unready


def sign_in(address, name):
    answer = httpx.post(address + "api/v1/session", json={"name": name, "password": PASSWORD})
    assert answer.status_code == 201, answer.text
    cookie = "; ".join(f"{key}={value}" for key, value in answer.cookies.items())
    return {"Cookie": cookie, "X-CSRF-Token": answer.json()["csrf"]}


def try_it(operation, headers, said, unready):
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy())
    def once(case):
        answer = case.call(headers=headers, timeout=10)
        said[answer.status_code] += 1
        if answer.status_code == 503:
            unready.add(operation.path)
        elif answer.status_code >= 500:
            print(answer.status_code, operation.label, case.as_curl_command(), answer.text[:500])

    once()
