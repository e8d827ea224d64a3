"""`relayclear service`: the files that let a machine keep `watch` running."""

from __future__ import annotations

import os
import re
import shlex
from contextlib import suppress
from pathlib import Path
from pwd import getpwuid
from typing import TYPE_CHECKING, Annotated

import typer

from relayclear.cli.examples import examples
from relayclear.cli.face import Face
from relayclear.cli.files import write_new
from relayclear.cli.output import Exit, say

if TYPE_CHECKING:
    from relayclear.config.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Files that keep watch running: a systemd unit, a container.")

FILES = Path(__file__).with_name("service_files")
# What the unit has where nothing else is known.
_PROGRAM, _USER = "/usr/local/bin/relayclear", "hermes"
_STATE = "StateDirectory=relayclear\nStateDirectoryMode=0700\n"
_CREDENTIAL = "LoadCredential=relayclear-passphrase"
Out = Annotated[str | None, typer.Option("--out", "-o", metavar="FILE", help="Write it there.")]


@app.command(epilog=examples("service unit"))
def unit(
    ctx: typer.Context,
    *,
    out: Out = None,
    user: Annotated[
        str, typer.Option(metavar="USER", help="Who it runs as, whose Hermes it drives; by default you, or hermes.")
    ] = "",
    no_wallet: Annotated[
        bool, typer.Option("--no-wallet", help="Without the wallet's passphrase: for a watch that gives nothing back.")
    ] = False,
) -> int:
    """Print the systemd unit: hardened, watched, stopped in good order; its head says how to install it.

    It starts this very program, over the config, database and keys that are in use here; without a config, or for
    another user than you, over /etc/relayclear and /var/lib/relayclear.
    """
    from relayclear.bootstrap.machine import own_program

    face: Face = ctx.obj
    settings, me = face.settings(), _me()
    text = _text("relayclear.service").replace(_PROGRAM, " ".join(map(_quoted, own_program())))
    if settings.file is not None and user in {"", me}:
        text = _in_place(text, settings, settings.file, me)
    else:
        text = text.replace("hermes /etc", f"{user or _USER} /etc").replace(
            f"sudo -u {_USER}", f"sudo -u {user or _USER}"
        )
        text = text.replace(f"User={_USER}", f"User={user or _USER}")
    # systemd doesn't start a unit whose credential isn't there.
    return _given(face, "unit", text.replace(_CREDENTIAL, f"#{_CREDENTIAL}") if no_wallet else text, out)


def _me() -> str:
    """Who types; by number where it has no name, as in a container."""
    with suppress(KeyError):
        return getpwuid(os.getuid()).pw_name
    return str(os.getuid())


def _in_place(text: str, settings: Settings, config: Path, me: str) -> str:
    """The unit over what this user has in use: the books go on, and nothing is carried over."""
    state = settings.places.state
    changed = {
        "sudo install -d -m 750 -g hermes /etc/relayclear            # config.toml, passphrase (root, 600)": (
            f"mkdir -m 700 -p {' '.join(shlex.quote(str(one)) for one in _written(settings))}\n"
            "#   sudo install -D -m 600 FILE /etc/relayclear/passphrase    # the wallet's; without one: --no-wallet"
        ),
        f"sudo -u {_USER} ": f"sudo -u {me} ",
        f"User={_USER}": f"User={me}",
        _STATE: f"ReadWritePaths={' '.join(_quoted(f'-{one}') for one in _written(settings))}\n",
    }
    places = {
        "RELAYCLEAR_CONFIG": ("/etc/relayclear/config.toml", config),
        "RELAYCLEAR_DB": ("/var/lib/relayclear/relayclear.db", settings.database),
        "RELAYCLEAR_KEYS_DIR": ("/var/lib/relayclear/keys", settings.keys_dir),
        "XDG_STATE_HOME": ("/var/lib", state.parent),
    }
    for before, after in changed.items():
        text = text.replace(before, after)
    for name, (before, path) in places.items():
        text = text.replace(f"Environment={name}={before}\n", f"Environment={_quoted(f'{name}={path}')}\n")
        # In the head they stand between others, for a shell.
        text = re.sub(rf"(?<=[ ]){name}={re.escape(before)}(?=[ \n])", f"{name}={shlex.quote(str(path))}", text)
    return text


def _written(settings: Settings) -> list[Path]:
    """The folders that it writes in, each once; one that isn't there yet is passed over by systemd."""
    return list(dict.fromkeys([settings.database.parent, settings.keys_dir, settings.places.state]))


def _quoted(word: str) -> str:
    """A word as systemd reads it: `%` begins a specifier there."""
    word = word.replace("%", "%%")
    return f'"{word}"' if " " in word else word


@app.command(epilog=examples("service container"))
def container(ctx: typer.Context, *, out: Out = None) -> int:
    """Print the container file: no root inside, one folder that is written; its head says how to run it."""
    return _given(ctx.obj, "container", _text("Containerfile"), out)


def _text(name: str) -> str:
    return (FILES / name).read_text(encoding="utf-8")


def _given(face: Face, what: str, text: str, out: str | None) -> int:
    if out is not None:
        write_new(out, text)
    if face.json:
        face.emit({"what": what, "file": out, "text": text})
    elif out is None:
        typer.echo(text, nl=False)
    else:
        say(f"{out} is written; its head says what to do with it")
    return Exit.DONE
