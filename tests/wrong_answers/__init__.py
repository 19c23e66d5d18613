"""Plausible mistakes, a module per chapter, each with the verdict and the words that must refuse it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Wrong:
    """An answer that the checks of an exercise must refuse."""

    mistake: str
    code: str
    message: str  # a part of the message that the learner sees
    status: str = "wrong"
