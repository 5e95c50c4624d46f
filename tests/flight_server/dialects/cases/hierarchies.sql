-- CONNECT BY gives each level after the one before
SELECT id, LEVEL FROM sales START WITH id = 1 CONNECT BY id = PRIOR id + 1 ORDER BY id
-> [1, 1]
-> [2, 2]
-> [3, 3]
-> [4, 4]
-> [5, 5]

-- CONNECT BY under a star, which does not show the level
SELECT * FROM nums n START WITH n.n = 2 CONNECT BY PRIOR n = n - 1 ORDER BY LEVEL
-> [2, 2.5, "2.5000", false]
-> [3, null, null, null]

-- CONNECT BY with a limit on LEVEL, roots and paths
SELECT e.id, LEVEL AS lv, CONNECT_BY_ROOT e.rep AS root, SYS_CONNECT_BY_PATH(rep, '/') AS p FROM sales e WHERE e.id > 1 START WITH e.id IN (1, 3) CONNECT BY e.id = PRIOR e.id + 1 AND LEVEL <= 3 ORDER BY root, lv
-> [2, 2, "ann", "/ann/bob"]
-> [3, 3, "ann", "/ann/bob/cid"]
-> [3, 1, "cid", "/cid"]
-> [4, 2, "cid", null]
-> [5, 3, "cid", null]

-- CONNECT BY over a derived table, aggregated
SELECT LEVEL, COUNT(*) FROM (SELECT n AS id, n - 1 AS boss FROM nums) t START WITH boss = 0 CONNECT BY boss = PRIOR id GROUP BY LEVEL HAVING LEVEL < 3 ORDER BY 1
-> [1, 1]
-> [2, 1]

-- CONNECT BY without START WITH begins with every row
SELECT COUNT(*), MAX(LEVEL) FROM nums CONNECT BY n = PRIOR n + 1
-> [7, 3]

-- CONNECT BY over a common table expression, with a path into its VARIANT
WITH e AS (SELECT id, v FROM events) SELECT id, v:name::STRING AS name, LEVEL FROM e START WITH v:name = 'ann' CONNECT BY id = PRIOR id + 1 AND PRIOR v:ok = TRUE ORDER BY id
-> [1, "ann", 1]
-> [2, "bob", 2]

-- CONNECT BY over a join
SELECT s.id FROM sales s, nums n START WITH s.id = 1 CONNECT BY s.id = PRIOR n.n
!! CONNECT BY over anything but one table is not supported

-- CONNECT BY without PRIOR
SELECT LEVEL FROM sales CONNECT BY LEVEL <= 3
!! CONNECT BY without PRIOR is not supported

-- CONNECT BY NOCYCLE
SELECT id FROM sales START WITH id = 1 CONNECT BY NOCYCLE PRIOR id = qty
!! CONNECT BY NOCYCLE is not supported
