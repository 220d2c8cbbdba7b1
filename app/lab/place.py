"""The range as the running app has it: its own servers, its own clients, and two people of the demo."""

from __future__ import annotations

from app.lab.arms import AttackTarget
from app.lab.people import DemoPerson, attacker_and_victim, everybody, without_jira
from app.lab.targets import Targets
from app.process import AppProcess
from app.session import cookie_name


def place(process: AppProcess, asking: str) -> AttackTarget:
    """Where whoever asks (by username) attacks from. Raises LabClosed."""
    return between(process, *attacker_and_victim(everybody(process.settings), asking))


def between(process: AppProcess, attacker: DemoPerson, victim: DemoPerson) -> AttackTarget:
    """The range with these two people in it."""
    settings = process.settings
    return AttackTarget(
        targets=Targets.of(settings),
        keycloak=process.keycloak,
        vault=process.vault,
        lab_secret=settings.lab_client_secret,
        attacker=attacker,
        victim=victim,
        redirect_uri=settings.redirect_uri,
        cookie=cookie_name(https=settings.https),
        password_turns=process.password_turns,
        without_jira=without_jira(everybody(settings), attacker),
    )
