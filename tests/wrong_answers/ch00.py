"""Wrong answers to the exercise of chapter 00."""

from tests.wrong_answers import Wrong

WRONG = {
    "0.1": [
        Wrong(
            "the share, not four times the share",
            """
def estimate_pi(points):
    return ((points**2).sum(axis=1) <= 1).mean().compute()
""",
            "a quarter of pi",
        ),
        Wrong(
            "a sum where a mean is asked for",
            """
def estimate_pi(points):
    return 4 * ((points**2).sum(axis=1) <= 1).sum().compute()
""",
            "divide it by the number of all points",
        ),
        Wrong(
            "the coordinates are added without squaring them",
            """
def estimate_pi(points):
    return 4 * (points.sum(axis=1) <= 1).mean().compute()
""",
            "points below the diagonal",
        ),
        Wrong(
            "the two squares are never added",
            """
def estimate_pi(points):
    return 4 * (points**2 <= 1).mean().compute()
""",
            "add the two squares of each point",
        ),
        Wrong(
            "the points outside",
            """
def estimate_pi(points):
    return 4 * ((points**2).sum(axis=1) > 1).mean().compute()
""",
            "these are the points outside",
        ),
        Wrong(
            "a number that stands there already",
            """
def estimate_pi(points):
    return 1.0
""",
            "the same number whatever the points",
        ),
        Wrong(
            "pi, whatever the points",
            """
def estimate_pi(points):
    from math import pi

    return pi
""",
            "pi itself, whatever the points",
        ),
        Wrong(
            "the mean of the blocks' shares",
            """
def estimate_pi(points):
    inside = (points**2).sum(axis=1) <= 1
    shares = [4 * block.mean().compute() for block in inside.blocks]
    return sum(shares) / len(shares)
""",
            "as much say as one of 250",
        ),
        Wrong(
            "the squares of different points are added",
            """
def estimate_pi(points):
    return 4 * ((points**2).sum(axis=0) <= 1).mean().compute()
""",
            "along axis 1, and not the squares of different points",
        ),
        Wrong(
            "all squares are added",
            """
def estimate_pi(points):
    return 4 * ((points**2).sum() <= 1).mean().compute()
""",
            "along axis 1, and not the squares of different points",
        ),
        Wrong(
            "the first block alone",
            """
def estimate_pi(points):
    return 4 * ((points.blocks[0] ** 2).sum(axis=1) <= 1).mean().compute()
""",
            "the first block alone",
        ),
        Wrong(
            "rounded",
            """
def estimate_pi(points):
    return round(float(4 * ((points**2).sum(axis=1) <= 1).mean().compute()), 3)
""",
            "rounded to 3 places",
        ),
        Wrong(
            "text instead of a number",
            """
def estimate_pi(points):
    return str(4 * ((points**2).sum(axis=1) <= 1).mean().compute())
""",
            "should be a number, but it is a str",
        ),
        Wrong(
            "less than 1 away, where at most 1 is asked for",
            """
def estimate_pi(points):
    return 4 * ((points**2).sum(axis=1) < 1).mean().compute()
""",
            "a distance of exactly 1 count as outside",
        ),
        Wrong(
            "a circle that is a little too large",
            """
def estimate_pi(points):
    return 4 * ((points**2).sum(axis=1) <= 1.001).mean().compute()
""",
            "count as inside",
        ),
        Wrong(
            "a circle that is a little too small",
            """
def estimate_pi(points):
    return 4 * ((points**2).sum(axis=1) <= 0.999**2).mean().compute()
""",
            "count as outside",
        ),
        Wrong(
            "left lazy",
            """
def estimate_pi(points):
    return 4 * ((points**2).sum(axis=1) <= 1).mean()
""",
            "still lazy",
        ),
        Wrong(
            "no return",
            """
def estimate_pi(points):
    (4 * ((points**2).sum(axis=1) <= 1).mean()).compute()
""",
            "does your function return it?",
        ),
        Wrong(
            "one compute for each coordinate",
            """
def estimate_pi(points):
    x, y = points[:, 0].compute(), points[:, 1].compute()
    return 4 * (x**2 + y**2 <= 1).mean()
""",
            "2 computes where 1 is enough",
            status="wasteful",
        ),
        Wrong(
            "all points are fetched and counted here",
            """
def estimate_pi(points):
    points = points.compute()
    return 4 * ((points**2).sum(axis=1) <= 1).mean()
""",
            "something was fetched for every point",
            status="wasteful",
        ),
        Wrong(
            "the truth values are fetched, eight times smaller than the points, and still one for each point",
            """
def estimate_pi(points):
    inside = ((points**2).sum(axis=1) <= 1).compute()
    return 4 * inside.mean()
""",
            "fetched for every point",
            status="wasteful",
        ),
    ],
}
