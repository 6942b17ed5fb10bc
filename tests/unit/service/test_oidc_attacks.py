"""A provider, or somebody between, that answers wrongly: each token but the right one is refused, and says why."""

import base64
import json
from urllib.parse import parse_qs

import httpx
import pytest
from joserfc import jwk, jws, jwt
from oidc_peer import SECRET, with_provider

from perisai.model import BadInputError
from perisai.service.identity.oidc import OidcError, Provider
from perisai.service.identity.settings import OidcSettings, is_safe

ISSUER = "https://id.example"
NOW = 1_800_000_000
KEY, OTHER = (jwk.RSAKey.generate_key(2048, {"kid": name}) for name in ("ours", "ours"))
CURVE = jwk.ECKey.generate_key("P-256", {"kid": "curve"})
RIGHT = {
    "iss": ISSUER, "aud": "perisai", "sub": "u-1", "exp": NOW + 300, "iat": NOW, "nonce": "n-1", "amr": ["mfa"],
    "groups": ["air-operators"], "preferred_username": "olena",
}  # fmt: skip


class Answers(httpx.AsyncBaseTransport):
    """A provider whose token and metadata are what a test says."""

    def __init__(self, token, keys=(KEY,), **metadata):
        self.token, self.keys, self.asked = token, keys, None
        self.metadata = {
            "issuer": ISSUER, "authorization_endpoint": f"{ISSUER}/auth", "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/keys",
        } | metadata  # fmt: skip

    async def handle_async_request(self, request):
        if request.url.path == "/.well-known/openid-configuration":
            return httpx.Response(200, json=self.metadata)
        if request.url.path == "/keys":
            return httpx.Response(200, json={"keys": [one.as_dict(private=False) for one in self.keys]})
        self.asked = (request.headers.get("Authorization"), parse_qs((await request.aread()).decode()))
        return httpx.Response(200, json={"id_token": self.token, "userinfo": {"groups": ["air-operators"]}})


def minted(claims, key=KEY, alg="RS256", kid="ours"):
    return jwt.encode({"alg": alg, **({"kid": kid} if kid else {})}, claims, key, algorithms=[alg])


def by_hand(header, claims, signature=b""):
    parts = (json.dumps(header).encode(), json.dumps(claims).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


async def asked(tmp_path, answers, issuer="", **settings):
    oidc = with_provider(ISSUER, tmp_path, **settings).identity.oidc
    assert oidc
    return await Provider(oidc, SECRET, answers).person("code", issuer, "n-1", "verifier", NOW)


@pytest.mark.parametrize("kid", ["ours", None])
async def test_the_right_token_is_taken(tmp_path, kid):
    answers = Answers(minted(RIGHT, kid=kid))
    person = await asked(tmp_path, answers, ISSUER)
    assert (person.subject, person.name, person.role) == (f"{ISSUER} u-1", "olena", "operator")
    authorization, form = answers.asked
    assert (
        base64.b64decode(authorization.removeprefix("Basic ")).decode()
        == "perisai:a%20secret%3A%20of%20%2B%20our%20client"
    )
    assert form["code_verifier"] == ["verifier"] and "client_secret" not in form
    many = Answers(
        minted(RIGHT | {"aud": ["perisai", "other"], "azp": "perisai"}, CURVE, "ES256", "curve"), (KEY, CURVE)
    )
    assert (await asked(tmp_path, many)).role == "operator"


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"nonce": "n-2"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"iss": "https://evil.example"}, "iss"),
        ({"aud": "other"}, "aud"),
        ({"aud": ["perisai", "other"]}, "azp"),
        ({"azp": "other"}, "azp"),
        ({"exp": NOW - 61}, "xpired"),
        ({"exp": None}, "exp"),
        ({"exp": "never"}, "exp"),
        ({"iat": NOW + 3600}, "future"),
        ({"nbf": NOW + 3600}, "not yet"),
        ({"sub": None}, "sub"),
        ({"sub": ""}, "sub"),
        ({"sub": 7}, "sub"),
    ],
)
async def test_a_token_that_is_not_for_this_sign_in_is_refused(tmp_path, changed, says):
    claims = {name: value for name, value in (RIGHT | changed).items() if value is not None}
    with pytest.raises(OidcError, match=says) as caught:
        await asked(tmp_path, Answers(minted(claims)))
    assert caught.value.code == "token"


