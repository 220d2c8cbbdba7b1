"""Where things lie: the code, this instance's own state, and what depends on versions only."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The checkout: where ``demo``, ``.venv`` and the Python packages are."""

TEMPORARY = "tmp"
"""The folder of a state directory for temporary files."""


@dataclass(frozen=True)
class Layout:
    """Directories of one instance. ``state`` is private to its owner (0700).

    ``runtime`` holds what only versions decide (Keycloak unpacked and built, its start cache), so
    instances may share it; ``state`` holds data, secrets and logs of this instance alone.
    """

    state: Path
    runtime: Path
    root: Path = ROOT

    @classmethod
    def from_environment(cls) -> Layout:
        """``DEMO_STATE_DIR`` and ``DEMO_RUNTIME_DIR``, else ``.demo`` and ``.demo/runtime`` of the checkout."""
        home = ROOT / ".demo"
        return cls(
            state=Path(os.environ.get("DEMO_STATE_DIR") or home).resolve(),
            runtime=Path(os.environ.get("DEMO_RUNTIME_DIR") or home / "runtime").resolve(),
        )

    @property
    def data(self) -> Path:
        """Databases and storage: what ``reset`` removes and a second ``up`` keeps."""
        return self.state / "data"

    @property
    def logs(self) -> Path:
        """One file per service."""
        return self.state / "logs"

    @property
    def temporary(self) -> Path:
        """Temporary files of this instance's processes, instead of the machine's shared folder; emptied by `up`."""
        return self.state / TEMPORARY

    @property
    def secrets(self) -> Path:
        """This instance's generated secrets (0600)."""
        return self.state / "secrets.json"

    @property
    def status(self) -> Path:
        """What the supervisor last said about itself and its services (0600)."""
        return self.state / "status.json"

    @property
    def lock(self) -> Path:
        """Held by the one supervisor of this state directory."""
        return self.state / "supervisor.lock"

    def make(self) -> None:
        """Create the directories, private to their owner."""
        for path in (self.state, self.data, self.logs, self.temporary, self.runtime):
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.state.chmod(0o700)

    def empty_temporary(self) -> None:
        """Remove what processes that were killed left in ``temporary``."""
        shutil.rmtree(self.temporary, ignore_errors=True)
        self.temporary.mkdir(exist_ok=True, mode=0o700)
