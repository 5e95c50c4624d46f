-- LATERAL FLATTEN of an array
SELECT e.id, f.index, f.value::STRING FROM events e, LATERAL FLATTEN(INPUT => e.v:tags) f ORDER BY e.id, f.index
-> [1, 0, "x"]
-> [1, 1, "y"]
-> [3, 0, "z"]

-- OUTER keeps rows without elements
SELECT e.id, f.value::STRING FROM events e, LATERAL FLATTEN(INPUT => e.v:tags, OUTER => TRUE) f ORDER BY e.id, f.index
-> [1, "x"]
-> [1, "y"]
-> [2, null]
-> [3, "z"]
-> [4, null]

-- FLATTEN of an object gives keys
SELECT f.key, f.value::STRING, f.index, f.path FROM events e, LATERAL FLATTEN(e.v:addr) f WHERE e.id = 1 ORDER BY f.key
-> ["city", "Oslo", null, "city"]
-> ["zip code", "0150", null, "['zip code']"]

-- TABLE(FLATTEN(..)) with all its columns
SELECT * FROM TABLE(FLATTEN(INPUT => PARSE_JSON('[1, ,77]'))) f
!! JSON

-- TABLE(FLATTEN(..)) of an array with all its columns
SELECT * FROM TABLE(FLATTEN(INPUT => PARSE_JSON('[1,77]'))) f ORDER BY index
-> [1, null, "[0]", 0, "1", "[1,77]"]
-> [1, null, "[1]", 1, "77", "[1,77]"]

-- PATH goes into the input first
SELECT key, path, index, value FROM TABLE(FLATTEN(INPUT => PARSE_JSON('{"a":1,"b":[77,88]}'), PATH => 'b')) ORDER BY index
-> [null, "b[0]", 0, "77"]
-> [null, "b[1]", 1, "88"]

-- OUTER of an empty array gives one row
SELECT seq, key, index, value, this FROM TABLE(FLATTEN(INPUT => PARSE_JSON('[]'), OUTER => TRUE)) f
-> [1, null, null, null, "[]"]

-- Without OUTER an empty array gives none
SELECT * FROM TABLE(FLATTEN(INPUT => PARSE_JSON('[]'))) f
-> none

-- RECURSIVE goes into every level
SELECT key, path, index, value FROM TABLE(FLATTEN(INPUT => PARSE_JSON('{"a":1,"b":[77,88],"c":{"d":"X"}}'), RECURSIVE => TRUE)) f ORDER BY path
-> ["a", "a", null, "1"]
-> ["b", "b", null, "[77,88]"]
-> [null, "b[0]", 0, "77"]
-> [null, "b[1]", 1, "88"]
-> ["c", "c", null, "{\"d\":\"X\"}"]
-> ["d", "c.d", null, "\"X\""]

-- RECURSIVE gives the parent as THIS
SELECT f.path, f.this FROM TABLE(FLATTEN(PARSE_JSON('{"c":{"d":1}}'), RECURSIVE => TRUE)) f ORDER BY path
-> ["c", "{\"c\":{\"d\":1}}"]
-> ["c.d", "{\"d\":1}"]

-- MODE OBJECT leaves arrays alone
SELECT COUNT(*) FROM TABLE(FLATTEN(INPUT => PARSE_JSON('[1,2]'), MODE => 'OBJECT')) f
-> [0]

-- MODE ARRAY flattens arrays only
SELECT f.value FROM TABLE(FLATTEN(INPUT => PARSE_JSON('[1,2]'), MODE => 'ARRAY')) f ORDER BY f.index
-> ["1"]
-> ["2"]

-- Two FLATTENs, the second of the first
SELECT g.value::INT FROM (SELECT PARSE_JSON('[[1,2],[3]]') AS a) t, LATERAL FLATTEN(t.a) f, LATERAL FLATTEN(f.value) g ORDER BY 1
-> [1]
-> [2]
-> [3]

-- A path into the value of a FLATTEN
SELECT f.value:p::INT FROM TABLE(FLATTEN(PARSE_JSON('[{"p":1},{"p":2}]'))) f WHERE f.value:p > 1
-> [2]

-- SEQ numbers the rows of the input
SELECT COUNT(DISTINCT f.seq) FROM events e, LATERAL FLATTEN(e.v:tags) f
-> [2]

-- A star over a table and its FLATTEN has SEQ and no helper column
SELECT * FROM (SELECT id, v:tags AS tags FROM events WHERE id = 3) t, LATERAL FLATTEN(t.tags) f
-> [3, "[\"z\"]", 1, null, "[0]", 0, "\"z\"", "[\"z\"]"]

-- LEFT JOIN LATERAL FLATTEN
SELECT e.id, f.value::STRING FROM events e LEFT JOIN LATERAL FLATTEN(e.v:tags) f ORDER BY e.id, f.index
-> [1, "x"]
-> [1, "y"]
-> [2, null]
-> [3, "z"]
-> [4, null]

-- FLATTEN with names of its own
SELECT x.e FROM TABLE(FLATTEN(PARSE_JSON('[5]'))) x(a, b, c, d, e, g)
-> ["5"]

-- Aggregates over a FLATTEN
SELECT e.id, COUNT(f.value), LISTAGG(f.value::STRING, '+') WITHIN GROUP (ORDER BY f.index) FROM events e, TABLE(FLATTEN(e.v:tags)) f GROUP BY e.id ORDER BY e.id
-> [1, 2, "x+y"]
-> [3, 1, "z"]

-- FLATTEN of SPLIT
SELECT f.value::STRING FROM words w, LATERAL FLATTEN(SPLIT(w.s, ',')) f WHERE w.p = ',' ORDER BY f.index
-> ["a"]
-> ["b"]
-> [""]
-> ["c"]

-- RECURSIVE together with MODE is refused
SELECT * FROM TABLE(FLATTEN(INPUT => PARSE_JSON('[1]'), RECURSIVE => TRUE, MODE => 'ARRAY'))
!! FLATTEN with RECURSIVE together with MODE or OUTER is not supported

-- An unknown argument of FLATTEN is refused by name
SELECT * FROM TABLE(FLATTEN(INPUT => PARSE_JSON('[1]'), DEPTH => 2))
!! FLATTEN with DEPTH is not supported

-- SPLIT_TO_TABLE
SELECT t.index, t.value FROM TABLE(SPLIT_TO_TABLE('a.b', '.')) t ORDER BY t.index
-> [1, "a"]
-> [2, "b"]

-- LATERAL SPLIT_TO_TABLE of a column
SELECT w.p, t.value FROM words w, LATERAL SPLIT_TO_TABLE(w.s, ',') t WHERE w.p = ',' ORDER BY t.index
-> [",", "a"]
-> [",", "b"]
-> [",", ""]
-> [",", "c"]

-- STRTOK_SPLIT_TO_TABLE skips empty parts
SELECT t.value FROM TABLE(STRTOK_SPLIT_TO_TABLE('a..b', '.')) t ORDER BY t.index
-> ["a"]
-> ["b"]
