"""Make a PDF/A-1 of a page of ours with WeasyPrint, which reads fonts of this machine; a page fetches nothing else.

The only place that knows the library, which is not typed and needs Debian's Pango.

Source: clients.md 5.1 (PDF/A-1 made from the CDA; ECO.2.1.5); libraries.md (WeasyPrint).
"""

import logging
import warnings
from typing import Any, Final

from mssante.model.errors import LinkError

VARIANT: Final = "pdf/a-1b"
PAGE_MAX_CHARS: Final = 4_000_000
_MISSING: Final = "installez Pango et une police (Debian : apt-get install libpangoft2-1.0-0 fonts-dejavu-core)"


def pdf_of_page(page: str) -> bytes:
    """Return the PDF/A-1b of a whole HTML page. Takes a tenth of a second a page, and blocks meanwhile.

    Args:
        page: made by us; images are ``data:`` addresses.

    Raises:
        LinkError: the library or Pango is missing, or the page is too long.
    """
    if len(page) > PAGE_MAX_CHARS:
        msg = f"page de {len(page)} caractères, trop longue pour en faire un PDF : joignez un PDF tout fait"
        raise LinkError(msg)
    library = _library()
    try:
        # Only what stands in the page itself: nothing is fetched, whatever it asks for.
        fetcher = library.urls.URLFetcher(allowed_protocols=("data",), allow_redirects=False)
        with warnings.catch_warnings():
            # The library leaves the file of its colour profile to the collector.
            warnings.simplefilter("ignore", ResourceWarning)
            made = library.HTML(string=page, url_fetcher=fetcher).write_pdf(pdf_variant=VARIANT)
    except (ValueError, OSError, RecursionError, MemoryError) as error:
        msg = f"le PDF n'a pas pu être fait ({type(error).__name__} : {error}) ; joignez un PDF tout fait"
        raise LinkError(msg) from error
    return bytes(made)


def _library() -> Any:  # noqa: ANN401 - it has no types
    try:
        # Loaded when it is wanted: it takes a second, and most processes never make a PDF.
        import weasyprint  # type: ignore[import-untyped]
    except (ImportError, OSError) as error:
        msg = f"le PDF ne peut pas être fait ici ({str(error).splitlines()[0][:200]}) ; {_MISSING}"
        raise LinkError(msg) from error
    # It tells of every style that it does not know; a page of ours has some for screens only.
    for name in ("weasyprint", "fontTools"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return weasyprint
