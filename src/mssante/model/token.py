"""What an access token of the identity provider says, once it is verified: values only.

Source: clients.md 7.1 (claims of Pro Santé Connect).
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """A verified access token.

    Attributes:
        issuer: who made it; the one that is configured.
        subject: of the issuer, opaque.
        national_id: SubjectNameID or preferred_username: the national identifier with its type digit in front.
        expires_at: UTC.
    """

    issuer: str
    subject: str
    national_id: str
    expires_at: datetime
