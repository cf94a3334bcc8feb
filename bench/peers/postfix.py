"""A private Postfix: mutual TLS 1.2 on a free port, its own queue, nothing of the system's instance.

Two set-ups: it keeps what it accepts (``HOLD``, the least work that Postfix can do for a durable acceptance), or it
delivers over LMTP to a private Dovecot.
"""

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bench import procs
from bench.credentials import Credentials
from bench.load import DOMAIN
from bench.peers.dovecot import Dovecot

_MAIN: Final = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/log/maillog
maillog_file_prefixes = {folder}
inet_interfaces = loopback-only
inet_protocols = ipv4
myhostname = server.bench.mssante.fr
mydestination =
alias_maps =
alias_database =
local_recipient_maps =
virtual_mailbox_domains = {domain}
virtual_mailbox_maps = static:all
virtual_transport = {transport}
smtpd_tls_security_level = encrypt
smtpd_tls_cert_file = {server}
smtpd_tls_key_file = {server_key}
smtpd_tls_CAfile = {authority}
smtpd_tls_ask_ccert = yes
smtpd_tls_req_ccert = yes
smtpd_tls_mandatory_protocols = TLSv1.2
smtpd_tls_mandatory_ciphers = high
smtpd_tls_loglevel = 0
smtpd_relay_restrictions = permit_tls_all_clientcerts, reject_unauth_destination
smtpd_end_of_data_restrictions = {end_of_data}
smtpd_peername_lookup = no
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
smtp_dns_support_level = disabled
message_size_limit = 52428800
mailbox_size_limit = 0
in_flow_delay = 0
initial_destination_concurrency = 10
lmtp_destination_concurrency_limit = 10
default_process_limit = 100
"""

_MASTER: Final = """\
127.0.0.1:{port} inet n - n - 100 smtpd
pickup    unix  n - n 60    1 pickup
cleanup   unix  n - n -     0 cleanup
qmgr      unix  n - n 300   1 qmgr
tlsmgr    unix  - - n 1000? 1 tlsmgr
rewrite   unix  - - n -     - trivial-rewrite
bounce    unix  - - n -     0 bounce
defer     unix  - - n -     0 bounce
trace     unix  - - n -     0 bounce
verify    unix  - - n -     1 verify
proxymap  unix  - - n -     - proxymap
error     unix  - - n -     - error
retry     unix  - - n -     - error
lmtp      unix  - - n -     - lmtp
anvil     unix  - - n -     1 anvil
scache    unix  - - n -     1 scache
postlog   unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """Postfix alone, or with a Dovecot behind it."""

    def __init__(self, folder: Path, port: int, files: Credentials, *, mailboxes: int, delivering: bool) -> None:
        self._folder = folder
        self._port = port
        self._files = files
        self._dovecot = Dovecot(folder / "dovecot", mailboxes) if delivering else None
        self._root: int | None = None

    @property
    def name(self) -> str:
        """Return the name that tables show."""
        return "Postfix + Dovecot" if self._dovecot else "Postfix"

    @property
    def port(self) -> int:
        """Return the SMTP port on 127.0.0.1."""
        return self._port

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Start from nothing; stop everything at the end."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._write()
        with self._dovecot.running() if self._dovecot else contextlib.nullcontext():
            try:
                self._control("start")
                self._root = int((self._folder / "queue/pid/master.pid").read_text())
                yield
            finally:
                self._stop()

    def roots(self) -> tuple[int, ...]:
        """Return the process ids of the masters."""
        own = () if self._root is None else (self._root,)
        return own + (self._dovecot.roots() if self._dovecot else ())

    def visible(self) -> int:
        """Return what a reader would find; 0 without Dovecot."""
        return self._dovecot.visible() if self._dovecot else 0

    def _write(self) -> None:
        for part in ("etc", "queue", "data", "log"):
            (self._folder / part).mkdir(parents=True)
        shutil.chown(self._folder / "data", "postfix")
        main = _MAIN.format(
            folder=self._folder,
            domain=DOMAIN,
            transport=f"lmtp:unix:{self._dovecot.socket if self._dovecot else self._folder / 'nobody'}",
            end_of_data="" if self._dovecot else "check_client_access static:HOLD",
            server=self._files.server,
            server_key=self._files.server_key,
            authority=self._files.authority,
        )
        (self._folder / "etc/main.cf").write_text(main)
        (self._folder / "etc/master.cf").write_text(_MASTER.format(port=self._port))

    def _stop(self) -> None:
        family = [] if self._root is None else procs.tree(self._root)
        if family:
            self._control("stop")
        procs.end(family)
        self._root = None

    def _control(self, verb: str) -> None:
        result = subprocess.run(
            ("postfix", "-c", str(self._folder / "etc"), verb),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
            text=True,
            timeout=60,
            check=False,
        )
        if result.returncode:
            msg = f"postfix {verb} failed: {result.stderr.strip()[-400:]} (log: {self._folder}/log/maillog)"
            raise RuntimeError(msg)
