"""What to do about an error of the library, as this demo says it: by the library's own advice.

A process of the demo gives these words when it begins (:func:`common.command.run`).
"""

from __future__ import annotations

ADVICE = {
    "Check that Keycloak is up; then try again.": "`./demo status` says whether Keycloak is up; try again.",
    "Check this program's client at Keycloak; then sign in again.": (
        "`./demo init` sets up Keycloak's clients; then sign in again."
    ),
    ("The token must be meant for the server that exchanges it, and that server's client be allowed to exchange it."): (
        "The token must be meant for the server that exchanges it; `./demo init` sets up who may exchange what."
    ),
    "Give it the secret that Keycloak has for it; then restart the program.": (
        "`./demo init` sets it up; then restart the program."
    ),
    "Try again; if it stays, the server's log shows what it was.": (
        "Try again; if it stays, `./demo logs` shows what it was."
    ),
    "Sign out and sign in again; if it stays, check that Keycloak is up.": (
        "Sign out and sign in again; if it stays, `./demo status` says whether Keycloak is up."
    ),
    "Check that the server is up; its log says why not.": (
        "`./demo status` says whether the server is up; `./demo logs` says why not."
    ),
    "Role, audience and `azp` must fit.": "Role, audience and `azp` must fit; `./demo init` sets them.",
    "An entity that nobody provisioned opens nothing: provision the person first.": (
        "An entity that nobody provisioned opens nothing: add the person to `init/users.yaml` and run `./demo init`."
    ),
    "The person may have agents of the names that the role lists only.": (
        "The person may have agents of the names that the role lists only; `./demo init` sets the role."
    ),
    "An administrator gives the person what the policy lacks.": (
        "An administrator gives entitlements in `init/users.yaml` and runs `./demo init`."
    ),
    "Check that the server is up.": "`./demo status` says whether the server is up.",
    "Check that Vault is up; then try again.": (
        "`./demo status` says whether Vault is up, `./demo logs vault` why not; then try again."
    ),
    "An administrator makes the role.": (
        "An administrator adds a `postgres` entitlement in `init/users.yaml` and runs `./demo init`."
    ),
    "An administrator makes the static role.": "`./demo init` makes it.",
    "Set `secret_id` in [vault], or VAULT_SECRET_ID.": (
        "Set `secret_id` in [vault], or VAULT_SECRET_ID; `./demo init` writes one."
    ),
    "If it was not you who used it, somebody else holds the secret id. An administrator makes a new one.": (
        "If it was not you who used it, somebody else holds the secret id. `./demo init` makes a new one."
    ),
    "Write one, or say where it is with `--config`.": "`./demo up` writes one; `--config` says where it is.",
    "Check what was set up in Vault for this.": "`./demo init` sets up what Vault needs.",
    "Sign in again; if it stays, check the policies.": ("Sign in again; if it stays, `./demo init` sets the policies."),
    "An administrator initializes it.": "Run `./demo init`.",
    "Allow it in the policy of its role.": "Allow it in the policy of its role; `./demo init` sets the example's.",
    "Check that PostgreSQL is up; then try again.": "`./demo status` says whether PostgreSQL is up; try again.",
    "An administrator writes it to Vault at {secret}, with the fields {fields}.": (
        "An administrator writes it to Vault at {secret}, with the fields {fields}, or adds the entitlement"
        " `{server}` of {entity} in `init/users.yaml` and runs `./demo init`."
    ),
    "An administrator makes the database role {role} at {mount} for {entity}.": (
        "An administrator adds the entitlement `postgres` of {entity} in `init/users.yaml` and runs `./demo init`."
    ),
    "An administrator writes it to Vault at {secret}.": (
        "An administrator adds it in `init/users.yaml` and runs `./demo init`, or writes it to Vault at {secret}."
    ),
    (
        "Vault does not say which of the two it was: the role id may be wrong, the secret id wrong, expired or used up."
    ): (
        "Vault does not say which of the two it was: the role id may be wrong, the secret id wrong, expired or"
        " used up. `./demo init` sets the role and hands out a fresh secret id."
    ),
    "Ask an administrator to provision your account, with a name of a-z, 0-9, - and _; then sign in with it.": (
        "Ask an administrator to add you to `init/users.yaml`, with a name of a-z, 0-9, - and _, and to run"
        " `./demo init`; then sign in with that account."
    ),
    (
        "The token must be meant for Vault (audience `vault`) and come from the client that the role is bound to"
        " (`azp`)."
    ): (
        "The token must be meant for Vault (audience `vault`) and come from the client that the role is bound to"
        " (`azp`); `./demo init` sets the role."
    ),
}
