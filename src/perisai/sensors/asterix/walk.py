"""The kernel that walks ASTERIX blocks by the tables of `tables.py`."""

import math
from typing import Any

import numpy as np

from perisai.geodesy import kernel

from .tables import COMPOUND, EXPLICIT, EXTENDED, FIXED, RANDOM_FIELD_SEQUENCING, REPETITIVE, SPARE

MALFORMED = -1


@kernel
def walk(tables: Any, data, starts, categories, preferred, first_block, values, block_of, counts):
    """Decode blocks from `first_block` on until all are done or `values` is full.

    data: uint8, the records of all blocks; starts (b + 1,): where each begins; categories (b,). preferred (256,): the
    record table that explained the last block of each category, changed here. values (cap, columns) and block_of (cap,)
    are filled; counts (b,): records of each block, or MALFORMED. Returns (next block, records written).
    """
    n = 0
    for b in range(first_block, categories.size):
        category = categories[b]
        first, tried = tables.categories[category, 0], tables.categories[category, 1]
        columns = tables.categories[category, 2]
        got = MALFORMED
        for k in range(-1, tried):
            table = preferred[category] if k < 0 else first + k
            if table < 0 or (k >= 0 and table == preferred[category]):
                continue
            got = _block(tables, first, tried, table, columns, data, starts[b], starts[b + 1], values, n)
            if got == -2:
                return b, n
            if got >= 0:
                preferred[category] = table
                break
        counts[b] = got
        for i in range(max(got, 0)):
            block_of[n + i] = b
        n += max(got, 0)
    return categories.size, n


@kernel
def _block(tables, first, tried, table, columns, data, at, end, values, n):
    """Records written from row n on; MALFORMED, or -2 when there is no room."""
    written = 0
    selects = tables.records[table, 3] >= 0
    while at < end:
        if n + written >= values.shape[0]:
            return -2
        row = values[n + written]
        if not selects:
            at = _record(tables, table, columns, data, at, end, row)
        else:
            # The profiles of an edition stand side by side; a record is of the one that its own selector names.
            after = MALFORMED
            one = table
            while one < first + tried:
                after = _record(tables, one, columns, data, at, end, row)
                told = row[tables.records[one, 3]]
                if after >= 0 and (0.0 if math.isnan(told) else told) == tables.records[one, 4]:
                    break
                after = MALFORMED
                one += 1
                if one < first + tried and tables.records[one, 4] <= tables.records[one - 1, 4]:
                    break
            at = after
        if at < 0:
            return MALFORMED
        written += 1
    return written


@kernel
def _record(tables, table, columns, data, at, end, row):
    """One record into `row`; returns where it ends, or MALFORMED."""
    row[:columns] = math.nan
    most, link, count = tables.records[table, 0], tables.records[table, 1], tables.records[table, 2]
    bits = at
    at = _specification_end(data, at, end, most)
    if at < 0:
        return MALFORMED
    after = at
    number = 0
    for place in range(bits, after):
        octet = data[place]
        for bit in range(7, 0, -1):
            if octet >> bit & 1:
                node = tables.links[link + number] if number < count else SPARE
                if node >= 0:
                    at = _node(tables, node, data, at, end, row, True)
                elif node == RANDOM_FIELD_SEQUENCING:
                    at = _random_fields(tables, link, count, data, at, end, row)
                else:
                    return MALFORMED
                if at < 0:
                    return MALFORMED
            number += 1
    return at


@kernel
def _specification_end(data, at, end, most):
    for i in range(most):
        if at + i >= end:
            return MALFORMED
        if data[at + i] & 1 == 0:
            return at + i + 1
    return MALFORMED


@kernel
def _random_fields(tables, link, count, data, at, end, row):
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
        if number < 0 or number >= count or tables.links[link + number] < 0:
            return MALFORMED
        at = _node(tables, tables.links[link + number], data, at, end, row, False)
        if at < 0:
            return MALFORMED
    return at


@kernel
def _node(tables, node, data, at, end, row, keep):
    if tables.nodes[node, 0] != COMPOUND:
        return _leaf(tables, node, data, at, end, row, keep)
    link, count = tables.nodes[node, 1], tables.nodes[node, 2]
    bits = at
    at = _specification_end(data, at, end, (count + 6) // 7)
    if at < 0:
        return MALFORMED
    after = at
    number = 0
    for place in range(bits, after):
        octet = data[place]
        for bit in range(7, 0, -1):
            if octet >> bit & 1:
                if number >= count or tables.links[link + number] < 0:
                    return MALFORMED
                at = _leaf(tables, tables.links[link + number], data, at, end, row, keep)
                if at < 0:
                    return MALFORMED
            number += 1
    return at


@kernel
def _leaf(tables, node, data, at, end, row, keep):
    after = _leaf_end(tables.nodes[node], data, at, end)
    if after < 0 or after > end:
        return MALFORMED
    if keep:
        for f in range(tables.nodes[node, 3], tables.nodes[node, 4]):
            first, size = tables.fields[f, 1], tables.fields[f, 2]
            if first + size <= 8 * (after - at):
                raw = _bits(data, 8 * at + first, size)
                if tables.fields[f, 3] and raw >= np.int64(1) << (size - 1):
                    raw -= np.int64(1) << size
                row[tables.fields[f, 0]] = raw * tables.scales[f]
    return after


@kernel
def _leaf_end(node, data, at, end):
    kind, a, b = node[0], node[1], node[2]
    if kind == FIXED:
        return at + a
    if kind == EXTENDED:
        for part in range(a):
            if at >= end:
                return MALFORMED
            octet = data[at]
            at += 1
            last = part == a - 1
            if last and b == 0:
                return at
            if octet & 1 == 0:
                return at
        return MALFORMED
    if kind == REPETITIVE:
        if at + b > end:
            return MALFORMED
        count = _bits(data, 8 * at, 8 * b)
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


@kernel
def _bits(data, first, size):
    """An unsigned number of up to 56 bits, big endian, from a bit on."""
    last = first + size - 1
    value = np.int64(0)
    for i in range(first >> 3, (last >> 3) + 1):
        value = value << 8 | np.int64(data[i])
    return value >> (7 - (last & 7)) & ((np.int64(1) << size) - 1)
