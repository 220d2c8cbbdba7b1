"""The command `python -m vault_client`: an application that logs in to Vault by itself and keeps its secrets fresh."""
