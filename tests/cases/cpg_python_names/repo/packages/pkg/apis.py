from .things import make as public
def other(): return public()
