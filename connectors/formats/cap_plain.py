"""A CAP alert as a plain dictionary, for mapping files: a connector by configuration alone reads it by field names.

The names are those of `cap_record.py`; personal values are opened here, so what comes out is handed to a mapping and shown to
nobody. Embedded files and what is known of the reading (notes, line) are left out.
"""

from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any, Final

from pydantic import Secret

from connectors.formats.cap_record import CapAlert

_LEFT_OUT: Final = frozenset({"content", "notes", "record", "line"})


def plain(alert: CapAlert) -> dict[str, Any]:
    """Texts, numbers, times with offset, lists and dictionaries; a missing value is None."""
    found: dict[str, Any] = _plain(alert)
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, Secret):
        return _plain(value.get_secret_value())
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value) if each.name not in _LEFT_OUT}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    assert value is None or isinstance(value, str | int | float | datetime)
    return value
