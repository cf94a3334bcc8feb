"""From the configuration to what mail programs are told: the only place that joins the sections."""

from typing import Final

from mssante.app.config import Config
from mssante.model.address import parse_domain
from mssante.model.autoconfig import Authentication, Endpoint, MailServices, OAuthProvider, Socket
from mssante.model.errors import ConfigError, TheirProtocolError
from mssante.wire.sasl.bearer import SCOPE

CLOSED: Final = -1


def mail_services(config: Config, domain: str) -> MailServices:
    """Return what the mail programs of one of our domains are told.

    Raises:
        ConfigError: a public name of [autoconfig] is not a host name.
    """
    told, hostname = config.autoconfig, _host("hostname", config.operator.hostname)
    web = None
    if told.port != CLOSED:
        web = Endpoint(_host("web_host", told.web_host) or hostname, told.web_port or told.port, Socket.TLS)
    authentication = [Authentication.PASSWORD, Authentication.CERTIFICATE]
    oauth = None
    provider = config.identity
    if provider.issuer and provider.authorization_url and provider.token_url:
        authentication.insert(0, Authentication.OAUTH2)
        oauth = OAuthProvider(provider.issuer, provider.authorization_url, provider.token_url, tuple(SCOPE.split()))
    return MailServices(
        domain=domain,
        # A document cannot hold control characters.
        display_name="".join(char for char in told.display_name or config.operator.name if char.isprintable()),
        mx_host=hostname,
        imap=_offered(
            config,
            _host("imap_host", told.imap_host) or hostname,
            told.imap_port or config.imap.port,
            told.imap_implicit_port or config.imap.implicit_port,
        ),
        submission=_offered(
            config,
            _host("submission_host", told.submission_host) or hostname,
            told.submission_port or config.submission.port,
            told.submission_implicit_port or config.submission.implicit_port,
        ),
        ldap=_offered(
            config,
            _host("ldap_host", told.ldap_host) or hostname,
            told.ldap_port or config.ldap.port,
            told.ldaps_port or config.ldap.implicit_port,
        ),
        jmap_url=told.jmap_url,
        web=web,
        authentication=tuple(authentication),
        oauth=oauth,
        help_url=told.help_url or (_home(web) if web else ""),
        priority=told.priority,
        weight=told.weight,
    )


def _offered(config: Config, host: str, starttls: int, implicit: int) -> tuple[Endpoint, ...]:
    found = [
        Endpoint(host, port, socket)
        for port, socket in ((starttls, Socket.STARTTLS), (implicit, Socket.TLS))
        if port > 0
    ]
    return tuple(found if config.autoconfig.prefer == "starttls" else reversed(found))


def _home(web: Endpoint) -> str:
    return f"https://{web.host}/" if web.port == 443 else f"https://{web.host}:{web.port}/"


def _host(key: str, text: str) -> str:
    if not text:
        return ""
    try:
        return parse_domain(text.removesuffix("."))
    except TheirProtocolError as error:
        section = "operator" if key == "hostname" else "autoconfig"
        msg = f"[{section}] {key} {text!r} n'est pas un nom de serveur ; donnez par exemple imap.ch-exemple.fr"
        raise ConfigError(msg) from error
