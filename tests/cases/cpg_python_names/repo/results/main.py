import asyncio
from typing import TypeVar

def wrap(function):
    def inner(): return function()
    return inner
@wrap
def wrapped(): return 1
wrapped()
class Counted:
    def __init__(self, function): self.function = function
    def __call__(self): return 1
@Counted
def counted(): return 1
counted()
class Base:
    def __enter__(self): return self
    def __exit__(self, *error): return None
    @classmethod
    def make(cls): return cls()
    def copied(self): return self.__class__()
    def who(self): return 'base'
class Derived(Base):
    def who(self): return 'derived'
class Last(Derived):
    def who(self): return super(Last, self).who()
    def skips(self): return super(Derived, self).who()
with Derived() as derived:
    derived.who()
Derived.make().who()
Derived().copied().who()
Last().skips()
class Reply:
    def text(self): return 'x'
    async def __aenter__(self): return self
    async def __aexit__(self, *error): return None
async def told() -> Reply: return Reply()
async def untold(): return Reply()
async def main():
    first = await told()
    first.text()
    (await untold()).text()
    async with Reply() as third:
        third.text()
asyncio.run(main())
T = TypeVar('T', bound=Reply)
def bound(item: T): return item.text()
bound(Reply())
def bounded[U: Reply](item: U): return item.text()
bounded(Reply())
(kept := bound)(Reply())
match Reply():
    case Reply() as matched: matched.text()
class Failure(Exception):
    def explain(self): return 'failed'
try:
    raise Failure
except (KeyError, Failure) as failure:
    failure.explain()
class Parts:
    def part(self): return Reply()
    one = property(part)
    two = staticmethod(wrap)
Parts().one.text()
Parts().two(bound)
