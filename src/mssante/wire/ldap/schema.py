"""The root of the server and its schema, as clients read them before they search.

Source: RFC 4512 sections 4.1, 4.2 and 5.1; RFC 3673; RFC 4526.
"""

from functools import cache
from typing import Final

from mssante.wire.ldap.attributes import (
    ATTRIBUTES,
    BOOLEAN,
    DN,
    IA5,
    INTEGER,
    OID,
    OURS,
    PHONE,
    POSTAL,
    SCHEMA_NAME,
    STRING,
    TIME,
    Attribute,
)
from mssante.wire.ldap.entries import Node
from mssante.wire.ldap.results import (
    ALL_OPERATIONAL_ATTRIBUTES,
    PAGED_RESULTS,
    SORTING,
    START_TLS,
    TRUE_FALSE_FILTERS,
    WHO_AM_I,
)
from mssante.wire.ldap.values import BOX_CLASS, PROFESSIONAL_CLASS, STRUCTURE_CLASS

# Syntax -> its name, the rules by which its values are compared.
_SYNTAXES: Final = {
    STRING: ("Directory String", "EQUALITY caseIgnoreMatch SUBSTR caseIgnoreSubstringsMatch"),
    IA5: ("IA5 String", "EQUALITY caseIgnoreIA5Match SUBSTR caseIgnoreIA5SubstringsMatch"),
    BOOLEAN: ("Boolean", "EQUALITY booleanMatch"),
    DN: ("DN", "EQUALITY distinguishedNameMatch"),
    TIME: ("Generalized Time", "EQUALITY generalizedTimeMatch"),
    INTEGER: ("INTEGER", "EQUALITY integerMatch"),
    OID: ("OID", "EQUALITY objectIdentifierMatch"),
    POSTAL: ("Postal Address", "EQUALITY caseIgnoreListMatch SUBSTR caseIgnoreListSubstringsMatch"),
    PHONE: ("Telephone Number", "EQUALITY telephoneNumberMatch SUBSTR telephoneNumberSubstringsMatch"),
}
_RULES: Final = (
    ("2.5.13.0", "objectIdentifierMatch", OID),
    ("2.5.13.1", "distinguishedNameMatch", DN),
    ("2.5.13.2", "caseIgnoreMatch", STRING),
    ("2.5.13.3", "caseIgnoreOrderingMatch", STRING),
    ("2.5.13.4", "caseIgnoreSubstringsMatch", "1.3.6.1.4.1.1466.115.121.1.58"),
    ("2.5.13.11", "caseIgnoreListMatch", POSTAL),
    ("2.5.13.12", "caseIgnoreListSubstringsMatch", "1.3.6.1.4.1.1466.115.121.1.58"),
    ("2.5.13.13", "booleanMatch", BOOLEAN),
    ("2.5.13.14", "integerMatch", INTEGER),
    ("2.5.13.20", "telephoneNumberMatch", PHONE),
    ("2.5.13.21", "telephoneNumberSubstringsMatch", "1.3.6.1.4.1.1466.115.121.1.58"),
    ("2.5.13.27", "generalizedTimeMatch", TIME),
    ("1.3.6.1.4.1.1466.109.114.2", "caseIgnoreIA5Match", IA5),
    ("1.3.6.1.4.1.1466.109.114.3", "caseIgnoreIA5SubstringsMatch", "1.3.6.1.4.1.1466.115.121.1.58"),
)
# What the root and the schema hold themselves: programs check each name that they ask for (RFC 4512 sections 4.2, 5.1).
_OF_SCHEMA: Final = (
    ("2.5.18.1", "createTimestamp", TIME),
    ("2.5.21.4", "matchingRules", "1.3.6.1.4.1.1466.115.121.1.30"),
    ("2.5.21.5", "attributeTypes", "1.3.6.1.4.1.1466.115.121.1.3"),
    ("2.5.21.6", "objectClasses", "1.3.6.1.4.1.1466.115.121.1.37"),
    ("1.3.6.1.4.1.1466.101.120.16", "ldapSyntaxes", "1.3.6.1.4.1.1466.115.121.1.54"),
)
_OF_ROOT: Final = (
    ("1.3.6.1.4.1.1466.101.120.5", "namingContexts", DN),
    ("1.3.6.1.4.1.1466.101.120.7", "supportedExtension", OID),
    ("1.3.6.1.4.1.1466.101.120.13", "supportedControl", OID),
    ("1.3.6.1.4.1.1466.101.120.14", "supportedSASLMechanisms", STRING),
    ("1.3.6.1.4.1.1466.101.120.15", "supportedLDAPVersion", INTEGER),
    ("1.3.6.1.4.1.4203.1.3.5", "supportedFeatures", OID),
    ("1.3.6.1.1.4", "vendorName", STRING),
)
_OWN_SYNTAXES: Final = (
    ("1.3.6.1.4.1.1466.115.121.1.3", "Attribute Type Description"),
    ("1.3.6.1.4.1.1466.115.121.1.30", "Matching Rule Description"),
    ("1.3.6.1.4.1.1466.115.121.1.37", "Object Class Description"),
    ("1.3.6.1.4.1.1466.115.121.1.54", "LDAP Syntax Description"),
    ("1.3.6.1.4.1.1466.115.121.1.58", "Substring Assertion"),
)
_WHERE: Final = "street $ postalCode $ l $ st $ postalAddress $ telephoneNumber $ description"
_INET: Final = "businessCategory $ displayName $ employeeNumber $ givenName $ mail $ o $ uid"
_TRAINING: Final = "codeProfession $ libelleProfession $ codeCategorie $ libelleCategorie $ codeSpecialite $ specialite"
_BOX: Final = "rangBAL $ dematerialisation $ ou $ description"
_PLACE: Final = "cn $ displayName $ co $ typeStructure $ siret $ raisonSociale $ enseigneCommerciale"
# Object identifier, name, what follows.
_CLASSES: Final = (
    ("2.5.6.0", "top", "ABSTRACT MUST objectClass"),
    ("2.5.6.4", "organization", f"SUP top STRUCTURAL MUST o MAY ( businessCategory $ {_WHERE} )"),
    ("2.5.6.5", "organizationalUnit", f"SUP top STRUCTURAL MUST ou MAY ( businessCategory $ {_WHERE} )"),
    ("2.5.6.6", "person", "SUP top STRUCTURAL MUST ( sn $ cn ) MAY ( telephoneNumber $ description )"),
    ("2.5.20.1", "subschema", "AUXILIARY MAY ( attributeTypes $ objectClasses $ ldapSyntaxes $ matchingRules )"),
    ("2.5.6.7", "organizationalPerson", f"SUP person STRUCTURAL MAY ( title $ ou $ {_WHERE} )"),
    ("2.16.840.1.113730.3.2.2", "inetOrgPerson", f"SUP organizationalPerson STRUCTURAL MAY ( {_INET} )"),
    (
        f"{OURS}.2.1",
        BOX_CLASS,
        f"DESC 'Boîte aux lettres MSSanté' SUP top AUXILIARY MUST ( mail $ typeBAL ) MAY ( {_BOX} ) X-ORIGIN 'mssante'",
    ),
    (
        f"{OURS}.2.2",
        PROFESSIONAL_CLASS,
        f"DESC 'Professionnel' SUP top AUXILIARY MUST idNat MAY ( civiliteExercice $ {_TRAINING} ) X-ORIGIN 'mssante'",
    ),
    (
        f"{OURS}.2.3",
        STRUCTURE_CLASS,
        f"DESC 'Structure' SUP top AUXILIARY MUST idStructure MAY ( {_PLACE} ) X-ORIGIN 'mssante'",
    ),
)


