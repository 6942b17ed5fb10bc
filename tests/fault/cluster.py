"""Three nats-servers as one JetStream cluster on loopback, each a process that can be killed, stopped and started."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
from pathlib import Path

from perisai.service.nats_server import _program

NODES = 3


class Cluster:
    """Use as an async context manager; `url` names all three servers."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._client, self._route = _free_ports(NODES), _free_ports(NODES)
        self._processes: list[subprocess.Popen[bytes] | None] = [None] * NODES
        self.url = ",".join(f"nats://127.0.0.1:{port}" for port in self._client)

    async def __aenter__(self) -> "Cluster":
        for node in range(NODES):
            self.start(node)
        return self

    async def __aexit__(self, *_: object) -> None:
        for process in self._processes:
            if process is not None and process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGCONT)
                process.kill()
                await asyncio.to_thread(process.wait)

    def start(self, node: int) -> None:
        home = self._directory / f"n{node}"
        home.mkdir(parents=True, exist_ok=True)
        routes = ", ".join(f"nats://127.0.0.1:{port}" for port in self._route)
        config = home / "nats.conf"
        config.write_text(
            f"server_name: n{node}\nlisten: 127.0.0.1:{self._client[node]}\nmax_payload: 8MB\nwrite_deadline: 5s\n"
            f"jetstream {{ store_dir: {json.dumps(str(home / 'js'))}, max_file_store: 4GB }}\n"
            f"cluster {{ name: c, listen: 127.0.0.1:{self._route[node]}, routes: [{routes}] }}\n"
        )
        with (home / "log").open("ab") as log:
            command = [_program(), "--config", str(config)]
            self._processes[node] = subprocess.Popen(command, stdout=log, stderr=log)

    def signal(self, node: int, number: signal.Signals) -> None:
        process = self._processes[node]
        assert process is not None
        process.send_signal(number)
        if number == signal.SIGKILL:
            process.wait()


def _free_ports(count: int) -> list[int]:
    """Ports that are free now; taken by the servers a moment later."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()
