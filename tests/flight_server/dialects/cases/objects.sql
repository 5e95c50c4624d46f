-- OBJECT_CONSTRUCT leaves pairs with NULL out and sorts its keys
SELECT OBJECT_CONSTRUCT('b', 1, 'a', 'x', 'c', NULL)
-> ["{\"a\":\"x\",\"b\":1}"]

-- OBJECT_CONSTRUCT of columns
SELECT OBJECT_CONSTRUCT('id', id, 'rep', rep) FROM sales WHERE id IN (1, 4) ORDER BY id
-> ["{\"id\":1,\"rep\":\"ann\"}"]
-> ["{\"id\":4}"]

-- OBJECT_CONSTRUCT_KEEP_NULL keeps them
SELECT OBJECT_CONSTRUCT_KEEP_NULL('a', 1, 'b', NULL)
-> ["{\"a\":1,\"b\":null}"]

-- OBJECT_CONSTRUCT nests
SELECT OBJECT_CONSTRUCT('o', OBJECT_CONSTRUCT('k', 1), 'l', ARRAY_CONSTRUCT(1, 'x'))
-> ["{\"l\":[1,\"x\"],\"o\":{\"k\":1}}"]

-- OBJECT_CONSTRUCT with a path
SELECT OBJECT_CONSTRUCT('who', v:name, 'n', v:n) FROM events WHERE id = 1
-> ["{\"n\":null,\"who\":\"ann\"}"]

-- OBJECT_CONSTRUCT of a computed key
SELECT OBJECT_CONSTRUCT(rep, qty) FROM sales WHERE id = 2
-> ["{\"bob\":5}"]

-- OBJECT_CONSTRUCT of a star names the columns as Snowflake does
SELECT OBJECT_CONSTRUCT(*) FROM sales WHERE id = 4
-> ["{\"ID\":4,\"QTY\":3,\"REGION\":\"US\",\"SOLD\":\"2024-12-30\",\"TS\":\"2024-12-30 00:00:00\"}"]

-- OBJECT_CONSTRUCT of the star of one table, of a subquery, and of a common table expression
WITH c AS (SELECT n FROM nums WHERE n = 1) SELECT OBJECT_CONSTRUCT(s.*), (SELECT OBJECT_CONSTRUCT(*) FROM (SELECT rep AS who FROM sales WHERE id = 1)) FROM c AS s, words WHERE words.p = 'o'
-> ["{\"N\":1}", "{\"WHO\":\"ann\"}"]

-- OBJECT_CONSTRUCT_KEEP_NULL of a star
SELECT OBJECT_CONSTRUCT_KEEP_NULL(*) FROM nums WHERE n = 3
-> ["{\"B\":null,\"D\":null,\"N\":3,\"X\":null}"]

-- OBJECT_CONSTRUCT of a star with more beside it is refused
SELECT OBJECT_CONSTRUCT('a', 1, *) FROM nums
!! OBJECT_CONSTRUCT(*) of unknown columns is not supported


-- Object and array constants
SELECT {'a': 1, 'b': NVL(NULL, 'y')}, [1, NVL(2, 3), 'z']
-> ["{\"a\":1,\"b\":\"y\"}", "[1,2,\"z\"]"]

-- OBJECT_KEYS
SELECT OBJECT_KEYS(v:addr) FROM events WHERE id = 1
-> ["[\"city\",\"zip code\"]"]

-- OBJECT_DELETE, OBJECT_PICK and OBJECT_INSERT
SELECT OBJECT_DELETE(PARSE_JSON('{"a":1,"b":2}'), 'a'), OBJECT_PICK(PARSE_JSON('{"a":1,"b":2}'), 'b', 'c'), OBJECT_INSERT(PARSE_JSON('{"a":1}'), 'b', 2), OBJECT_INSERT(PARSE_JSON('{"a":1}'), 'a', 9, TRUE)
-> ["{\"b\":2}", "{\"b\":2}", "{\"a\":1,\"b\":2}", "{\"a\":9}"]

-- OBJECT_INSERT of a key that is there fails
SELECT OBJECT_INSERT(PARSE_JSON('{"a":1}'), 'a', 2)
!! Duplicate field key

-- ARRAY_CONSTRUCT keeps NULL as null
SELECT ARRAY_CONSTRUCT(1, NULL, 'x'), ARRAY_CONSTRUCT(), ARRAY_CONSTRUCT_COMPACT(1, NULL, 2)
-> ["[1,null,\"x\"]", "[]", "[1,2]"]

-- ARRAY_SIZE is NULL for what is no array
SELECT ARRAY_SIZE(v:tags), ARRAY_SIZE(v:name) FROM events ORDER BY id
-> [2, null]
-> [0, null]
-> [1, null]
-> [null, null]

