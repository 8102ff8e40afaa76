from .names import *
from .sub import leaf
from .things import Thing as Thing
def api(): return _private()
def _private(): return leaf.fall()
