-- INSERT with a translated query
INSERT INTO target (id, name) SELECT id, NVL(rep, 'nobody') FROM sales
?? SELECT id, name FROM target ORDER BY id
-> [1, "ann"]
-> [2, "bob"]
-> [3, "cid"]
-> [4, "nobody"]
-> [5, "eve"]

-- INSERT of a path into a text column loses the quotes
INSERT INTO target (id, name, doc) SELECT id, v:name, v:addr FROM events WHERE id = 1
?? SELECT id, name, doc FROM target
-> [1, "ann", "{\"city\":\"Oslo\",\"zip code\":\"0150\"}"]

-- INSERT of a path into a number column
INSERT INTO target (id, qty) SELECT id, v:price FROM events WHERE id = 2
?? SELECT id, qty FROM target
-> [2, 9]

-- INSERT of a text into a VARIANT column makes it a JSON text
INSERT INTO target (id, doc) SELECT 1, NVL(rep, '') FROM sales WHERE id = 1
?? SELECT doc FROM target
-> ["\"ann\""]

-- INSERT with VALUES
INSERT INTO target VALUES (1, UPPER('x'), IFF(TRUE, 1, 0), PARSE_JSON('{"a":1}'))
?? SELECT * FROM target
-> [1, "X", 1, "{\"a\":1}"]

-- INSERT OVERWRITE of an empty table
INSERT OVERWRITE INTO target SELECT 1, NVL(NULL, 'a'), 1, NULL
?? SELECT id, name FROM target
-> [1, "a"]

-- UPDATE with a translated value
UPDATE sales SET rep = NVL(rep, 'x'), qty = IFF(qty > 2, 0, qty) WHERE DATEDIFF(day, sold, '2024-12-31') <= 1
?? SELECT rep, qty FROM sales WHERE id = 4
-> ["x", 0]

-- UPDATE with the name of the table before its columns
UPDATE sales s SET s.rep = UPPER(s.rep), S.qty = s.qty + 1 WHERE s.id = 1
?? SELECT rep, qty FROM sales WHERE id = 1
-> ["ANN", 3]

-- UPDATE with the name of another table before its columns
UPDATE sales s SET e.rep = 'x' FROM events e WHERE e.id = s.id
!! 'e' is not the table that is changed

-- MERGE with the name of the target before its columns
MERGE INTO sales AS t USING (SELECT 1 AS id, 9 AS qty) s ON t.id = s.id WHEN MATCHED THEN UPDATE SET t.qty = s.qty, t.rep = IFF(t.qty > 1, 'old', t.rep)
?? SELECT rep, qty FROM sales WHERE id = 1
-> ["old", 9]

-- UPDATE from a path
UPDATE sales SET rep = e.v:addr.city FROM events e WHERE e.id = sales.id AND e.v:price > 10
?? SELECT id, rep FROM sales WHERE id < 4 ORDER BY id
-> [1, "Oslo"]
-> [2, "bob"]
-> [3, null]

-- DELETE with a translated condition
DELETE FROM sales WHERE NVL(region, 'none') = 'none'
?? SELECT COUNT(*) FROM sales
-> [4]

-- DELETE USING
DELETE FROM sales USING events e WHERE e.id = sales.id AND e.v:name = 'bob'
?? SELECT COUNT(*) FROM sales WHERE id = 2
-> [0]

-- MERGE with three branches
MERGE INTO sales t USING (SELECT 1 AS id, 'new' AS rep UNION ALL SELECT 2, 'gone' UNION ALL SELECT 9, 'added') s ON t.id = s.id WHEN MATCHED AND s.rep = 'gone' THEN DELETE WHEN MATCHED THEN UPDATE SET rep = UPPER(s.rep), qty = ZEROIFNULL(t.qty) + 1 WHEN NOT MATCHED THEN INSERT (id, rep, qty) VALUES (s.id, s.rep, IFF(s.id > 5, 1, 0))
?? SELECT id, rep, qty FROM sales WHERE id IN (1, 2, 9) ORDER BY id
-> [1, "NEW", 3]
-> [9, "added", 1]

-- MERGE with a path
MERGE INTO target t USING events e ON t.id = e.id WHEN NOT MATCHED AND e.v:price > 10 THEN INSERT (id, name, doc) VALUES (e.id, e.v:name, e.v)
?? SELECT id, name FROM target ORDER BY id
-> [1, "ann"]
-> [3, "cid"]

