-- A path cast to STRING loses its quotes
SELECT v:name::STRING, v:addr.city::VARCHAR FROM events WHERE id = 1
-> ["ann", "Oslo"]

-- A bare path is a VARIANT and keeps its quotes
SELECT v:name, v:price, v:tags, v:addr.city FROM events WHERE id = 1
-> ["\"ann\"", "12.5", "[\"x\",\"y\"]", "\"Oslo\""]

-- A JSON null cast to any type is NULL
SELECT v:n::STRING, v:n::INT, v:missing::STRING, v:n::STRING IS NULL FROM events WHERE id = 1
-> [null, null, null, true]

-- A JSON null is not SQL NULL until it is cast
SELECT v:n IS NULL, IS_NULL_VALUE(v:n), v:missing IS NULL, IS_NULL_VALUE(v:missing) FROM events WHERE id = 1
-> [false, true, true, null]

-- A path is compared as a number
SELECT id FROM events WHERE v:price > 10 ORDER BY id
-> [1]
-> [3]

-- A path is compared as a text
SELECT id FROM events WHERE v:name = 'bob' OR v:addr.city <> 'Rome' ORDER BY id
-> [1]
-> [2]

-- Large numbers are compared exactly
SELECT v:big = 9007199254740993, v:big = 9007199254740992 FROM events WHERE id = 3
-> [true, false]

-- A path is compared as a date
SELECT id FROM events WHERE v:when = '2024-05-06'::DATE AND v:when::DATE < '2024-06-01'
-> [2]

-- A path in a condition is a truth value
SELECT id FROM events WHERE v:ok ORDER BY id
-> [1]

-- NOT and AND over paths
SELECT id FROM events WHERE NOT v:ok AND v:price < 10
-> [2]

-- Keys with spaces and quotes
SELECT v:addr."zip code"::STRING, v:addr['zip code']::STRING, v['addr']['zip code']::STRING FROM events WHERE id = 1
-> ["0150", "0150", "0150"]

-- Keys are case-sensitive
SELECT v:Name::STRING, v:name::STRING FROM events WHERE id = 2
-> [null, "bob"]

-- Array elements count from 0
SELECT v:tags[0]::STRING, v:tags[1]::STRING, v:tags[2]::STRING FROM events WHERE id = 1
-> ["x", "y", null]

-- A computed index and a computed key
SELECT v:tags[id - 1]::STRING, GET(v, 'na' || 'me')::STRING FROM events WHERE id = 1
-> ["x", "ann"]

-- GET and GET_PATH
SELECT GET(v, 'name')::STRING, GET_PATH(v, 'addr.city')::STRING, GET(v:tags, 1)::STRING, GET_PATH(v, 'tags[0]')::STRING FROM events WHERE id = 1
-> ["ann", "Oslo", "y", "x"]

-- A path of a qualified column
SELECT e.v:price::NUMBER(10,1) FROM events e WHERE e.id = 2
-> ["9.0"]

-- Arithmetic over paths
SELECT v:price + 1, v:price * 2, -v:price, v:price / 2 FROM events WHERE id = 1
-> [13.5, 25.0, -12.5, 6.25]

-- A path cast to INT is rounded
SELECT v:price::INT, v:price::FLOAT, v:price::STRING FROM events WHERE id = 1
-> [13, 12.5, "12.5"]

-- BETWEEN over a path
SELECT id FROM events WHERE v:price BETWEEN 9 AND 13 ORDER BY id
-> [1]
-> [2]

-- IN over a path
SELECT id FROM events WHERE v:name IN ('ann', 'cid') ORDER BY id
-> [1]
-> [3]

-- NOT IN numbers over a path
SELECT id FROM events WHERE v:price NOT IN (9, 100) ORDER BY id
-> [1]

-- LIKE over a path
SELECT id FROM events WHERE v:name LIKE 'a%'
-> [1]

-- A path joined to a column
SELECT e.id, s.id FROM events e JOIN sales s ON e.v:name = s.rep ORDER BY e.id
-> [1, 1]
-> [2, 2]
-> [3, 3]

-- A path compared with a number column
SELECT e.id FROM events e JOIN sales s ON e.v:price > s.amount WHERE s.id = 5 ORDER BY e.id
-> [1]
-> [3]

-- Two paths are compared as numbers
SELECT a.id, b.id FROM events a, events b WHERE a.v:price < b.v:price ORDER BY a.id, b.id
-> [1, 3]
-> [2, 1]
-> [2, 3]

-- ORDER BY a path goes by number, NULL last
SELECT id FROM events ORDER BY v:price
-> [2]
-> [1]
-> [3]
-> [4]

-- ORDER BY a path in descending order has NULL first
SELECT id FROM events ORDER BY v:price DESC
-> [4]
-> [3]
-> [1]
-> [2]

-- ORDER BY an alias of a path
SELECT id, v:name AS who FROM events WHERE id < 4 ORDER BY who DESC
-> [3, "\"cid\""]
-> [2, "\"bob\""]
-> [1, "\"ann\""]

-- GROUP BY a path
SELECT v:ok::BOOLEAN AS ok, COUNT(*) FROM events GROUP BY v:ok ORDER BY ok
-> [false, 1]
-> [true, 1]
-> [null, 2]

-- Aggregates over a path
SELECT SUM(v:price), AVG(v:price), MAX(v:price), MIN(v:price), COUNT(v:price), MAX(v:name) FROM events
-> [121.5, 40.5, "100", "9", 3, "\"cid\""]

