from enum import Enum

import spread.one
import spread.two

from names import *


def again(): return 1
def again(): return 2


kept = again
if kept():
    def range(*bounds): return bounds
span = range
try:
    from names import absent as found
except ImportError:
    found = None
use = found


def starred(): return 'hidden'


from names import *

late = starred


class Color(Enum):
    RED = 1

    def label(self): return self.name


class Base:
    @property
    def size(self): return Color.RED

    @size.setter
    def size(self, value): pass

    def __init__(self): self.size = 1

    def step(self): return self.size.label()

    def run(self): return self.step()


class Left(Base):
    def step(self): return super().step()


class Right(Base):
    def step(self): return 2


class Both(Left, Right):
    pass


def only(first, /, second, **rest): return first


only(1, second=2, first=3, rest=4)
rows = [Left(), Right()]
for row in rows:
    row.step()
Both().run()
spread.one.first()
spread.two.second()
