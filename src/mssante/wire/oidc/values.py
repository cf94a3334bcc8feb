"""People, clients and errors of an identity provider.

Source: clients.md 7.1; RFC 6749 section 5.2; OpenID Connect CIBA core section 13.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    """An invented professional.

    Attributes:
        national_id: 8 and an RPPS number.
        profession: code of the national value set (10 physician, 60 nurse...).
        sector: code of the sector of activity.
        role: as shown.
        structure: where he or she works.
    """

    national_id: str
    given_name: str
    family_name: str
    profession: str
    role: str
    structure: str
    sector: str = "SA01"


@dataclass(frozen=True, slots=True)
class Client:
    """A program that signs people in.

    Attributes:
        client_id: its name here.
        secret: "" for a public client, which must use PKCE.
        redirect_uris: exact; a public client may use any port of loopback with the same path.
        auto_approve: the e-CPS confirms by itself, for tests.
    """

    client_id: str
    secret: str
    redirect_uris: tuple[str, ...]
    auto_approve: bool = False


@dataclass(frozen=True, slots=True)
class OAuthError:
    """What a program is told that asked wrongly.

    Attributes:
        code: as the standards name it.
        description: English, one line.
        status: of HTTP.
    """

    code: str
    description: str
    status: int = 400
