"""Tuples of a known length, as the types of points, sizes, spacings and boxes promise them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")


def two(values: Iterable[T]) -> tuple[T, T]:
    """Return the two values as a tuple; ValueError when there are more or fewer."""
    first, second = values
    return first, second


def three(values: Iterable[T]) -> tuple[T, T, T]:
    """Return the three values as a tuple; ValueError when there are more or fewer."""
    first, second, third = values
    return first, second, third


def four(values: Iterable[T]) -> tuple[T, T, T, T]:
    """Return the four values as a tuple; ValueError when there are more or fewer."""
    first, second, third, fourth = values
    return first, second, third, fourth


def five(values: Iterable[T]) -> tuple[T, T, T, T, T]:
    """Return the five values as a tuple; ValueError when there are more or fewer."""
    first, second, third, fourth, fifth = values
    return first, second, third, fourth, fifth
