"""Logs: one JSON object per line on standard error, or readable lines; bounded facts, one event one line."""

import logging
import sys
from typing import Final, cast

import structlog

from mssante.model.log import Log
from mssante.model.settings import LogSettings

FACT_MAX_CHARS: Final = 1000


def make_log(settings: LogSettings, *, name: str) -> Log:
    """Return the log of this process, bound to the operator's name."""
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    last: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if settings.format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _bound,
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
    return cast("Log", structlog.get_logger(operator=name))


def _bound(
    _logger: structlog.typing.WrappedLogger, _method: str, facts: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Cut long facts and make control characters visible, so that one event is one line (reliability.md G02)."""
    for key, value in facts.items():
        if isinstance(value, str) and (len(value) > FACT_MAX_CHARS or not value.isprintable()):
            facts[key] = "".join(char if char.isprintable() else repr(char)[1:-1] for char in value[:FACT_MAX_CHARS])
    return facts
