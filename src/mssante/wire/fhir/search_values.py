"""Values of search parameters: lists, tokens, texts, dates; linear and bounded.

Source: FHIR R4 search, sections 3.1.1.3.1 (comma), 3.1.1.4.5 (prefixes), 3.1.1.4.8 (string), 3.1.1.4.10 (token);
FHIR R4 search, 3.1.1.4.16 (escaping); reliability.md D08, D10.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from mssante.model.directory import How
from mssante.model.errors import TheirProtocolError

VALUE_MAX_CHARS: Final = 2000
ONE_MAX_CHARS: Final = 256
ALTERNATIVES_MAX: Final = 50
HOWS: Final = {"": How.STARTS, "contains": How.CONTAINS, "exact": How.EQUALS}

_DATE: Final = re.compile(
    r"(?P<prefix>eq|gt|ge|lt|le|sa|eb)?(?P<year>[12][0-9]{3})(?:-(?P<month>[0-9]{2})(?:-(?P<day>[0-9]{2})"
    r"(?P<time>T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?:Z|[+-][0-9]{2}:[0-9]{2}))?)?)?",
    re.ASCII,
)


class SearchError(TheirProtocolError):
    """A search that cannot be understood; names the parameter."""

    def __init__(self, parameter: str, fault: str) -> None:
        """Keep the name of the parameter beside the text."""
        super().__init__(f"{parameter}: {fault}")
        self.parameter = parameter


def wrong(parameter: str, fault: str) -> SearchError:
    """Return the error of a parameter."""
    return SearchError(parameter, fault)


@dataclass(frozen=True, slots=True)
class Asked:
    """One parameter as it was asked.

    Attributes:
        name: without modifier.
        modifier: after the colon, or "".
        value: decoded, with its commas and escapes.
    """

    name: str
    modifier: str
    value: str

    def alternatives(self) -> tuple[str, ...]:
        """Return what stands between the commas, still escaped.

        Raises:
            SearchError: one is empty or too long, there are too many, a character is no text.
        """
        if len(self.value) > VALUE_MAX_CHARS:
            raise wrong(self.name, f"longer than {VALUE_MAX_CHARS} characters")
        if any(ord(char) < 32 or 0xD800 <= ord(char) <= 0xDFFF or char == "\x7f" for char in self.value):
            raise wrong(self.name, "holds a control character")
        found = split(self.value, ",")
        if len(found) > ALTERNATIVES_MAX:
            raise wrong(self.name, f"more than {ALTERNATIVES_MAX} values")
        for one in found:
            if not one.strip() or len(one) > ONE_MAX_CHARS:
                raise wrong(self.name, f"a value is empty or longer than {ONE_MAX_CHARS} characters")
        return found

    def how(self) -> How:
        """Return how a text is compared.

        Raises:
            SearchError: a modifier that is none of a string.
        """
        if self.modifier not in HOWS:
            raise wrong(self.name, f"modifier :{self.modifier[:40]} is not supported, :contains and :exact are")
        return HOWS[self.modifier]

    def plain(self) -> "Asked":
        """Return itself when there is no modifier.

        Raises:
            SearchError: there is one.
        """
        if self.modifier:
            raise wrong(self.name, f"modifier :{self.modifier[:40]} is not supported")
        return self


@dataclass(frozen=True, slots=True)
class Token:
    """A code or number; `system` is None when it was not said, "" when it was said that there is none."""

    system: str | None
    value: str


@dataclass(frozen=True, slots=True)
class Changed:
    """When resources were changed last: from `since`, before `until`; None is open."""

    since: datetime | None = None
    until: datetime | None = None

    def holds(self, moment: datetime | None) -> bool:
        """Tell whether that moment is within; what has no date is only within when nothing is asked."""
        if self.since is None and self.until is None:
            return True
        if moment is None:
            return False
        return (self.since is None or moment >= self.since) and (self.until is None or moment < self.until)


ANY_TIME: Final = Changed()


def split(text: str, separator: str) -> tuple[str, ...]:
    """Return the parts between separators that no backslash stands before; escapes are kept."""
    if "\\" not in text:
        return tuple(text.split(separator))
    found, begin, at = [], 0, 0
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text[at] == separator:
            found.append(text[begin:at])
            begin = at + 1
        at += 1
    return (*found, text[begin:])


def unescape(text: str) -> str:
    r"""Return the text without the backslashes of ``\,``, ``\|``, ``\$`` and ``\\``; any other one is itself."""
    return re.sub(r"\\([,|$\\])", r"\1", text) if "\\" in text else text


def read_token(text: str) -> Token:
    """Return ``value``, ``|value``, ``system|`` or ``system|value``."""
    parts = split(text, "|")
    if len(parts) == 1:
        return Token(None, unescape(parts[0]).strip())
    return Token(unescape(parts[0]).strip(), unescape("|".join(parts[1:])).strip())


def read_changed(asked: Asked, within: Changed) -> Changed:
    """Return the time that `_lastUpdated` leaves of what was left.

    Raises:
        SearchError: it is no date, or a prefix that is not served (ne, ap).

    Source: FHIR R4 search, 3.1.1.4.5 and 3.1.1.4.7.
    """
    found = _DATE.fullmatch(asked.plain().value.strip())
    if found is None:
        raise wrong(asked.name, "is no date such as ge2026-01-31 or ge2026-01-31T10:00:00Z")
    try:
        first, end = _span(found)
    except (ValueError, OverflowError) as error:
        raise wrong(asked.name, "there is no such date") from error
    since, until = {
        "gt": (end, None),
        "sa": (end, None),
        "ge": (first, None),
        "lt": (None, first),
        "eb": (None, first),
        "le": (None, end),
    }.get(found["prefix"] or "eq", (first, end))
    return Changed(
        max([one for one in (since, within.since) if one is not None], default=None),
        min([one for one in (until, within.until) if one is not None], default=None),
    )


def _span(found: re.Match[str]) -> tuple[datetime, datetime]:
    """Return the first moment that the date means, and the first one after it."""
    year, month, day = int(found["year"]), int(found["month"] or 1), int(found["day"] or 1)
    if found["time"]:
        moment = datetime.fromisoformat(f"{found['year']}-{found['month']}-{found['day']}{found['time']}")
        return moment.astimezone(UTC), moment.astimezone(UTC) + timedelta(seconds=0 if "." in found["time"] else 1)
    first = datetime(year, month, day, tzinfo=UTC)
    if found["day"]:
        return first, first + timedelta(days=1)
    if found["month"]:
        return first, datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    return first, datetime(year + 1, 1, 1, tzinfo=UTC)
