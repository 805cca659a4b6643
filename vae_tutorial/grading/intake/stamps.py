"""nbgrader's file with the time of handing in."""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from vae_tutorial.grading.intake.leaf import Leaf, UnreadableError

STAMP = "timestamp.txt"
LARGEST = 1_000  # bytes
TIME = re.compile(r"(\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?) *(\S*)")
OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)")


def read_stamp(leaf: Leaf) -> tuple[str, str]:
    """The time in ISO 8601 in UTC, or "" and a sentence."""
    try:
        text = leaf.read(LARGEST).decode().strip()
    except UnreadableError as error:
        return "", f"{STAMP} {error}"
    except UnicodeDecodeError:
        return "", f"{STAMP} is not text"
    found = TIME.fullmatch(text)
    zone = _zone(found[2]) if found else None
    if found and zone:
        try:
            time = datetime.fromisoformat(found[1]).replace(tzinfo=zone).astimezone(UTC)
            return time.isoformat(timespec="seconds"), ""
        except (ValueError, OverflowError):
            pass
    return "", f"{STAMP} must be a time such as 2026-11-20 10:00:00 UTC, got {text[:60]!r}"


def _zone(name: str) -> tzinfo | None:
    """Without a name UTC, as nbgrader takes it. None for one that is not known here."""
    if name in ("", "Z", "UTC", "GMT"):
        return UTC
    if offset := OFFSET.fullmatch(name):
        minutes = int(offset[2]) * 60 + int(offset[3])
        return timezone(timedelta(minutes=-minutes if offset[1] == "-" else minutes)) if minutes < 24 * 60 else None
    try:
        return ZoneInfo(name)
    except (ValueError, KeyError, OSError):
        return None
