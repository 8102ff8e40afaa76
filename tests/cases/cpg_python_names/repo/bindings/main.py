import helpers as h
from helpers import one as first, two
from helpers import two as first

def local(): return 1
first()
two()
h.one()
alias = local
alias()
if len(alias.__name__) > 2:
    chosen = first
else:
    chosen = local
chosen()
def local(): return 2
local()
def late(): return after()
def after(): return 3
late()
try:
    from missing import thing
except ImportError:
    def thing(): return 4
thing()
for each in (1, 2):
    step = local
    step()
def outer():
    def inner(): return 5
    pick = inner
    def closure(): return pick()
    return closure()
outer()
a, b = first, local
a(); b()
(walrus := two)()
class Row:
    local = local()
    def method(self): return local()
Row().method()
