def starred(): return 1


def absent(): return 2
