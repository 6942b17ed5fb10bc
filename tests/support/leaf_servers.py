"""Two real nats-servers on loopback: ours with the accounts of `perisai keys`, and a partner's that joins as a leaf."""

import asyncio
import contextlib
import json
import socket
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from perisai.service.nats_accounts import write_accounts
from perisai.service.nats_server import _program


@dataclass(frozen=True)
class Pair:
    """hub, leaf: addresses for clients; leaf_port: where leaf nodes connect; keys: the hub's; partner_keys: the leaf's
    where it has accounts of its own."""

    hub: str
    leaf: str
    leaf_port: int
    keys: Path
    partner_keys: Path


@contextlib.asynccontextmanager
async def server(directory: Path, settings: str) -> AsyncIterator[dict[str, list[str]]]:
    """A nats-server; what it wrote of the addresses it chose."""
    directory.mkdir(parents=True, exist_ok=True)
    ports = directory / "ports"
    ports.mkdir()
    config = directory / "nats.conf"
    config.write_text(f'listen: "127.0.0.1:-1"\nports_file_dir: "{ports}"\n{settings}')
    with (directory / "nats.log").open("wb") as log:
        process = subprocess.Popen([_program(), "--config", str(config)], stdout=log, stderr=log)
    try:
        async with asyncio.timeout(30):
            while not (found := list(ports.glob("*.ports"))) or not (text := found[0].read_text()):
                assert process.poll() is None, (directory / "nats.log").read_text()
                await asyncio.sleep(0.05)
        yield json.loads(text)
    finally:
        process.terminate()
        process.wait()


@contextlib.asynccontextmanager
async def leaf_pair(directory: Path, *partners: str, perisai_there: bool = False) -> AsyncIterator[Pair]:
    """Ours, and the server of the first partner. perisai_there: the partner runs a Perisai, so it has accounts too."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    keys, there = directory / "keys", directory / "partner-keys"
    write_accounts(keys, [], partners)
    ours = (
        f'leafnodes {{ listen: "127.0.0.1:{port}" }}\njetstream {{ store_dir: "{directory}/js" }}\n'
        f'include "{_from(directory / "hub", keys)}/accounts.conf"\n'
    )
    seed = (keys / f"partner-{partners[0]}.nk").read_text().strip()
    async with server(directory / "hub", ours) as hub:
        remote = f'url: "nats-leaf://127.0.0.1:{port}", nkey: "{seed}"'
        theirs = ""
        if perisai_there:
            write_accounts(there, [], hubs=[f"hub={partners[0]}"])
            theirs = f'jetstream {{ store_dir: "{directory}/js-leaf" }}\n'
            theirs += f'include "{_from(directory / "leaf", there)}/accounts.conf"\n'
            remote += ', account: "HUB_hub"'
        async with server(directory / "leaf", f"{theirs}leafnodes {{ remotes: [ {{ {remote} }} ] }}\n") as leaf:
            await _joined(directory / "hub" / "nats.log")
            yield Pair(hub["nats"][0], leaf["nats"][0], port, keys, there)


async def _joined(log: Path) -> None:
    async with asyncio.timeout(30):
        while "Leafnode connection created" not in log.read_text():
            await asyncio.sleep(0.05)


def _from(directory: Path, to: Path) -> Path:
    return Path("..") / to.relative_to(directory.parent)
