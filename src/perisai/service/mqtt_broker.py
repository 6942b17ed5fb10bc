"""An MQTT broker of our own: a second nats-server with nothing but MQTT, apart from the bus, so that no client of it
can write to what the roles say to one another."""

import asyncio
import json
import socket
from asyncio.subprocess import DEVNULL, Process
from pathlib import Path

from perisai.model import ResourceError

from .nats_server import _die_with_parent, _program

START_S = 10.0


class MqttBroker:
    """MQTT 3.1.1 with retained messages. Use as an async context manager; `port` is where it answers."""

    def __init__(self, directory: Path, host: str, port: int) -> None:
        """port 0: a free one."""
        self._directory, self._host = directory, host
        self.port = port
        self._process: Process | None = None

    async def __aenter__(self) -> "MqttBroker":
        program = _program()
        self.port = self.port or _free_port(self._host)
        self._directory.mkdir(parents=True, exist_ok=True)
        config = self._directory / "mqtt.conf"
        store = json.dumps(str(self._directory / "store"))
        config.write_text(
            f"server_name: perisai-mqtt\nlisten: 127.0.0.1:-1\n"
            f"jetstream {{ store_dir: {store}, max_file_store: 1GB }}\n"
            f"mqtt {{ listen: {json.dumps(f'{self._host}:{self.port}')} }}\n"
        )
        with (self._directory / "mqtt.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                program, "--config", str(config), stdin=DEVNULL, stdout=log, stderr=log, preexec_fn=_die_with_parent
            )
        await self._answering()
        return self

    async def __aexit__(self, *_: object) -> None:
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), 10)
            except TimeoutError:
                process.kill()
                await process.wait()

    async def _answering(self) -> None:
        assert self._process is not None
        deadline = asyncio.get_running_loop().time() + START_S
        while asyncio.get_running_loop().time() < deadline and self._process.returncode is None:
            try:
                _, writer = await asyncio.open_connection(self._host, self.port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            return
        await self.__aexit__()
        raise ResourceError(f"MQTT broker on {self._host}:{self.port} did not start; {self._directory / 'mqtt.log'}")


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]
