"""Enveloped XML signatures of CAP messages (CAP 1.2, 3.3.4.1; W3C XML Signature 1.1), RSA or elliptic-curve keys."""

from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import msgspec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from signxml.algorithms import CanonicalizationMethod
from signxml.signer import XMLSigner

from perisai.model import BadInputError


class KeyPair(msgspec.Struct, frozen=True):
    """A private key and its certificate, both PEM."""

    key_pem: bytes
    certificate_pem: bytes


class Signer:
    """Signs CAP messages. key_pem: PKCS#8 RSA or EC private key, not encrypted; certificate_pem: its X.509 certificate.

    An RSA signature of the same message is the same bytes again; an EC one is not (its nonce is random).
    Raises BadInputError when a key cannot be read, is of another kind, or does not belong to the certificate.
    """

    def __init__(self, key_pem: bytes, certificate_pem: bytes) -> None:
        try:
            key = serialization.load_pem_private_key(key_pem, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise BadInputError("signing key", str(error), "a private key in PEM, not encrypted") from error
        try:
            certificate = x509.load_pem_x509_certificate(certificate_pem)
        except ValueError as error:
            raise BadInputError("signing certificate", str(error), "an X.509 certificate in PEM") from error
        if not isinstance(key, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)):
            raise BadInputError("signing key", type(key).__name__, "an RSA or elliptic-curve key")
        if _public_bytes(key.public_key()) != _public_bytes(certificate.public_key()):
            raise BadInputError("signing certificate", "that of another key", "the certificate of the signing key")
        self._key: Any = key
        self._certificates = [certificate]
        self._signer: Any = XMLSigner(
            signature_algorithm="rsa-sha256" if isinstance(key, rsa.RSAPrivateKey) else "ecdsa-sha256",
            c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
        )

    def sign(self, alert: Any) -> Any:
        """The message (lxml element) with a Signature as its last child and the certificate in it."""
        return self._signer.sign(alert, key=self._key, cert=self._certificates)


def make_key(name: str, now_us: int, kind: Literal["rsa", "ec"] = "rsa", days: int = 3650) -> KeyPair:
    """A new key with a self-signed certificate for `name`, valid from a day before now_us (us since 1970 UTC)."""
    key = rsa.generate_private_key(65537, 3072) if kind == "rsa" else ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = datetime.fromtimestamp(now_us // 1_000_000, UTC) - timedelta(days=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=days + 1))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    key_pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return KeyPair(key_pem, certificate.public_bytes(serialization.Encoding.PEM))


def _public_bytes(key: Any) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