def _forged():
    public = KEY.as_pem(private=False)
    signed = minted(RIGHT).split(".")
    body = (
        base64.urlsafe_b64encode(json.dumps(RIGHT | {"groups": ["air-operators", "x"]}).encode()).decode().rstrip("=")
    )
    yield "none", by_hand({"alg": "none"}, RIGHT)
    yield "none in another case", by_hand({"alg": "nOnE", "kid": "ours"}, RIGHT)
    yield (
        "the public key as a secret",
        jwt.encode(
            {"alg": "HS256", "kid": "ours"},
            RIGHT,
            jwk.OctKey.import_key(base64.b64encode(public)),
            algorithms=["HS256"],
        ),
    )
    yield "our secret", jwt.encode({"alg": "HS256"}, RIGHT, jwk.OctKey.import_key(SECRET), algorithms=["HS256"])
    yield "another key of the same name", minted(RIGHT, OTHER)
    yield "a key that is not listed", minted(RIGHT, OTHER, kid="theirs")
    yield (
        "a key that it brings along",
        jws.serialize_compact(
            {"alg": "RS256", "jwk": OTHER.as_dict(private=False)},
            json.dumps(RIGHT),
            OTHER,
            registry=jws.JWSRegistry(algorithms=["RS256"], strict_check_header=False),
        ),
    )
    yield "changed after signing", f"{signed[0]}.{body}.{signed[2]}"
    yield "without its signature", f"{signed[0]}.{signed[1]}."
    yield "no token", "not a token"
    yield "another list", by_hand({"alg": "RS256", "kid": ["ours"]}, [1, 2], b"x")


@pytest.mark.parametrize(("what", "token"), list(_forged()), ids=lambda one: one if len(one) < 40 else "")
async def test_a_forged_token_is_refused(tmp_path, what, token):
    with pytest.raises(OidcError) as caught:
        await asked(tmp_path, Answers(token))
    assert caught.value.code == "token", what


async def test_two_keys_of_one_name_decide_nothing(tmp_path):
    with pytest.raises(OidcError, match="2 of the provider's keys"):
        await asked(tmp_path, Answers(minted(RIGHT), (KEY, OTHER)))


async def test_roles_come_from_the_signed_token_only(tmp_path):
    claims = {name: value for name, value in RIGHT.items() if name != "groups"}
    with pytest.raises(OidcError, match="no role here") as caught:
        await asked(tmp_path, Answers(minted(claims)))
    assert caught.value.code == "role"
    nested = claims | {"realm_access": {"roles": ["air-watch"]}}
    assert (await asked(tmp_path, Answers(minted(nested)), role_claim="realm_access.roles")).role == "viewer"


async def test_the_first_role_of_the_settings_counts(tmp_path):
    both = RIGHT | {"groups": ["air-watch", "air-operators"]}
    assert (await asked(tmp_path, Answers(minted(both)))).role == "operator"


async def test_the_second_factor_may_be_left_to_the_provider_or_said_by_acr(tmp_path):
    without = RIGHT | {"amr": ["pwd"]}
    with pytest.raises(OidcError, match="no second factor"):
        await asked(tmp_path, Answers(minted(without)))
    assert await asked(tmp_path, Answers(minted(without)), second_factor=())
    assert await asked(tmp_path, Answers(minted(without | {"acr": "gold"})), second_factor=("gold",))


@pytest.mark.parametrize(
    ("issuer", "metadata"),
    [
        ("https://evil.example", {}),
        ("", {"authorization_response_iss_parameter_supported": True}),
        ("", {"issuer": "https://evil.example"}),
        ("", {"issuer": ISSUER + "/"}),
        ("", {"token_endpoint": "http://id.example/token"}),
        ("", {"jwks_uri": None}),
        ("", {"token_endpoint": "file:///etc/passwd"}),
    ],
)
async def test_a_mix_up_of_issuers_is_refused(tmp_path, issuer, metadata):
    answers = Answers(minted(RIGHT), **metadata)
    with pytest.raises(OidcError) as caught:
        await asked(tmp_path, answers, issuer)
    assert caught.value.code == "provider" and answers.asked is None, "no code and no secret were given away"


@pytest.mark.parametrize(
    "changed",
    [
        {"issuer": "http://id.example"},
        {"issuer": ""},
        {"address": "http://console.example"},
        {"roles": {}},
        {"scope": "profile"},
    ],
)
def test_settings_that_would_not_be_safe_are_refused(changed):
    given = {"issuer": ISSUER, "client_id": "perisai", "address": "https://c.example", "roles": {"a": "viewer"}}
    with pytest.raises(BadInputError, match=r"identity\.oidc"):
        OidcSettings(**given | changed)
    with pytest.raises(BadInputError, match=r"identity\.oidc\.tls_ca: /no/such/file"):
        Provider(OidcSettings(**given, tls_ca="/no/such/file"), "")
    assert OidcSettings(**given).second_factor == ("mfa",), "asked for unless the settings say otherwise"
    assert is_safe("http://127.0.0.1:9400") and not is_safe("https:///x") and not is_safe("javascript:x")
