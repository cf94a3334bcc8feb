"""Who is let in, how, and what is said before.

Source: RFC 4513; RFC 4511 sections 4.2 and 4.14; RFC 4532; reliability.md D08, D09, A04.
"""

import ssl
from dataclasses import replace
from pathlib import Path

import pytest
from directory_shelf import DirectoryShelf
from ldap_talk import PASSWORD, ROBOT, SETTINGS, USER, USER_DN, Doors, LdapTalk, ldap_doors, ldap_talk, search

from mssante.doors.ldap.bind import login_of
from mssante.wire.ldap.messages import (
    Control,
    Extended,
    Message,
    SaslBind,
    Scope,
    Search,
    SimpleBind,
    Unbind,
)
from mssante.wire.ldap.requests import write_message
from mssante.wire.ldap.responses import Done
from mssante.wire.ldap.results import NOTICE_OF_DISCONNECTION, START_TLS, WHO_AM_I, ResultCode
from mssante.wire.ldap.tree import DEFAULT_SUFFIX

R = ResultCode
SECRET = PASSWORD.encode()


async def who(talk: LdapTalk) -> str:
    found = await talk.done(Extended(WHO_AM_I))
    assert found.code is R.SUCCESS
    return (found.value or b"").decode()


async def root_dse(talk: LdapTalk) -> dict[str, tuple[bytes, ...]]:
    entries, _found = await talk.ask(search("(objectClass=*)", base="", scope=Scope.BASE))
    return dict(entries[0].attributes)


async def test_nothing_is_signed_in_with_before_tls(doors: Doors) -> None:
    async with ldap_talk(doors, tls=False) as talk:
        for bind in (SimpleBind(3, USER, SECRET), SaslBind(3, "", "PLAIN", b"\0a\0b"), SaslBind(3, "", "EXTERNAL")):
            found = await talk.done(bind)
            assert found.code is R.CONFIDENTIALITY_REQUIRED
            assert "Connexion chiffrée obligatoire" in found.text
        assert doors.people.tried == []
        assert await who(talk) == ""
        assert "supportedSASLMechanisms" not in await root_dse(talk)


@pytest.mark.parametrize(
    "name", [USER, USER.upper(), USER_DN, f"uid={USER}", f"MAIL={USER},dc=anything", f"rfc822=x+mail={USER},o=x"]
)
async def test_a_login_and_names_that_carry_it_sign_in(doors: Doors, name: str) -> None:
    async with ldap_talk(doors, signed_in=False) as talk:
        assert await talk.code(SimpleBind(3, name, SECRET)) is R.SUCCESS
        assert await who(talk) == f"u:{USER}"


async def test_tls_from_the_first_byte_signs_in(doors: Doors) -> None:
    async with ldap_talk(doors, implicit=True) as talk:
        assert await who(talk) == f"u:{USER}"
        found = await root_dse(talk)
        assert found["supportedSASLMechanisms"] == (b"PLAIN", b"EXTERNAL")
        assert START_TLS.encode() not in found["supportedExtension"]
        assert await talk.code(Extended(START_TLS)) is R.OPERATIONS_ERROR


async def test_sasl_plain_signs_in_and_a_certificate_does(doors: Doors, pki) -> None:
    async with ldap_talk(doors, signed_in=False, shown=pki.application) as talk:
        assert await talk.code(SaslBind(3, "", "PLAIN", f"\0{USER}\0{PASSWORD}".encode())) is R.SUCCESS
        assert await talk.code(SaslBind(3, "", "PLAIN", f"u:{USER}\0{USER}\0{PASSWORD}".encode())) is R.SUCCESS
        for credentials in (None, b"", ROBOT.encode(), f"u:{ROBOT}".encode(), f"dn:mail={ROBOT},o=x".encode()):
            assert await talk.code(SaslBind(3, "", "EXTERNAL", credentials)) is R.SUCCESS
            assert await who(talk) == f"u:{ROBOT}"
        assert await talk.code(SaslBind(3, "", "EXTERNAL", b"u:other")) is R.INVALID_CREDENTIALS
        assert await who(talk) == ""


async def test_without_a_certificate_external_says_what_is_missing(doors: Doors) -> None:
    async with ldap_talk(doors, signed_in=False) as talk:
        assert await talk.code(SaslBind(3, "", "EXTERNAL")) is R.INAPPROPRIATE_AUTHENTICATION


