"""National codes that metadata derive from the header: class from the type, format from the model of the document.

Facts of the public terminologies of the agency (NOS): ASS_X04 (2024-04-26), ASS_A11 (2026-06-29), ASS_A12; a code that
is not there leaves the choice to the caller's settings.

Source: ASS_X04-CorrespondanceType-Classe-CISIS; ASS_A11-CorresModeleCDA-XdsFormatCode-CISIS; clients.md 5.5.
"""

from typing import Final

from mssante.model.document import Coded, DocumentHeader

CLASS_SYSTEM: Final = "1.2.250.1.213.1.1.4.1"
IHE_FORMATS: Final = "1.3.6.1.4.1.19376.1.2.3"
NATIONAL_FORMATS: Final = "1.2.250.1.213.1.1.4.2.282"

_CLASSES: Final = {
    "10": "Compte rendu",
    "11": "Synthèse",
    "31": "Imagerie médicale",
    "42": "Prescription",
    "43": "Dispensation",
    "44": "Plan de soins, protocole de soins",
    "45": "Traitement administré",
    "52": "Certificat, déclaration",
    "60": "Données de remboursement",
    "90": "Autres documents déposés par le patient",
    "95": "Document de gestion",
    "99": "Document technique",
}
_TYPES: Final = {
    "10": """10213-7 11488-4 11490-0 11493-4 11502-2 11505-5 11506-3 11526-1 11528-7 15507-7 15508-5 24611-6 27899-4
        28617-9 28653-4 29274-8 29554-3 34112-3 34120-6 34749-2 34794-8 34874-8 34875-5 39256-3 46241-6 47420-5 51969-4
        59283-2 60568-3 67851-6 70004-7 75482-0 75492-9 75496-0 75497-8 77436-4 78513-9 78601-2 83981-1 85208-7 89233-1
        93024-8 96349-6 BIL_AUTO DOCPAT03 DOCPAT05 DOCPAT06""",
    "11": """18761-7 34133-9 34842-5 56445-0 57055-6 57057-2 57075-4 60280-5 60591-5 68599-0 68817-6 74207-2 78341-5
        78489-2 80820-4 83836-7 83901-9 88348-8 89235-6 DOCPAT01 DOCPAT08 EXPORT_DUI SYNTH""",
    "31": "18748-4 52040-3 DOCPAT04 IMG-KOS",
    "42": """29551-9 52063-5 52521-2 55115-0 57828-6 57832-8 57833-6 61357-0 75468-9 DOCPAT02 PRESC-AAT PRESC-BIO
        PRESC-INF PRESC-KINE PRESC-ORTHOPHO PRESC-ORTHOPTIE PRESC-PEDI""",
    "43": "29550-1 60593-1 DISP_AUT",
    "44": "18776-5 77604-7 80771-9 80788-3 83869-8 PROT_ALD",
    "45": "80565-5",
    "52": "11369-6 87273-9 89601-9 96173-0 96874-3 CERT_DECL DOCPAT07",
    "60": "REMB",
    "90": "74465-6 DOCPAT10 EXPPAT_1 EXPPAT_2 EXPPAT_3",
    "95": """51851-4 56446-8 59284-0 86531-1 ATTEST-ASS-COMPL ATTEST-DROITS-AM ATTEST-HEBGT ATTEST-RESID AUTORIS-SOINS
        CONTACTS-URGENCE DOCPAT09 FICHE-CONTACTS PIECE-IDENTITE""",
    "99": "FEUILLE-DE-STYLE",
}
_CLASS_OF: Final = {type_: class_ for class_, types in _TYPES.items() for type_ in types.split()}

