"""Chapter 01, why distribute machine learning: exercises 1.1 to 1.6 and their checks."""

import math
import time
from uuid import uuid4

import numpy as np

from helpers.expect import expect_close, expect_shape
from helpers.judging import Exercise
from helpers.words import _

amdahl = Exercise(
    "1.1",
    "The part that stays",
    points=3,
    minutes=10,
    difficulty=3,
    hints=[
        "Write T(p) as a + b/p. It is linear in a and b: which two columns does the least-squares problem have?",
        "`np.linalg.lstsq` with a column of ones and a column of 1/p gives a and b. One worker needs a + b; s is a "
        "share of that.",
    ],
)


@amdahl.check
def exact_times(serial_fraction):
    """Times without noise give back the serial share, in whatever unit they are."""
    workers = np.array([1, 2, 4, 8])
    for share, unit in ((0.2, 10.0), (0.05, 3000.0), (0.7, 0.002)):
        times = unit * (share + (1 - share) / workers)
        mistakes = {
            _("this is the share that is divided among the workers: asked is the one that stays"): 1 - share,
            _("this is the serial part in seconds: divide by the time of one worker"): unit * share,
            _("this is serial time divided by divided time: the share is of both together"): share / (1 - share),
        }
        found = serial_fraction(workers, times)
        expect_close(found, share, _("the serial share"), rtol=1e-6, mistakes=mistakes)


@amdahl.check
def one_worker_need_not_be_there(serial_fraction):
    """Times with 2, 3 and 6 workers are enough, in any order."""
    workers = np.array([6, 2, 3, 2])
    found = serial_fraction(workers, 0.3 + 0.7 / workers)
    mistakes = {_("you took the first time for that of one worker: it may be missing"): 0.3 / (0.3 + 0.7 / 6)}
    expect_close(found, 0.3, _("the serial share, where nobody measured one worker"), rtol=1e-6, mistakes=mistakes)


@amdahl.check
def noisy_times(serial_fraction, rng):
    """On noisy times all runs have a say: the answer is the least-squares one."""
    workers = np.repeat([1, 2, 3, 4, 8], [4, 6, 2, 3, 4])
    times = 5 * (0.25 + 0.75 / workers) * (1 + 0.04 * rng.normal(size=len(workers)))
    share = _fitted(workers, times)
    found = serial_fraction(workers, times)
    known = [
        (
            _("this is right for two of the runs and ignores the others: fit all of them together"),
            [_by_a_unit(workers[[0, -1]], times[[0, -1]], times[0])[0]],
        ),
        (
            _("the time of one run is your unit, so its noise is in every number: fit a and b together"),
            _by_a_unit(workers, times, times[0]),
        ),
        (
            _(
                "the runs with one worker alone make your unit, so their noise is in every number: one worker's time "
                "is a + b of the fit"
            ),
            [
                share
                for middle in (np.mean, np.median, np.min)
                for share in _by_a_unit(workers, times, middle(times[workers == 1]))
            ],
        ),
        (
            _("you fit one number for each count of workers: then four runs say no more than two; fit all the runs"),
            [
                _fitted(np.unique(workers), [middle(times[workers == p]) for p in np.unique(workers)])
                for middle in (np.mean, np.median, np.min)
            ],
        ),
    ]
    if np.shape(found) == () and found is not None and not np.isclose(found, share, rtol=1e-4):
        for sentence, values in known:
            assert not np.isclose(found, values, rtol=1e-5).any(), sentence
    expect_close(found, share, _("the serial share of noisy times"), rtol=1e-4)


def _fitted(workers, times):
    slope, intercept = np.polyfit(1 / workers, times, 1)
    return intercept / (intercept + slope)


