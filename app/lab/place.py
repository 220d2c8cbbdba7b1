"""The range as the running app has it: its own servers, its own clients, and two people of the demo."""

from __future__ import annotations

from app.lab.arms import Range
from app.lab.people import attacker_and_victim, everybody
from app.lab.targets import Targets
from app.process import Process
from app.session import cookie_name


def place(process: Process, asking: str) -> Range:
    """Where whoever asks (by username) attacks from. Raises LabClosed."""
    settings = process.settings
    attacker, victim = attacker_and_victim(everybody(settings), asking)
    return Range(
        targets=Targets.of(settings),
        keycloak=process.keycloak,
        vault=process.vault,
        lab_secret=settings.lab_client_secret,
        attacker=attacker,
        victim=victim,
        redirect_uri=settings.redirect_uri,
        cookie=cookie_name(https=settings.https),
    )
