"""Times of HL7 (TS, DTM): digits, as many as are known, and perhaps an offset.

Source: HL7 v3 data type TS; IHE ITI TF-3 section 4.2.3.1.7 (metadata are in UTC; general knowledge of both).
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_TIME: Final = re.compile(
    r"(?P<digits>[0-9]{4}(?:[0-9]{2}){0,5})(?:\.[0-9]{1,6})?(?:(?P<sign>[+-])(?P<hours>0[0-9]|1[0-4]):?(?P<minutes>[0-5][0-9]))?"
)
_FORMS: Final = {4: "%Y", 6: "%Y%m", 8: "%Y%m%d", 10: "%Y%m%d%H", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}


def utc_time(text: str) -> str:
    """Return an HL7 time in UTC, as precise as it was, fractions of a second dropped; "" when it is none.

    A time without an offset, and a date, stay as they are: nothing says where they were written.
    """
    found = _TIME.fullmatch(text.strip())
    if found is None:
        return ""
    digits = found["digits"]
    try:
        moment = datetime.strptime(digits, _FORMS[len(digits)]).replace(tzinfo=UTC)
        if found["sign"] is None or len(digits) <= 8:
            return digits
        offset = timedelta(hours=int(found["hours"]), minutes=int(found["minutes"]))
        moment += -offset if found["sign"] == "+" else offset
    except (ValueError, OverflowError):
        return ""
    return moment.strftime("%Y%m%d%H%M%S").rjust(14, "0")[: max(12, len(digits))]
