"""Chapter 00 keeps what it promises: the estimate in its text."""

import dask.array as da
import numpy as np

from helpers import solutions


def test_the_expected_output_in_the_text():
    six_points = np.array([[0.1, 0.2], [0.9, 0.8], [0.5, 0.5], [0.7, 0.9], [0.3, 0.6], [0.8, 0.1]])
    estimate = solutions.reference("0.1").estimate_pi(da.from_array(six_points, chunks=(3, 2)))
    source = solutions.chapter_source("00")
    assert f"six points of section 1 it gives `{estimate:.3f}`" in " ".join(source.replace("\n#", " ").split())
    assert str(six_points.tolist()) in source