@pytest.mark.parametrize(
    ("bind", "code"),
    [
        (SimpleBind(3, "", b""), R.SUCCESS),
        (SimpleBind(3, USER, b""), R.UNWILLING_TO_PERFORM),
        (SimpleBind(2, USER, SECRET), R.PROTOCOL_ERROR),
        (SimpleBind(3, USER, b"wrong"), R.INVALID_CREDENTIALS),
        (SimpleBind(3, "nobody@x.fr", SECRET), R.INVALID_CREDENTIALS),
        (SimpleBind(3, "", SECRET), R.INVALID_CREDENTIALS),
        (SimpleBind(3, USER, b"\xff\xfe"), R.INVALID_CREDENTIALS),
        (SimpleBind(3, "\udcff", SECRET), R.INVALID_CREDENTIALS),
        (SimpleBind(3, USER, b"x" * 2000), R.INVALID_CREDENTIALS),
        (SimpleBind(3, f"mail={USER}\\2Cx,ou=boites", SECRET), R.INVALID_CREDENTIALS),
        (SimpleBind(3, f"cn=x,mail=\\zz{USER}", SECRET), R.INVALID_CREDENTIALS),
        (SimpleBind(3, f"*)(uid={USER}", SECRET), R.INVALID_CREDENTIALS),
        (SaslBind(3, "", "PLAIN"), R.INVALID_CREDENTIALS),
        (SaslBind(3, "", "PLAIN", b"a\0b"), R.INVALID_CREDENTIALS),
        (SaslBind(3, "", "PLAIN", f"u:other\0{USER}\0{PASSWORD}".encode()), R.INVALID_CREDENTIALS),
        (SaslBind(3, "", "GSSAPI", b""), R.AUTH_METHOD_NOT_SUPPORTED),
        (SaslBind(3, "", "DIGEST-MD5"), R.AUTH_METHOD_NOT_SUPPORTED),
    ],
)  # fmt: skip
async def test_whoever_is_not_signed_in_is_anonymous(doors: Doors, bind, code: ResultCode) -> None:
    async with ldap_talk(doors) as talk:
        assert await who(talk) == f"u:{USER}"
        assert await talk.code(bind) is code
        assert await who(talk) == ""
        assert await talk.code(search("(cn=*)")) is R.INSUFFICIENT_ACCESS_RIGHTS
        assert doors.accounts == {}


async def test_another_choice_of_bind_is_not_supported(doors: Doors) -> None:
    data = write_message(Message(7, SimpleBind(3, "", b"x")))
    at = data.index(b"\x80\x01x")
    async with ldap_talk(doors, signed_in=False) as talk:
        await talk.raw(data[:at] + b"\x8a" + data[at + 1 :])
        found = (await talk.until_done(7))[1].answer
        assert isinstance(found, Done)
        assert found.code is R.AUTH_METHOD_NOT_SUPPORTED


async def test_an_anonymous_client_sees_the_root_and_the_schema_and_nothing_else(doors: Doors) -> None:
    async with ldap_talk(doors, tls=False) as talk:
        assert (await root_dse(talk))["namingContexts"] == (DEFAULT_SUFFIX.encode(),)
        entries, _found = await talk.ask(search("(objectClass=subschema)", base="cn=subschema", scope=Scope.BASE))
        assert [one.name for one in entries] == ["cn=subschema"]
        for base in ("", DEFAULT_SUFFIX, f"ou=boites,{DEFAULT_SUFFIX}", USER_DN, "o=elsewhere", "cn=subschema"):
            for scope in Scope:
                if base not in {"", "cn=subschema"} or scope is not Scope.BASE:
                    found = await talk.done(search("(objectClass=*)", base=base, scope=scope))
                    assert found.code is R.INSUFFICIENT_ACCESS_RIGHTS, (base, scope)
                    assert found.matched == ""
        assert doors.shelf.callers == []


async def test_too_many_failures_close_behind_the_answer(doors: Doors) -> None:
    async with ldap_talk(doors, signed_in=False) as talk:
        for _ in range(3):
            assert await talk.code(SimpleBind(3, USER, b"x")) is R.INVALID_CREDENTIALS
        assert await talk.is_over


