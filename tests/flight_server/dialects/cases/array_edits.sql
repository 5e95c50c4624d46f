-- ARRAY_INSERT
SELECT ARRAY_INSERT([1, 2, 3], 1, 9), ARRAY_INSERT([1], 3, 'x'), ARRAY_INSERT([1, 2], -1, 7), ARRAY_INSERT(NULL, 0, 1), ARRAY_INSERT([], 0, NULL)
-> ["[1,9,2,3]", "[1,null,null,\"x\"]", "[1,7,2]", null, "[null]"]

-- ARRAY_INSERT at a position that is computed
SELECT ARRAY_INSERT([1, 2], n, 'x') FROM nums WHERE n < 3 ORDER BY n
-> ["[1,\"x\",2]"]
-> ["[1,2,\"x\"]"]

-- ARRAY_INSERT at a computed position past the end
SELECT ARRAY_INSERT([1], n, 'x') FROM nums WHERE n = 3
!! the position is past the end of the array

-- ARRAY_REMOVE, ARRAY_REMOVE_AT and ARRAY_REVERSE
SELECT ARRAY_REMOVE([1, 2, 1], 1), ARRAY_REMOVE_AT([1, 2, 3], 0), ARRAY_REMOVE_AT([1, 2, 3], -1), ARRAY_REMOVE_AT([1, 2, 3], 7), ARRAY_REVERSE(['a', 'b'])
-> ["[2]", "[2,3]", "[1,2]", "[1,2,3]", "[\"b\",\"a\"]"]

-- Edits of an array in a column
SELECT id, ARRAY_REVERSE(v:tags), ARRAY_REMOVE(v:tags, 'x'::VARIANT) FROM events ORDER BY id
-> [1, "[\"y\",\"x\"]", "[\"y\"]"]
-> [2, "[]", "[]"]
-> [3, "[\"z\"]", "[\"z\"]"]
-> [4, null, null]

-- ARRAYS_TO_OBJECT and ARRAYS_ZIP
SELECT ARRAYS_TO_OBJECT(['a', NULL, 'b'], [1, 3, 2]), ARRAYS_ZIP([1, 2], [3])
-> ["{\"a\":1,\"b\":2}", "[{\"$1\":1,\"$2\":3},{\"$1\":2,\"$2\":null}]"]

-- ARRAYS_TO_OBJECT of different lengths
SELECT ARRAYS_TO_OBJECT(['a'], [1, 2])
!! the arrays differ in length

-- Columns that are called as a rule calls its own names
SELECT ARRAY_DISTINCT(x), ARRAY_EXCEPT(x, y), ARRAY_INTERSECTION(y, x), ARRAY_COMPACT(i), ARRAY_SORT(s) FROM (SELECT [1, 1, 2] AS x, [1] AS y, [1] AS i, [2, 1] AS s)
-> ["[1,2]", "[1,2]", "[1]", "[1]", "[1,2]"]

-- Objects of columns that are called as a rule calls its own names
SELECT OBJECT_CONSTRUCT(e, k, 'b', v), OBJECT_DELETE(o, k), OBJECT_PICK(o, e), OBJECT_INSERT(o, k, v) FROM (SELECT 'a' AS e, 'k' AS k, NULL AS v, OBJECT_CONSTRUCT('a', 1, 'z', 2) AS o)
-> ["{\"a\":\"k\"}", "{\"a\":1,\"z\":2}", "{\"a\":1}", "{\"a\":1,\"z\":2}"]

-- INITCAP of a column called w
SELECT INITCAP(w), TO_CHAR(v, '99') FROM (SELECT 'ab cd' AS w, 5 AS v)
-> ["Ab Cd", "  5"]

-- TO_BINARY and RTRIMMED_LENGTH
SELECT HEX_ENCODE(TO_BINARY('616263')), TO_BINARY('abc', 'UTF-8') = TO_BINARY('YWJj', 'BASE64'), RTRIMMED_LENGTH(' a  ')
-> ["616263", true, 2]
