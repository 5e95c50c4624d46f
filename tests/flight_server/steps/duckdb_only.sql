-- What only DuckDB reads, one statement on each line; test_transpile.py runs each straight and through the steps.
-- A statement that is refused must be refused both ways.

FROM customers
SELECT * EXCLUDE (ssn) FROM customers
SELECT * REPLACE (upper(name) AS name) FROM customers
SELECT * RENAME (name AS n) FROM customers
SELECT * LIKE 'c%' FROM customers
SELECT COLUMNS('c.*') FROM customers
SELECT COLUMNS(lambda c: c LIKE 'n%') FROM customers
SELECT COLUMNS(* EXCLUDE (ssn))::VARCHAR FROM customers
SELECT min(COLUMNS(*)) FROM orders
SELECT struct_pack(*COLUMNS(['customer_id','name'])) FROM customers
SELECT coalesce(*COLUMNS(['name','ssn'])) FROM customers
SELECT [x*2 for x in l if x > 2] FROM customers
SELECT list_transform(l, x -> x+1) FROM customers
SELECT list_transform(l, lambda x: x+1) FROM customers
SELECT list_reduce(l, lambda a, b: a+b) FROM customers
SELECT l[1], l[-1], l[1:2], l[:2], l[1:-:2] FROM customers
SELECT s.a, s.*, s['a'] FROM customers
SELECT m['k'], m FROM customers
SELECT v->'a', v->>'$.a', v.a FROM customers
SELECT DISTINCT ON (region) name, region FROM customers ORDER BY region, name DESC
SELECT name FROM customers QUALIFY row_number() OVER (PARTITION BY region ORDER BY name) = 1
SELECT region, count(*) FILTER (WHERE customer_id > 2) FROM customers GROUP BY ALL ORDER BY ALL
SELECT region, count(*) FROM customers GROUP BY ROLLUP(region, name)
SELECT region, grouping_id(region) FROM customers GROUP BY GROUPING SETS ((region), ())
SELECT * FROM orders ASOF JOIN customers USING (customer_id)
SELECT * FROM orders o ASOF LEFT JOIN customers c ON o.customer_id >= c.customer_id
SELECT * FROM orders POSITIONAL JOIN customers
SELECT * FROM orders SEMI JOIN customers USING (customer_id)
SELECT * FROM orders ANTI JOIN customers USING (customer_id)
SELECT * FROM orders NATURAL JOIN customers
SELECT * FROM customers c, LATERAL (SELECT max(total) mx FROM orders o WHERE o.customer_id=c.customer_id) t
SELECT * FROM orders USING SAMPLE reservoir(200 ROWS) REPEATABLE (7)
SELECT * FROM orders TABLESAMPLE reservoir(10%) REPEATABLE (42)
SELECT * FROM orders TABLESAMPLE BERNOULLI(10)
SELECT 1 UNION ALL BY NAME SELECT 2
SELECT 1 a EXCEPT ALL SELECT 2
WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM t WHERE n<5) SELECT * FROM t
WITH RECURSIVE t(n, k) USING KEY (k) AS (SELECT 1, 1 UNION SELECT n+1, k FROM t WHERE n<5) SELECT * FROM t
WITH a AS MATERIALIZED (SELECT 1 x) SELECT * FROM a
VALUES (1,'a'),(2,'b')
SELECT * FROM (VALUES (1,2)) t(a,b)
PIVOT orders ON status IN ('open','paid') USING sum(total) GROUP BY customer_id
PIVOT orders ON status USING sum(total)
SELECT * FROM (PIVOT orders ON status IN ('open') USING sum(total))
UNPIVOT orders ON total, customer_id INTO NAME n VALUE v
SELECT * FROM orders PIVOT (sum(total) FOR status IN ('open','paid'))
SUMMARIZE orders
DESCRIBE orders
SHOW TABLES
SELECT name FROM (SHOW ALL TABLES)
DESCRIBE SELECT 1
SELECT 'a' || NULL, '\d', E'\n', $$dollar$$, 'it''s'
SELECT DATE '2024-01-01', TIMESTAMP '2024-01-01 00:00:00', INTERVAL 1 DAY, INTERVAL '1 day 2 hours', INTERVAL (1+2) HOUR
SELECT TIMESTAMPTZ '2024-01-01 00:00:00+01' AT TIME ZONE 'UTC'
SELECT 1::HUGEINT, 170141183460469231731687303715884105727, 1e10, 1.5, 1_000, 0xFF, 0b11
SELECT CAST('1' AS DECIMAL(10,2)), TRY_CAST('x' AS INT), NULL::UUID IS NULL
SELECT 'a'::ENUM('a','b'), {'a':1}::STRUCT(a BIGINT), [1]::INT[], [1,2]::INT[2], union_value(num := 1)
SELECT CASE status WHEN 'a' THEN 1 ELSE 2 END, CASE WHEN total>1 THEN 1 END FROM orders
SELECT status SIMILAR TO 'o.*', status ~ 'o', status !~ 'x', status ~~ 'o%', status GLOB 'o*', status ILIKE 'O%', status NOT LIKE 'x' ESCAPE '\' FROM orders
SELECT total BETWEEN 1 AND 2, total NOT BETWEEN 1 AND 2, total IN (1,2), total NOT IN (SELECT 1) FROM orders
SELECT total IS DISTINCT FROM 1, total IS NULL, NOT (total>1), -total, +total, ~1, 5!, 2**3, 7//2, 7%2, 1<<2, 5&3, 5|3, @(-5), 2^3 FROM orders
SELECT sum(total) OVER w, lag(total, 1, 0 IGNORE NULLS) OVER (ORDER BY order_id) FROM orders WINDOW w AS (PARTITION BY customer_id ORDER BY order_id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
SELECT sum(total) OVER (ORDER BY order_id RANGE BETWEEN 10 PRECEDING AND 10 FOLLOWING EXCLUDE CURRENT ROW) FROM orders
SELECT first(status ORDER BY order_id DESC NULLS LAST), string_agg(DISTINCT status, ',' ORDER BY status), list(total ORDER BY total), quantile_cont(total, 0.5), percentile_cont(0.5) WITHIN GROUP (ORDER BY total) FROM orders
SELECT status.upper(), 'a'.concat('b').length() FROM orders
SELECT extract(year FROM created_at), date_part('month', created_at), date_trunc('day', created_at), year(created_at), created_at + INTERVAL 3 DAY, position('a' IN status), substring(status FROM 1 FOR 2), trim(BOTH 'o' FROM status), overlay('abc' placing 'x' from 2) FROM orders
SELECT a: 1, b: 2
SELECT x: 1
SELECT unnest([1,2]), unnest({'a':1}, recursive := true)
SELECT * FROM range(3) t(i), generate_series(1,2) s
SELECT * FROM unnest([1,2]) WITH ORDINALITY
SELECT * FROM t1 AT (VERSION => 1)
SELECT 1 AS a, 2 AS a
SELECT list_value(1, 2) || [3], 1 IN [1, 2]
SELECT (SELECT 1), EXISTS (SELECT 1 FROM orders), 1 = ANY (SELECT 1), 1 > ALL (SELECT 2), ARRAY(SELECT total FROM orders)
SELECT (1,2), row(1,2), (1,2) = (1,2)
SELECT orders FROM orders
SELECT orders.* FROM orders
SELECT main.orders.total, hatidata.main.orders.total FROM main.orders
SELECT #1 FROM orders
SELECT rowid FROM orders
SELECT count(*), count(), count(DISTINCT total) FROM orders HAVING count(*) > 1 ORDER BY 1 DESC NULLS FIRST LIMIT 10 OFFSET 5
SELECT * FROM orders LIMIT 10%
SELECT * FROM orders FETCH FIRST 3 ROWS ONLY
SELECT "Weird Col" FROM (SELECT 1 AS "Weird Col")
SELECT 1 AS "a""b"
SELECT "collate" FROM (SELECT 1 AS "collate")
SELECT name COLLATE NOCASE FROM customers ORDER BY name COLLATE DE
SELECT if(1=1,2,3), ifnull(NULL,1), nullif(1,2), greatest(1,2), coalesce(NULL,1)
SELECT MAP {'a': 1, 'b': 2}, {'x': 1, 'y': {'z': 2}}, [1, NULL, 3]
SELECT format('{:.2f}', 1.234), printf('%d', 3), strftime(DATE '2024-01-01', '%Y'), strptime('2024','%Y')
SELECT 'a' IN 'abc', [1,2] && [2], [1,2] @> [1], [1,2] <-> [3,4]
FROM orders SELECT total WHERE total > 3
FROM orders o JOIN customers USING (customer_id) SELECT o.total, region
TABLE orders
SELECT * FROM orders ORDER BY created_at::DATE, total DESC LIMIT 3
SELECT try_cast(status as int), TRY(status::int) FROM orders
SELECT CAST(total AS VARCHAR) COLLATE NOCASE FROM orders
WITH o AS (FROM orders) FROM o
SELECT -1, - 1, -(-1), 1 - -1
SELECT NOT true AND false OR true
SELECT status, * FROM orders
SELECT (SELECT o) FROM orders o
SELECT * FROM 'orders'
SELECT EXISTS(FROM customers)
SELECT 1; 
SELECT INTERVAL '2' YEAR, INTERVAL 2 QUARTERS, to_days(3), TIME '12:00:00', '2024-01-01'::TIMESTAMP_NS
SELECT current_date = today(), current_timestamp IS NULL, now() > TIMESTAMPTZ '2024-01-01', localtimestamp IS NULL, current_user
SELECT DATE '1992-01-01' - 5, 1 IS NOT NULL, 1 ISNULL, 1 NOTNULL
SELECT * FROM read_csv('x.csv')
SELECT order_id, c.name, d.name, e.name, f.name FROM orders o LEFT JOIN customers c ON o.customer_id = c.customer_id AND c.region='EU' RIGHT JOIN customers d ON o.order_id = d.customer_id FULL JOIN customers e ON e.customer_id=o.customer_id CROSS JOIN customers f
SELECT CASE WHEN true THEN DATE '2020-01-01' END::TIMESTAMP + INTERVAL 1 MONTH
SELECT 5 @ 3
SELECT GROUPING(region) FROM customers GROUP BY CUBE(region)
SELECT count(*) FROM orders GROUP BY (status, customer_id)
SELECT '\xAA'::BLOB, '101'::BIT::VARCHAR
SELECT row_number() OVER (), sum(total) OVER (ORDER BY order_id GROUPS 1 PRECEDING) FROM orders
SELECT list_sort(list_distinct(l)), array_agg(x) FROM (SELECT l, 1 x FROM customers) GROUP BY l
SELECT any_value(name ORDER BY customer_id), arg_max(name, customer_id), max(name, 2) FROM customers
SELECT max(total) FILTER (total > 3) FROM orders
SELECT rowid, * FROM customers WHERE customer_id = 3
SELECT * FROM orders o JOIN customers c USING (customer_id) ORDER BY o.order_id LIMIT 3
SELECT customer_id, sum(total) AS t FROM orders GROUP BY ALL HAVING t > 10 ORDER BY ALL
SELECT list_filter(l, lambda x: x > 2), list_zip(l, l), list_aggregate(l, 'sum') FROM customers
SELECT json_extract(v, '$.a'), json_keys(v), to_json(s), v::VARCHAR FROM customers
