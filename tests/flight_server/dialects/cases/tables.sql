-- VALUES names its columns column1, column2
SELECT column1, column2 FROM VALUES (1, 'a'), (2, 'b') ORDER BY column1
-> [1, "a"]
-> [2, "b"]

-- VALUES by position
SELECT $2, $1 + 1 FROM VALUES (1, 'a')
-> ["a", 2]

-- VALUES in parentheses with an alias
SELECT v.column1 FROM (VALUES (1), (2)) v WHERE v.column1 > 1
-> [2]

-- VALUES with names
SELECT NVL(t.b, 'none') FROM (VALUES (1, 'x'), (2, NULL)) AS t (a, b) ORDER BY t.a
-> ["x"]
-> ["none"]

-- TOP
SELECT TOP 2 id FROM sales ORDER BY id DESC
-> [5]
-> [4]

-- LIMIT and OFFSET, FETCH
SELECT NVL(id, 0) FROM sales ORDER BY id LIMIT 1 OFFSET 1
-> [2]

-- FETCH FIRST
SELECT NVL(id, 0) AS i FROM sales ORDER BY id FETCH FIRST 2 ROWS ONLY
-> [1]
-> [2]

-- SAMPLE by percentage
SELECT COUNT(*) FROM sales SAMPLE (100)
-> [5]

-- SAMPLE of rows
SELECT COUNT(*) FROM sales SAMPLE (3 ROWS)
-> [3]

-- TABLESAMPLE BERNOULLI with a seed
SELECT COUNT(*), NVL(1, 2) FROM sales TABLESAMPLE BERNOULLI (100) SEED (7)
-> [5, 1]

-- SAMPLE SYSTEM of nothing
SELECT COUNT(*) FROM sales SAMPLE SYSTEM (0)
-> [0]

-- PIVOT names its columns with the quotes
SELECT * FROM (SELECT region, rep, qty FROM sales WHERE id < 4) PIVOT (SUM(qty) FOR region IN ('EU', 'US')) AS p ORDER BY rep
-> ["ann", 2, null]
-> ["bob", 5, null]
-> ["cid", null, 1]

-- A column of a PIVOT by its quoted name
SELECT rep, "'EU'" FROM (SELECT region, rep, NVL(qty, 0) AS qty FROM sales WHERE id < 3) PIVOT (MAX(qty) FOR region IN ('EU')) ORDER BY rep
-> ["ann", 2]
-> ["bob", 5]

-- PIVOT with names for its columns
SELECT who, eu FROM (SELECT region, rep, NVL(qty, 0) AS qty FROM sales WHERE id < 3) PIVOT (SUM(qty) FOR region IN ('EU', 'US')) AS p (who, eu, us) ORDER BY who
-> ["ann", 2]
-> ["bob", 5]

-- PIVOT over ANY is refused
SELECT * FROM sales PIVOT (SUM(qty) FOR region IN (ANY ORDER BY region))
!! PIVOT over ANY or a subquery is not supported

-- UNPIVOT gives upper-case names and leaves NULL out
SELECT * FROM (SELECT id, qty AS q, NVL(id, 0) AS i FROM sales WHERE id IN (4, 5)) UNPIVOT (val FOR name IN (q, i)) ORDER BY id, name
-> [4, "I", 4]
-> [4, "Q", 3]
-> [5, "I", 5]

-- The old outer join
SELECT s.id, t.n FROM sales s, nums t WHERE s.id = t.n(+) ORDER BY s.id
-> [1, 1]
-> [2, 2]
-> [3, 3]
-> [4, null]
-> [5, null]

-- The old outer join with a condition on the outer table alone
SELECT s.id, t.x FROM sales s, nums t WHERE s.id = t.n(+) AND t.x(+) > 1 AND s.id < 3 ORDER BY s.id
-> [1, null]
-> [2, 2.5]

-- The old outer join, table on the left
SELECT s.id, t.n FROM nums t, sales s WHERE t.n(+) = s.id AND s.id > 2 ORDER BY s.id
-> [3, 3]
-> [4, null]
-> [5, null]

-- Three tables with the old outer join
SELECT s.id, t.n, u.n AS m FROM sales s, nums t, nums u WHERE s.id = t.n(+) AND t.n = u.n(+) AND s.id IN (1, 4) ORDER BY s.id
-> [1, 1, 1]
-> [4, null, null]

-- The old outer join with OR is refused
SELECT 1 FROM sales s, nums t WHERE s.id = t.n(+) OR s.id = 1
!! the outer join operator (+)

-- ASOF JOIN keeps every row of the left side
SELECT t.sym, t.px, q.bid FROM trades t ASOF JOIN quotes q MATCH_CONDITION (t.ts >= q.ts) ON t.sym = q.sym ORDER BY t.px
-> ["A", 1, 11]
-> ["A", 2, 12]
-> ["B", 9, null]

-- MINUS, EXCEPT and INTERSECT
SELECT NVL(id, 0) FROM sales MINUS SELECT n FROM nums ORDER BY 1
-> [4]
-> [5]

-- UNION ALL of translated sides
SELECT NVL(rep, 'x') AS r FROM sales WHERE id = 4 UNION ALL SELECT UPPER(rep) FROM sales WHERE id = 1 ORDER BY r
-> ["ANN"]
-> ["x"]

