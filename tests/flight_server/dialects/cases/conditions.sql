-- IFF chooses by a condition
SELECT IFF(qty > 2, 'many', 'few') FROM sales ORDER BY id;
-> ["few"]
-> ["many"]
-> ["few"]
-> ["many"]
-> ["few"]

-- IFF with an unknown condition takes the second value
SELECT IFF(NULL, 1, 2)
-> [2]

-- NVL replaces NULL
SELECT NVL(rep, 'nobody') FROM sales WHERE id = 4
-> ["nobody"]

-- IFNULL is NVL
SELECT IFNULL(NULL, 3), NVL(NULL, NULL)
-> [3, null]

-- NVL2 tests its first argument
SELECT NVL2(rep, 'some', 'none') FROM sales ORDER BY id
-> ["some"]
-> ["some"]
-> ["some"]
-> ["none"]
-> ["some"]

-- DECODE compares NULL with NULL
SELECT DECODE(region, 'EU', 1, 'US', 2, NULL, 3) FROM sales ORDER BY id
-> [1]
-> [1]
-> [2]
-> [2]
-> [3]

-- DECODE without a match gives the default
SELECT DECODE(5, 1, 'one', 2, 'two', 'other'), DECODE(5, 1, 'one')
-> ["other", null]

-- ZEROIFNULL
SELECT ZEROIFNULL(qty) FROM sales ORDER BY id
-> [2]
-> [5]
-> [1]
-> [3]
-> [0]

-- NULLIFZERO
SELECT NULLIFZERO(0), NULLIFZERO(5)
-> [null, 5]

-- DIV0 gives zero for a zero divisor and NULL for a NULL
SELECT DIV0(1, 2), DIV0(1, 0), DIV0(NULL, 0), DIV0(1, NULL)
-> ["0.500000", "0.000000", null, null]

-- DIV0NULL gives zero for a NULL divisor too
SELECT DIV0NULL(1, 0), DIV0NULL(1, NULL), DIV0NULL(3, 2)
-> ["0.000000", "0.000000", "1.500000"]

-- EQUAL_NULL finds two NULLs equal
SELECT EQUAL_NULL(1, NULL), EQUAL_NULL(NULL, NULL), EQUAL_NULL(2, 2)
-> [false, true, true]

-- GREATEST and LEAST are NULL as soon as one argument is
SELECT GREATEST(1, 3, 2), GREATEST(1, NULL, 2), LEAST(4, 2), LEAST(4, NULL)
-> [3, null, 2, null]

-- GREATEST_IGNORE_NULLS leaves NULL out
SELECT GREATEST_IGNORE_NULLS(1, NULL, 2), LEAST_IGNORE_NULLS(NULL, 5, 4), IFF(TRUE, 1, 0)
-> [2, 4, 1]

-- BOOLAND, BOOLOR, BOOLNOT and BOOLXOR
SELECT BOOLAND(1, 0), BOOLOR(1, 0), BOOLNOT(0), BOOLXOR(1, 1)
-> [false, true, true, false]

-- COALESCE of several
SELECT COALESCE(NULL, NULL, rep, 'x'), NVL(1, 2) FROM sales WHERE id = 4
-> ["x", 1]

-- NULLIF inside a division is no division by zero
SELECT qty / NULLIF(qty - 2, 0), NVL(1, 2) FROM sales WHERE id <= 2 ORDER BY id
-> [null, 1]
-> ["1.666667", 1]
