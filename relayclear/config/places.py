"""Where a user's files are when nothing says otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import platformdirs


@dataclass(frozen=True, slots=True)
class Places:
    """The platform's folders for one user, and the folder that relative paths on the command line mean."""

    config: Path
    data: Path
    state: Path
    home: Path
    here: Path

    @classmethod
    def of_user(cls) -> Places:
        """Those of whoever runs this process."""
        return cls(
            platformdirs.user_config_path("relayclear"),
            platformdirs.user_data_path("relayclear"),
            platformdirs.user_state_path("relayclear"),
            Path.home(),
            Path.cwd(),
        )

    @property
    def config_file(self) -> Path:
        """The config file that is read when none is named."""
        return self.config / "config.toml"

    def resolve(self, path: Path, folder: Path) -> Path:
        """Make a path absolute: ``~`` is the home, anything relative counts from the folder."""
        if path.parts[:1] == ("~",):
            return self.home.joinpath(*path.parts[1:])
        return folder / path
