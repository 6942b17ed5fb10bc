"""Points that fill a cube evenly: a Sobol sequence with a random linear scramble and a random shift.

Directions of Joe and Kuo (SIAM J. Sci. Comput. 30, 2008), scramble of Matousek (J. Complexity 14, 1998). Bit for bit
the points of `scipy.stats.qmc.Sobol`, which takes a second to load: a second in which nobody is alerted after a crash.
"""

import numpy as np

BITS = 30
PRIMITIVE = ((0, ()), (0, (1,)), (1, (1, 3)), (1, (1, 3, 1)), (2, (1, 1, 1)), (1, (1, 1, 3, 3)), (4, (1, 3, 5, 13)))
PRIMITIVE += ((2, (1, 1, 5, 5, 17)), (4, (1, 1, 5, 5, 5)))
"""Of each dimension the inner coefficients of its polynomial, as bits, and its first direction numbers."""


def sobol(count: int, random: np.random.Generator) -> np.ndarray:
    """The first `count` points, (count, len(PRIMITIVE)), from 0 to below 1; scrambled as `random` says."""
    directions = np.array([_directions(*primitive) for primitive in PRIMITIVE], np.uint32)
    dimensions = len(directions)
    powers = 2 ** np.arange(BITS, dtype=np.uint32)
    shift = np.dot(random.integers(2, size=(dimensions, BITS), dtype=np.uint32), powers)
    mixed = np.tril(random.integers(2, size=(dimensions, BITS, BITS), dtype=np.uint32), -1)
    rows = np.dot(mixed | np.eye(BITS, dtype=np.uint32), powers[::-1])
    parity = np.bitwise_count(rows[:, None, :] & directions[:, :, None]).astype(np.uint32) & 1
    scrambled = np.dot(parity, powers[::-1])
    changed = [(n & -n).bit_length() - 1 for n in range(1, count)]  # of the Gray code, one bit a step
    steps = np.concatenate([shift[None], scrambled.T[changed]])
    return np.bitwise_xor.accumulate(steps, axis=0) * 2.0**-BITS


def _directions(polynomial: int, first: tuple[int, ...]) -> list[int]:
    degree = len(first)
    if degree == 0:
        return [1 << (BITS - 1 - bit) for bit in range(BITS)]
    numbers = list(first)
    for at in range(degree, BITS):
        number = numbers[at - degree] ^ (numbers[at - degree] << degree)
        for step in range(1, degree):
            if polynomial >> (degree - 1 - step) & 1:
                number ^= numbers[at - step] << step
        numbers.append(number)
    return [number << (BITS - 1 - bit) for bit, number in enumerate(numbers)]
