from ..sub import leaf
def down(): return leaf.fall()