-- A recursive common table expression
WITH RECURSIVE c AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM c WHERE n < 4) SELECT n, IFF(MOD(n, 2) = 0, 'even', 'odd') FROM c ORDER BY n
-> [1, "odd"]
-> [2, "even"]
-> [3, "odd"]
-> [4, "even"]

-- A recursive common table expression with column names
WITH RECURSIVE c (n, t) AS (SELECT 1, TO_VARCHAR(1) UNION ALL SELECT n + 1, t || TO_VARCHAR(n + 1) FROM c WHERE n < 3) SELECT * FROM c ORDER BY n
-> [1, "1"]
-> [2, "12"]
-> [3, "123"]

-- GENERATOR with SEQ4
SELECT SEQ4() AS i FROM TABLE(GENERATOR(ROWCOUNT => 3)) ORDER BY i
-> [0]
-> [1]
-> [2]

-- A calendar from GENERATOR
SELECT DATEADD(day, SEQ4(), '2024-02-28'::DATE) AS d FROM TABLE(GENERATOR(ROWCOUNT => 3)) ORDER BY d
-> ["2024-02-28"]
-> ["2024-02-29"]
-> ["2024-03-01"]

-- GENERATOR with a time limit is refused
SELECT COUNT(*) FROM TABLE(GENERATOR(TIMELIMIT => 1))
!! GENERATOR without a constant ROWCOUNT is not supported

-- EXCLUDE, RENAME and REPLACE
SELECT * EXCLUDE (sold, ts, region) RENAME (rep AS who) FROM sales WHERE id = 1 AND NVL(qty, 0) > 0
-> [1, "ann", "100.00", 2]

-- ILIKE after a star picks columns by name
SELECT * ILIKE '%RE%' FROM sales WHERE id = 1
-> ["EU", "ann"]

-- ORDER BY ALL puts NULLs where Snowflake does
SELECT region, id, NVL(1, 2) FROM sales WHERE id > 2 ORDER BY ALL DESC
-> [null, 5, 1]
-> ["US", 4, 1]
-> ["US", 3, 1]

-- FROM DUAL
SELECT NVL(1, 2) FROM DUAL
-> [1]

-- A reserved word of DuckDB as a column
SELECT t.at, t.at + 1 FROM (SELECT NVL(1, 2) AS at) t
-> [1, 2]

-- JOIN USING and NATURAL JOIN
SELECT COUNT(*), NVL(1, 2) FROM trades JOIN quotes USING (sym)
-> [5, 1]

-- A lateral subquery
SELECT s.id, l.m FROM sales s, LATERAL (SELECT MAX(n) AS m FROM nums WHERE n < s.id) l WHERE s.id IN (1, 3) AND NVL(1, 0) = 1 ORDER BY s.id
-> [1, null]
-> [3, 2]

-- Scalar and EXISTS subqueries
SELECT id, IFF(EXISTS (SELECT 1 FROM nums WHERE n = id), 'in', 'out') AS there, (SELECT MAX(n) FROM nums) / 2 FROM sales WHERE id IN (1, 4) ORDER BY id
-> [1, "in", "1.500000"]
-> [4, "out", "1.500000"]

-- Unnamed columns are named after what was written
SELECT NAME FROM (DESCRIBE SELECT NVL(1, 2)) d
!! is not supported

-- Quoted names keep their case
SELECT "Total" / 2 FROM (SELECT NVL(5, 0) AS "Total") q
-> ["2.500000"]

-- Line comments with two slashes
SELECT NVL(1, 2) // not a division
-> [1]

-- Semi-structured data from VALUES
SELECT PARSE_JSON(column1):k::INT FROM VALUES ('{"k":1}'), ('{"k":2}') ORDER BY 1
-> [1]
-> [2]

-- SEQ4 in WHERE and GROUP BY
SELECT MOD(SEQ4(), 2) AS g, COUNT(*) FROM TABLE(GENERATOR(ROWCOUNT => 5)) GROUP BY g ORDER BY g
-> [0, 3]
-> [1, 2]

-- ROW_NUMBER in the order of a sequence
SELECT ROW_NUMBER() OVER (ORDER BY SEQ4()) AS n FROM TABLE(GENERATOR(ROWCOUNT => 3)) ORDER BY n
-> [1]
-> [2]
-> [3]

-- A text beside a number is a number
SELECT id FROM sales WHERE qty = '5' AND NVL(amount, 0) > '20.5' ORDER BY id
-> [2]

-- A text beside a number is not rounded to it
SELECT COUNT(*), NVL(1, 2) FROM sales WHERE qty = '2.5'
-> [0, 1]

-- A row of values in IN
SELECT id FROM sales WHERE (NVL(region, '-'), qty) IN (('EU', 2), ('US', 1)) ORDER BY id
-> [1]
-> [3]

-- Products of whole numbers do not overflow
SELECT 1000000 * 1000000, NVL(1, 2)
-> [1000000000000, 1]

-- EXPLAIN
EXPLAIN SELECT NVL(id, 0) FROM sales LIMIT 0
?? SELECT 1
-> [1]

-- DESCRIBE TABLE
DESCRIBE TABLE nums
-> ["n", "INTEGER", "YES", null, null, null]
-> ["x", "DOUBLE", "YES", null, null, null]
-> ["d", "DECIMAL(12,4)", "YES", null, null, null]
-> ["b", "BOOLEAN", "YES", null, null, null]

-- LIKE and ILIKE as functions
SELECT LIKE('abc', 'a%'), ILIKE('ABC', 'a%'), LIKE('50%', '50^%', '^')
-> [true, true, true]