def _by_a_unit(workers, times, unit):
    """The serial share in three ways that take `unit` for one worker's time and do not fit it."""
    more = workers > 1
    divided, ratios = 1 / workers[more], times[more] / unit
    return [
        ((ratios - divided) / (1 - divided)).mean(),
        (1 - divided) @ (ratios - divided) / ((1 - divided) @ (1 - divided)),
        np.polyfit(1 / workers, times, 1)[1] / unit,
    ]


@amdahl.check
def stays_a_share(serial_fraction):
    """Two workers more than twice as fast as one give 0, not less; two that are slower than one give 1, not more."""
    found = serial_fraction(np.array([1, 2]), np.array([10.0, 4.9]))
    expect_close(found, 0.0, _("the serial share, where two workers were more than twice as fast,"), atol=1e-6)
    found = serial_fraction(np.array([1, 2]), np.array([5.0, 6.0]))
    expect_close(found, 1.0, _("the serial share, where two workers were slower than one,"), atol=1e-6)


worth = Exercise(
    "1.2",
    "How many workers are worth paying for",
    points=3,
    minutes=5,
    difficulty=2,
    hints=[
        "Write S(p)/p under each law and multiply the fraction out; then solve for p and round down.",
        "By Amdahl S(p)/p = 1/(s p + 1 − s). By Gustafson it is s/p + 1 − s, and never falls below 1 − s.",
    ],
)


def _largest(law, serial, efficiency):
    """Largest p that still has the efficiency, by doubling and halving; None where the efficiency is at a border."""

    def left(p):
        return law(p, serial) / p - efficiency

    low, high = 1, 2
    while left(high) >= 0:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if left(middle) >= 0 else (low, middle)
    return low if min(abs(left(low)), abs(left(low + 1))) > 1e-7 else None


def _amdahl(p, serial):
    return 1 / (serial + (1 - serial) / p)


def _gustafson(p, serial):
    return serial + (1 - serial) * p


