"""Judging certificates that the library itself would not make; they were made once with OpenSSL, their keys are gone."""

import base64
from datetime import timedelta

import pytest

from mssante.model.peer import ChainVerdict
from mssante.wire.x509.chain import ChainJudge, ChainPolicy, Usage
from mssante.wire.x509.read import read_certificate

AUTHORITY = base64.b64decode(
    "MIIBgDCCASWgAwIBAgIUUluZF3ORkRJcgfJYxnAv9x492k8wCgYIKoZIzj0EAwIwDTELMAkGA1UEAwwCQUMwHhcNMjYxMTIzMDYw"
    "NTAxWhcNMzYxMTIwMDYwNTAxWjANMQswCQYDVQQDDAJBQzBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABKmpJ1AAaSf9pISI5/fz"
    "gqQd7QHEvaBxInvmntyqO8DuvmGXDuns/xXaljJAKZmHui5M9gWZXGeL87qhUF4MAryjYzBhMB0GA1UdDgQWBBSStLtMxyw6S68a"
    "9B2Z7uPIySZmyjAfBgNVHSMEGDAWgBSStLtMxyw6S68a9B2Z7uPIySZmyjAPBgNVHRMBAf8EBTADAQH/MA4GA1UdDwEB/wQEAwIB"
    "BjAKBggqhkjOPQQDAgNJADBGAiEA4WamFP7nxg0Gy9UEXShbYvE0dp4wo6f9o7nsXNtE3UACIQDDl97AU7kvrWyiJWhnSEaaWjyk"
    "xdEhYiUKG/pN6oDj0g=="
)
SHA1_SIGNED = base64.b64decode(
    "MIIBUzCB+qADAgECAgEBMAkGByqGSM49BAEwDTELMAkGA1UEAwwCQUMwHhcNMjYxMTIzMDYwNjEyWhcNMzYxMTIwMDYwNjEyWjAM"
    "MQowCAYDVQQDDAFsMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEZo8FlSbURhu+MADZ9ZERpnT7TJsJvxipe4CyNik5obYVIhFL"
    "sj0l+IjnHpUE+mHOZqSy+67amOXuq58VXGfjg6NNMEswCQYDVR0TBAIwADAdBgNVHQ4EFgQU5rsFng8/o2mkmyEo6RU69C0Jo1Uw"
    "HwYDVR0jBBgwFoAUkrS7TMcsOkuvGvQdme7jyMkmZsowCQYHKoZIzj0EAQNJADBGAiEAnrNTe8S2uhUFbNLAcv88jLjo/1MBsMRC"
    "Azq1MKlJIB4CIQC80SR2Csf0Z3qBFDqS/DvBEjvZsAb6qa7uDROkNZBYmg=="
)
EXPLICIT_CURVE = base64.b64decode(
    "MIICSTCCAe+gAwIBAgIBAjAKBggqhkjOPQQDAjANMQswCQYDVQQDDAJBQzAeFw0yNjExMjMwNjA2MTJaFw0zNjExMjAwNjA2MTJa"
    "MAwxCjAIBgNVBAMMAXgwggFLMIIBAwYHKoZIzj0CATCB9wIBATAsBgcqhkjOPQEBAiEA/////wAAAAEAAAAAAAAAAAAAAAD/////"
    "//////////8wWwQg/////wAAAAEAAAAAAAAAAAAAAAD///////////////wEIFrGNdiqOpPns+u9VXaYhrxlHQawzFOw9jvOPD4n"
    "0mBLAxUAxJ02CIbnBJNqZnjhE50mt4GffpAEQQRrF9Hy4SxCR/i85uVjpEDydwN9gS3rM6D0oTlF2JjClk/jQuL+Gn+bjufrSnwP"
    "nhYrzjNXazFezsu2QGg3v1H1AiEA/////wAAAAD//////////7zm+q2nF56E87nKwvxjJVECAQEDQgAEywJLplZgyiREkTRd5FNQ"
    "LD2EiTx17u8FKuZVYhzP9HtPYmJ4Iy8Rp/GXkTK5DZw6kD95HvNxoDzhjT+f7BWOl6NNMEswCQYDVR0TBAIwADAdBgNVHQ4EFgQU"
    "qWqMFJy7cyyd6isRmJfzGcNGeHwwHwYDVR0jBBgwFoAUkrS7TMcsOkuvGvQdme7jyMkmZsowCgYIKoZIzj0EAwIDSAAwRQIhAKp/"
    "0toHd3JPVRV3Cr/6dkVOtVU6Tc54J0V6ZVCu2ehmAiAovdOBn6dp4xcaPdA+TM5EcRxf/tqomP1uw5wdVVo1rQ=="
)
EXPONENT_3 = base64.b64decode(
    "MIICIDCCAcWgAwIBAgIBAzAKBggqhkjOPQQDAjANMQswCQYDVQQDDAJBQzAeFw0yNjExMjMwNjA2MTJaFw0zNjExMjAwNjA2MTJa"
    "MA0xCzAJBgNVBAMMAmUzMIIBIDANBgkqhkiG9w0BAQEFAAOCAQ0AMIIBCAKCAQEAqyTS3KEujWbi6w249qXF3GSvplchz7mqNK0t"
    "5KMO+XMpq3DVbC6NuOaAXnoWkdsGqpc+9OcdVqAuk/X+7pCExObxtJwyp+p6zr7hghEFL+7C31Fr7kbF4RAeF0VuGIKKticbyOFo"
    "pMOI3dOKwfQUbyc/msS4ZdxUepbY2eSsyAeOLgAZuM74bPyehhTn5KzJqXYWTC7nSXO96x0r4iEp6IBxP42Cp3H9d31Fc1hyWNsY"
    "x+QASWujwRuVMLQdj9yxvnfqapULWZRlCJoi94PLm4Q91XMpofASmHqYjr7zZatK8beYHpx0NdNvLdev7QAq6qGdTW8caSo4Z9HV"
    "gUoL8QIBA6NNMEswCQYDVR0TBAIwADAdBgNVHQ4EFgQUjzyQLnEKODZnJCzgjEE5N3nAHdkwHwYDVR0jBBgwFoAUkrS7TMcsOkuv"
    "GvQdme7jyMkmZsowCgYIKoZIzj0EAwIDSQAwRgIhALuqP5BdgIXzttauFBV4n8qEwSmOoG2GxJGL/bloI1ekAiEAsxJpMhbaskBJ"
    "o+5l6s9FP9ACU5ujQO2VjCvULah8mVQ="
)


@pytest.mark.parametrize(
    ("der", "word"),
    [(SHA1_SIGNED, "signed with SHA1"), (EXPLICIT_CURVE, "explicit curve"), (EXPONENT_3, "exponent 3")],
    ids=["sha1", "explicit-curve", "exponent-3"],
)
def test_refuses_certificates_of_another_age(der: bytes, word: str) -> None:
    peer = read_certificate(der)
    judge = ChainJudge((AUTHORITY,), (), {}, ChainPolicy(crl_required=False))
    found = judge.check(peer, Usage.CLIENT, peer.not_before + timedelta(days=1))
    assert found.verdict is ChainVerdict.UNTRUSTED
    assert word in found.detail
    assert found.detail
