"""``./demo people``: people of a room come and go, with cards to print; and somebody leaves (``offboard``)."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

from common import logs, passwords
from common.command import run as run_command
from common.settings import load
from common.users_file import entries
from fastmcp_vault.errors import InputError, Problem
from fastmcp_vault.files import write_private
from fastmcp_vault.printable import show
from fastmcp_vault.state import State
from fastmcp_vault.vault.admin import VaultAdmin
from init import accounts, principals, removal, room, room_cards, vault_people
from init.keycloak_admin import RealmAdmin
from init.keycloak_people import OWN_PASSWORD
from init.run import run as provision
from init.settings import InitSettings
from init.users import NAME, load_people

Done = tuple[str, bool]
"""What was done, and whether it was."""

CARDS = "room-cards.html"


def parser() -> argparse.ArgumentParser:
    """The verbs and what they take."""
    top = argparse.ArgumentParser(prog="./demo people", description=__doc__)
    verbs = top.add_subparsers(dest="verb", required=True, metavar="verb")
    add = verbs.add_parser("add", help="accounts for a room, with a partner each, and cards to print")
    many = add.add_mutually_exclusive_group(required=True)
    many.add_argument("--count", type=_count, metavar="N", help=f"so many, {room.MOST} in the room at most")
    many.add_argument("--csv", metavar="FILE", help=f"those of a file with the columns {', '.join(room.COLUMNS)}")
    add.add_argument("--prefix", default=room.PREFIX, help=f"how their names begin ({room.PREFIX}-01, …)")
    remove = verbs.add_parser("remove", help="take them out again, without a trace")
    remove.add_argument("--prefix", default="", help=f"those whose names begin so; without a NAME: {room.PREFIX}")
    remove.add_argument("names", nargs="*", metavar="NAME", help="these, with their partners")
    forgotten = verbs.add_parser("password", help="another one-time password for somebody who forgot theirs")
    forgotten.add_argument("name", metavar="NAME")
    verbs.add_parser("list", help="who is in the room, and who has signed in")
    leave = verbs.add_parser("offboard", help="end everything that somebody can reach here; what is stored stays")
    leave.add_argument("name", metavar="NAME")
    return top


def _count(text: str) -> int:
    number = int(text)
    if not 1 <= number <= room.MOST:
        raise ValueError
    return number


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 when all of it was done, 3 when something is left that the lines name, 1 with a sentence why not."""
    chosen = parser().parse_args(arguments)
    logs.set_up("people", level="ERROR" if chosen.verb != "offboard" else "INFO")
    left = 0
    try:
        settings = load(InitSettings)
        for line, done in _of(settings, chosen):
            left += not done
            show(line)
    except Problem as problem:
        show(str(problem), file=sys.stderr)
        return 1
    return 3 if left else 0


def _of(settings: InitSettings, chosen: argparse.Namespace) -> Iterator[Done]:
    if chosen.verb == "offboard":
        return offboard(settings, chosen.name)
    if chosen.verb == "password":
        return new_password(settings, chosen.name)
    path = settings.room_file
    if path is None:
        raise InputError("There is no file for the people of a room.", fix="Set ROOM_FILE, or use `./demo people`.")
    if chosen.verb == "list":
        return listed(settings, path)
    if chosen.verb == "remove":
        return _alone(path, lambda: remove(settings, path, prefix=chosen.prefix, names=chosen.names))

    def wanted(there: Sequence[room.Entry]) -> list[room.Entry]:
        if chosen.csv:
            return room.from_csv(Path(chosen.csv))
        return room.numbered(there, chosen.prefix, chosen.count)

    return _alone(path, lambda: add(settings, path, wanted))


def _alone(path: Path, work: Callable[[], Iterator[Done]]) -> Iterator[Done]:
    with room.alone(path):
        yield from work()


def add(
    settings: InitSettings, path: Path, wanted: Callable[[Sequence[room.Entry]], Sequence[room.Entry]]
) -> Iterator[Done]:
    """Who is ``wanted`` beside those who are there, provisioned as everybody is, and the cards of the whole room.

    Raises InputError before anything is written, and whatever Problem a server answers with: the next run of
    `./demo init` finishes it then.
    """
    there = room.read(path)
    more = list(wanted(there))
    people = [*there, *more]
    if len(room.tables(people)) > room.MOST:
        raise InputError(f"A room holds {room.MOST} at most.", fix="Take some out: `./demo people remove NAME`.")
    tried = path.with_suffix(".new.yaml")
    try:
        room.write(tried, people)
        load_people(settings.users_file, tried)
        tried.replace(path)
    finally:
        tried.unlink(missing_ok=True)
    provision(settings, names={entry["username"] for entry in more})
    tables = room.tables(more)
    names = f"{tables[0]['username']} to {tables[-1]['username']}" if len(tables) > 1 else tables[0]["username"]
    yield f"Added {len(tables)}: {names}. Each has a partner, NAME-{room.PARTNER}, and NAME-{room.ATTACKER}.", True
    yield f"Cards to print, with their passwords: {_write_cards(settings, path, people)}", True
    yield (
        "Only you can read that file. Delete it when the cards are printed; the next `people add` makes it anew.",
        True,
    )