def _expect_workers(function, expected, serial, efficiency, law, mistakes):
    """`function` gives `expected`; a known mistake is named, any other answer is called too small or too large."""
    try:
        found = function(serial, efficiency)
    except ZeroDivisionError:
        sentence = _(
            "{law}: a serial share of {serial:.3g} and an efficiency of {efficiency:.3g} end in a division by zero; "
            "where any number of workers will do, return inf"
        )
        raise AssertionError(sentence.format(law=law, serial=serial, efficiency=efficiency)) from None
    what = _(
        "the number of workers by {law}, for a serial share of {serial:.3g} and an efficiency of {efficiency:.3g},"
    )
    what = what.format(law=law, serial=serial, efficiency=efficiency)
    mistakes = {sentence: value for sentence, value in mistakes.items() if value != expected}
    if np.shape(found) == () and found is not None and found in (math.inf, found // 1):
        if found > expected:
            mistakes[
                _("{what} is too large: with that many the efficiency is below what was asked").format(what=what)
            ] = found
        elif found < expected:
            mistakes[_("{what} is too small: one worker more is still efficient enough").format(what=what)] = found
    expect_close(found, expected, what, mistakes=mistakes)


@worth.check
def by_amdahl(workers_by_amdahl, rng):
    """With fixed work, one worker more would be below the efficiency."""
    shares = [0.04, 0.001, 1e-5, *rng.uniform(0.002, 0.3, 12)]
    for serial, efficiency in zip(shares, [0.7, 0.7, 0.9, *rng.uniform(0.3, 0.95, 12)], strict=True):
        expected = _largest(_amdahl, serial, efficiency)
        if expected is None:
            continue
        exact = 1 + (1 / efficiency - 1) / serial
        mistakes = {
            _("this is not a whole number of workers: round down"): exact,
            _("rounded up: with that many the efficiency is below what was asked"): expected + 1,
            _("here the speed-up, not the efficiency, reaches the number: divide it by p"): (1 - serial)
            / (1 / efficiency - serial)
            if 1 / efficiency > serial
            else math.nan,
        }
        if serial >= 0.002:  # below that it is more likely that a small share was taken for none
            gustafson = math.inf if efficiency <= 1 - serial else math.floor(serial / (efficiency - 1 + serial))
            mistakes[_("this is Gustafson's answer: with fixed work it is Amdahl's law that holds")] = gustafson
        _expect_workers(workers_by_amdahl, expected, serial, efficiency, "Amdahl", mistakes)


@worth.check
def by_gustafson(workers_by_gustafson, rng):
    """With work that grows, the efficiency never falls below 1 − s."""
    for serial in (0.04, 0.001, *rng.uniform(0.05, 0.6, 6)):
        for efficiency in (0.9 * (1 - serial), 1 - serial * rng.uniform(0.2, 0.95)):
            expected = math.inf if efficiency <= 1 - serial else _largest(_gustafson, serial, efficiency)
            if expected is None:
                continue
            amdahl_says = math.floor(1 + (1 / efficiency - 1) / serial)
            exact = serial / (efficiency - 1 + serial)
            mistakes = {
                _("this is not a whole number of workers: round down"): exact,
                _("this is Amdahl's answer: here the work grows with the workers"): amdahl_says,
                _("rounded up: with that many the efficiency is below what was asked"): expected + 1,
                _("a negative number of workers: below 1 − s any number of them is efficient enough"): math.floor(
                    exact
                ),
            }
            _expect_workers(workers_by_gustafson, expected, serial, efficiency, "Gustafson", mistakes)


@worth.check
def borders(workers_by_amdahl, workers_by_gustafson):
    """No serial part, nothing but a serial part, an efficiency of 1, and one that is reached exactly."""
    for law, function in (("Amdahl", workers_by_amdahl), ("Gustafson", workers_by_gustafson)):
        _expect_workers(function, math.inf, 0.0, 0.9, law, {})
        _expect_workers(function, 1, 0.25, 1.0, law, {})
        _expect_workers(function, 4, 1.0, 0.25, law, {})
    for serial in (0.5, 0.25):
        _expect_workers(workers_by_gustafson, math.inf, serial, 1 - serial, "Gustafson", {})


message = Exercise(
    "1.3",
    "Latency and bandwidth",
    points=4,
    minutes=10,
    difficulty=3,
    hints=[
        "The relative error of one message is (alpha + beta · bytes − time)/time. It is linear in alpha and beta.",
        "Divide each row of the least-squares problem, both columns and the target, by its measured time; then "
        "`np.linalg.lstsq`.",
    ],
)


def _messages(rng, alpha, beta, noise, repeats=5):
    nbytes = np.repeat(np.geomspace(1e3, 1e8, 16), repeats).astype(int)
    return nbytes, (alpha + beta * nbytes) * (1 + noise * rng.normal(size=len(nbytes)))


def _both(found):
    found = tuple(found) if isinstance(found, tuple | list | np.ndarray) else found
    assert isinstance(found, tuple) and len(found) == 2, _("return a pair: (alpha, beta)")
    return np.array([float(part) for part in found])


@message.check
def exact_messages(fit_message_cost, rng):
    """Times without noise give back alpha and beta."""
    for alpha, beta in ((1e-3, 1e-9), (2e-5, 4e-9)):
        nbytes, times = _messages(rng, alpha, beta, 0)
        found = _both(fit_message_cost(nbytes, times))
        mistakes = {
            _("alpha and beta are the wrong way round"): [beta, alpha],
            _("the second number is the bandwidth in bytes per second: beta is its inverse"): [alpha, 1 / beta],
        }
        expect_close(found, [alpha, beta], _("(alpha, beta)"), rtol=1e-4, atol=0, mistakes=mistakes)


def _relative_fit(nbytes, times, power=1.0):
    """(alpha, beta) by least squares of the errors, each divided by its time to the `power`."""
    weights = times**-power
    return np.linalg.lstsq(np.column_stack([np.ones(len(nbytes)), nbytes]) * weights[:, None], times * weights)[0]


def _through_two(nbytes, times, low, high):
    beta = (times[high].mean() - times[low].mean()) / (nbytes[high].mean() - nbytes[low].mean())
    return [times[low].mean() - beta * nbytes[low].mean(), beta]


@message.check
def real_messages(fit_message_cost, rng):
    """Noisy times that bend about the line, in any order: both numbers within 3 % of the fit of the relative errors."""
    alpha, beta = 10 ** rng.uniform(-4, -2.5), 10 ** rng.uniform(-9.3, -8.5)
    nbytes = np.repeat(np.geomspace(1e-3, 1e2, 16) * alpha / beta, 3).astype(int)
    bend = np.cos(2 * np.pi * np.log10(nbytes * beta / alpha) / 2.5 + rng.uniform(np.pi / 4, np.pi / 2))
    times = (alpha + beta * nbytes) * (1 + 0.12 * bend + 0.02 * rng.normal(size=len(nbytes)))
    shuffled = rng.permutation(len(nbytes))
    nbytes, times = nbytes[shuffled], times[shuffled]
    found, best = _both(fit_message_cost(nbytes.copy(), times.copy())), _relative_fit(nbytes, times)
    if np.allclose(found, best, rtol=0.03, atol=0):
        return
    ranked = np.argsort(nbytes, kind="stable")
    power_law = np.polyfit(np.log(nbytes), np.log(times), 1)[::-1]
    ends = [
        _through_two(nbytes, times, low, high)
        for low, high in (
            ([0], [-1]),
            ([nbytes.argmin()], [nbytes.argmax()]),
            *((ranked[:count], ranked[-count:]) for count in (3, len(nbytes) // 4, len(nbytes) // 3)),
        )
    ]
    known = [
        (
            _(
                "every second counts the same here, so the largest messages decide alone and alpha is their noise: "
                "divide each error by its time"
            ),
            [_relative_fit(nbytes, times, 0)],
        ),
        (
            _("the errors are divided by the square root of their times: that goes half of the way"),
            [_relative_fit(nbytes, times, 0.5)],
        ),
        (
            _("a straight line through logarithms is a power law; alpha + beta · bytes is no straight line there"),
            [[np.exp(power_law[0]), power_law[1]]],
        ),
        (_("this is a line through two ends, and the messages between them have no say: fit all of them"), ends),
    ]
    for sentence, values in known:
        assert not any(np.allclose(found, value, rtol=1e-3, atol=1e-12) for value in values), sentence
    off = dict(zip(("alpha", "beta"), np.abs(found / best - 1), strict=True))
    name = max(off, key=off.get)
    raise AssertionError(
        _(
            "{name} is {off:.0%} off the fit: the sum of the squared relative errors is not as small as it can be"
        ).format(name=name, off=off[name])
    )


@message.check
def leaves_the_times_alone(fit_message_cost, rng):
    """Called twice on the same arrays, it is right twice: the measurements are not changed."""
    nbytes, times = _messages(rng, 1e-3, 1e-9, 0.05)
    kept = times.copy(), nbytes.copy()
    fit_message_cost(nbytes, times)
    assert np.array_equal(times, kept[0]) and np.array_equal(nbytes, kept[1]), _(
        "the arrays were changed in place: the plot needs them again"
    )
    found = _both(fit_message_cost(nbytes, times))
    expect_close(found, _relative_fit(nbytes, times), _("(alpha, beta)"), rtol=0.03, atol=0)


backup = Exercise(
    "1.4",
    "A backup task",
    points=4,
    minutes=15,
    difficulty=4,
    hints=[
        "Keep a list of copies. It holds one; where `wait` ends in `TimeoutError`, it gets a second. The first that "
        "`as_completed` hands out is the winner; `client.cancel` takes a list.",
        "Two submits of the same function with the same argument are one task to Dask, with one key: nothing is "
        "started a second time. `pure=False` gives each a key of its own.",
    ],
)


class _Race:
    """Two workers, and functions that are slow on one of them and say on which they began.

    `run` calls the learner's `with_backup` on such a function and returns the place of the copy whose result came
    back, the places where copies began, and the seconds from the call until the second one began. Slow copies are let
    go at the end, so that the worker is free again.
    """

    def __init__(self, client):
        addresses = sorted(client.nthreads())
        assert len(addresses) >= 2, _("this check needs two workers, and the cluster has one")
        self.client, (self.first, self.second) = client, addresses[:2]

    def run(self, with_backup, slow, patience):
        """`slow` maps "first" and "second" to the seconds that a copy there takes."""
        topic = f"race-{uuid4().hex}"
        place = {self.first: "first", self.second: "second"}
        delays = {address: slow.get(name, 0) for address, name in place.items()}
        at_home = _("the function ran here, in the notebook's own process: submit it to a worker")

        def work(number):  # nested, so that it travels by value to workers that have no checks
            import time

            from distributed import get_worker

            try:
                worker = get_worker()
            except ValueError:
                raise RuntimeError(at_home) from None
            worker.log_event(topic, worker.address)
            end = time.monotonic() + delays.get(worker.address, 0)
            while time.monotonic() < end and getattr(worker, "race_is_over", None) != topic:
                time.sleep(0.01)
            return number * number, worker.address

        def let_go(dask_worker):
            dask_worker.race_is_over = topic

        there_before, start = self._wanted(), time.time()
        try:
            result = with_backup(self.client, work, 7, self.first, self.second, patience)
            end = time.monotonic() + 1
            while (kept := self._wanted() - there_before) and time.monotonic() < end:
                time.sleep(0.02)
        finally:
            self.client.run(let_go)
        events = self.client.get_events(topic)
        began = [place.get(address, "elsewhere") for _time, address in events]
        assert result is not None, _("the result is None: does your function return it?")
        assert isinstance(result, tuple) and result[0] == 49, _(
            "for a function that squares its argument, and 7, you did not return what the function returned: is it a "
            "future, or another copy's list?"
        )
        assert "first" in began, _("nothing was started on the worker `first`")
        assert began.count("first") == 1, _("the task was started twice on the first worker")
        waited = events[1][0] - start if len(events) > 1 else None
        assert waited is None or waited > patience - 0.05, _(
            "the copy was sent before the patience of {patience} seconds was over: wait for as long as `patience` says"
        ).format(patience=patience)
        assert not kept, _(
            "your function had returned, and the cluster was still to finish the copy that lost: cancel it"
        )
        return place.get(result[1], "elsewhere"), began, waited

    def _wanted(self):
        """Keys of tasks that are not done, and that some client waits for."""

        def unfinished(dask_scheduler):
            return {key for key, task in dask_scheduler.tasks.items() if task.who_wants and task.state != "memory"}

        return self.client.run_on_scheduler(unfinished)


def _expect_a_copy(began):
    assert "second" in began, _(
        "no copy ever started on the worker `second`. Either nothing was submitted when the patience was over, or it "
        "went elsewhere, or it had the same key as the first: then Dask takes it for the same task (pure=False gives "
        "it a key of its own)"
    )


@backup.check
def the_copy_wins(with_backup, client):
    """Where the first worker is late, the copy on the second gives the result, and the first is cancelled."""
    winner, began, _waited = _Race(client).run(with_backup, {"first": 3}, patience=0.1)
    _expect_a_copy(began)
    assert winner == "second", _("the copy was done long before, and you waited for the first worker all the same")


@backup.check
def the_first_may_still_win(with_backup, client):
    """Where the first worker finishes while its copy runs, its result counts, and the copy is cancelled."""
    winner, began, _waited = _Race(client).run(with_backup, {"first": 0.7, "second": 3}, patience=0.1)
    _expect_a_copy(began)
    assert winner == "first", _(
        "the first worker finished before its copy, and you did not take its result: whichever is done first counts"
    )


@backup.check
def as_patient_as_asked(with_backup, client):
    """The copy is sent when the patience is over, not before and not much later; a quick worker gets no copy."""
    race = _Race(client)
    start = time.monotonic()
    _winner, began, _waited = race.run(with_backup, {"first": 0.2}, patience=4)
    assert began == ["first"], _("the first worker answered in time, and a copy was started all the same: wait first")
    assert time.monotonic() - start < 3.5, _(
        "the first worker answered in time, and you waited until the patience was over: `time.sleep` is no `wait`"
    )
    _winner, began, long = race.run(with_backup, {"first": 2}, patience=0.8)
    _expect_a_copy(began)
    for _attempt in range(3):  # a busy machine may hold one of them up
        _winner, began, short = race.run(with_backup, {"first": 2}, patience=0.1)
        _expect_a_copy(began)
        if long - short > 0.35:
            return
    raise AssertionError(
        _("a patience of 0.1 and one of 0.8 seconds end at about the same time: wait for as long as `patience` says")
    )


stale = Exercise(
    "1.5",
    "Descent by old gradients",
    points=3,
    minutes=5,
    difficulty=2,
    hints=[
        "Keep every theta in a list. Which of them does step t look at?",
        "Step t goes from the last theta and uses the gradient at theta number max(0, t − delay).",
    ],
)


def _bowl(rng, columns=3):
    """The gradient function of a random quadratic bowl, a start (columns,), and a rate that is safe without delay."""
    root = rng.normal(size=(8, columns))
    curvature, bottom = root.T @ root / 8, rng.normal(size=columns)

    def slope(theta):
        return curvature @ (theta - bottom)

    return slope, rng.normal(size=columns), 0.3 / np.linalg.eigvalsh(curvature)[-1]


def _path(slope, theta, rate, delay, steps, *, at=None):
    path = [theta]
    for step in range(steps):
        seen = (at or (lambda step: max(0, step - delay)))(step)
        path.append(path[-1] - rate * slope(path[seen]))
    return np.array(path)


@stale.check
def by_hand(stale_descent):
    """The four thetas of the text."""
    found = stale_descent(lambda theta: theta, np.array([1.0]), 0.5, 1, 3)
    assert not isinstance(found, list | tuple), _("the path is a {kind}: make one array of it").format(
        kind=type(found).__name__
    )
    expect_close(found, [[1.0], [0.5], [0.0], [-0.25]], _("the path from 1 by the gradient theta"))


@stale.check
def old_gradients(stale_descent, rng):
    """Each step uses the gradient from `delay` steps ago, for any delay, 0 too."""
    slope, theta, rate = _bowl(rng)
    for delay in (0, 1, 4):
        expected = _path(slope, theta, rate, delay, 12)
        waiting = [theta] * (delay + 1) + list(_path(slope, theta, rate, delay, 12)[1 : 13 - delay])
        mistakes = {
            _("these are fresh gradients: the delay has no effect"): _path(slope, theta, rate, 0, 12),
            _("the gradients are one step too old"): _path(slope, theta, rate, delay + 1, 12),
            _("the gradients are one step too young"): _path(slope, theta, rate, delay - 1, 12) if delay else None,
            _("every gradient is that of the start"): _path(slope, theta, rate, 0, 12, at=lambda step: 0),
            _("you step from the old theta: only the gradient is old, the step starts at the newest theta"): _leap(
                slope, theta, rate, delay, 12
            ),
            _("this moves uphill"): _path(slope, theta, -rate, delay, 12),
            _("nothing happens in the first steps: they use the gradient of the start"): np.array(waiting),
            _("these are the thetas after each step: the path begins with the start"): expected[1:],
            _("this is the last theta alone: return the whole path"): expected[-1],
        }
        mistakes = {
            sentence: value
            for sentence, value in mistakes.items()
            if value is not None and not (np.shape(value) == expected.shape and np.allclose(value, expected))
        }
        found = stale_descent(slope, theta.copy(), rate, delay, 12)
        expect_close(found, expected, _("the path with a delay of {delay}").format(delay=delay), mistakes=mistakes)


def _leap(slope, theta, rate, delay, steps):
    path = [theta]
    for step in range(steps):
        seen = path[max(0, step - delay)]
        path.append(seen - rate * slope(seen))
    return np.array(path)


@stale.check
def leaves_the_start_alone(stale_descent, rng):
    """The start is left as it was; a path of no steps is the start alone."""
    slope, theta, rate = _bowl(rng)
    start = theta.copy()
    found = stale_descent(slope, start, rate, 2, 5)
    assert np.array_equal(start, theta), _(
        "the start was changed in place: write theta = theta − ..., not theta −= ..."
    )
    expect_close(np.asarray(found)[0], theta, _("the first row of the path"))
    expect_shape(stale_descent(slope, start, rate, 2, 0), (1, 3), _("the path of no steps"))


@stale.check
def one_gradient_per_step(stale_descent, rng):
    """Twelve steps take the right path with twelve gradients, or one more."""
    slope, theta, rate = _bowl(rng)
    calls = []
    found = stale_descent(lambda theta: calls.append(1) or slope(theta), theta.copy(), rate, 2, 12)
    expect_close(found, _path(slope, theta, rate, 2, 12), _("the path with a delay of 2"))
    assert len(calls) <= 13, _(
        "the path is right, but it took {calls} gradients for 12 steps: each step needs one, do not compute the "
        "earlier ones again"
    ).format(calls=len(calls))


deal = Exercise(
    "1.6",
    "Deal fairly",
    points=4,
    minutes=10,
    difficulty=3,
    hints=[
        "Which block is hardest to place late, when all workers are nearly full?",
        "Take the blocks from the largest to the smallest, and give each to the worker with the least load so far.",
    ],
)


def _loads(shares, sizes, n_workers):
    """Load of each worker, after the shares were found to be a division of all blocks."""
    assert shares is not None, _("the result is None: does your function return it?")
    shares = [[int(block) for block in share] for share in shares]
    assert len(shares) == n_workers, _("there are {found} shares for {n} workers").format(
        found=len(shares), n=n_workers
    )
    dealt = sorted(block for share in shares for block in share)
    assert all(0 <= block < len(sizes) for block in dealt), _(
        "the shares should hold indices of blocks, from 0 on, but one of them is {block}: are these sizes?"
    ).format(block=next(block for block in dealt if not 0 <= block < len(sizes)) if dealt else None)
    missing, doubled = set(range(len(sizes))) - set(dealt), len(dealt) - len(set(dealt))
    assert not missing, _("{count} of {total} blocks are in no share").format(count=len(missing), total=len(sizes))
    assert not doubled, _("{count} blocks are dealt out more than once").format(count=doubled)
    return [sum(sizes[block] for block in share) for share in shares]


def _greedy(sizes, n_workers, order):
    """Each block in `order` to the worker with the least load so far."""
    shares, loads = [[] for _worker in range(n_workers)], [0] * n_workers
    for block in order:
        idlest = loads.index(min(loads))
        shares[idlest].append(block)
        loads[idlest] += sizes[block]
    return shares


def _division(shares):
    """What each worker has, in whatever order."""
    return [frozenset(map(int, share)) for share in shares]


def _known_rules(sizes, n_workers):
    """What is wrong with a rule, and the division that it makes."""
    blocks, rising = np.arange(len(sizes)), np.argsort(sizes, kind="stable")

    def in_turn(order):
        return [order[w::n_workers] for w in range(n_workers)]

    def to_and_fro(order):
        shares = [[] for _worker in range(n_workers)]
        for place, block in enumerate(order):
            turn, worker = divmod(place, n_workers)
            shares[n_workers - 1 - worker if turn % 2 else worker].append(block)
        return shares

    smallest = _("the smallest blocks are dealt out first: the largest then find all workers nearly full")
    lumped = _("the blocks are sorted and then cut into equal numbers: one worker gets all the large ones")
    lopsided = _("the blocks are sorted and then dealt out in turn: one worker gets the larger block in every round")
    back = _("the blocks are sorted and dealt out to and fro: a very large block gets as many beside it as the others")
    return [
        (_("the blocks are dealt out in turn, whatever their size"), in_turn(blocks)),
        (
            _("every worker gets as many neighbouring blocks as the others, whatever their size"),
            np.array_split(blocks, n_workers),
        ),
        (lumped, np.array_split(rising, n_workers)),
        (lumped, np.array_split(rising[::-1], n_workers)),
        (smallest, in_turn(rising)),
        (lopsided, in_turn(rising[::-1])),
        (back, to_and_fro(rising)),
        (back, to_and_fro(rising[::-1])),
        (smallest, _greedy(sizes, n_workers, rising)),
        (
            _("the blocks are dealt out in their order, each to the least loaded worker: a large one may come last"),
            _greedy(sizes, n_workers, blocks),
        ),
    ]


# Mistakes with sentences of their own divide these blocks each in its own way, so that what it does here names a rule.
_TELLING = np.array([31, 2, 95, 47, 13, 7, 60, 3, 88, 21, 52, 17, 74, 40])


def _expect_fair(assign, sizes, n_workers):
    """At most 2 % above the rule of the largest first; a known mistake is named."""
    loads = _loads(assign(sizes.copy(), n_workers), sizes, n_workers)
    fair = max(_loads(_greedy(sizes, n_workers, np.argsort(-sizes, kind="stable")), sizes, n_workers))
    if max(loads) <= 1.02 * fair:
        return
    shares = assign(_TELLING.copy(), 3)
    for sentence, mistaken in _known_rules(_TELLING, 3):
        assert _division(shares) != _division(mistaken), sentence
    raise AssertionError(
        _(
            "of {n} workers and {blocks} blocks, the fullest has {over:.1%} more than the rule of the text gives it in "
            "the right order"
        ).format(n=n_workers, blocks=len(sizes), over=max(loads) / fair - 1)
    )


@deal.check
def every_block_once(assign, rng):
    """Every block goes to exactly one worker, also where there are more workers than blocks."""
    for blocks, n_workers in ((9, 3), (2, 4), (1, 1)):
        sizes = rng.integers(1, 50, size=blocks)
        _loads(assign(sizes.copy(), n_workers), sizes, n_workers)


@deal.check
def the_five_blocks_of_the_text(assign):
    """Blocks of 7, 6, 2, 2 and 1 give two workers 9 each, in whatever order they come."""
    for sizes in ([7, 6, 2, 2, 1], [1, 2, 2, 6, 7], [2, 7, 1, 6, 2]):
        _expect_fair(assign, np.array(sizes), 2)


@deal.check
def little_more_than_it_must(assign, rng):
    """On skewed blocks the fullest worker has at most 2 % more than the rule of the text gives in the right order."""
    for n_workers in (2, 3, 8):
        sizes = np.append(rng.integers(1, 100, size=12 * n_workers), 0)
        sizes[-1] = sizes.sum() // (2 * n_workers)  # a large one comes last
        _expect_fair(assign, sizes, n_workers)
        _expect_fair(assign, np.sort(sizes), n_workers)
        _expect_fair(assign, np.floor(1e6 / np.arange(1, 60) ** 0.8).astype(int), n_workers)


@deal.check
def leaves_the_sizes_alone(assign, rng):
    """The sizes are not changed or sorted in place."""
    sizes = rng.integers(1, 50, size=10)
    kept = sizes.copy()
    assign(sizes, 3)
    assert np.array_equal(sizes, kept), _("`sizes` was changed in place: the indices refer to its old order")
