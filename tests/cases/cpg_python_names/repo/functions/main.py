import functools
def f(): return 1
def g(callback=f): return callback()
g()
def returns(): return f
returns()()
def keyword(a, *, b): return a() + b()
keyword(f, b=f)
(lambda: f())()
table = [f]
text = f'{f()!r:>{f()}}'
more = [f() for _ in range(2)]
def gen():
    yield f()
list(gen())
@functools.cache
def cached(): return f()
cached()
def wrap(function):
    @functools.wraps(function)
    def inner(*args): return function(*args)
    return inner
@wrap
def wrapped(): return f()
value = f() if text else g()
def recursive(n): return recursive(n - 1) if n else f()
recursive(2)
match value:
    case 1: do = f
    case _: do = g
do()
def nested():
    def f(): return 2
    return f()
nested()
