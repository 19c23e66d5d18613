"""Linear regression where the data lies: normal equations by tree reduction, gradient descent by actors.

Both read a block in chunks of rows that stay in the processor's cache, and what leaves a worker is a few hundred
sums, never rows.
"""

import warnings
from functools import partial
from typing import Self

import dask
import dask.dataframe as dd
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted, validate_data

from helpers.ml.actors import keep_blocks
from helpers.ml.blocks import check_lengths, row_blocks, row_chunks
from helpers.ml.moments import Moments, block_moments, total_moments
from helpers.words import _

RANK_TOLERANCE = 1e-12  # of the largest eigenvalue: above what rounding leaves of collinear columns


class LinearRegression(RegressorMixin, BaseEstimator):
    """Least squares with an optional ridge penalty, on Dask or in-memory arrays and frames.

    Minimises J(w, b) = 1/(2m) (Σ (xᵢ·w + b - yᵢ)² + alpha ‖w‖²): with alpha=0 the model of scikit-learn's
    `LinearRegression`, else that of its `Ridge`.

    Parameters
    ----------
    alpha : weight of the penalty, at least 0, on the scale of scikit-learn's `Ridge`.
    fit_intercept : whether to learn b; if not, b = 0.
    solver : "normal" solves the normal equations after one pass over data of any size; "gradient" descends along
        the full gradient, with the data held in the workers' memory.
    learning_rate, max_iter, tol : for "gradient": length of a step; most steps taken; stop once the gradient's
        largest component is below `tol` times what it was at the start (0: take `max_iter` steps).

    Attributes
    ----------
    coef_ : w, shape (n_features,). Where columns are collinear, or outnumber the rows, the shortest solution.
    intercept_ : b.
    rank_ : for "normal", how many directions X determines. One pass squares the condition number: scaled columns
        that agree to six digits count as collinear.
    n_iter_ : passes over the data.
    loss_curve_ : for "gradient", J before each step.
    n_features_in_, feature_names_in_ : as in scikit-learn.
    """

    def __init__(
        self,
        *,
        alpha: float = 0.0,
        fit_intercept: bool = True,
        solver: str = "normal",
        learning_rate: float = 0.1,
        max_iter: int = 1000,
        tol: float = 1e-6,
    ):
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.solver = solver
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.tol = tol

    def fit(self, X, y) -> Self:
        """Learn from `X` (n_samples, n_features) and `y` (n_samples,), both Dask or both in memory.

        Persisted data is read where it lies. Raises ValueError or TypeError that names the column or the lengths at
        fault.
        """
        if self.solver not in ("normal", "gradient"):
            raise ValueError(_("solver must be 'normal' or 'gradient', not {x!r}").format(x=self.solver))
        if self.alpha < 0:
            raise ValueError(_("alpha must be at least 0, not {x}").format(x=self.alpha))
        if self.max_iter < 1:
            raise ValueError(_("max_iter must be at least 1, not {x}").format(x=self.max_iter))
        if dask.is_dask_collection(X) or dask.is_dask_collection(y):
            xs, ys = row_blocks(X, y)
            self._remember_features(X, reset=True)
        else:
            X, y = validate_data(self, X, y, y_numeric=True)
            xs, ys = [X], [y]
        if self.solver == "normal":
            self._solve(total_moments(block_moments, xs, ys))
        else:
            self._descend(xs, ys)
        return self

    def predict(self, X):
        """X w + b, shape (n_samples,): a lazy Dask array or series for Dask input, else a NumPy array."""
        check_is_fitted(self)
        if not dask.is_dask_collection(X):
            return validate_data(self, X, reset=False) @ self.coef_ + self.intercept_
        self._remember_features(X, reset=False)
        if isinstance(X, dd.DataFrame):
            return X.map_partitions(_predict_frame, self.coef_, self.intercept_, meta=(None, float))
        return X @ self.coef_ + self.intercept_

    def score(self, X, y, sample_weight=None) -> float:
        """R² = 1 - Σ (y - prediction)² / Σ (y - mean of y)², computed at once; no weights for Dask input."""
        if not dask.is_dask_collection(X):
            return super().score(X, y, sample_weight)
        if sample_weight is not None:
            raise ValueError(_("score() takes no sample_weight with Dask data"))
        check_is_fitted(self)
        self._remember_features(X, reset=False)
        residuals = partial(_residual_moments, coef=self.coef_, intercept=self.intercept_)
        count, mean, scatter = total_moments(residuals, *row_blocks(X, y))
        if count < 2:
            return float("nan")
        unexplained, total = scatter[0, 0] + count * mean[0] ** 2, scatter[1, 1]
        # A constant y is either met or missed, as in scikit-learn's r2_score.
        return 1 - unexplained / total if total else float(unexplained == 0)

    def _remember_features(self, X, reset: bool) -> None:
        validate_data(self, X._meta if isinstance(X, dd.DataFrame) else X, reset=reset, skip_check_array=True)

    def _check(self, moments: Moments) -> None:
        """Raise ValueError where the moments of [X | y] tell that there is nothing to fit, naming the column."""
        if moments.count == 0:
            raise ValueError(_("X has no rows: every block is empty"))
        bad = np.flatnonzero(~np.isfinite(moments.mean + np.diag(moments.scatter)))
        if bad.size:
            names = getattr(self, "feature_names_in_", range(self.n_features_in_))
            columns = [*(_("column {name} of X").format(name=name) for name in names), "y"]
            raise ValueError(
                _("{column} contains NaN, infinity or numbers too large to square: drop or fill those rows").format(
                    column=columns[bad[0]]
                )
            )

    def _solve(self, moments: Moments) -> None:
        """Set w and b from the moments of [X | y] by the normal equations (XᵀX + alpha I) w = Xᵀy of centred data.

        They are scaled to a unit diagonal first, so that a column's unit does not decide whether it counts.
        """
        count, mean, scatter = moments
        self._check(moments)
        if not self.fit_intercept:
            scatter = scatter + count * np.outer(mean, mean)
        products = scatter[:-1, :-1] + self.alpha * np.eye(self.n_features_in_)
        scale = np.sqrt(np.diag(products))
        scale[scale == 0] = 1
        values, vectors = np.linalg.eigh(products / np.outer(scale, scale))
        kept = values > RANK_TOLERANCE * values[-1]
        seen, unseen = vectors[:, kept], vectors[:, ~kept] / scale[:, None]
        coef = seen @ (seen.T @ (scatter[:-1, -1] / scale) / values[kept]) / scale
        # Shortest in scaled columns is not shortest in these: take out the part that X does not see.
        self.coef_ = coef - unseen @ np.linalg.lstsq(unseen, coef)[0]
        self.intercept_ = float(mean[-1] - mean[:-1] @ self.coef_) if self.fit_intercept else 0.0
        self.rank_ = int(kept.sum())
        self.n_iter_ = 1

    def _descend(self, xs: list, ys: list) -> None:
        """Repeat θ := θ - learning_rate · ∇J(θ) from θ = 0, where θ is w followed by b."""
        theta = np.zeros(self.n_features_in_ + 1)
        penalty = np.append(np.full(self.n_features_in_, self.alpha), 0.0)
        learned = np.append(np.ones(self.n_features_in_), float(self.fit_intercept))
        self.loss_curve_, slopes = [], []
        ask = keep_blocks(_Rows, xs, ys)
        for step in range(self.max_iter):
            sums = sum(ask("sums", theta))
            if step == 0 and not (sums[-1] > 0 and np.isfinite(sums).all()):
                self._check(total_moments(block_moments, xs, ys))
            *products, squares, count = sums
            gradient = (products + penalty * theta) * learned / count
            self.loss_curve_.append(float(squares + penalty @ theta**2) / (2 * count))
            slopes.append(np.abs(gradient).max())
            # J is a parabola: it rises only where a step was too long. Rounding is allowed a billionth.
            if not self.loss_curve_[-1] <= self.loss_curve_[-2:][0] + 1e-9 * self.loss_curve_[0]:
                raise ValueError(
                    _(
                        "the loss rose from {before:.3g} to {after:.3g} in step {step}: learning_rate={rate} is too "
                        "long a step for these columns. Try a tenth of it, or scale each column to mean 0 and "
                        "standard deviation 1"
                    ).format(
                        before=self.loss_curve_[-2], after=self.loss_curve_[-1], step=step, rate=self.learning_rate
                    )
                )
            if slopes[-1] <= self.tol * slopes[0]:
                break
            theta -= self.learning_rate * gradient
        else:
            if self.tol > 0:
                warnings.warn(
                    _("after max_iter={n} steps the gradient is {ratio:.1e} of the first, not yet tol={tol}").format(
                        n=self.max_iter, ratio=slopes[-1] / slopes[0], tol=self.tol
                    ),
                    ConvergenceWarning,
                    stacklevel=3,
                )
        self.coef_, self.intercept_ = theta[:-1], float(theta[-1])
        self.n_iter_ = len(self.loss_curve_)


