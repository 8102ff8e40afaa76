from . import names
from .sub.leaf import fall
class Thing:
    def act(self): return fall() + names.unshared()
def make(): return Thing().act()
