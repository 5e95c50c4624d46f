-- LAST_VALUE sees the whole partition by default
SELECT id, LAST_VALUE(qty) OVER (PARTITION BY region ORDER BY id), NVL(1, 2) FROM sales WHERE region = 'EU' ORDER BY id
-> [1, 5, 1]
-> [2, 5, 1]

-- FIRST_VALUE and NTH_VALUE
SELECT id, FIRST_VALUE(rep) OVER (ORDER BY id), NTH_VALUE(rep, 2) OVER (ORDER BY id), NVL(1, 2) FROM sales WHERE id < 3 ORDER BY id
-> [1, "ann", "bob", 1]
-> [2, "ann", "bob", 1]

-- IGNORE NULLS inside and outside the parentheses
SELECT id, LAST_VALUE(rep IGNORE NULLS) OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW), FIRST_VALUE(rep) IGNORE NULLS OVER (ORDER BY id DESC), NVL(1, 2) FROM sales WHERE id IN (3, 4) ORDER BY id
-> [3, "cid", "cid", 1]
-> [4, "cid", "cid", 1]

-- LAG and LEAD with offset and default
SELECT id, LAG(id, 1, 0) OVER (ORDER BY id), LEAD(id) OVER (ORDER BY id), NVL(1, 2) FROM sales WHERE id < 4 ORDER BY id
-> [1, 0, 2, 1]
-> [2, 1, 3, 1]
-> [3, 2, null, 1]

-- LAG IGNORE NULLS
SELECT id, LAG(rep) IGNORE NULLS OVER (ORDER BY id), NVL(1, 2) FROM sales WHERE id > 2 ORDER BY id
-> [3, null, 1]
-> [4, "cid", 1]
-> [5, "cid", 1]

-- RANK puts NULL first in descending order
SELECT id, RANK() OVER (ORDER BY qty DESC), NVL(1, 2) FROM sales ORDER BY id
-> [1, 4, 1]
-> [2, 2, 1]
-> [3, 5, 1]
-> [4, 3, 1]
-> [5, 1, 1]

-- ROW_NUMBER in QUALIFY
SELECT id, NVL(region, '-') AS r FROM sales QUALIFY ROW_NUMBER() OVER (PARTITION BY region ORDER BY qty DESC) = 1 ORDER BY id
-> [2, "EU"]
-> [4, "US"]
-> [5, "-"]

-- RATIO_TO_REPORT
SELECT id, RATIO_TO_REPORT(qty) OVER (), NVL(1, 2) FROM sales WHERE region = 'EU' ORDER BY id
-> [1, "0.285714", 1]
-> [2, "0.714286", 1]

-- RATIO_TO_REPORT with a partition
SELECT id, ROUND(RATIO_TO_REPORT(amount) OVER (PARTITION BY region), 4) FROM sales WHERE id < 4 ORDER BY id
-> [1, "0.2853"]
-> [2, "0.7147"]
-> [3, "1.0000"]

-- A running sum
SELECT id, SUM(qty) OVER (ORDER BY id ROWS UNBOUNDED PRECEDING), NVL(1, 2) FROM sales ORDER BY id
-> [1, 2, 1]
-> [2, 7, 1]
-> [3, 8, 1]
-> [4, 11, 1]
-> [5, 11, 1]

-- A moving average
SELECT id, AVG(qty) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW), NVL(1, 2) FROM sales WHERE id < 4 ORDER BY id
-> [1, "2.000000", 1]
-> [2, "3.500000", 1]
-> [3, "3.000000", 1]

-- NTILE, PERCENT_RANK and CUME_DIST
SELECT id, NTILE(2) OVER (ORDER BY id), PERCENT_RANK() OVER (ORDER BY id), CUME_DIST() OVER (ORDER BY id), NVL(1, 2) FROM sales WHERE id < 3 ORDER BY id
-> [1, 1, 0.0, 0.5, 1]
-> [2, 2, 1.0, 1.0, 1]

-- CONDITIONAL_TRUE_EVENT counts up
SELECT id, CONDITIONAL_TRUE_EVENT(qty > 2) OVER (ORDER BY id) FROM sales ORDER BY id
-> [1, 0]
-> [2, 1]
-> [3, 1]
-> [4, 2]
-> [5, 2]

-- COUNT and MAX over a partition
SELECT id, COUNT(*) OVER (PARTITION BY region), MAX(qty) OVER (PARTITION BY region), NVL(1, 2) FROM sales WHERE id < 4 ORDER BY id
-> [1, 2, 5, 1]
-> [2, 2, 5, 1]
-> [3, 1, 1, 1]

-- A window over aggregates
SELECT region, SUM(SUM(qty)) OVER (ORDER BY region), NVL(1, 2) FROM sales WHERE region IS NOT NULL GROUP BY region ORDER BY region
-> ["EU", 7, 1]
-> ["US", 11, 1]

-- A window ordered by a path
SELECT id, ROW_NUMBER() OVER (ORDER BY v:price DESC) FROM events WHERE id < 4 ORDER BY id
-> [1, 2]
-> [2, 3]
-> [3, 1]

-- Division by a window
SELECT id, qty / SUM(qty) OVER (PARTITION BY region) AS share, NVL(1, 2) FROM sales WHERE region = 'US' ORDER BY id
-> [3, "0.250000", 1]
-> [4, "0.750000", 1]

-- CONDITIONAL_CHANGE_EVENT is refused by name
SELECT CONDITIONAL_CHANGE_EVENT(region) OVER (ORDER BY id) FROM sales
!! the function CONDITIONAL_CHANGE_EVENT is not supported
