"""The audit log: a chain that shows every change, survives a crash and waits out a full disk."""

import subprocess
import sys

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from perisai.model import ResourceError
from perisai.service.audit import AuditLog, Entry, verify
from perisai.service.audit import log as audit_log
from perisai.service.audit.chain import seal
from perisai.service.audit.log import read_public_key


def _written(directory, count=5):
    log = AuditLog(directory, lambda: 7)
    entries = [log.add("olena", "operator", "cancel", f"alert-{n}", detail="why: «так»") for n in range(count)]
    log.close()
    return entries, (directory / "audit.jsonl").read_bytes().splitlines(keepends=True)


def _verify(directory, lines, head=""):
    return verify(lines, read_public_key(directory / "audit.pub"), head)


def test_an_untouched_log_holds_over_restarts(tmp_path):
    _written(tmp_path)
    entries, lines = _written(tmp_path)
    number, head, fault = _verify(tmp_path, lines)
    assert (number, head, fault) == (10, entries[-1].hash, None)
    log = AuditLog(tmp_path, lambda: 8)
    assert [entry.number for entry in log.newest(3)] == [10, 9, 8]
    log.close()


def _changed(lines):
    return [*lines[:2], lines[2].replace(b"alert-2", b"alert-9"), *lines[3:]]


def _removed(lines):
    return lines[:2] + lines[3:]


def _swapped(lines):
    return [*lines[:2], lines[3], lines[2], *lines[4:]]


def _resealed(lines):
    """By somebody with another key, who makes the chain anew from the change on."""
    key, last, out = Ed25519PrivateKey.generate(), "", list(lines[:2])
    last = msgspec.json.decode(lines[1], type=Entry).hash
    for line in lines[2:]:
        entry = msgspec.structs.replace(msgspec.json.decode(line, type=Entry), who="nobody", after=last)
        sealed = seal(entry, key)
        last = sealed.hash
        out.append(msgspec.json.encode(sealed) + b"\n")
    return out


@pytest.mark.parametrize("tamper", [_changed, _removed, _swapped, _resealed, lambda lines: [*lines[:2], b"x\n"]])
def test_every_change_is_found_where_it_was_made(tmp_path, tamper):
    _, lines = _written(tmp_path)
    number, _, fault = _verify(tmp_path, tamper(lines))
    assert number == 2 and fault is not None and fault.line == 3


def test_a_missing_end_shows_against_a_head_noted_elsewhere(tmp_path):
    entries, lines = _written(tmp_path)
    assert _verify(tmp_path, lines[:3])[2] is None
    assert _verify(tmp_path, lines, entries[3].hash)[2] is None
    fault = _verify(tmp_path, lines[:3], entries[4].hash)[2]
    assert fault is not None and "missing" in fault.reason


def test_half_a_line_from_a_crash_is_cut_off(tmp_path):
    _, lines = _written(tmp_path)
    (tmp_path / "audit.jsonl").write_bytes(b"".join(lines) + lines[0][:40])
    _, lines = _written(tmp_path, 1)
    assert _verify(tmp_path, lines)[0] == 6


def test_one_process_writes_a_log(tmp_path):
    log = AuditLog(tmp_path, lambda: 7)
    code = (
        f"from pathlib import Path; from perisai.service.audit import AuditLog; AuditLog(Path({str(tmp_path)!r}), int)"
    )
    other = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
    assert "another process writes this audit log" in other.stderr
    log.close()


def test_a_full_disk_stops_no_order_and_loses_no_entry(tmp_path, monkeypatch):
    log = AuditLog(tmp_path, lambda: 7)
    log.add("olena", "operator", "hold", "a")
    write, room = audit_log._write_all, [20]

    def full(file, data):
        write(file, data[: room[0]])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(audit_log, "_write_all", full)
    log.add("olena", "operator", "cancel", "a")
    log.add("olena", "operator", "cancel", "b")
    assert log.unwritten == 2
    assert _verify(tmp_path, (tmp_path / "audit.jsonl").read_bytes().splitlines())[::2] == (1, None)
    monkeypatch.setattr(audit_log, "_write_all", write)
    log.add("olena", "operator", "cancel", "c")
    log.close()
    number, _, fault = _verify(tmp_path, (tmp_path / "audit.jsonl").read_bytes().splitlines())
    assert (number, fault, log.unwritten) == (4, None, 0)


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ResourceError, match="cannot be written"):
        AuditLog(tmp_path / "file" / "audit", lambda: 7)
