-- Which tests reach what.
SELECT symbol, test, calls FROM tests_of
