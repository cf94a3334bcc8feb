"""Which documents of a mailbox are in force: those that another one replaced, or that came twice, are told apart.

Source: clients.md 5.6 (INT.18, duplicates and versions).
"""

from collections.abc import Sequence
from dataclasses import replace

from mssante.model.filed_document import ListedDocument, Standing


def told_apart(documents: Sequence[ListedDocument]) -> list[ListedDocument]:
    """Return the documents with their standing.

    Args:
        documents: of one mailbox, the last ones first, as they came.
    """
    replaced = {one.filed.replaces for one in documents if one.filed.replaces}
    newest: dict[str, int] = {}
    for one in documents:
        if one.filed.set_id:
            newest[one.filed.set_id] = max(newest.get(one.filed.set_id, 0), one.filed.version)
    seen: set[str] = set()
    found: list[ListedDocument] = []
    for one in documents:
        standing = Standing.CURRENT
        if one.filed.document in replaced or one.filed.version < newest.get(one.filed.set_id, 0):
            standing = Standing.REPLACED
        elif one.filed.document in seen:
            standing = Standing.DUPLICATE
        seen.add(one.filed.document)
        found.append(replace(one, standing=standing))
    return found