def _predict_frame(frame: pd.DataFrame, coef: np.ndarray, intercept: float) -> pd.Series:
    return pd.Series(frame.to_numpy(dtype=float) @ coef + intercept, index=frame.index)


def _residual_moments(x: np.ndarray, y: np.ndarray, coef: np.ndarray, intercept: float) -> Moments:
    """Moments of [residual | y]."""
    check_lengths(x, y)
    return block_moments((y - x @ coef - intercept)[:, None], y)


@np.errstate(invalid="ignore", over="ignore")  # `_descend` looks at what comes out
def _block_sums(x: np.ndarray, y: np.ndarray, theta: np.ndarray) -> np.ndarray:
    """Σ r x, Σ r, Σ r² and the number of rows, where r = x·w + b - y; shape (n_features + 3,)."""
    sums = np.zeros(len(theta) + 2)
    for rows in row_chunks(len(x)):
        residual = x[rows] @ theta[:-1]
        residual += theta[-1] - y[rows]
        sums[:-3] += residual @ x[rows]
        sums[-3] += residual.sum()
        sums[-2] += residual @ residual
    sums[-1] = len(x)
    return sums


class _Rows:
    """One block of rows, and its part of each gradient."""

    def __init__(self, _number: int, x: np.ndarray, y: np.ndarray):
        check_lengths(x, y)
        # Arrays that came over the wire lie misaligned, and NumPy would copy them for every product.
        self.x, self.y = np.require(x, requirements="A"), np.require(y, requirements="A")

    def sums(self, theta: np.ndarray) -> np.ndarray:
        """`_block_sums` at `theta`."""
        return _block_sums(self.x, self.y, theta)
