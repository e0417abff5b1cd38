"""What makes the local Kafka a secured one: an authority and a certificate made on the spot, SCRAM users, default deny.

Clients come by SASL_SSL with a user and a password; the broker talks to itself and to its controller by certificate, so
that no listener is open to whoever is on this machine. Who may do what is access.py's; starting the broker is local.py's.
The source of the settings' names: Apache Kafka 4.4, "Security".
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import os
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric import ec

from hub.bus.access import MECHANISM
from hub.bus.settings import Connection

ADMIN: Final = "admin"
BROKER: Final = "enlace-broker"
ITERATIONS: Final = 8192
AUTHORITY_DAYS: Final = 3650
BROKER_DAYS: Final = 397
RENEW_DAYS: Final = 30
CA_FILE: Final = "ca.pem"

SETTINGS: Final[Mapping[str, str]] = {
    "inter.broker.listener.name": "INTERNAL",
    "listener.security.protocol.map": "CONTROLLER:SSL,INTERNAL:SSL,CLIENTS:SASL_SSL",
    "listener.name.controller.ssl.client.auth": "required",
    "listener.name.internal.ssl.client.auth": "required",
    "sasl.enabled.mechanisms": MECHANISM,
    "listener.name.clients.scram-sha-512.sasl.jaas.config": (
        "org.apache.kafka.common.security.scram.ScramLoginModule required;"
    ),
    "ssl.keystore.type": "PEM",
    "ssl.keystore.location": "security/broker.pem",
    "ssl.truststore.type": "PEM",
    "ssl.truststore.location": f"security/{CA_FILE}",
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": f"User:CN={BROKER};User:{ADMIN}",
    "allow.everyone.if.no.acl.found": "false",
}


class Security:
    """The keys, certificates and the administrator's password of one broker, in `folder`/security, for its owner alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "security"

    @property
    def settings(self) -> Mapping[str, str]:
        """The broker's, beside those of every local one."""
        return SETTINGS

    def prepare(self, host: str) -> None:
        """Makes what is missing, and a new certificate for the broker when the old one ends within RENEW_DAYS."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not (self._folder / "authority.pem").exists():
            self._make_authority()
        if self._broker_ends() < datetime.now(UTC) + timedelta(days=RENEW_DAYS):
            self._make_broker(host)
        if not self._password_file.exists():
            _write(self._password_file, secrets.token_urlsafe(32).encode())

    def format_arguments(self) -> Sequence[str]:
        """What the format tool is told of the administrator: the salted password, as others can read a command line."""
        salt = secrets.token_bytes(24)
        salted = hashlib.pbkdf2_hmac("sha512", self._password_file.read_bytes(), salt, ITERATIONS)
        words = f'name={ADMIN},iterations={ITERATIONS},salt="{_base64(salt)}",saltedpassword="{_base64(salted)}"'
        return ("--add-scram", f"{MECHANISM}=[{words}]")

    def connection(self, bootstrap_servers: str) -> Connection:
        """The administrator's."""
        return connection(
            bootstrap_servers, ADMIN, self._password_file.read_text(encoding="ascii"), self._folder / CA_FILE
        )

    @property
    def _password_file(self) -> Path:
        return self._folder / "admin.password"

    def _make_authority(self) -> None:
        key = _new_key()
        name = _name("Enlace local authority")
        certificate = _certificate(name, name, key, key, AUTHORITY_DAYS, hosts=())
        _write(self._folder / CA_FILE, _pem(certificate), mode=0o644)
        _write(self._folder / "authority.pem", _private(key) + _pem(certificate))

    def _make_broker(self, host: str) -> None:
        authority = (self._folder / "authority.pem").read_bytes()
        issuer = x509.load_pem_x509_certificate(authority)
        signer = form.load_pem_private_key(authority, None)
        assert isinstance(signer, ec.EllipticCurvePrivateKey)
        key = _new_key()
        certificate = _certificate(_name(BROKER), issuer.subject, key, signer, BROKER_DAYS, hosts=(host,))
        _write(self._folder / "broker.pem", _private(key) + _pem(certificate) + _pem(issuer))

    def _broker_ends(self) -> datetime:
        path = self._folder / "broker.pem"
        if not path.exists():
            return datetime.min.replace(tzinfo=UTC)
        return x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc


def connection(bootstrap_servers: str, user: str, password: str, authority: Path | None) -> Connection:
    """How `user` reaches a cluster that is secured as ours is; without `authority` the system's are trusted."""
    return Connection.model_validate(
        {
            "bootstrap_servers": bootstrap_servers,
            "security_protocol": "SASL_SSL",
            "sasl_mechanism": MECHANISM,
            "sasl_plain_username": user,
            "sasl_plain_password": password,
            "ssl_cafile": str(authority) if authority else None,
        }
    )


def _write(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Aside, then renamed: nobody finds half a key."""
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    descriptor = os.open(path.with_suffix(".part"), os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    part.replace(path)


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(form.Encoding.PEM)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    days: int,
    *,
    hosts: Sequence[str],
) -> x509.Certificate:
    """An authority's certificate if it names no host."""

    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=not hosts, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .add_extension(_usage(authority=not hosts), critical=True)
    )
    if hosts:
        names: list[x509.GeneralName] = [x509.IPAddress(ipaddress.ip_address(host)) for host in hosts]
        builder = builder.add_extension(x509.SubjectAlternativeName([*names, x509.DNSName("localhost")]), False)
    return builder.sign(signer, hashes.SHA256())


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )
