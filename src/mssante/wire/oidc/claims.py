"""What the tokens of the provider say, in the words of Pro Santé Connect.

Source: clients.md 7.1 and 7.2.
"""

from datetime import datetime
from typing import Any

from mssante.wire.oidc.values import Person


def identity_claims(person: Person) -> dict[str, Any]:
    """Return what is said of a person."""
    return {
        "sub": f"f:mssante:{person.national_id}",
        "SubjectNameID": person.national_id,
        "preferred_username": person.national_id,
        "given_name": person.given_name,
        "family_name": person.family_name,
        "Secteur_Activite": f"{person.sector}^1.2.250.1.71.4.2.4",
        "SubjectOrganization": person.structure,
        "SubjectRole": [f"{person.profession}^1.2.250.1.213.1.1.5.5"],
        "SubjectRefPro": {
            "codeCivilite": "M",
            "exercices": [
                {
                    "codeProfession": person.profession,
                    "codeCategorieProfessionnelle": "C",
                    "nomDexercice": person.family_name,
                    "prenomDexercice": person.given_name,
                    "activities": [
                        {
                            "codeSecteurDactivite": person.sector,
                            "raisonSocialeSite": person.structure,
                            "codeModeExercice": "S",
                        }
                    ],
                }
            ],
        },
        "Mode_Acces_Raison": "",
        "PSI_Locale": "1.2.250.1.213.1.3.1.1",
        "acr": "eidas1",
    }


def token_claims(
    person: Person, *, issuer: str, client_id: str, session: str, kind: str, now: datetime, until: datetime
) -> dict[str, Any]:
    """Return the claims of an access token (``Bearer``) or an id token (``ID``)."""
    return {
        **identity_claims(person),
        "iss": issuer,
        "aud": client_id,
        "azp": client_id,
        "typ": kind,
        "iat": int(now.timestamp()),
        "exp": int(until.timestamp()),
        "session_state": session,
        "scope": "openid scope_all",
    }


def discovery(issuer: str) -> dict[str, Any]:
    """Return how the provider describes itself (OpenID Connect Discovery section 3)."""
    base = f"{issuer}/protocol/openid-connect"
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{base}/auth",
        "token_endpoint": f"{base}/token",
        "userinfo_endpoint": f"{base}/userinfo",
        "end_session_endpoint": f"{base}/logout",
        "introspection_endpoint": f"{base}/token/introspect",
        "jwks_uri": f"{base}/certs",
        "backchannel_authentication_endpoint": f"{base}/ext/ciba/auth",
        "backchannel_token_delivery_modes_supported": ["poll"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", "scope_all"],
        "acr_values_supported": ["eidas1"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "grant_types_supported": ["authorization_code", "refresh_token", "urn:openid:params:grant-type:ciba"],
        "authorization_response_iss_parameter_supported": True,
    }
