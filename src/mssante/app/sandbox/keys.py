"""Make several RSA keys on two cores: ``python -m mssante.app.sandbox.keys COUNT`` prints keys as PEM.

Making keys is most of the time that a sandbox needs to be laid out, and the library holds the interpreter meanwhile.
"""

import subprocess
import sys
from typing import Final

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

KEY_BITS: Final = 2048
END: Final = b"-----END PRIVATE KEY-----\n"


def new_key() -> RSAPrivateKey:
    """Return a new RSA key of 2,048 bits, the size that the trust space asks for.

    Source: operators.md 2.2 (RSA 2048 keys).
    """
    return generate_private_key(public_exponent=65537, key_size=KEY_BITS)


def key_pem(key: RSAPrivateKey) -> bytes:
    """Return the key as PEM (PKCS 8), not encrypted."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def new_keys(count: int) -> list[RSAPrivateKey]:
    """Return that many new keys; half of them are made by a second process."""
    command = [sys.executable, "-m", "mssante.app.sandbox.keys", str(count // 2)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as second:
        made = [new_key() for _ in range(count - count // 2)]
        printed, _ = second.communicate()
    # Made a moment ago by the same code: the check of primes would cost as much as making them.
    found = [
        load_pem_private_key(text + END, password=None, unsafe_skip_rsa_key_validation=True)
        for text in printed.split(END)
        if text
    ]
    made += [key for key in found if isinstance(key, RSAPrivateKey)]
    # The second process may have been stopped; nothing is worth failing for.
    return made + [new_key() for _ in range(count - len(made))]


if __name__ == "__main__":
    sys.stdout.buffer.write(b"".join(key_pem(new_key()) for _ in range(int(sys.argv[1]))))
