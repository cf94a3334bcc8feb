"""Thunderbird under Xvfb: sets itself up from an address alone, reads a letter, sends one.

The test gives it the address and the password; host names, ports and kinds of sign-in come from our autoconfiguration
through Thunderbird's own modules, which a remote control (Marionette) calls as its wizard does: no window of the wizard
is clicked. A screenshot is kept in the folder that MSSANTE_SCREENSHOTS names, else beside the test's files.
"""

import pytest
from imap_talk import imap, put
from proofs import USER, one_site
from thunderbird import needs_thunderbird, prepare, thunderbird
from world import PASSWORD

from mssante.app.autoconfig import open_autoconfig
from mssante.app.sandbox.ports import free_ports
from mssante.model import settings as s

pytestmark = [pytest.mark.world, needs_thunderbird]
LETTER = (
    b"From: Paul <a@x.fr>\r\nTo: b@y.fr\r\nSubject: Lettre de liaison\r\nDate: Mon, 1 Jun 2026 10:00:00 +0200\r\n"
    b"Message-ID: <1@x.fr>\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nLe patient va bien.\r\n"
)
SETUP = """
const [email, password] = arguments, done = arguments[arguments.length - 1];
(async () => {
  const from = name => ChromeUtils.importESModule(`resource:///modules/accountcreation/${name}.sys.mjs`);
  const { FetchConfig } = from("FetchConfig");
  const { AccountConfig } = from("AccountConfig");
  const { CreateInBackend } = from("CreateInBackend");
  const config = await FetchConfig.fromDB(email.split("@")[1], new AbortController().signal);
  AccountConfig.replaceVariables(config, "Dr House", email, password);
  const account = await CreateInBackend.createAccountInBackend(config);
  const { incoming, outgoing } = config;
  return {
    key: account.key,
    incoming: [incoming.hostname, incoming.port, incoming.socketType, incoming.username],
    outgoing: [outgoing.hostname, outgoing.port, outgoing.socketType],
  };
})().then(done, error => done({ error: String(error) + " " + (error.stack || "") }));
"""
READ = """
const [key] = arguments, done = arguments[arguments.length - 1];
(async () => {
  const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
  const root = MailServices.accounts.getAccount(key).incomingServer.rootFolder;
  const settled = folder => new Promise((resolve, reject) => folder.QueryInterface(Ci.nsIMsgImapMailFolder).updateFolderWithListener(null, {
    OnStartRunningUrl() {},
    OnStopRunningUrl(url, status) { Components.isSuccessCode(status) ? resolve() : reject(new Error("status " + status)); },
    QueryInterface: ChromeUtils.generateQI(["nsIUrlListener"]),
  }));
  const inbox = await new Promise(resolve => {
    MailServices.accounts.getAccount(key).incomingServer.performExpand(null);
    const timer = Cc["@mozilla.org/timer;1"].createInstance(Ci.nsITimer);
    timer.initWithCallback(() => {
      const found = root.getFolderWithFlags(Ci.nsMsgFolderFlags.Inbox);
      if (found && root.getFolderWithFlags(Ci.nsMsgFolderFlags.SentMail)) { timer.cancel(); resolve(found); }
    }, 100, Ci.nsITimer.TYPE_REPEATING_SLACK);
  });
  await settled(inbox);
  const message = [...inbox.messages][0];
  const uri = inbox.getUriForMsg(message);
  const text = await new Promise((resolve, reject) => {
    let data = "";
    MailServices.messageServiceFromURI(uri).streamMessage(uri, {
      onStartRequest() {},
      onDataAvailable(request, stream, offset, count) {
        const input = Cc["@mozilla.org/scriptableinputstream;1"].createInstance(Ci.nsIScriptableInputStream);
        input.init(stream);
        data += input.read(count);
      },
      onStopRequest(request, status) { Components.isSuccessCode(status) ? resolve(data) : reject(new Error("status " + status)); },
      QueryInterface: ChromeUtils.generateQI(["nsIStreamListener"]),
    }, null, null, false, "");
  });
  const window = Services.wm.getMostRecentWindow("mail:3pane");
  window?.gTabmail?.currentAbout3Pane?.displayFolder?.(inbox.URI);
  return { subject: message.mime2DecodedSubject, text, folders: root.descendants.map(one => one.name) };
})().then(done, error => done({ error: String(error) + " " + (error.stack || "") }));
"""
SEND = """
const [key, to] = arguments, done = arguments[arguments.length - 1];
(async () => {
  const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
  const { MessageSend } = ChromeUtils.importESModule("resource:///modules/MessageSend.sys.mjs");
  const identity = MailServices.accounts.getAccount(key).defaultIdentity;
  identity.doFcc = false;
  const fields = Cc["@mozilla.org/messengercompose/composefields;1"].createInstance(Ci.nsIMsgCompFields);
  fields.from = identity.email;
  fields.to = to;
  fields.subject = "Réponse de Thunderbird";
  await new Promise((resolve, reject) => {
    new MessageSend().createAndSendMessage(
      null, identity, key, fields, false, false, Ci.nsIMsgCompDeliverMode.Now, null, "text/plain", "Merci.\\r\\n",
      null, null,
      {
        onStartSending() {}, onSendProgress() {}, onProgress() {}, onStatus() {}, onGetDraftFolderURI() {},
        onSendNotPerformed() { reject(new Error("not performed")); },
        onTransportSecurityError(id, status) { reject(new Error("security " + status)); },
        onStopSending(id, status, text) { Components.isSuccessCode(status) ? resolve() : reject(new Error(status + " " + text)); },
        QueryInterface: ChromeUtils.generateQI(["nsIMsgSendListener"]),
      },
      "", "", Ci.nsIMsgCompType.New);
  });
  return {};
})().then(done, error => done({ error: String(error) + " " + (error.stack || "") }));
"""


async def test_thunderbird_sets_itself_up_reads_and_sends(tmp_path, pki) -> None:
    submission, submissions, plain, secure, web = free_ports(5)
    sections = {
        "submission": s.SubmissionSettings("127.0.0.1", submission, submissions),
        "imap": s.ImapSettings("127.0.0.1", plain, secure),
        "autoconfig": s.AutoconfigSettings(
            host="127.0.0.1", port=web, imap_host="localhost", submission_host="localhost", web_host="localhost"
        ),
    }
    async with one_site(tmp_path, pki, **sections) as stage, open_autoconfig(stage.site.operator):
        async with imap(stage, user=USER) as talk:
            await put(talk, "INBOX", LETTER)
        profile = tmp_path / "profil"
        ours = f"https://localhost:{web}/mail/config-v1.1.xml?emailaddress="
        prepare(profile, tmp_path / "pki" / "anchors.pem", {"mailnews.auto_config_url": ours})
        async with thunderbird(profile) as program:
            made = await program.run(SETUP, USER, f"{PASSWORD}-{USER}")
            assert made["incoming"][:2] == ["localhost", plain]
            assert made["incoming"][3] == USER
            assert made["outgoing"][:2] == ["localhost", submission]
            seen = await program.run(READ, made["key"])
            assert seen["subject"] == "Lettre de liaison"
            assert "Le patient va bien." in seen["text"]
            await program.run(SEND, made["key"], USER)
            await program.keep_screenshot("thunderbird.png", tmp_path)
        async with imap(stage, user=USER) as talk:
            await talk.good("SELECT Envoy&AOk-s")
            sent = await talk.good("FETCH 1 ENVELOPE")
            assert b"Thunderbird" in sent[0]
