"""What there is."""
from __future__ import annotations

import math
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from .service import Service

T = TypeVar("T")
LIMIT = 10


class Base(Generic[T]):
    """Has a size."""

    size: int = 0

    def __init__(self, size: int = LIMIT) -> None:
        self.size = size

    def area(self) -> float:
        """The area of it."""
        return 0.0

    def scale(self, by: float = 1.0) -> float:
        if by > 1 and self.size:
            for _ in range(LIMIT):
                by += 1
        return by * self.area()


class Round(Base[int]):
    def area(self) -> float:
        return math.pi * self.size**2

    def serve(self, service: Service) -> None:
        service.run(self)
