"""What the commands read from the environment, beside the Kafka settings (hub/bus/settings.py)."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from hub.guidelines.bundle import Bundle, BundleError
from hub.guidelines.profile import ProfileError, load_profile

from .output import BAD_INPUT, fail


class Settings(BaseSettings):
    """Settings of the hub's own commands, from the environment: `ENLACE_HOME` and so on."""

    model_config = SettingsConfigDict(env_prefix="ENLACE_", extra="ignore", hide_input_in_errors=True)

    home: Path = Field(Path("var"), description="where this machine keeps data and logs")
    profile: Path | None = Field(
        None, description="the profile's folder; the one that is installed, if there is one only"
    )
    partitions: int = Field(6, ge=1, le=1000, description="lanes: partitions of every routed topic, fixed for life")
    replication: int = Field(1, ge=1, le=9, description="copies of every partition; 3 in production")
    slot: str = Field("router-0", pattern=r"^[a-z0-9-]{1,64}$", description="this router's name in its group")
    log_level: str = Field("info", pattern="^(debug|info|warning|error)$", description="how much is logged")
    withdraw_after_days: int = Field(
        365,
        ge=0,
        le=3650,
        description="days after the end of an alert's validity until what recipients still hold of it is withdrawn: as long "
        "as any guideline lets them keep it",
    )
    metrics_port: int | None = Field(
        None,
        ge=0,
        le=65_535,
        description="where router, scheduler or recorder answers /metrics, /health and /ready; 0 takes a free one",
    )
    metrics_host: str = Field("127.0.0.1", description="the address to answer them on; they need no password")


def settings() -> Settings:
    """The settings, or one line that says which one is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        fail(f"setting ENLACE_{str(first['loc'][0]).upper()}: {first['msg']}", BAD_INPUT)


def profile_folder(given: Path | None) -> Path:
    """The profile to use: the one given, the one of the settings, or the only one that is installed."""
    chosen = given or settings().profile
    if chosen is not None:
        return chosen
    installed = [Path(str(entry)) for entry in files("profiles").iterdir() if entry.joinpath("agencies.yaml").is_file()]
    if len(installed) != 1:
        fail(f"{len(installed)} profiles are installed: name one by --profile or ENLACE_PROFILE", BAD_INPUT)
    return installed[0]


def load_bundle(given: Path | None) -> Bundle:
    """The profile as a bundle, or every problem of it on standard error."""
    folder = profile_folder(given)
    try:
        return load_profile(folder)
    except (ProfileError, BundleError, OSError) as error:
        fail(f"profile {folder.name} cannot be used:\n{error}", BAD_INPUT)
