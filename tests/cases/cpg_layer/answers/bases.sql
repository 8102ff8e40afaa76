-- Which classes and types have which bases.
SELECT subclass, base, base_kind, path, line FROM inherits
