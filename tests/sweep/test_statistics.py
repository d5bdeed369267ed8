import numpy as np
import pytest
from scipy.stats import binomtest

from spurious.sweep import clopper_pearson


@pytest.mark.parametrize(
    ("count", "total"), [(0, 1), (1, 1), (0, 50), (3, 50), (50, 50), (7, 9999)]
)
def test_intervals_agree_with_scipy(count: int, total: int) -> None:
    rate = clopper_pearson(count, total)
    interval = binomtest(count, total).proportion_ci(0.95, "exact")
    assert (rate.low, rate.high) == pytest.approx((interval.low, interval.high), abs=1e-12)


def test_intervals_cover() -> None:
    rng = np.random.Generator(np.random.Philox(key=5))
    for p in (0.01, 0.3, 0.5):
        counts = rng.binomial(80, p, size=2000)
        rates = {int(k): clopper_pearson(int(k), 80) for k in set(counts)}
        covered = [rates[int(k)].low <= p <= rates[int(k)].high for k in counts]
        assert np.mean(covered) > 0.94