async def test_what_came_in_clear_behind_starttls_is_thrown_away(doors: Doors) -> None:
    async with ldap_talk(doors, tls=False) as talk:
        injected = write_message(Message(2, SimpleBind(3, USER, SECRET))) + write_message(
            Message(3, Extended(WHO_AM_I))
        )
        await talk.raw(write_message(Message(1, Extended(START_TLS))) + injected + injected[:20])
        found = (await talk.until_done(1))[1].answer
        assert isinstance(found, Done)
        assert (found.code, found.name) == (R.SUCCESS, START_TLS)
        await talk.writer.start_tls(doors.client_context(), server_hostname="localhost")
        assert await who(talk) == ""
        assert doors.people.tried == []


async def test_a_refused_handshake_sends_its_alert_and_is_logged(doors: Doors) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-ECDSA-AES256-GCM-SHA384")
    context.load_verify_locations(doors.folder / "anchors.pem")
    async with ldap_talk(doors, tls=False) as talk:
        assert await talk.code(Extended(START_TLS)) is R.SUCCESS
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await talk.writer.start_tls(context, server_hostname="localhost")
    assert [name for name, _facts in doors.log.events] == ["tls-failed"]


async def test_starttls_twice_or_with_a_value_is_refused(doors: Doors) -> None:
    async with ldap_talk(doors, tls=False) as talk:
        assert await talk.code(Extended(START_TLS, b"x")) is R.PROTOCOL_ERROR
        await talk.start_tls()
        assert await talk.code(Extended(START_TLS)) is R.OPERATIONS_ERROR


async def test_unknown_operations_and_critical_controls_are_refused_and_the_session_goes_on(doors: Doors) -> None:
    async with ldap_talk(doors) as talk:
        assert await talk.code(Extended("1.2.3.4")) is R.PROTOCOL_ERROR
        assert await talk.code(Extended(WHO_AM_I, b"x")) is R.PROTOCOL_ERROR
        critical, other = Control("1.2.3", is_critical=True), Control("1.2.3")
        assert await talk.code(search("(cn=*)"), critical) is R.UNAVAILABLE_CRITICAL_EXTENSION
        assert await talk.code(Extended(WHO_AM_I), critical) is R.UNAVAILABLE_CRITICAL_EXTENSION
        assert await talk.code(SimpleBind(3, "", b""), critical) is R.UNAVAILABLE_CRITICAL_EXTENSION
        assert await talk.code(search("(cn=*)"), other) is R.SUCCESS


async def test_an_account_has_a_bounded_number_of_connections(pem_folder: Path) -> None:
    settings = replace(SETTINGS, connections_per_account=2)
    async with (
        ldap_doors(pem_folder, settings=settings) as doors,
        ldap_talk(doors),
        ldap_talk(doors, implicit=True) as two,
        ldap_talk(doors, signed_in=False) as talk,
    ):
        assert await talk.code(SimpleBind(3, USER, SECRET)) is R.BUSY
        assert await two.code(SimpleBind(3, "", b"")) is R.SUCCESS
        assert await talk.code(SimpleBind(3, USER, SECRET)) is R.SUCCESS
        assert await talk.code(SimpleBind(3, USER, SECRET)) is R.SUCCESS


async def test_a_goodbye_closes_without_a_word(doors: Doors) -> None:
    async with ldap_talk(doors) as talk:
        await talk.send(Unbind())
        assert await talk.is_over


async def test_what_is_no_message_ends_the_session_with_a_notice(doors: Doors) -> None:
    async with ldap_talk(doors) as talk:
        number = await talk.send(Search("", Scope.BASE, search("(cn=*)").filter))
        await talk.raw(b"GET / HTTP/1.1\r\n\r\n")
        assert (await talk.until_done(number))[1].message_id == number
        notice = await talk.answer()
        assert notice is not None
        assert isinstance(notice.answer, Done)
        assert (notice.message_id, notice.answer.code) == (0, R.PROTOCOL_ERROR)
        assert notice.answer.name == NOTICE_OF_DISCONNECTION
        assert await talk.is_over


def test_a_name_is_never_more_than_a_login() -> None:
    assert login_of("a@b.fr") == "a@b.fr"
    assert login_of("a=b@c.fr") == "a=b@c.fr"
    assert login_of("mail=a\\2Cb,o=x") == "a,b"
    assert login_of("mail=\\zz") == "mail=\\zz"


async def test_who_asks_is_told_to_the_directory(pem_folder: Path) -> None:
    shelf = DirectoryShelf()
    async with ldap_doors(pem_folder, shelf=shelf) as doors, ldap_talk(doors) as talk:
        await talk.names("(cn=jean*)")
        assert {one.name for one in shelf.callers} == {USER}
