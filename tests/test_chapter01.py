"""Chapter 01 keeps what it promises: the outputs in its text, and the bound that it quotes."""

import numpy as np
import pytest

from helpers import solutions
from helpers.checks import ch01
from helpers.judging import judge, load_exercises


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


def test_the_least_loaded_first_stays_within_grahams_bound_in_any_order():
    rng = np.random.default_rng(1)
    for workers in (2, 3, 5):
        for _ in range(100):
            sizes = rng.integers(1, 30, size=rng.integers(1, 12))
            shares = ch01._greedy(sizes, workers, range(len(sizes)))
            found = max(sum(sizes[block] for block in share) for share in shares)
            assert found <= (2 - 1 / workers) * optimal_makespan(tuple(sizes), workers) + 1e-9


def test_mistakes_with_sentences_of_their_own_are_told_apart():
    rules = ch01._known_rules(ch01._TELLING, 3)
    for sentence, division in rules:
        for other, elsewhere in rules:
            assert sentence == other or ch01._division(division) != ch01._division(elsewhere), (sentence, other)


def local_search(sizes, n_workers):
    """Moves and swaps between the fullest worker and the others, as long as they help."""
    owner = np.arange(len(sizes)) % n_workers
    while True:
        loads = np.bincount(owner, weights=sizes, minlength=n_workers)
        fullest = loads.argmax()
        best = loads.max(), None
        for block in np.flatnonzero(owner == fullest):
            for worker in range(n_workers):
                if worker != fullest:
                    for other in [None, *np.flatnonzero(owner == worker)]:
                        moved = sizes[block] - (0 if other is None else sizes[other])
                        higher = max(loads[fullest] - moved, loads[worker] + moved)
                        if moved > 0 and higher < best[0]:
                            best = higher, (block, worker, other)
        if best[1] is None:
            return [np.flatnonzero(owner == worker) for worker in range(n_workers)]
        block, worker, other = best[1]
        owner[block] = worker
        if other is not None:
            owner[other] = fullest


def fit_of_logarithms(nbytes, seconds):
    from scipy.optimize import least_squares

    start = np.log([seconds.min(), seconds.max() / nbytes.max()])
    residual = lambda logs: np.log(np.exp(logs[0]) + np.exp(logs[1]) * nbytes) - np.log(seconds)  # noqa: E731
    return tuple(np.exp(least_squares(residual, start, xtol=1e-12, ftol=1e-12, gtol=1e-12).x))


def gradients_in_a_queue(gradient, theta, learning_rate, delay, n_steps):
    path, gradients = [theta], []
    for step in range(n_steps):
        gradients.append(gradient(path[-1]))
        path.append(path[-1] - learning_rate * gradients[max(0, step - delay)])
    return np.array(path)


@pytest.mark.parametrize(
    ("id", "name", "answer"),
    [
        ("1.3", "fit_message_cost", fit_of_logarithms),
        ("1.5", "stale_descent", gradients_in_a_queue),
        ("1.6", "assign", local_search),
    ],
)
def test_another_right_answer_is_accepted(id, name, answer):
    exercise = load_exercises("01")[id]
    for seed in range(20):
        verdict = judge(exercise, {name: answer}, seed=str(seed).encode())
        assert verdict.status == "ok", [(result.name, result.message) for result in verdict.results]


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
