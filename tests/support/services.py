"""The services that the autoconfiguration tests tell of."""

from mssante.model.autoconfig import Authentication, Endpoint, MailServices, OAuthProvider, Socket

DOMAIN = "chu-valdore.mssante.fr"
CLAIRE = f"claire.martin@{DOMAIN}"
IMAP, SMTP, WEB = "imap.chu-valdore.fr", "smtp.chu-valdore.fr", "web.chu-valdore.fr"
PSC = OAuthProvider(
    "https://psc.test/realms/esante", "https://psc.test/authorize", "https://psc.test/token", ("openid", "scope_all")
)
SERVICES = MailServices(
    domain=DOMAIN,
    display_name="CHU de Valdoré & fils",
    mx_host="mss.chu-valdore.fr",
    imap=(Endpoint(IMAP, 143, Socket.STARTTLS), Endpoint(IMAP, 993, Socket.TLS)),
    submission=(Endpoint(SMTP, 587, Socket.STARTTLS), Endpoint(SMTP, 465, Socket.TLS)),
    web=Endpoint(WEB, 443, Socket.TLS),
    authentication=(Authentication.OAUTH2, Authentication.PASSWORD, Authentication.CERTIFICATE),
    oauth=PSC,
    help_url=f"https://{WEB}/",
)
