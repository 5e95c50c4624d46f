-- IDENTIFIER
SELECT * FROM IDENTIFIER('sales')
!! IDENTIFIER(..) is not supported

-- TABLE with a name
SELECT * FROM TABLE('sales')
!! TABLE(..) of this argument is not supported

-- A stage
SELECT $1 FROM @my_stage/file.csv
!! a stage in FROM is not supported

-- Time travel
SELECT * FROM sales AT (OFFSET => -60)
!! time travel (AT, BEFORE, CHANGES) is not supported

-- MATCH_RECOGNIZE
SELECT * FROM sales MATCH_RECOGNIZE (ORDER BY id MEASURES MATCH_NUMBER() AS m PATTERN (a b) DEFINE a AS qty > 1)
!! is not supported

-- RESULT_SCAN
SELECT * FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
!! is not supported

-- A function that is not known
SELECT SOUNDEX('a')
!! the function SOUNDEX is not supported

-- A system function
SELECT SYSTEM$TYPEOF(1), NVL(1, 2)
!! the function SYSTEM$TYPEOF is not supported

-- A function of DuckDB in a Snowflake statement
SELECT LIST_VALUE(1, 2), NVL(1, 2)
!! the function LIST_VALUE is not supported

-- XML
SELECT PARSE_XML('<a/>')
!! the function PARSE_XML is not supported

-- A wrong number of arguments
SELECT NVL2(1, 2)
!! wrong number of arguments for NVL2

-- SHOW of what is not here
SHOW WAREHOUSES
!! SHOW is not supported

-- CALL
CALL my_procedure(1)
!! CALL is not supported

-- Grants
GRANT SELECT ON TABLE sales TO ROLE analyst
!! GRANT is not supported

-- LIKE ANY with a subquery
SELECT 1 FROM words WHERE s LIKE ANY (SELECT p FROM words)
!! LIKE ANY with a subquery is not supported

-- Nested windows around a pivot that depends on data
SELECT * FROM sales PIVOT (SUM(qty) FOR region IN (SELECT region FROM sales))
!! PIVOT over ANY or a subquery is not supported

-- A text that is no SQL
SELECT FROM WHERE
!! SQL parse error

-- Two statements
SELECT NVL(1, 2); SELECT 3
!! send exactly one statement