def remove(settings: InitSettings, path: Path, *, prefix: str, names: Sequence[str]) -> Iterator[Done]:
    """Those named, or those whose names begin with ``prefix``; their partners too. Raises as :func:`add`."""
    there = room.read(path)
    known = [entry["username"] for entry in room.tables(there)]
    if strange := sorted(set(names) - set(known)):
        raise InputError(f"Not in the room: {', '.join(strange)}.", fix="`./demo people list` shows who is.")
    begins = prefix or ("" if names else room.PREFIX)
    chosen = [name for name in known if name in names or (begins and name.startswith(f"{begins}-"))]
    if not chosen:
        yield "Nobody in the room has such a name." if known else "Nobody is in the room.", True
        return
    gone = {other for name in chosen for other in room.with_others(there, name)}
    for line in removal.empty(settings, sorted(gone)):
        yield line, False
    people = [entry for entry in there if entry["username"] not in gone]
    room.write(path, people)
    _write_cards(settings, path, people)
    provision(settings, names=gone)
    yield f"Removed {len(chosen)}, and their partners. {len(room.tables(people))} are left in the room.", True


def listed(settings: InitSettings, path: Path) -> Iterator[Done]:
    """A line for each table: its person, the partner, and whether the person has chosen a password."""
    tables = room.tables(room.read(path))
    if not tables:
        yield "Nobody is in the room. `./demo people add --count 30` makes accounts for one.", True
        return
    keycloak = RealmAdmin.of(settings)
    try:
        keycloak.log_in()
        width = max(len(entry["username"]) for entry in tables)
        for entry in tables:
            found = keycloak.get(f"/{settings.keycloak_realm}/users", username=entry["username"], exact="true")
            actions = found[0].get("requiredActions") or () if found else ()
            told = "has not signed in" if OWN_PASSWORD in actions else "has signed in"
            said = told if found else "has no account yet: run `./demo init`"
            yield f"{entry['username']:<{width}}  partner {entry['partner']:<{width + 4}}  {said}", True
    finally:
        keycloak.close()


def new_password(settings: InitSettings, name: str) -> Iterator[Done]:
    """A password that is good once (Keycloak: PUT users/{id}/reset-password); who is signed in stays so.

    Raises InputError for a name that is nobody's, and for accounts whose password the exercises sign in with.
    """
    known = entries(settings.users_file), room.read(settings.room_file) if settings.room_file else []
    entry = next((one for some in known for one in some if one["username"] == name), None)
    if entry is None or not entry.get("one_time"):
        raise InputError(
            f"{name!r} has no password that was good once.",
            fix="It is for a room's people and its facilitator; the exercises sign in as the others.",
        )
    keycloak = RealmAdmin.of(settings)
    try:
        keycloak.log_in()
        users = f"/{settings.keycloak_realm}/users"
        found = keycloak.get(users, username=name, exact="true")
        if not found:
            raise InputError(f"Keycloak has no account {name}.", fix="`./demo init` makes it.")
        made = passwords.readable()
        wanted = {"type": "password", "value": made, "temporary": True}
        keycloak.put(f"{users}/{quote(str(found[0]['id']))}/reset-password", wanted)
    finally:
        keycloak.close()
    yield f"{name} / {made}", True
    yield "Good once: Keycloak asks for another at the next sign-in.", True


def _write_cards(settings: InitSettings, path: Path, people: Sequence[room.Entry]) -> Path:
    cards = path.with_name(CARDS)
    if room.tables(people):
        write_private(cards, room_cards.page(people, settings.app_public_url))
    else:
        cards.unlink(missing_ok=True)
    return cards


def offboard(settings: InitSettings, name: str) -> Iterator[Done]:
    """What was done, line by line, and whether it was; in the order in which it shuts the doors.

    Raises InputError for a name that is nobody's, and whatever Problem a server answers with.
    """
    if not NAME.fullmatch(name):
        raise InputError(f"{name!r} is no user name.", fix="Give the name that stands in `init/users.yaml`.")
    keycloak = RealmAdmin.of(settings)
    vault = VaultAdmin(settings.vault_addr, settings.vault_token)
    try:
        keycloak.log_in()
        yield _signed_out(settings, keycloak, name), True
        yield asyncio.run(_held_ended(settings, name))
        vault_people.disable(vault, name)
        yield f"Vault refuses every token of {name}'s.", True
        vault_people.end_database_users(vault, name)
        yield f"{name}'s database users are dropped.", True
        for found, why in accounts.end_all(vault, name, settings.providers()):
            if why:
                yield f"The account at {found.provider} is gone from Vault; the provider did not end it: {why}", False
            else:
                yield f"The account at {found.provider} is ended there and gone from Vault.", True
        yield (
            f"What is stored for {name} stays, until the name is gone from the users file and `./demo init` has run.",
            True,
        )
    finally:
        vault.close()
        keycloak.close()


async def _held_ended(settings: InitSettings, name: str) -> Done:
    """The servers revoke what they hold for somebody who is signed out; the rest is revoked here."""
    async with State(settings.state_dsn, application_name="people") as state, principals.opened(settings) as suspending:
        try:
            person = suspending.principal("person", name)
        except InputError:
            return f"Nothing is held for {name}.", True
        left, why = await suspending.end_held(state, person)
    if left:
        return f"What was held for {name} is revoked, but for {left} Vault tokens. {why}", False
    return f"What was held for {name} is revoked.", True


def _signed_out(settings: InitSettings, keycloak: RealmAdmin, name: str) -> str:
    """Nobody signs in as them any more, and who is signed in is signed out everywhere."""
    users = f"/{settings.keycloak_realm}/users"
    found = keycloak.get(users, username=name, exact="true")
    if not found:
        return f"Keycloak has no account {name}."
    user = f"{users}/{quote(str(found[0]['id']))}"
    keycloak.put(user, {**keycloak.get(user), "enabled": False})
    keycloak.post(f"{user}/logout", {})
    return f"{name} cannot sign in any more, and is signed out everywhere."


if __name__ == "__main__":
    sys.exit(run_command(main))
