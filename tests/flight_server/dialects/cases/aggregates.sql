-- LISTAGG with an order
SELECT LISTAGG(rep, ',') WITHIN GROUP (ORDER BY rep DESC) FROM sales
-> ["eve,cid,bob,ann"]

-- LISTAGG DISTINCT
SELECT LISTAGG(DISTINCT region, '|') WITHIN GROUP (ORDER BY region) FROM sales
-> ["EU|US"]

-- LISTAGG without a separator, and of nothing
SELECT LISTAGG(rep) WITHIN GROUP (ORDER BY id), NVL(1, 2) FROM sales WHERE id IN (1, 2)
-> ["annbob", 1]

-- LISTAGG of nothing is an empty text
SELECT LISTAGG(rep, ','), NVL(MAX(1), 2) FROM sales WHERE id > 99
-> ["", 2]

-- LISTAGG as a window function
SELECT id, LISTAGG(rep, ',') WITHIN GROUP (ORDER BY id) OVER (PARTITION BY region) FROM sales WHERE region = 'EU' ORDER BY id
-> [1, "ann,bob"]
-> [2, "ann,bob"]

-- ARRAY_AGG leaves NULL out and keeps its order
SELECT ARRAY_AGG(rep) WITHIN GROUP (ORDER BY id DESC) FROM sales
-> ["[\"eve\",\"cid\",\"bob\",\"ann\"]"]

-- ARRAY_AGG of nothing is an empty array
SELECT ARRAY_SIZE(ARRAY_AGG(rep)) FROM sales WHERE id > 99
-> [0]

-- ARRAY_AGG DISTINCT
SELECT ARRAY_AGG(DISTINCT region) WITHIN GROUP (ORDER BY region) FROM sales
-> ["[\"EU\",\"US\"]"]

-- ARRAY_AGG of objects
SELECT ARRAY_AGG(OBJECT_CONSTRUCT('id', id)) WITHIN GROUP (ORDER BY id) FROM sales WHERE id < 3
-> ["[{\"id\":1},{\"id\":2}]"]

-- ARRAY_UNIQUE_AGG
SELECT ARRAY_SIZE(ARRAY_UNIQUE_AGG(region)) FROM sales
-> [2]

-- OBJECT_AGG
SELECT OBJECT_AGG(rep, qty) FROM sales WHERE region IN ('EU', 'US')
-> ["{\"ann\":2,\"bob\":5,\"cid\":1}"]

-- COUNT of several columns counts rows without NULL
SELECT COUNT(region, rep), COUNT(DISTINCT region, rep), COUNT(*), NVL(COUNT(qty), 0) FROM sales
-> [3, 3, 5, 4]

-- COUNT_IF
SELECT COUNT_IF(qty > 2), NVL(SUM(qty), 0) FROM sales
-> [2, 11]

-- MEDIAN and MODE
SELECT MEDIAN(qty), MODE(region), NVL(1, 2) FROM sales WHERE region = 'EU'
-> [3.5, "EU", 1]

-- PERCENTILE_CONT and PERCENTILE_DISC
SELECT PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY qty), PERCENTILE_DISC(0.5) WITHIN GROUP (ORDER BY qty), NVL(1, 2) FROM sales
-> [2.5, 2, 1]

-- PERCENTILE_CONT in descending order
SELECT PERCENTILE_CONT(0.25) WITHIN GROUP (ORDER BY qty DESC), NVL(1, 2) FROM sales
-> [3.5, 1]

-- APPROX_PERCENTILE and APPROX_COUNT_DISTINCT
SELECT APPROX_PERCENTILE(qty, 1.0), APPROX_COUNT_DISTINCT(region), HLL(region) FROM sales
-> [5.0, 2, 2]

-- BOOLAND_AGG, BOOLOR_AGG and BOOLXOR_AGG
SELECT BOOLAND_AGG(b), BOOLOR_AGG(b), BOOLXOR_AGG(n = 1) FROM nums
-> [false, true, true]

