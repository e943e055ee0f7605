import gguf
import numpy as np

from zhanggui.llm.quick_weights import in_two

Q4_0, Q4_1 = gguf.GGMLQuantizationType.Q4_0, gguf.GGMLQuantizationType.Q4_1


def test_the_two_parts_are_the_weights() -> None:
    drawn = np.random.default_rng(1).normal(0.1, 0.5, (24, 96)).astype(np.float32)
    rows = gguf.quants.quantize(drawn, Q4_1)
    base, missing = in_two(rows)
    assert base.shape == (24, 3 * 18)
    assert missing.shape == (24, 3)
    whole = gguf.quants.dequantize(rows, Q4_1)
    assert np.abs(whole - drawn).max() > 0.01  # four bits: the weights are not what was drawn, and yet
    together = gguf.quants.dequantize(base, Q4_0) + np.repeat(missing, 32, axis=1)
    np.testing.assert_allclose(together, whole, atol=1e-6)