# Models of the agency: the last numbers of 1.2.250.1.213.1.1.1, and the format.
_MODEL_ROOT: Final = "1.2.250.1.213.1.1.1."
_MODELS: Final = {
    "5.1": "urn:asip:ci-sis:cse-cs8:2017",
    "5.2": "urn:asip:ci-sis:cse-cs9:2017",
    "5.3": "urn:asip:ci-sis:cse-cs24:2017",
    "5.4": "urn:ans:ci-sis:cse-mde:2023",
    "8": "urn:asip:ci-sis:frcp:2011",
    "9": "urn:asip:ci-sis:idap:2011",
    "10": "urn:asip:ci-sis:cva:2017",
    "12.1": "urn:asip:ci-sis:obp-sap:2023",
    "12.2": "urn:asip:ci-sis:obp-snm:2023",
    "12.3": "urn:asip:ci-sis:obp-sne:2023",
    "12.4": "urn:asip:ci-sis:obp-scm:2023",
    "12.5": "urn:asip:ci-sis:obp-sem:2023",
    "13": "urn:asip:ci-sis:vsm:2012",
    "15": "urn:asip:ci-sis:aunv:2013",
    "16": "urn:asip:ci-sis:eunv:2013",
    "17": "urn:asip:ci-sis:sunv:2013",
    "18": "urn:asip:ci-sis:crrtn:2013",
    "2.1.1": "urn:asip:ci-sis:avk:2009",
    "2.1.2": "urn:asip:ci-sis:tap:2009",
    "2.1.3": "urn:asip:ci-sis:dci:2009",
    "2.1.4": "urn:asip:ci-sis:psc:2009",
    "2.1.5": "urn:asip:ci-sis:ppv:2009",
    "20": "urn:asip:ci-sis:pps-paerpa:2017",
    "21": "urn:asip:ci-sis:ldl-ees:2017",
    "22": "urn:asip:ci-sis:dlu:2015",
    "23": "urn:asip:ci-sis:fludt:2017",
    "24": "urn:asip:ci-sis:fludr:2017",
    "25": "urn:asip:ci-sis:pavc:2016",
    "26": "urn:asip:ci-sis:pps-cancer:2017",
    "27": "urn:asip:ci-sis:d2lm-fin:2017",
    "28": "urn:asip:ci-sis:d2lm-fidd:2017",
    "29": "urn:asip:ci-sis:ldl-ses:2017",
    "30": "urn:asip:ci-sis:sdm-mr:2017",
    "32": "urn:asip:ci-sis:crgm:2018",
    "36": "urn:asip:ci-sis:hr:2019",
    "37": "urn:asip:ci-sis:vac:2019",
    "38": "urn:asip:ci-sis:tlm-da:2020",
    "39": "urn:ihe:pharm:pre:2010",
    "40": "urn:asip:ci-sis:cr-anest:2020",
    "41": "urn:asip:ci-sis:cr-cpa:2020",
    "42": "urn:ihe:eyecare:geneyeevalcn:2014",
    "43": "urn:ihe:eyecare:geneyeevalcn:2014",
    "44": "urn:ihe:eyecare:geneyeevalcn:2014",
    "45": "urn:ihe:rad:CDA:ImagingReportStructuredHeadings:2013",
    "46": "urn:asip:ci-sis:vac-note:2021",
    "47": "urn:ans:ci-sis:img-da:2022",
    "48": "urn:asip:ci-sis:dlu-dlu-dom:2022",
    "49": "urn:asip:ci-sis:dlu-fludt-dom:2022",
    "50": "urn:asip:ci-sis:dlu-fludr-dom:2022",
    "51": "urn:ihe:pcc:ips:2020",
    "52": "urn:ans:ci-sis:bio-ep-bio:2022",
    "54": "urn:ihe:pharm:dis:2010",
    "55": "urn:ihe:lab:xd-lab:2008",
    "56": "urn:asip:ci-sis:ppp:2023",
    "57": "urn:ihe:palm:apsr:2016",
    "58": "urn:asip:ci-sis:export-dui:2023",
}
_ATTACHED: Final = {
    "application/pdf": ("urn:ihe:iti:xds-sd:pdf:2008", "Document à corps non structuré en Pdf/A-1"),
    "text/plain": ("urn:ihe:iti:xds-sd:text:2008", "Document à corps non structuré en texte brut"),
    "text/rtf": ("urn:ihe:iti-fr:xds-sd:rtf:2010", "Document à corps non structuré en format rtf"),
    "image/jpeg": ("urn:ihe:iti-fr:xds-sd:jpeg:2010", "Document à corps non structuré en format jpeg"),
    "image/tiff": ("urn:ihe:iti-fr:xds-sd:tiff:2010", "Document à corps non structuré en format tiff"),
}


def class_of(type_code: str) -> Coded | None:
    """Return the class of a type of document, or None when the national table does not have the type.

    Source: ASS_X04-CorrespondanceType-Classe-CISIS.
    """
    found = _CLASS_OF.get(type_code)
    return None if found is None else Coded(found, CLASS_SYSTEM, _CLASSES[found])


def format_of(header: DocumentHeader) -> Coded | None:
    """Return the format of a document: its attachment's at level 1, else that of its last known model; None: unknown.

    The label of a model's format is that of the type of the document: the national labels are not carried over.

    Source: ASS_A11-CorresModeleCDA-XdsFormatCode-CISIS; ASS_A12 (media type of the body).
    """
    if not header.has_structured_body and header.attached_type:
        found = _ATTACHED.get(header.attached_type.lower())
        return Coded(found[0], IHE_FORMATS, found[1]) if found else None
    for template in reversed(header.templates):
        code = _MODELS.get(template.root.removeprefix(_MODEL_ROOT)) if template.root.startswith(_MODEL_ROOT) else None
        if code:
            return Coded(code, IHE_FORMATS if code.startswith("urn:ihe:") else NATIONAL_FORMATS, header.code.label)
    return None