-- Text functions over a path
SELECT UPPER(v:name), LENGTH(v:name), v:name || '!', CONCAT(v:name, '-', v:price) FROM events WHERE id = 1
-> ["ANN", 3, "ann!", "ann-12.5"]

-- CASE over a path
SELECT CASE v:name WHEN 'ann' THEN 1 WHEN 'bob' THEN 2 ELSE 0 END FROM events ORDER BY id
-> [1]
-> [2]
-> [0]
-> [0]

-- IFF, NVL and DECODE over paths
SELECT IFF(v:ok, 'yes', 'no'), NVL(v:missing, 'none'), DECODE(v:name, 'ann', 'A', 'other') FROM events WHERE id = 1
-> ["yes", "\"none\"", "A"]

-- PARSE_JSON and a path into its result
SELECT PARSE_JSON('{"a":{"b":[1,2]}}'):a.b[1]::INT, PARSE_JSON('3') + 1, PARSE_JSON('"x"')::STRING
-> [2, 4.0, "x"]

-- PARSE_JSON of an empty text and of NULL is NULL
SELECT PARSE_JSON(''), PARSE_JSON(NULL), TRY_PARSE_JSON('{'), TRY_PARSE_JSON('[1]')
-> [null, null, null, "[1]"]

-- PARSE_JSON of what is no JSON fails
SELECT PARSE_JSON('{')
!! JSON

-- TYPEOF names Snowflake's types
SELECT TYPEOF(v:name), TYPEOF(v:price), TYPEOF(v:tags), TYPEOF(v:n), TYPEOF(v:addr), TYPEOF(v:ok), TYPEOF(v:missing) FROM events WHERE id = 1
-> ["VARCHAR", "DECIMAL", "ARRAY", "NULL_VALUE", "OBJECT", "BOOLEAN", null]

-- IS_ARRAY, IS_OBJECT, IS_INTEGER, IS_VARCHAR
SELECT IS_ARRAY(v:tags), IS_OBJECT(v:addr), IS_INTEGER(v:price), IS_VARCHAR(v:name), IS_BOOLEAN(v:ok) FROM events WHERE id = 1
-> [true, true, false, true, true]

-- AS_ functions give NULL for another type
SELECT AS_VARCHAR(v:name), AS_VARCHAR(v:price), AS_INTEGER(v:name), AS_DOUBLE(v:price) FROM events WHERE id = 1
-> ["ann", null, null, 12.5]

-- TO_VARIANT and casts to VARIANT
SELECT TO_VARIANT('x'), 5::VARIANT, 'a'::VARIANT::STRING, TO_JSON(PARSE_JSON('{"a": 1}'))
-> ["\"x\"", "5", "a", "{\"a\":1}"]

-- A path in a common table expression stays a VARIANT
WITH e AS (SELECT id, v:price AS p, v:name AS n FROM events) SELECT id FROM e WHERE p > 10 AND n <> 'cid'
-> [1]

-- A path in a derived table stays a VARIANT
SELECT UPPER(q.n), q.p + 1 FROM (SELECT v:name AS n, v:price AS p FROM events WHERE id = 2) q
-> ["BOB", 10.0]

-- A VARIANT column alone is known from the catalog
SELECT v::STRING FROM events WHERE id = 4
-> [null]

-- STRIP_NULL_VALUE and CHECK_JSON
SELECT STRIP_NULL_VALUE(v:n), STRIP_NULL_VALUE(v:name), CHECK_JSON('{"a"'), CHECK_JSON('{}') FROM events WHERE id = 1
-> [null, "\"ann\"", "Error parsing JSON", null]

-- TRY_CAST of a path
SELECT TRY_CAST(v:name::STRING AS INT), TRY_CAST(v:price::STRING AS FLOAT) FROM events WHERE id = 1
-> [null, 12.5]

-- A cast of a text that is no number fails
SELECT v:name::INT FROM events WHERE id = 1
!! Could not convert

-- A VARIANT compared with a parameter follows the parameter's type
SELECT COUNT(*) FROM events WHERE v:price > (SELECT MAX(n) FROM nums)
-> [3]

-- DISTINCT over a path
SELECT COUNT(DISTINCT v:addr.city) FROM events
-> [2]

-- A path and a text function in ORDER BY
SELECT id FROM events WHERE v IS NOT NULL ORDER BY LENGTH(v:addr.city), UPPER(v:name) DESC
-> [2]
-> [1]
-> [3]

-- IN of a path and a subquery
SELECT id FROM events WHERE v:name IN (SELECT rep FROM sales WHERE qty > 1) ORDER BY id
-> [1]
-> [2]

-- A VARIANT from a set operation
SELECT q.p + 1 FROM (SELECT v:price AS p FROM events WHERE id = 1 UNION ALL SELECT v:price FROM events WHERE id = 2) q ORDER BY 1
-> [10.0]
-> [13.5]

-- LAG over a path
SELECT id, LAG(v:price) OVER (ORDER BY id), LAG(v:price, 1, 0) OVER (ORDER BY id) FROM events WHERE id < 3 ORDER BY id
-> [1, null, "0"]
-> [2, "12.5", "12.5"]

-- COALESCE of a cast path
SELECT COALESCE(v:missing::STRING, v:name::STRING, 'x'), ZEROIFNULL(v:missing), GREATEST(v:price, 20) FROM events WHERE id = 1
-> ["ann", 0.0, 20.0]

-- A computed key with a quote in it
SELECT PARSE_JSON('{"it''s":1}'):"it's"::INT, OBJECT_CONSTRUCT('k', 1)['k'] + 1
-> [1, 2.0]
