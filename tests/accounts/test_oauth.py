"""Redirect URIs, scopes, codes, tokens and a developer's verbs, without HTTP."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from accounts import tokens
from accounts.models import AccessToken, AuthorizationCode, OAuthClient, User
from accounts.oauth import applications, codes
from accounts.oauth.queries import application_of, applications_of, authorised_by
from accounts.oauth.redirects import is_usable, matches, with_fragment, with_query
from accounts.oauth.scopes import read_scopes
from accounts.services import deactivate
from accounts.tasks import remove_application, sweep
from instagram.errors import InvalidParameters, InvalidToken, NotFound, OAuthError
from tests.support.applications import CALLBACK, a_token, an_application
from tests.support.people import a_person


def a_grant(client=None, *scopes):
    person = a_person()
    return tokens.grant(User.objects.get(pk=person.id), client or an_application(), scopes)


# --- redirect URIs ---


@pytest.mark.parametrize(
    ("registered", "asked"),
    [
        ("http://a.example/cb", "http://a.example/cb"),
        ("http://a.example/cb", "http://a.example/cb?session=4"),
        ("http://a.example/cb?x=1", "http://a.example/cb"),
        ("http://a.example/cb", "HTTP://A.example/cb"),
        ("http://a.example/cb", "http://a.example:80/cb"),
        ("https://a.example:443/cb", "https://a.example/cb"),
        ("http://a.example", "http://a.example/"),
        ("http://127.0.0.1:8080/cb", "http://127.0.0.1:8080/cb"),
        ("myapp://authorize", "myapp://authorize"),
        ("myapp://authorize", "myapp://authorize?from=4"),
        ("ig1a2b3c://", "ig1a2b3c://"),
        ("myapp:/authorize", "myapp:/authorize"),
    ],
)
def test_a_redirect_uri_matches_in_scheme_host_port_and_path_whatever_its_query(registered, asked):
    assert matches(asked, ["http://other.example/", registered])


@pytest.mark.parametrize(
    "asked",
    [
        "",
        "cb",
        "//a.example/cb",
        "https://a.example/cb",
        "http://a.example:8080/cb",
        "http://a.example/CB",
        "http://a.example/cb/",
        "http://a.example/cb/more",
        "http://a.example/x/../cb",
        "http://sub.a.example/cb",
        "http://a.example.evil.example/cb",
        "http://a.example@evil.example/cb",
        "http://evil.example@a.example/cb",
        "http://evil.example\\@a.example/cb",
        "http://a.example/cb#fragment",
        "http://a.example/cb\r\nSet-Cookie: x=1",
        "http://a.example/cb\x00",
        " http://a.example/cb",
        "http://a.example:port/cb",
        "http://[::1/cb",
        "http://ä.example/cb",
        "javascript:alert(1)",
        "myapp://authorize",
    ],
)
def test_anything_else_does_not_match(asked):
    assert not matches(asked, ["http://a.example/cb"])


@pytest.mark.parametrize(
    "uri",
    ["javascript:alert(1)", "JavaScript://a.example/%0aalert(1)", "data:text/html,x", "file:///etc/passwd", "a.example",
     "http://", "http:///cb", "http://a.example/#", "x" * 501, "http://a.example/" + "x" * 500],
)  # fmt: skip
def test_an_address_that_runs_script_or_names_no_host_cannot_be_registered(uri):
    assert not is_usable(uri)


def test_parameters_are_added_to_the_query_that_is_there_and_empty_ones_are_left_out():
    assert with_query("http://a.example/cb", code="1", state="") == "http://a.example/cb?code=1"
    assert with_query("http://a.example/cb?x=1", code="1", state="a&b") == "http://a.example/cb?x=1&code=1&state=a%26b"
    assert with_query("http://a.example/cb?", code="1") == "http://a.example/cb?code=1"
    assert with_query("myapp://authorize", code="1") == "myapp://authorize?code=1"
    assert (
        with_fragment("http://a.example/cb?x=1", access_token="1.a.b") == "http://a.example/cb?x=1#access_token=1.a.b"
    )


# --- scopes ---


@pytest.mark.parametrize(
    ("text", "scopes"),
    [
        ("", ("basic",)),
        ("basic", ("basic",)),
        ("likes", ("basic", "likes")),
        ("likes comments", ("basic", "comments", "likes")),
        ("likes,comments, likes", ("basic", "comments", "likes")),
    ],
)
def test_scopes_are_separated_by_spaces_or_commas_and_basic_is_implied(text, scopes):
    assert read_scopes(text) == scopes


def test_unknown_scopes_are_refused_by_name():
    with pytest.raises(OAuthError, match=r"^Invalid scope field\(s\): admin, root$"):
        read_scopes("likes admin root admin")


# --- tokens ---


def test_the_same_person_and_client_get_the_same_token_with_the_union_of_scopes():
    anna, client = a_person(), an_application()

    first = a_token(anna, client, "likes")
    again = a_token(anna, client, "comments")

    assert again == first
    assert tokens.authenticate(first).scopes == ("comments", "likes")


def test_a_token_begins_with_the_user_id_and_seven_characters_of_the_client_id():
    anna, client = a_person(), an_application()

    user, application, secret = a_token(anna, client).split(".")

    assert (user, application) == (str(anna.id), client.client_id[:7])
    assert len(secret) == 32
    assert int(secret, 16)


def test_a_revoked_token_is_worthless_at_once_and_the_next_one_is_another_with_no_old_scopes():
    anna, client = a_person(), an_application()
    old = a_token(anna, client, "likes")
    tokens.revoke(tokens.authenticate(old).token_id)

    with pytest.raises(InvalidToken):
        tokens.authenticate(old)
    new = a_token(anna, client)
    assert new != old
    assert tokens.authenticate(new).scopes == ()


# --- codes ---


def test_a_code_is_stored_as_a_hash_only():
    code = codes.make_code(a_grant(), CALLBACK)

    assert not AuthorizationCode.objects.filter(digest=code).exists()
    assert len(code) == 32


def test_a_code_is_exchanged_once():
    grant = a_grant()
    code = codes.make_code(grant, CALLBACK)
    facts = {"client_pk": grant.client_id, "code": code, "redirect_uri": CALLBACK}

    assert codes.exchange(**facts).pk == grant.pk
    with pytest.raises(OAuthError, match=r"^No matching code found\.$"):
        codes.exchange(**facts)


def test_of_many_exchanges_at_once_one_succeeds():
    grant = a_grant()
    code = codes.make_code(grant, CALLBACK)

    def attempt(_):
        try:
            return codes.exchange(client_pk=grant.client_id, code=code, redirect_uri=CALLBACK).pk
        except OAuthError:
            return None
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(attempt, range(4)), key=bool) == [None, None, None, grant.pk]


def test_a_code_of_ten_minutes_ago_is_refused_and_swept():
    grant = a_grant()
    code = codes.make_code(grant, CALLBACK)
    AuthorizationCode.objects.filter(token=grant).update(created_at=timezone.now() - timedelta(seconds=601))

    with pytest.raises(OAuthError, match=r"^No matching code found\.$"):
        codes.exchange(client_pk=grant.client_id, code=code, redirect_uri=CALLBACK)
    sweep()
    assert not AuthorizationCode.objects.filter(token=grant).exists()


def test_a_code_of_nine_minutes_ago_is_good():
    grant = a_grant()
    code = codes.make_code(grant, CALLBACK)
    AuthorizationCode.objects.filter(token=grant).update(created_at=timezone.now() - timedelta(seconds=540))
    sweep()

    assert codes.exchange(client_pk=grant.client_id, code=code, redirect_uri=CALLBACK).pk == grant.pk


def test_a_code_is_worth_nothing_after_a_revoke_even_when_the_person_allows_again():
    client = an_application()
    grant = a_grant(client)
    code = codes.make_code(grant, CALLBACK)
    tokens.revoke(grant.pk)

    with pytest.raises(OAuthError, match=r"^No matching code found\.$"):
        codes.exchange(client_pk=client.pk, code=code, redirect_uri=CALLBACK)
    tokens.grant(grant.user, client)
    with pytest.raises(OAuthError, match=r"^No matching code found\.$"):
        codes.exchange(client_pk=client.pk, code=code, redirect_uri=CALLBACK)


def test_a_code_of_somebody_who_is_away_is_refused():
    grant = a_grant()
    code = codes.make_code(grant, CALLBACK)
    deactivate(grant.user_id)

    with pytest.raises(OAuthError, match=r"^No matching code found\.$"):
        codes.exchange(client_pk=grant.client_id, code=code, redirect_uri=CALLBACK)


def test_another_client_cannot_exchange_a_code():
    code = codes.make_code(a_grant(), CALLBACK)

    with pytest.raises(OAuthError, match=r"^No matching code found\.$"):
        codes.exchange(client_pk=an_application().pk, code=code, redirect_uri=CALLBACK)


# --- a developer's applications ---


def test_an_application_gets_an_id_and_a_secret_of_32_hexadecimal_digits_and_no_rights_of_ours():
    client = applications.register_application(
        owner_id=a_person().id, name="Prints", redirect_uris=f" {CALLBACK}\r\nmyapp://authorize\n{CALLBACK} "
    )

    assert len(client.client_id) == len(client.client_secret) == 32
    assert int(client.client_id, 16)
    assert int(client.client_secret, 16)
    assert client.redirect_uris == f"{CALLBACK}\nmyapp://authorize"
    assert (client.first_party, client.xauth) == (False, False)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "  "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"redirect_uris": ""}, "redirect_uris"),
        ({"redirect_uris": "javascript:alert(1)"}, "redirect_uris"),
        ({"redirect_uris": " ".join(f"http://a.example/{n}" for n in range(11))}, "redirect_uris"),
        ({"website": "javascript:alert(1)"}, "website"),
        ({"website": "http://a.example/" + "x" * 200}, "website"),
        ({"description": "x" * 1001}, "description"),
    ],
)
def test_a_bad_registration_names_its_field(changes, field):
    with pytest.raises(InvalidParameters) as refused:
        applications.register_application(
            **({"owner_id": a_person().id, "name": "Prints", "redirect_uris": CALLBACK} | changes)
        )

    assert list(refused.value.errors) == [field]


def test_a_developer_has_a_bounded_number_of_applications(settings):
    settings.APPLICATIONS_PER_PERSON = 1
    anna = a_person()
    first = applications.register_application(owner_id=anna.id, name="One", redirect_uris=CALLBACK)

    with pytest.raises(InvalidParameters, match="at most 1 applications"):
        applications.register_application(owner_id=anna.id, name="Two", redirect_uris=CALLBACK)
    applications.delete_application(owner_id=anna.id, client_id=first.client_id)
    applications.register_application(owner_id=anna.id, name="Two", redirect_uris=CALLBACK)


def test_first_party_and_xauth_are_no_switches_of_a_developer():
    client = an_application()
    facts = {"owner_id": client.owner_id, "client_id": client.client_id, "name": "x", "redirect_uris": CALLBACK}

    for switch in ("first_party", "xauth"):
        with pytest.raises(TypeError):
            applications.change_application(**facts, **{switch: True})


def test_nobody_sees_or_changes_an_application_of_another():
    client, ben = an_application(), a_person()

    assert application_of(ben.id, client.client_id) is None
    for verb in (applications.reset_secret, applications.delete_application):
        with pytest.raises(NotFound):
            verb(owner_id=ben.id, client_id=client.client_id)
    with pytest.raises(NotFound):
        applications.change_application(
            owner_id=ben.id, client_id=client.client_id, name="mine", redirect_uris="http://evil.example/"
        )
    client.refresh_from_db()
    assert client.redirect_uris == CALLBACK


def test_deleting_an_application_makes_it_and_its_tokens_unknown_and_a_task_removes_the_rows(monkeypatch):
    client = an_application()
    people = [a_person() for _ in range(3)]
    token, *_ = [a_token(person, client) for person in people]
    codes.make_code(AccessToken.objects.filter(client=client)[0], CALLBACK)
    applications.delete_application(owner_id=client.owner_id, client_id=client.client_id)

    assert applications_of(client.owner_id) == []
    assert client.pk not in [one.token_id for one in authorised_by(people[0].id)]
    with pytest.raises(InvalidToken):
        tokens.authenticate(token)
    monkeypatch.setattr(applications, "DELETE_BATCH", 2)
    assert remove_application(client_pk=client.pk) is not None
    assert remove_application(client_pk=client.pk) is None
    assert remove_application(client_pk=client.pk) is None
    assert not OAuthClient.objects.filter(pk=client.pk).exists()
    assert not AccessToken.objects.filter(client=client.pk).exists()


def test_removing_spares_an_application_that_was_not_deleted():
    client = an_application()

    remove_application(client_pk=client.pk)

    assert OAuthClient.objects.filter(pk=client.pk).exists()
