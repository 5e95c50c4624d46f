FROM t
FROM t SELECT a, b
FROM range(10) t(i) SELECT i WHERE i > 3
FROM 'customers' LIMIT 1
SELECT * EXCLUDE (a, b) FROM t
SELECT * REPLACE (a + 1 AS a) FROM t
SELECT * RENAME (a AS b) FROM t
SELECT * LIKE 'c%' FROM t
SELECT COLUMNS(*) FROM t
SELECT COLUMNS('c.*') + 1 FROM t
SELECT COLUMNS(c -> c LIKE '%x%') FROM t
SELECT *COLUMNS('a|b') FROM t
SELECT min(COLUMNS(* EXCLUDE id)) FROM t
SELECT a: 1
SELECT a: 42, b: 'x' FROM t
SELECT total: price * qty, tax: total * 0.1 FROM t
SELECT total:sum(price) FROM t
SELECT e: CASE WHEN a THEN 1 END FROM t
FROM r: range(10)
SELECT r.i FROM r: (SELECT 1 AS i)
SELECT l[1], l[-1], l[2:3], l[:2], l[2:], l[1:10:2] FROM t
SELECT l[a:b] FROM t
SELECT [x * 2 FOR x IN l IF x > 1] FROM t
SELECT [x FOR x, i IN l IF i % 2 = 0] FROM t
SELECT list_transform(l, lambda x: x + 1) FROM t
SELECT list_transform(l, lambda x, i: x + i) FROM t
SELECT list_filter(l, lambda v: v > 2), list_reduce(l, lambda a, b: a + b) FROM t
SELECT {'a': 1, 'b': {'c': 2}}.b.c
SELECT {a: 1, b: x} FROM t
SELECT s.a, s['a'], struct_extract(s, 'a') FROM t
SELECT MAP {'k': 1}['k'], MAP(['a'], [1])
SELECT unnest([1, 2, 3]), unnest(s, recursive := true) FROM t
SELECT struct_pack(a := 1, b := 2)
SELECT row(1, 2), (1, 2)
SELECT 'x' || 1, 'a'.upper().lower(), l.list_sum() FROM t
SELECT ('a,b').string_split(',')
SELECT DISTINCT ON (a) a, b FROM t ORDER BY a, b DESC
SELECT a, b FROM t ORDER BY ALL DESC
SELECT a, sum(b) FROM t GROUP BY ALL
SELECT a, sum(b) FROM t GROUP BY ALL HAVING sum(b) > 1 QUALIFY row_number() OVER (ORDER BY a) = 1
SELECT a, row_number() OVER w FROM t WINDOW w AS (PARTITION BY b ORDER BY c)
SELECT sum(a) FILTER (WHERE b > 1) FROM t
SELECT sum(a) FILTER (b > 1) FROM t
SELECT list(a ORDER BY b DESC NULLS LAST) FROM t
SELECT string_agg(a, ',' ORDER BY b) FROM t
SELECT arg_max(a, b), arg_min(a, b, 3), max(a, 2) FROM t
SELECT quantile_cont(a, [0.25, 0.5]), mode(a), histogram(a) FROM t
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY a) FROM t
SELECT median(a), mad(a), approx_count_distinct(a), any_value(a), first(a), last(a) FROM t
SELECT * FROM a ASOF JOIN b ON a.id = b.id AND a.t >= b.t
SELECT * FROM a ASOF LEFT JOIN b USING (id, t)
SELECT * FROM a POSITIONAL JOIN b
SELECT * FROM a SEMI JOIN b USING (id)
SELECT * FROM a ANTI JOIN b ON a.id = b.id
SELECT * FROM a NATURAL JOIN b
SELECT * FROM a, LATERAL (SELECT a.x + 1 AS y) l
SELECT * FROM a UNION BY NAME SELECT * FROM b
SELECT * FROM a UNION ALL BY NAME SELECT * FROM b
SELECT * FROM a EXCEPT ALL SELECT * FROM b
SELECT * FROM a INTERSECT ALL SELECT * FROM b
SELECT * FROM t USING SAMPLE 10%
SELECT * FROM t USING SAMPLE reservoir(50 ROWS) REPEATABLE (100)
SELECT * FROM t TABLESAMPLE 10 PERCENT
SELECT * FROM t TABLESAMPLE reservoir(20)
SELECT * FROM t LIMIT 10%
SELECT * FROM t OFFSET 5
PIVOT t ON y USING sum(p)
PIVOT t ON y IN (2000, 2010) USING sum(p) GROUP BY c
SELECT * FROM t PIVOT (sum(p) AS total FOR y IN (2000, 2010) GROUP BY c)
UNPIVOT t ON jan, feb INTO NAME month VALUE sales
UNPIVOT t ON COLUMNS(* EXCLUDE (a))
SELECT * FROM (UNPIVOT t ON a, b)
SUMMARIZE t
DESCRIBE t
DESCRIBE SELECT 1
VALUES (1, 2), (3, 4)
SELECT * FROM (VALUES (1), (2)) v(x)
SELECT column1 FROM (VALUES (1, 2)) v(column1, column2)
TABLE t
SELECT $1, $2 FROM t WHERE a = $3
SELECT ? + ?, a FROM t WHERE b > ?
SELECT a FROM t WHERE b = $name
WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 5) FROM c
WITH c AS MATERIALIZED (SELECT 1) FROM c
WITH c AS NOT MATERIALIZED (SELECT 1 AS x) SELECT x FROM c
WITH RECURSIVE c(a, b) USING KEY (a) AS (SELECT 1, 2 UNION SELECT a + 1, b FROM c WHERE a < 3) FROM c
SELECT '\d+', regexp_matches('a1', '\d'), regexp_replace('a1', '\d', 'x', 'g')
SELECT regexp_extract('a1b2', '([a-z])(\d)', ['l', 'd'])
SELECT regexp_extract_all('a1b2', '\d'), string_split_regex('a1b', '\d')
SELECT E'a\nb', E'it\'s', 'it''s', $$dollar 'quoted'$$, $tag$a $$ b$tag$
SELECT 'a' LIKE 'A' COLLATE NOCASE, 'a' SIMILAR TO '[a-z]', 'abc' GLOB 'a*', 'abc' ^@ 'a'
SELECT a // b, a ** 2, a ^ 2, 5 % 2, ~a, a & b, a | b, a << 1, xor(a, b), @ -5, 5! FROM t
SELECT 7 / 2, 7 // 2, 1 / 3
SELECT a::INT, a::VARCHAR[], TRY_CAST(a AS DATE), CAST(a AS STRUCT(x INT, y VARCHAR)) FROM t
SELECT a::TIMESTAMP_NS, a::HUGEINT, a::UTINYINT, a::ENUM('a', 'b'), a::UUID, a::BIT FROM t
SELECT DATE '2024-01-01' + INTERVAL 1 DAY, DATE '2024-01-01' + 5, TIMESTAMP '2024-01-01 00:00:00' - INTERVAL '1' MONTH
SELECT datediff('day', a, b), date_diff('month', a, b), date_trunc('month', a), date_part('year', a) FROM t
SELECT date_add(a, INTERVAL 1 DAY), date_sub('day', a, b), last_day(a), year(a), monthname(a), dayname(a), epoch(a) FROM t
SELECT strftime(a, '%Y-%m-%d'), strptime('2024-01-01', '%Y-%m-%d'), time_bucket(INTERVAL '1 day', a), age(a) FROM t
SELECT extract('year' FROM a), a AT TIME ZONE 'UTC', make_date(2024, 1, 1), to_days(3), to_timestamp(0) FROM t
SELECT json_extract(v, '$.a'), v -> 'a', v ->> 'a', v -> '$.a[0]', v ->> '$.b' FROM t
SELECT json_object('a', 1), json_array(1, 2), to_json(s), json_group_array(a), json_structure(v) FROM t
SELECT json_transform(v, '{"a": "INTEGER"}'), v.a.b, v['a'] FROM t
SELECT list_contains(l, 1), l && [1], list_sort(l), list_distinct(l), array_to_string(l, ','), flatten([[1], [2]]) FROM t
SELECT array_contains(l, 1), array_slice(l, 1, 2), array_position(l, 1), len(l), list_zip(l, l), range(5) FROM t
SELECT generate_series(1, 10, 2), list_aggregate(l, 'sum'), list_sum(l), [1, 2] || [3] FROM t
SELECT replace('a', 'b', 'c'), lpad('a', 3, 'x'), decode(b), split_part('a.b', '.', 1), listagg(a, ',') FROM t
SELECT coalesce(a, b), ifnull(a, b), nullif(a, b), greatest(a, b), least(a, b), if(a, 1, 2) FROM t
SELECT a IS DISTINCT FROM b, a IS NOT DISTINCT FROM b, a IN (1, 2), a NOT BETWEEN 1 AND 2, a ISNULL, a NOTNULL FROM t
SELECT a = ANY (SELECT x FROM s), a > ALL (SELECT x FROM s), a IN l, EXISTS (FROM s) FROM t
SELECT lag(a, 1, 0) OVER (ORDER BY b), last_value(a IGNORE NULLS) OVER (ORDER BY b), nth_value(a, 2) OVER (ORDER BY b) FROM t
SELECT sum(a) OVER (ORDER BY b RANGE BETWEEN INTERVAL 1 DAY PRECEDING AND CURRENT ROW EXCLUDE TIES) FROM t
SELECT a FROM t GROUP BY GROUPING SETS ((a), ())
SELECT a, b, grouping_id(a, b) FROM t GROUP BY CUBE (a, b)
SELECT a FROM t ORDER BY a DESC NULLS LAST, b USING >
SELECT a FROM t ORDER BY a DESC LIMIT 3
SELECT number, object, variant, top, sample, minus FROM t
SELECT a AS number, b object, c AS "iff(x)", 'nvl(1, 2)' AS s FROM t -- iff(1, 2, 3)
SELECT /* dateadd(day, 1, d) */ a FROM t
SELECT "iff", "nvl2"("x") FROM t
SELECT random(), uuid(), current_date, current_timestamp, now(), today(), version()
SELECT typeof(a), hash(a), md5(a), sha256(a), bar(a, 0, 10), format('{}', a), printf('%d', a) FROM t
SELECT levenshtein('a', 'b'), jaro_similarity('a', 'b'), soundex_none FROM t
SELECT error_free: TRY(a / b) FROM t
SELECT #1, a FROM t
SELECT a FROM t AS OF_T(a, b)
SELECT t FROM t
SELECT t.* EXCLUDE (a), s.* FROM t JOIN s USING (id)
SELECT x.to_char FROM x
INSERT INTO t BY NAME SELECT 1 AS a
INSERT INTO t VALUES (1, 'a'), (2, DEFAULT)
INSERT OR REPLACE INTO t VALUES (1)
INSERT INTO t SELECT * FROM s ON CONFLICT (id) DO UPDATE SET a = excluded.a
INSERT INTO t SELECT 1 RETURNING a
UPDATE t SET a = s.a FROM s WHERE t.id = s.id
DELETE FROM t USING s WHERE t.id = s.id
CREATE TABLE t (a INTEGER, b VARCHAR[], c STRUCT(x INT), d DECIMAL(10, 2), v VARIANT)
CREATE TABLE t AS FROM s
CREATE OR REPLACE TEMP TABLE t AS SELECT a AS number FROM s
CREATE TABLE t (id INTEGER PRIMARY KEY, g INTEGER GENERATED ALWAYS AS (id * 2))
CREATE VIEW v AS SELECT * FROM t
CREATE MACRO nvl(a, b) AS coalesce(a, b)
CREATE SEQUENCE s START 5
ALTER TABLE t ADD COLUMN number INTEGER
MERGE INTO t USING s ON t.id = s.id WHEN MATCHED THEN UPDATE SET a = s.a WHEN NOT MATCHED THEN INSERT (id) VALUES (s.id)
DROP TABLE IF EXISTS t
EXPLAIN SELECT 1
BEGIN TRANSACTION
COMMIT
