"""Which cluster, and how to get in: from the environment (`ENLACE_...`) or given in code. A repr shows no secret."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Connection(BaseSettings):
    """A Kafka cluster. Names and meanings are kafka-python's; `ENLACE_BOOTSTRAP_SERVERS` and so on set them."""

    model_config = SettingsConfigDict(env_prefix="ENLACE_", frozen=True, extra="ignore", hide_input_in_errors=True)

    bootstrap_servers: str = Field(min_length=1, description="host:port of some brokers, separated by commas")
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="how to connect"
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "GSSAPI"] | None = Field(
        None, description="how to prove who we are"
    )
    sasl_plain_username: str | None = Field(None, description="for PLAIN and SCRAM")
    sasl_plain_password: SecretStr | None = Field(None, description="for PLAIN and SCRAM")
    ssl_cafile: str | None = Field(None, description="PEM file of the authorities to trust; else the system's")
    ssl_certfile: str | None = Field(None, description="PEM file of our certificate, for mutual TLS")
    ssl_keyfile: str | None = Field(None, description="PEM file of our key")
    ssl_password: SecretStr | None = Field(None, description="of the key file")
    ssl_crlfile: str | None = Field(None, description="PEM file of revoked certificates")
    ssl_ciphers: str | None = Field(None, description="OpenSSL's cipher list")
    ssl_check_hostname: bool = Field(True, description="whether the broker's certificate must name its host")

    def client(self) -> dict[str, Any]:
        """Keyword arguments of any kafka-python client. Holds secrets in the clear: pass on at once, never log."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        return {
            name: value.get_secret_value() if isinstance(value, SecretStr) else value
            for name, value in values.items()
            if value is not None
        }
