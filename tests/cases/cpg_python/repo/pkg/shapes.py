"""Shapes and their areas."""

import math

SCALE = 2


def scaled(value):
    return value * SCALE


class Shape:
    """Something with an area."""

    kind = "shape"

    def area(self):
        return scaled(0)


class Circle(Shape):
    def __init__(self, radius):
        self.radius = radius

    @property
    def diameter(self):
        return scaled(self.radius)

    def area(self):
        return math.pi * self.radius ** 2
