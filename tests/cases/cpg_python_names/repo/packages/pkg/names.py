__all__ = ['shared']
def shared(): return 1
def unshared(): return 2