-- ARRAY_CONTAINS takes the value first
SELECT ARRAY_CONTAINS('y'::VARIANT, v:tags), ARRAY_CONTAINS('q'::VARIANT, v:tags) FROM events WHERE id = 1
-> [true, false]

-- ARRAY_POSITION counts from 0
SELECT ARRAY_POSITION('b'::VARIANT, ARRAY_CONSTRUCT('a', 'b')), ARRAY_POSITION('q'::VARIANT, ARRAY_CONSTRUCT('a'))
-> [1, null]

-- ARRAY_APPEND, ARRAY_PREPEND, ARRAY_CAT
SELECT ARRAY_APPEND(ARRAY_CONSTRUCT(1), 2), ARRAY_PREPEND(ARRAY_CONSTRUCT(1), 0), ARRAY_CAT(ARRAY_CONSTRUCT(1), ARRAY_CONSTRUCT('b'))
-> ["[1,2]", "[0,1]", "[1,\"b\"]"]

-- ARRAY_SLICE counts from 0 without its end
SELECT ARRAY_SLICE(ARRAY_CONSTRUCT(0, 1, 2, 3), 0, 2), ARRAY_SLICE(ARRAY_CONSTRUCT(0, 1, 2, 3), 1, -1), ARRAY_SLICE(ARRAY_CONSTRUCT(0, 1), -1, 5)
-> ["[0,1]", "[1,2]", "[1]"]

-- ARRAY_TO_STRING
SELECT ARRAY_TO_STRING(ARRAY_CONSTRUCT('a', 1, NULL), '-'), ARRAY_TO_STRING(v:tags, ',') FROM events WHERE id = 1
-> ["a-1-", "x,y"]

-- ARRAY_DISTINCT, ARRAY_COMPACT, ARRAYS_OVERLAP
SELECT ARRAY_DISTINCT(ARRAY_CONSTRUCT(1, 2, 1)), ARRAY_COMPACT(ARRAY_CONSTRUCT(1, NULL, 2)), ARRAYS_OVERLAP(ARRAY_CONSTRUCT(1, 2), ARRAY_CONSTRUCT(2, 3)), ARRAYS_OVERLAP(ARRAY_CONSTRUCT(1), ARRAY_CONSTRUCT(3))
-> ["[1,2]", "[1,2]", true, false]

-- ARRAY_SORT orders numbers as numbers
SELECT ARRAY_SORT(ARRAY_CONSTRUCT(10, 9, 100)), ARRAY_SORT(ARRAY_CONSTRUCT('b', 'a'), FALSE), ARRAY_MAX(ARRAY_CONSTRUCT(9, 10)), ARRAY_MIN(ARRAY_CONSTRUCT(9, 10))
-> ["[9,10,100]", "[\"b\",\"a\"]", "10", "9"]

-- ARRAY_INTERSECTION and ARRAY_EXCEPT count repetitions
SELECT ARRAY_INTERSECTION(ARRAY_CONSTRUCT(1, 1, 2), ARRAY_CONSTRUCT(1, 3)), ARRAY_EXCEPT(ARRAY_CONSTRUCT(1, 1, 2), ARRAY_CONSTRUCT(1, 3))
-> ["[1]", "[1,2]"]

-- ARRAY_FLATTEN and ARRAY_GENERATE_RANGE
SELECT ARRAY_FLATTEN(ARRAY_CONSTRUCT(ARRAY_CONSTRUCT(1, 2), ARRAY_CONSTRUCT(3))), ARRAY_GENERATE_RANGE(2, 5), ARRAY_GENERATE_RANGE(5, 1, -2)
-> ["[1,2,3]", "[2,3,4]", "[5,3]"]

-- TO_ARRAY
SELECT TO_ARRAY('x'), TO_ARRAY(ARRAY_CONSTRUCT(1)), TO_ARRAY(NULL)
-> ["[\"x\"]", "[1]", null]

-- SPLIT and an element of it
SELECT SPLIT('a,b,c', ','), SPLIT('127.0.0.1', '.')[0]::INT, NVL(1, 2)
-> ["[\"a\",\"b\",\"c\"]", 127, 1]

-- STRTOK_TO_ARRAY
SELECT STRTOK_TO_ARRAY('a.b..c', '.')
-> ["[\"a\",\"b\",\"c\"]"]

-- TRANSFORM and FILTER with lambdas
SELECT TRANSFORM(ARRAY_CONSTRUCT(1, 2, 3), a INT -> a * 2), FILTER(ARRAY_CONSTRUCT(1, 2, 3), a -> a > 1), FILTER(PARSE_JSON('[{"p":5},{"p":20}]'), a -> a:p >= 10)
-> ["[2,4,6]", "[2,3]", "[{\"p\":20}]"]

-- A slice in brackets is refused
SELECT PARSE_JSON('[1,2]')[0:1]
!! is not supported
