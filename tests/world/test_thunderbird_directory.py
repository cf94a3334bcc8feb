"""Thunderbird's own address book against a whole operator: a real directory, a real sign-in, LDAP with TLS.

The directory is made through the module that Thunderbird's own form calls, which a remote control (Marionette) calls in
its place, and the password is stored where that program looks for it. It is then asked in the three ways it has: as a
directory, as the composer completes a recipient, and in its address-book window, of which a screenshot is kept.

Source: issue of the directory (doors); clients.md 4.4.
"""

import asyncio

import pytest
from directory_files import CHU, DUPONT, activities, extraction, loaded
from proofs import USER, one_site
from thunderbird import needs_thunderbird, prepare, thunderbird
from world import PASSWORD

from mssante.app.directory_place import directory_folder
from mssante.model.directory_settings import LdapSettings

pytestmark = [pytest.mark.world, needs_thunderbird]

PASSWORD_OF_USER = f"{PASSWORD}-{USER}"
FOUND = [
    ["annelise.dupont-moretti@medecin.mssante.fr", "Anne-Lise DUPONT-MORETTI"],
    ["jean.dupont@chu-nantes.mssante.fr", "Jean DUPONT"],
    ["jean.dupont@medecin.mssante.fr", "Jean DUPONT"],
]
SHARED = """
const done = arguments[arguments.length - 1];
const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
const window = Services.wm.getMostRecentWindow("mail:3pane");
const directory = uid => MailServices.ab.getDirectoryFromUID(uid).QueryInterface(Ci.nsIAbLDAPDirectory);
const brief = cards => cards.map(card => [card.primaryEmail, card.displayName]).sort();
const finish = work => work.then(done, error => done({ error: String(error) + " " + (error.stack || "") }));
"""
MAKE = (
    SHARED
    + """
const [port, baseDn, bindDn] = arguments;
finish((async () => {
  const { LDAPDirectoryUtils } = ChromeUtils.importESModule(
    "resource:///modules/accountcreation/LDAPDirectoryUtils.sys.mjs");
  const made = LDAPDirectoryUtils.createDirectory({
    name: "Annuaire MSSanté", hostname: "localhost", port, ssl: true, baseDn, bindDn,
    isAdvanced: true, maxResults: 50, scope: Ci.nsILDAPURL.SCOPE_SUBTREE, searchFilter: "(objectclass=*)",
    loginMethod: "",
  });
  Services.prefs.setBoolPref("ldap_2.autoComplete.useDirectory", true);
  Services.prefs.setStringPref("ldap_2.autoComplete.directoryServer", made.dirPrefId);
  return { uid: made.UID };
})());
"""
)
# As LDAPListenerBase and the prompter it calls look it up.
STORE = (
    SHARED
    + """
const [uid, password] = arguments;
finish((async () => {
  const { prePath, spec } = directory(uid).lDAPURL;
  for (const login of await Services.logins.searchLoginsAsync({ origin: prePath, httpRealm: spec })) {
    await Services.logins.removeLoginAsync(login);
  }
  const login = Cc["@mozilla.org/login-manager/loginInfo;1"].createInstance(Ci.nsILoginInfo);
  login.init(prePath, null, spec, "", password, "", "");
  await Services.logins.addLoginAsync(login);
  return {};
})());
"""
)
# The window keeps what comes of it, for OUTCOME: a password dialog interrupts this script.
SEARCH = (
    SHARED
    + """
const [uid, words, maxHits] = arguments;
const { getSearchTokens, getModelQuery, generateQueryURI } = ChromeUtils.importESModule(
  "resource:///modules/ABQueryUtils.sys.mjs");
const query = generateQueryURI(getModelQuery("mail.addr_book.quicksearchquery.format"), getSearchTokens(words));
const cards = [];
directory(uid).maxHits = maxHits;
window.outcome = new Promise(resolve => directory(uid).search(query.replace(/^\\?+/, ""), words, {
  onSearchFoundCard(card) { cards.push(card); },
  onSearchFinished(status) { resolve({ good: Components.isSuccessCode(status), cards: brief(cards) }); },
  QueryInterface: ChromeUtils.generateQI(["nsIAbDirSearchListener"]),
}));
finish(window.outcome);
"""
)
OUTCOME = SHARED + "finish(window.outcome);"
COMPLETE = (
    SHARED
    + """
const [words] = arguments;
const search = Cc["@mozilla.org/autocomplete/search;1?name=ldap"].createInstance(Ci.nsIAutoCompleteSearch);
finish(new Promise(resolve => search.startSearch(words, JSON.stringify({ type: "addr_to" }), null, {
  onSearchResult(_search, result) {
    resolve({ values: Array.from({ length: result.matchCount }, (_none, at) => result.getValueAt(at)).sort() });
  },
  QueryInterface: ChromeUtils.generateQI(["nsIAutoCompleteObserver"]),
})));
"""
)
SHOW = (
    SHARED
    + """
const [uid, words] = arguments;
finish((async () => {
  const book = await window.toAddressBook();
  const { booksList, cardsPane: { cardsList, searchInput } } = book;
  booksList.selectedIndex = booksList.getIndexForUID(uid);
  const searched = new Promise(resolve => cardsList.addEventListener("searchstatechange", resolve, { once: true }));
  searchInput.overrideSearchTerm(words);
  await searched;
  const cards = Array.from({ length: cardsList.view.rowCount }, (_none, at) => cardsList.view.getCardFromRow(at));
  cardsList.selectedIndex = 0;
  const details = book.document.getElementById("viewContact").textContent;
  return { cards: brief(cards), details };
})());
"""
)


async def test_thunderbirds_address_book_finds_people_of_the_real_directory(tmp_path, pki) -> None:
    settings = LdapSettings(host="127.0.0.1", port=0, implicit_port=0)
    async with one_site(tmp_path, pki, ldap=settings) as stage:
        config = stage.site.operator.config
        loaded(directory_folder(config), extraction=extraction(), activities=activities([(DUPONT, CHU)]))
        profile = tmp_path / "profil"
        prepare(profile, config.tls.anchors)
        async with thunderbird(profile) as program, asyncio.timeout(60):
            uid = (await program.run(MAKE, stage.site.ports["ldaps"], settings.suffix, USER))["uid"]
            await program.run(STORE, uid, PASSWORD_OF_USER)
            cut = await program.run(SEARCH, uid, "dup", 1)
            assert (cut["good"], len(cut["cards"])) == (True, 1)
            assert await program.run(SEARCH, uid, "dup", 50) == {"good": True, "cards": FOUND}
            completed = await program.run(COMPLETE, "dup")
            assert completed["values"] == sorted(f"{name} <{address}>" for address, name in FOUND)
            window = await program.run(SHOW, uid, "dup")
            assert window["cards"] == FOUND
            assert FOUND[0][0] in window["details"]
            assert "CABINET DU PORT" in window["details"]
            await program.keep_screenshot("thunderbird-annuaire.png", tmp_path)

            await program.run(STORE, uid, "faux")
            assert "localhost" in await program.run_and_cancel(SEARCH, uid, "dup", 50)
            assert await program.run(OUTCOME) == {"good": False, "cards": []}
            await program.run(STORE, uid, PASSWORD_OF_USER)
            assert await program.run(SEARCH, uid, "dup", 50) == {"good": True, "cards": FOUND}