-- CREATE TABLE with Snowflake's types
CREATE TABLE made (id NUMBER, n NUMBER(10,2), i INT, f FLOAT, s STRING, t TEXT, c VARCHAR(10), b BOOLEAN, d DATE, a TIMESTAMP_NTZ, z TIMESTAMP_TZ, l TIMESTAMP_LTZ(9), v VARIANT, o OBJECT, r ARRAY, x BINARY, m TIME)
?? SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = 'made' ORDER BY column_index
-> ["id", "DECIMAL(38,0)"]
-> ["n", "DECIMAL(10,2)"]
-> ["i", "BIGINT"]
-> ["f", "DOUBLE"]
-> ["s", "VARCHAR"]
-> ["t", "VARCHAR"]
-> ["c", "VARCHAR"]
-> ["b", "BOOLEAN"]
-> ["d", "DATE"]
-> ["a", "TIMESTAMP"]
-> ["z", "TIMESTAMP WITH TIME ZONE"]
-> ["l", "TIMESTAMP WITH TIME ZONE"]
-> ["v", "JSON"]
-> ["o", "JSON"]
-> ["r", "JSON"]
-> ["x", "BLOB"]
-> ["m", "TIME"]

-- CREATE TABLE with defaults and constraints
CREATE OR REPLACE TRANSIENT TABLE made (id NUMBER(38,0) NOT NULL PRIMARY KEY, at TIMESTAMP_NTZ DEFAULT CURRENT_TIMESTAMP(), n INT DEFAULT IFF(TRUE, 3, 4)) CLUSTER BY (id) COMMENT = 'x'
?? SELECT count(*) FROM duckdb_constraints() WHERE table_name = 'made' AND constraint_type = 'PRIMARY KEY'
-> [1]

-- IDENTITY in an ALTER is refused
ALTER TABLE target ADD COLUMN n INT IDENTITY(1, 1)
!! AUTOINCREMENT outside of CREATE TABLE with columns is not supported

-- CREATE TABLE AS
CREATE TABLE made AS SELECT id, NVL(rep, 'x') AS rep, qty / 2 AS half FROM sales WHERE id > 3
?? SELECT id, rep, half FROM made ORDER BY id
-> [4, "x", "1.500000"]
-> [5, "eve", null]

-- CREATE VIEW
CREATE VIEW made AS SELECT v:name::STRING AS name FROM events
?? SELECT name FROM made ORDER BY name LIMIT 1
-> ["ann"]

-- CREATE TABLE CLONE
CREATE OR REPLACE TABLE made CLONE sales
?? SELECT count(*), sum(qty) FROM made
-> [5, 11]

-- CREATE TABLE LIKE
CREATE TRANSIENT TABLE made LIKE sales
?? SELECT count(*), (SELECT data_type FROM duckdb_columns() WHERE table_name = 'made' AND column_name = 'amount') FROM made
-> [0, "DECIMAL(10,2)"]

-- CREATE TABLE CLONE with time travel is refused
CREATE TABLE made CLONE sales BEFORE (TIMESTAMP => '2024-01-01'::TIMESTAMP)
!! time travel (AT, BEFORE, CHANGES) is not supported

-- ALTER TABLE adds a column of Snowflake's type
ALTER TABLE target ADD COLUMN extra NUMBER(10,2)
?? SELECT data_type FROM duckdb_columns() WHERE table_name = 'target' AND column_name = 'extra'
-> ["DECIMAL(10,2)"]

-- ALTER TABLE drops and renames
ALTER TABLE target DROP COLUMN qty
?? SELECT count(*) FROM duckdb_columns() WHERE table_name = 'target'
-> [3]

-- DROP TABLE IF EXISTS
DROP TABLE IF EXISTS target
?? SELECT count(*) FROM duckdb_tables() WHERE table_name = 'target'
-> [0]

-- CREATE STAGE is refused
CREATE STAGE s
!! CREATE STAGE is not supported

-- A type without a counterpart is refused
CREATE TABLE made (g GEOGRAPHY)
!! the type GEOGRAPHY is not supported

-- COPY INTO is refused
COPY INTO target FROM @stage
!! COPY is not supported

-- TRUNCATE TABLE IF EXISTS
TRUNCATE TABLE IF EXISTS sales
?? SELECT count(*) FROM sales
-> [0]

-- CREATE SECURE VIEW
CREATE OR REPLACE SECURE VIEW made AS SELECT NVL(rep, 'x') AS rep FROM sales WHERE id = 4
?? SELECT rep FROM made
-> ["x"]

-- COMMENT IF EXISTS
COMMENT IF EXISTS ON TABLE sales IS 'x'
!! COMMENT IF EXISTS ON TABLE is not supported
