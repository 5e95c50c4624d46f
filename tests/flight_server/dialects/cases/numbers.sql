-- Division of whole numbers is decimal with six digits
SELECT 7 / 2, 1 / 3, 2 / 3, NVL(1, 2)
-> ["3.500000", "0.333333", "0.666667", 1]

-- Division keeps six more digits than the numerator has
SELECT amount / 3, IFF(TRUE, 1, 0) FROM sales WHERE id = 1
-> ["33.33333333", 1]

-- Division of columns
SELECT amount / qty, IFF(TRUE, 1, 0) FROM sales WHERE id = 2
-> ["50.10000000", 1]

-- Division of FLOAT stays FLOAT
SELECT x / 4, IFF(TRUE, 1, 0) FROM nums WHERE n = 1
-> [0.125, 1]

-- Division by zero is an error
SELECT 1 / (qty - 2), IFF(TRUE, 1, 0) FROM sales
!! Division by zero

-- Division by a constant zero is an error
SELECT IFF(TRUE, 1, 0), 5 / 0
!! Division by zero

-- Modulo keeps the sign of the first operand
SELECT MOD(-7, 3), -7 % 3, MOD(7, -3), IFF(TRUE, 1, 0)
-> [-1, -1, 1, 1]

-- ROUND goes half away from zero
SELECT ROUND(2.5), ROUND(-2.5), ROUND(1234.567, -2), ROUND(2.345, 2), NVL(1, 2)
-> [3, -3, 1200, "2.35", 1]

-- TRUNC cuts towards zero
SELECT TRUNC(1.999, 2), TRUNC(-1.5), TRUNCATE(12.9)
-> ["1.99", -1, 12]

-- FLOOR and CEIL with places
SELECT FLOOR(135.135, 1), CEIL(135.135, 1), FLOOR(-1.5), CEIL(1.2)
-> ["135.1", "135.2", -2, 2]

-- SQUARE and POWER
SELECT SQUARE(3), POWER(2, 10), SQRT(16), CBRT(27)
-> [9, 1024.0, 4.0, 3.0]

-- LOG takes the base first
SELECT LOG(10, 1000), LOG(2, 8), LN(1), SQUARE(1)
-> [3.0, 3.0, 0.0, 1]

-- Bit functions
SELECT BITAND(12, 10), BITOR(12, 10), BITXOR(12, 10), BITNOT(5), BITSHIFTLEFT(1, 4), BITSHIFTRIGHT(16, 2)
-> [8, 14, 6, -6, 16, 4]

-- WIDTH_BUCKET counts from 1, with 0 and n+1 outside
SELECT WIDTH_BUCKET(5, 0, 10, 5), WIDTH_BUCKET(-1, 0, 10, 5), WIDTH_BUCKET(10, 0, 10, 5), WIDTH_BUCKET(0, 0, 10, 5)
-> [3, 0, 6, 1]

-- AVG of whole numbers is decimal with six digits
SELECT AVG(qty), IFF(TRUE, 1, 0) FROM sales
-> ["2.750000", 1]

-- AVG of a decimal has six more digits
SELECT AVG(amount), IFF(TRUE, 1, 0) FROM sales
-> ["108.93750000", 1]

-- AVG of FLOAT stays FLOAT
SELECT AVG(x), IFF(TRUE, 1, 0) FROM nums
-> [2.166666667, 1]

-- A sum divided by a count
SELECT region, SUM(qty) / COUNT(*) AS mean, MAX(IFF(TRUE, 1, 0)) FROM sales GROUP BY region ORDER BY region
-> ["EU", "3.500000", 1]
-> ["US", "2.000000", 1]
-> [null, null, 1]

-- A quotient is used further
SELECT (7 / 2) * 2, ROUND(10 / 4, 1), 100 * 1 / 3, ZEROIFNULL(NULL)
-> ["7.000000", "2.5", "33.333333", 0]

-- A percentage of a total
SELECT id, ROUND(100 * qty / SUM(qty) OVER (), 2) AS share, IFF(id = 1, 1, 0) AS first FROM sales WHERE qty IS NOT NULL ORDER BY id
-> [1, "18.18", 1]
-> [2, "45.45", 0]
-> [3, "9.09", 0]
-> [4, "27.27", 0]

-- SIGN, ABS and FACTORIAL
SELECT SIGN(-5), ABS(-2.5), FACTORIAL(5), SQUARE(2)
-> [-1, "2.5", 120, 4]

-- TO_NUMBER with precision and scale
SELECT TO_NUMBER('12.345', 10, 2), TO_DECIMAL('7'), TO_NUMERIC('3.6')
-> ["12.35", 7, 4]

-- TRY_TO_NUMBER gives NULL for what is no number
SELECT TRY_TO_NUMBER('12a'), TRY_TO_NUMBER('12', 10, 1), TRY_TO_DECIMAL('x')
-> [null, "12.0", null]

-- TO_NUMBER of a text that is no number fails
SELECT TO_NUMBER('abc')
!! Could not convert

-- A cast to INT rounds half away from zero
SELECT '12.5'::INT, 2.5::INT, 2.5::FLOAT::INT, (-2.5)::INT, IFF(TRUE, 1, 0)
-> [13, 3, 3, -3, 1]

-- A cast to NUMBER with a scale
SELECT '1.005'::NUMBER(10,2), 3.14159::NUMBER(5,3), 5::NUMBER
-> ["1.01", "3.142", 5]

-- FLOAT has 64 bits
SELECT 0.1::FLOAT + 0.2::FLOAT, 16777217::FLOAT, IFF(TRUE, 1, 0)
-> [0.3, 16777217.0, 1]

-- A whole FLOAT prints without a point
SELECT TO_VARCHAR(2::FLOAT), TO_CHAR(2.5::FLOAT), TO_VARCHAR(1.50)
-> ["2", "2.5", "1.50"]

-- TO_DOUBLE and TRY_TO_DOUBLE
SELECT TO_DOUBLE('1.5'), TRY_TO_DOUBLE('x')
-> [1.5, null]

-- Numbers that are text are added
SELECT '3' + 4, IFF(TRUE, 1, 0)
-> ["7.00000", 1]

-- RANDOM is a whole number
SELECT RANDOM() IS NOT NULL, UNIFORM(1, 10, RANDOM()) BETWEEN 1 AND 10
-> [true, true]

-- RANDOM with a seed is refused
SELECT RANDOM(42)
!! RANDOM with a seed is not supported

-- HAVERSINE
SELECT HAVERSINE(40.7127, -74.0059, 34.0500, -118.2500), HAVERSINE(n, 0, n, 0) FROM nums WHERE n = 1
-> [3936.385096389, 0.0]
