from .service import compute


def helper(value):
    return value if value else compute
