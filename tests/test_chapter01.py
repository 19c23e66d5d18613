"""Chapter 01 keeps what it promises: the outputs in its text, and the bound that it quotes."""

import numpy as np
import pytest

from helpers import solutions


def answers(id):
    return vars(solutions.reference(id)).values()


def serial_share():
    (serial_fraction,) = answers("1.1")
    return f"`{serial_fraction(np.array([1, 2, 4]), np.array([10.0, 6.0, 4.0])):.1f}`"


def eleven_workers():
    answer = solutions.reference("1.2")
    assert answer.workers_by_gustafson(0.04, 0.7) == np.inf
    return f"{answer.workers_by_amdahl(0.04, 0.7):.0f} workers by Amdahl"


def alpha_and_beta():
    (fit_message_cost,) = answers("1.3")
    alpha, beta = fit_message_cost(np.array([1e3, 1e5, 1e7]), np.array([1.001e-3, 1.1e-3, 11e-3]))
    return f"`({alpha:.3f}, {beta:.0e})`"


def four_thetas():
    (stale_descent,) = answers("1.5")
    return f"`{stale_descent(lambda theta: theta, np.array([1.0]), 0.5, 1, 3).tolist()}`"


def five_blocks():
    (assign,) = answers("1.6")
    return f"`{assign([7, 6, 2, 2, 1], 2)}`"


@pytest.mark.parametrize(
    ("id", "compute"),
    [
        ("1.1", serial_share),
        ("1.2", eleven_workers),
        ("1.3", alpha_and_beta),
        ("1.5", four_thetas),
        ("1.6", five_blocks),
    ],
)
def test_the_expected_output_in_the_text(id, compute):
    text = solutions.chapter_source("01").partition(f"# ### Exercise {id} ")[2].partition("# %%")[0]
    assert compute() in " ".join(text.replace("\n#", "\n").split())


def test_the_largest_first_stays_within_grahams_bound():
    (assign,) = answers("1.6")
    rng = np.random.default_rng(1)
    for workers in (2, 3, 5):
        for _ in range(200):
            sizes = rng.integers(1, 30, size=rng.integers(1, 12))
            best = optimal_makespan(tuple(sizes), workers)
            found = max(sum(sizes[block] for block in share) for share in assign(sizes, workers))
            assert found <= (4 / 3 - 1 / (3 * workers)) * best + 1e-9


def optimal_makespan(sizes, workers):
    """The least makespan, from all ways to fill the workers."""
    states = {(0,) * workers}
    for size in sizes:
        states = {
            tuple(sorted((*loads[:i], loads[i] + int(size), *loads[i + 1 :])))
            for loads in states
            for i in range(workers)
        }
    return min(loads[-1] for loads in states)
