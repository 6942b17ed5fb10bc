"""The kernel that walks ASTERIX blocks by the program of `tables.py`."""

import math

import numpy as np

from perisai.geodesy import kernel

from .tables import COMPOUND, EXPLICIT, EXTENDED, FIELD, FIXED, HEAD, RANDOM_FIELD_SEQUENCING, RECORD, REPETITIVE, SPARE

MALFORMED, NO_ROOM = -1, -2


@kernel
def walk(program, units, starts, widths, data, places, categories, preferred, first_block, values, block_of, counts):
    """Decode blocks from `first_block` on until all are done or `values` is full.

    program, units, starts: as in Tables; widths (256,): columns of each category. data: uint8, the records of all
    blocks; places (b + 1,): where each begins; categories (b,). preferred (256,): the record table that explained the
    last block of each category, changed here. values (room, columns) and block_of (room,) are filled, counts (b,) set
    to the records of each block or MALFORMED. Returns (next block, records written).
    """
    n = 0
    for b in range(first_block, categories.size):
        category = categories[b]
        width, at, end = widths[category], places[b], places[b + 1]
        got = MALFORMED
        if preferred[category] >= 0:
            got = _block(program, units, preferred[category], width, data, at, end, values, n)
        k = 0
        while got == MALFORMED and starts[category, k] >= 0:
            table = starts[category, k]
            k += 1
            if table != preferred[category]:
                got = _block(program, units, table, width, data, at, end, values, n)
                if got >= 0:
                    preferred[category] = table
        if got == NO_ROOM:
            return b, n
        counts[b] = got
        for _ in range(max(got, 0)):
            block_of[n] = b
            n += 1
    return categories.size, n


@kernel
def _block(program, units, table, width, data, at, end, values, n):
    """Records written from row n on; MALFORMED or NO_ROOM."""
    first = n
    while at < end:
        if n >= values.shape[0]:
            return NO_ROOM
        one = table
        after = MALFORMED
        while after < 0:
            after = _record(program, units, one, width, data, at, end, values, n)
            selector = program[one + 1]
            if after >= 0 and selector >= 0:
                # A record is of the profile that its own selector names.
                told = values[n, selector]
                if (0.0 if math.isnan(told) else told) != program[one + 2]:
                    after = MALFORMED
            one = program[one]
            if one == 0:
                break
        if after < 0:
            return MALFORMED
        at = after
        n += 1
    return n - first


@kernel
def _record(program, units, table, width, data, at, end, values, n):
    """One record into row n; returns where it ends, or MALFORMED."""
    for column in range(width):
        values[n, column] = math.nan
    items = program[table + 4]
    bits = at
    at = _specification_end(data, at, end, program[table + 3])
    if at < 0:
        return MALFORMED
    number = 0
    for place in range(bits, at):
        octet = np.int64(data[place])
        for bit in range(7, 0, -1):
            if octet >> bit & 1:
                node = program[table + RECORD + number] if number < items else SPARE
                if node > 0:
                    kind = program[node]
                    if kind == COMPOUND:
                        at = _compound(program, units, node, data, at, end, values, n)
                    else:
                        at = _leaf(program, units, node, data, at, end, values, n)
                elif node == RANDOM_FIELD_SEQUENCING:
                    at = _random_fields(program, units, table, data, at, end, values)
                else:
                    return MALFORMED
                if at < 0:
                    return MALFORMED
            number += 1
    return at


@kernel
def _specification_end(data, at, end, most):
    for i in range(at, min(at + most, end)):
        if data[i] & 1 == 0:
            return i + 1
    return MALFORMED


@kernel
def _random_fields(program, units, table, data, at, end, values):
    """Random field sequencing: a count, then pairs of a field number and its item; they are stepped over."""
    if at >= end:
        return MALFORMED
    pairs = data[at]
    at += 1
    for _ in range(pairs):
        if at >= end:
            return MALFORMED
        number = np.int64(data[at]) - 1
        at += 1
        node = program[table + RECORD + number] if 0 <= number < program[table + 4] else SPARE
        if node <= 0:
            return MALFORMED
        if program[node] == COMPOUND:
            at = _compound(program, units, node, data, at, end, values, -1)
        else:
            at = _leaf(program, units, node, data, at, end, values, -1)
        if at < 0:
            return MALFORMED
    return at


@kernel
def _compound(program, units, node, data, at, end, values, n):
    items = program[node + 3]
    bits = at
    at = _specification_end(data, at, end, program[node + 1])
    if at < 0:
        return MALFORMED
    number = 0
    for place in range(bits, at):
        octet = np.int64(data[place])
        for bit in range(7, 0, -1):
            if octet >> bit & 1:
                inner = program[node + HEAD + number] if number < items else SPARE
                if inner <= 0:
                    return MALFORMED
                at = _leaf(program, units, inner, data, at, end, values, n)
                if at < 0:
                    return MALFORMED
            number += 1
    return at


@kernel
def _leaf(program, units, node, data, at, end, values, n):
    """Any item but a compound: where it ends, its fields written into row n (n negative: stepped over)."""
    after = at + program[node + 1] if program[node] == FIXED else _end(program, node, data, at, end)
    if after < 0 or after > end:
        return MALFORMED
    if n < 0:
        return after
    f = node + HEAD
    for _ in range(program[node + 3]):
        last = at + program[f + 2]
        if last < after:
            raw = np.int64(0)
            for i in range(at + program[f + 1], last + 1):
                raw = raw << 8 | np.int64(data[i])
            size = program[f + 4]
            raw = raw >> program[f + 3] & ((np.int64(1) << size) - 1)
            if program[f + 5] and raw >> (size - 1):
                raw -= np.int64(1) << size
            values[n, program[f]] = raw * units[program[f + 6]]
        f += FIELD
    return after


@kernel
def _end(program, node, data, at, end):
    """Where an item of variable length ends; MALFORMED, or beyond the end, when it does not fit."""
    kind, a, b = program[node], program[node + 1], program[node + 2]
    if kind == EXTENDED:
        for part in range(a):
            if at >= end:
                return MALFORMED
            octet = data[at]
            at += 1
            if octet & 1 == 0 or (part == a - 1 and b == 0):
                return at
        return MALFORMED
    if kind == REPETITIVE:
        if at + b > end:
            return MALFORMED
        count = np.int64(0)
        for i in range(at, at + b):
            count = count << 8 | np.int64(data[i])
        return at + b + count * a
    if kind == EXPLICIT:
        if at >= end or data[at] == 0:
            return MALFORMED
        return at + np.int64(data[at])
    while at + a <= end:
        at += a
        if data[at - 1] & 1 == 0:
            return at
    return MALFORMED
