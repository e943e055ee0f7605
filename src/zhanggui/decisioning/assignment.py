"""Who is held out, and the uniform number that a choice is drawn with: by hash, so that it never depends on batching.

The same customer with the same salt always gets the same number (Kohavi et al. 2009, section 4.1). Draws nothing.
"""

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray


def uniforms(customer_ids: Sequence[str], salt: str) -> NDArray[np.float64]:
    """(n,) numbers in [0, 1), independent between salts."""
    keyed = blake2b(digest_size=8, key=blake2b(salt.encode(), digest_size=32).digest())
    numbers = np.empty(len(customer_ids), dtype=np.uint64)
    for row, customer_id in enumerate(customer_ids):
        hasher = keyed.copy()
        hasher.update(customer_id.encode())
        numbers[row] = int.from_bytes(hasher.digest(), "little")
    return (numbers >> np.uint64(11)).astype(np.float64) * 2.0**-53


def holdout(customer_ids: Sequence[str], *, share: float, salt: str) -> NDArray[np.bool_]:
    """(n,) true for the customers who are kept silent."""
    return uniforms(customer_ids, f"holdout\x1f{salt}") < share