def _attribute_type(one: Attribute) -> str:
    """Return one line of the schema.

    Source: RFC 4512 section 4.1.2.
    """
    names = " ".join(f"'{name}'" for name in (one.name, *one.aliases))
    parts = [one.oid, f"NAME ( {names} )" if one.aliases else f"NAME {names}"]
    if one.about:
        # A quote ends the text of the schema: it is written as the standard says.
        about = one.about.replace("\\", "\\5C").replace("'", "\\27")
        parts.append(f"DESC '{about}'")
    parts += [_SYNTAXES[one.syntax][1], f"SYNTAX {one.syntax}"]
    if one.is_single:
        parts.append("SINGLE-VALUE")
    if one.is_operational:
        parts.append("NO-USER-MODIFICATION USAGE directoryOperation")
    if one.oid.startswith(f"{OURS}."):
        parts.append("X-ORIGIN 'mssante'")
    return f"( {' '.join(parts)} )"


@cache
def schema_node() -> Node:
    """Return the subschema: what entries may hold, and how it is compared.

    Source: RFC 4512 section 4.2.
    """
    types = [_attribute_type(one) for one in ATTRIBUTES]
    for listed, usage in ((_OF_SCHEMA, "directoryOperation"), (_OF_ROOT, "dSAOperation")):
        types += [f"( {oid} NAME '{name}' SYNTAX {syntax} USAGE {usage} )" for oid, name, syntax in listed]
    syntaxes = (*((oid, name) for oid, (name, _rules) in _SYNTAXES.items()), *_OWN_SYNTAXES)
    return Node(
        SCHEMA_NAME,
        (("objectClass", ("top", "subschema")), ("cn", ("subschema",))),
        (
            ("attributeTypes", tuple(types)),
            ("objectClasses", tuple(f"( {oid} NAME '{name}' {rest} )" for oid, name, rest in _CLASSES)),
            ("ldapSyntaxes", tuple(f"( {oid} DESC '{name}' )" for oid, name in syntaxes)),
            ("matchingRules", tuple(f"( {oid} NAME '{name}' SYNTAX {syntax} )" for oid, name, syntax in _RULES)),
        ),
    )


def root_node(suffix: str, mechanisms: tuple[str, ...], *, starttls: bool) -> Node:
    """Return the root: what this server can do for this client now.

    All of it is returned unasked too: it is what somebody who looks there came for.

    Source: RFC 4512 section 5.1.
    """
    extensions = (*((START_TLS,) if starttls else ()), WHO_AM_I)
    return Node(
        "",
        (
            ("objectClass", ("top",)),
            ("namingContexts", (suffix,)),
            ("supportedLDAPVersion", ("3",)),
            ("supportedExtension", extensions),
            ("supportedControl", (PAGED_RESULTS, SORTING)),
            ("supportedFeatures", (ALL_OPERATIONAL_ATTRIBUTES, TRUE_FALSE_FILTERS)),
            *((("supportedSASLMechanisms", mechanisms),) if mechanisms else ()),
            ("vendorName", ("mssante",)),
            ("subschemaSubentry", (SCHEMA_NAME,)),
        ),
    )