-- BITAND_AGG and BITOR_AGG
SELECT BITAND_AGG(n), BITOR_AGG(n), BITXOR_AGG(n) FROM nums
-> [0, 3, 0]

-- MIN_BY and MAX_BY
SELECT MAX_BY(rep, qty), MIN_BY(rep, qty), NVL(1, 2) FROM sales
-> ["bob", "cid", 1]

-- STDDEV and VARIANCE are of a sample
SELECT STDDEV(n), VARIANCE(n), VAR_POP(n), NVL(1, 2) FROM nums
-> [1.0, 1.0, 0.666666667, 1]

-- SKEW and KURTOSIS
SELECT SKEW(qty), KURTOSIS(qty) IS NOT NULL FROM sales
-> [0.752837199, true]

-- Groups with NULL come last
SELECT region, SUM(qty), NVL(COUNT(*), 0) FROM sales GROUP BY region ORDER BY region
-> ["EU", 7, 2]
-> ["US", 4, 2]
-> [null, null, 1]

-- Groups with NULL come first in descending order
SELECT region, NVL(COUNT(*), 0) FROM sales GROUP BY 1 ORDER BY 1 DESC
-> [null, 1]
-> ["US", 2]
-> ["EU", 2]

-- NULLS LAST and NULLS FIRST rule
SELECT region, NVL(COUNT(*), 0) FROM sales GROUP BY ALL ORDER BY region DESC NULLS LAST
-> ["US", 2]
-> ["EU", 2]
-> [null, 1]

-- HAVING over an expression
SELECT region, IFF(COUNT(*) > 1, 'many', 'one') AS how FROM sales GROUP BY region HAVING SUM(ZEROIFNULL(qty)) > 4 ORDER BY region
-> ["EU", "many"]

-- GROUP BY an expression
SELECT IFF(qty > 2, 'big', 'small') AS size, COUNT(*) FROM sales GROUP BY IFF(qty > 2, 'big', 'small') ORDER BY size
-> ["big", 2]
-> ["small", 3]

-- GROUPING SETS, ROLLUP and CUBE
SELECT region, NVL(SUM(qty), 0) AS total FROM sales WHERE region IS NOT NULL GROUP BY ROLLUP(region) ORDER BY total
-> ["US", 4]
-> ["EU", 7]
-> [null, 11]

-- A FILTER clause is refused
SELECT COUNT(*) FILTER (WHERE qty > 1), NVL(1, 2) FROM sales
!! FILTER

-- HASH_AGG is refused by name
SELECT HASH_AGG(id) FROM sales
!! the function HASH_AGG is not supported

-- MEDIAN of decimals is not cut to their scale
SELECT MEDIAN(amount), PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY amount), NVL(1, 2) FROM sales
-> ["87.62500", "87.62500", 1]

-- RATIO_TO_REPORT of an aggregate
SELECT region, RATIO_TO_REPORT(SUM(qty)) OVER () FROM sales WHERE region IS NOT NULL GROUP BY region ORDER BY region
-> ["EU", "0.636364"]
-> ["US", "0.363636"]

-- ARRAY_AGG and LISTAGG over a partition
SELECT id, ARRAY_AGG(rep) OVER (PARTITION BY region), ARRAY_SIZE(ARRAY_AGG(id) OVER ()) FROM sales WHERE region = 'US' ORDER BY id
-> [3, "[\"cid\"]", 2]
-> [4, "[\"cid\"]", 2]

-- OBJECT_CONSTRUCT of aggregates
SELECT OBJECT_CONSTRUCT('total', SUM(qty), 'mean', AVG(qty)) FROM sales
-> ["{\"mean\":2.75,\"total\":11}"]

-- MAX_BY and MIN_BY of several values
SELECT MAX_BY(rep, id, 2), MIN_BY(id, amount, 3), MIN_BY(rep, id), NVL(1, 2) FROM sales
-> ["[\"eve\",\"cid\"]", "[5,3,1]", "ann", 1]
