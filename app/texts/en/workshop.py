"""The Workshop page, in English."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "nav.workshop": "Workshop",
    "nav.workshop.help": "Exercises that check themselves against the real servers",
    "workshop.title": "Workshop",
    "workshop.lead": "**How does all of it work, by doing it?** "
    "From your sign-in to your sign-out, step by step. Each exercise asks the real servers whether you"
    " did it: there is no box to tick. Leave and come back whenever you like.",
    "workshop.progress": "{done} of {all} done",
    "workshop.all-done": "All of them. Whoever asks you now who checked what, you have seen it.",
    "workshop.check": "Check",
    "workshop.checking": "Asking the servers…",
    "workshop.answer-first": "Answer first.",
    "workshop.no-answer": "The server answered, but not with what was asked for.",
    "workshop.done-at": "Done at {at}.",
    "workshop.done": "Done",
    "workshop.half": "Half done",
    "workshop.how": "How it was checked",
    "workshop.sign-in.title": "Sign in, and see what you got",
    "workshop.sign-in.do": "You have signed in at Keycloak, and the app holds a token that opens no tool at all. Check:"
    " the app asks Keycloak to trade it for one that only the Jira server accepts.",
    "workshop.sign-in.done": "Keycloak knows your session, {username}, begun at {since}, and gave a token whose only"
    " audience is `{audience}`.",
    "workshop.entity.title": "Find out who Vault takes you for",
    "workshop.entity.do": "Load any server on **MCP tools** and open step 5, *Find the entity of this user id*. Which"
    " id does your entity have?",
    "workshop.entity.id": "Entity id",
    "workshop.entity.unknown": "The Jira server did not get as far as Vault.",
    "workshop.entity.wrong": "Your entity at Vault has another id.",
    "workshop.entity.sub": "That is your id at Keycloak, the `sub` claim. Vault's entity has an id of its own, and"
    " `sub` is its alias.",
    "workshop.entity.done": "Right. Vault takes you for the entity `{entity}`, with the id `{id}`. Its policies speak"
    " of that name, and nobody else's sign-in leads to it.",
    "workshop.database.title": "Find your own database user",
    "workshop.database.do": "Load *PostgreSQL* on **MCP tools**, and run this with its tool `query`. Who are you in the"
    " database?",
    "workshop.database.user": "Database user",
    "workshop.database.name": "That is your name here, and the database has never heard of it. Look at the row.",
    "workshop.database.wrong": "The database knows you under another name. Run it now, once more.",
    "workshop.database.done": "Right: `{user}`. Vault made that user for you alone, with your rights, and drops it when"
    " its lease ends.",
    "workshop.others.title": "Ask Vault for somebody else's secret",
    "workshop.others.do": "Whose Jira credential would you like? You log in to Vault as yourself, with everything that"
    " is yours, and ask. The page **Isolation** asks for everybody's.",
    "workshop.others.whose": "Whose (a user name)",
    "workshop.others.own": "That is you. Choose somebody else.",
    "workshop.others.no-name": "Nobody here has such a name.",
    "workshop.others.opened": "It opened. That must never happen: tell the facilitator.",
    "workshop.others.done": "Refused. Your policy opens `secret/data/users/{me}/*`, and does not speak of {other}."
    " Vault does not even say whether there is such a secret.",
    "workshop.bob.title": "See {partner} fail",
    "workshop.bob.do": "In a private window sign in as {partner} (the password stands on your card; "
    "bob's is `bob123`) and load *Jira*. One step is red. At which path did "
    "Vault find nothing for {partner}?",
    "workshop.bob.path": "Vault path",
    "workshop.bob.nobody": "There is no bob among the demo's people.",
    "workshop.bob.nobody.fix": "`init/users.yaml` has him at first; `./demo init` brings him back.",
    "workshop.bob.has": "{partner} has a Jira credential at the moment. Take it away again in the next exercise.",
    "workshop.bob.wrong": "Vault found nothing at another path. It stands in the red step, and on the "
    "card of the Jira server.",
    "workshop.bob.done": "Right. The token was good, Vault let {partner} in, and there is nothing at "
    "`{path}`. Nothing was sent to Jira.",
    "workshop.give.title": "Give {partner} a Jira credential, and watch it work",
    "workshop.give.do": "{partner} has an account at Jira, and nobody has put its token into Vault. "
    "You may: Vault's policy `partner` opens `secret/data/users/<your "
    "partner>/jira` to you for writing, and nothing for reading. Store it, "
    "check, and load *Jira* as {partner} again.",
    "workshop.give.missing": "Vault still has nothing for {partner} at `{path}`.",
    "workshop.give.refused": "{partner} has a credential now, and the call failed all the same: {reason}",
    "workshop.give.done": "The call fetched `{issue}`, as {partner}. No server was restarted and none "
    "was told: the next call found the credential in Vault.",
    "workshop.give.store": "Store it in Vault as me",
    "workshop.give.take-back": "Take it away again",
    "workshop.give.stored": "Vault has {partner}'s Jira token at `{path}`. You wrote it, and you cannot read it.",
    "workshop.give.there": "There is one already at `{path}`. Take it away first, to store it anew.",
    "workshop.give.taken": "Vault has no Jira token of {partner} any more. A server that still holds it "
    "notices within 5 s.",
    "workshop.give.nobody": "You have no partner whose credential you may store.",
    "workshop.give.nobody.fix": "alice has one, and so has everybody whom `./demo people add` made; "
    "`partner:` in `init/users.yaml` names one.",
    "workshop.room.at": "At",
    "workshop.room.stuck": "Stuck",
    "workshop.room.failed": "{number}: failed {tries}×, {minutes} min ago",
    "workshop.projector": "Projector",
    "workshop.projector.help": "For the wall: the time, how many have done what, and the answers that you "
    "show. No names.",
    "workshop.projector.done": "done: {done} of {all}, here: {here}",
    "workshop.timer": "Timer, in minutes",
    "workshop.timer.start": "Start for everybody",
    "workshop.timer.stop": "Take it away",
    "workshop.answers": "Show the answers of",
    "workshop.answers.none": "No exercise",
    "workshop.answers.help": "Everybody finds them in these exercises, within 10 s.",
    "workshop.answers.show": "Show these",
    "workshop.sign-in.answer": "Just press *Check*.",
    "workshop.entity.answer": "On **MCP tools** load *Jira*. In the trace press the message *Find the "
    "entity of this user id*: the id stands behind *entity*. It is not the `sub` "
    "of step 2.",
    "workshop.database.answer": "On **MCP tools** load *PostgreSQL*, open the tool `query`, paste the "
    "statement and press *Execute*. The name begins with `v-`.",
    "workshop.others.answer": "Type the user name of anybody else, `bob` or `alice` for example. Vault "
    "refuses with 403.",
    "workshop.bob.answer": "`secret/data/users/{partner}/jira`",
    "workshop.give.answer": "Press *Store it in Vault as me*, then *Check*.",
    "workshop.revoke.answer": "On **Vault tokens** make a token named `workshop`, come back and press "
    "*Check*. Then press *Revoke* there, and *Check* here.",
    "workshop.suspend.answer": "*Check* while a server is suspended, and *Check* again when it serves.",
    "workshop.broken.answer": "Whatever you change, it is the Jira MCP server that notices: it checks "
    "every token before anything else.",
    "workshop.audit.answer": "On **Audit** open your last action. The line with your own path ending in "
    "`/jira` and the server *Jira* bears the request id.",
    "workshop.chat.answer": "On **Login relay** ask for a link, open it, type the code that the chat "
    "shows and sign in. Then let the chatbot fetch an issue there, and *Check* "
    "here.",
    "workshop.connect.answer": "On **My secrets** press *Connect* beside an account, sign in at the mock "
    "provider and agree. *Check*. Press *What … shows you*, sign in there and press *Revoke*; back here run a tool of "
    "that server, and *Check*. Then connect it again, and *Check*.",
    "workshop.sign-out.answer": "Load tools on **MCP tools**, *Check*, press *Sign out* at the top, sign in "
    "again, come back here and *Check*.",
    "workshop.revoke.title": "Make a token, and take it back",
    "workshop.revoke.do": "On **Vault tokens** make a token with the name `workshop`, and check. Then revoke it there,"
    " and check again.",
    "workshop.revoke.none": "You have no living token with the name `{name}`.",
    "workshop.revoke.found": "Vault knows it, by the accessor `{accessor}`. Now revoke it, and check again.",
    "workshop.revoke.lives": "It still lives: `{accessor}`.",
    "workshop.revoke.done": "Vault no longer knows `{accessor}`. Whoever has a copy of that token holds nothing.",
    "workshop.suspend.title": "Stop an MCP server for everybody",
    "workshop.suspend.do": "This stops a server for everybody, so a room does it together: the "
    "facilitator suspends one on the page *People* when everybody is here. Check "
    "while it is stopped, and check once more when it serves again. On a machine "
    "of your own:",
    "workshop.suspend.serving": "Every server serves you.",
    "workshop.suspend.stopped": "{server} refuses you: {reason} Now let it serve again, and check.",
    "workshop.suspend.still": "{server} is still suspended.",
    "workshop.suspend.done": "{server} serves again. While it was suspended nothing of it worked, for anybody, and the"
    " Vault tokens that it held were revoked.",
    "workshop.broken.title": "Break a token",
    "workshop.broken.do": "Choose what to change in your own token for the Jira server. It is really sent. Who notices"
    " first? **Attack lab** has forty more.",
    "workshop.broken.part": "What is changed",
    "workshop.broken.layer": "Who notices",
    "workshop.broken.part.signature": "One letter of its signature",
    "workshop.broken.part.name": "The name in it: bob instead of yours",
    "workshop.broken.part.algorithm": "No signature, and `alg: none`",
    "workshop.broken.part.server": "Nothing: it is a good one, for the GitHub server",
    "workshop.broken.layer.app": "The app",
    "workshop.broken.layer.keycloak": "Keycloak",
    "workshop.broken.layer.mcp": "The Jira MCP server",
    "workshop.broken.layer.vault": "Vault",
    "workshop.broken.layer.jira": "Jira",
    "workshop.broken.through": "HTTP {status}. It was not refused as it must be: tell the facilitator. {reason}",
    "workshop.broken.wrong": "Not there. It got no further than one place, which answered HTTP {status}: {reason}",
    "workshop.broken.done": "Right: the server checks it itself, before anything else. HTTP {status}: {reason}",
    "workshop.audit.title": "Read it in Vault's own log",
    "workshop.audit.do": "Load *Jira* on **MCP tools** and look at **Audit**: open your last action there, and find the"
    " line in which the Jira server read your credential. Which request id does it bear?",
    "workshop.audit.request": "Request id",
    "workshop.audit.none": "None of the lines about you bears that id.",
    "workshop.audit.another": "That line is yours, and it is about `{path}`.",
    "workshop.audit.done": "Right: at {at} the {server} server read `{path}` for you. Vault wrote that down itself; no"
    " server can act for you and leave no line.",
    "workshop.chat.title": "Let a chatbot act as you",
    "workshop.chat.do": "On **Login relay** sign in for your chat by a link, and let the chatbot fetch an issue.",
    "workshop.chat.none": "Nobody is signed in for your chat.",
    "workshop.chat.other": "The chatbot acts as {username}, not as you.",
    "workshop.chat.linked": "The chatbot can act as you. Now let it fetch an issue.",
    "workshop.chat.done": "The chatbot fetched an issue as {username}, with a sign-in of its own that lives on when you"
    " sign out here, until it is revoked.",
    "workshop.connect.title": "Let a tool use your own account, and end that",
    "workshop.connect.do": "Connect an account on **My secrets** (at the mock provider with your email and password), "
    "and check: it tells where the grant lies. Then revoke it at the provider, run a tool of that server, and check. "
    "Where a credential was stored for you, tools use that one and notice nothing: press *Disconnect* then. At last "
    "connect it again, and check once more.",
    "workshop.connect.nothing": "No account of yours is connected.",
    "workshop.connect.noted": "{title} is connected as {account}. What was granted lies at `{path}`: your tools' "
    "server may read it for you, this app may not. Now end it, and check.",
    "workshop.connect.lives": "{title} is still connected, as far as Vault knows.",
    "workshop.connect.revoked": "The server noticed at that call that {title} had ended it: the dead tokens are gone "
    "from Vault, and what is left says why. Now connect it again, and check.",
    "workshop.connect.ended": "You ended the connection: Vault has destroyed every version of it. Now connect "
    "{title} again, and check.",
    "workshop.connect.again": "{title} is not connected again yet.",
    "workshop.connect.done": "Right: {title} is connected again as {account}. The new grant lies at the same path; "
    "of the old one nothing works, at the provider or in Vault.",
    "workshop.sign-out.title": "Sign out, and leave nothing behind",
    "workshop.sign-out.do": "Load tools on **MCP tools**, and check: what is held for you is counted. Then sign out,"
    " sign in again, and check once more.",
    "workshop.sign-out.nothing": "Nothing is held for you at the moment: load tools first.",
    "workshop.sign-out.noted": "Vault tokens held for this session: {count}. Now sign out, sign in again, and check.",
    "workshop.sign-out.same": "This is still the same session. Sign out first.",
    "workshop.sign-out.lives": "That session has not ended: sign out where it is still open.",
    "workshop.sign-out.left": "The session has ended, and {count} of its Vault tokens are being revoked. Check again.",
    "workshop.sign-out.done": "Nothing is left. The session is over at Keycloak and at every server, its Vault tokens"
    " ({count}) are revoked, and with them the database user.",
    "workshop.room": "The room",
    "workshop.room.nobody": "Nobody has begun.",
    "workshop.room.who": "Who",
    "workshop.room.done": "Done",
    "workshop.room.last": "Last",
    "workshop.reset": "Reset",
    "workshop.reset.whose": "Whose progress?",
    "workshop.reset.everybody": "Everybody",
    "workshop.reset.do": "Forget the progress",
    "workshop.reset.help": "For everybody it also lifts every suspension, and takes timer and answers "
    "away. What was stored for a partner stays: exercise 6 takes it away again.",
    "workshop.reset.done": "Progress forgotten for {count}.",
}
