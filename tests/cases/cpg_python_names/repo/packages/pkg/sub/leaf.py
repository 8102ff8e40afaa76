from ..names import shared as common
def fall(): return common()
