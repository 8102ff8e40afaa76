-- Measures of functions.
SELECT qualified_name, lines, complexity, parameters, nesting, fan_in, fan_out FROM metrics
