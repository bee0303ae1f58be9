"""Reads a run's secrets, and keeps them from whoever does not ask for them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from flowctl.dataclass import dataclass
from flowctl.plan import Secret


@dataclass(frozen=True, slots=True)
class Vault:
    """The secrets of a run by their ids: the values, and for those that cannot be had, why."""

    values: Mapping[str, str]
    missing: Mapping[str, str]
    variables: frozenset[str]

    def environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        """The variables without those that hold secrets."""
        return {name: text for name, text in variables.items() if name not in self.variables}


def read_secrets(secrets: tuple[Secret, ...], environment: Mapping[str, str], base: Path) -> Vault:
    """Reads all secrets; one that cannot be had is no fault until something asks for it.

    A file's last line end is not part of the secret.
    """
    values: dict[str, str] = {}
    missing: dict[str, str] = {}
    for secret in secrets:
        try:
            values[secret.id] = _read(secret, environment, base)
        except _Missing as reason:
            missing[secret.id] = str(reason)
    variables = frozenset(secret.location for secret in secrets if secret.source == "env")
    return Vault(values, missing, variables)


class _Missing(Exception):
    """Says why a secret cannot be had."""


def _read(secret: Secret, environment: Mapping[str, str], base: Path) -> str:
    if secret.source == "env":
        if secret.location not in environment:
            raise _Missing(f"the environment has no variable `{secret.location}`")
        return environment[secret.location]
    try:
        raw = (base / secret.location).read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise _Missing(f"`{secret.location}` cannot be read: {reason}") from None
    text = raw.decode("utf-8", "surrogateescape")
    return text.removesuffix("\n").removesuffix("\r")
