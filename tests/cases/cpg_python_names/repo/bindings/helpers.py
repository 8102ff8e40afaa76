def one(): return 'one'
def two(): return 'two'
