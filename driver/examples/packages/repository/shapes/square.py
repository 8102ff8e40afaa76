"""Squares."""
from tools.numbers import double


class Square:
    """A shape with one length."""

    def __init__(self, side):
        self.side = side

    def circumference(self):
        return double(double(self.side))

    def area(self):
        return self.side * self.side


def total(squares):
    return sum(square.area() for square in squares)
