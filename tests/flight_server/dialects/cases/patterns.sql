-- REGEXP_LIKE matches the whole text
SELECT REGEXP_LIKE('abc', 'b'), REGEXP_LIKE('abc', '.*b.*'), REGEXP_LIKE('ABC', 'abc', 'i'), 'abc' RLIKE 'a.c'
-> [false, true, true, true]

-- REGEXP as an operator matches the whole text
SELECT s FROM words WHERE s REGEXP '.*world' AND NVL(s, '') <> ''
-> ["hello world"]

-- REGEXP_SUBSTR with an occurrence
SELECT REGEXP_SUBSTR('a1b22c333', '[0-9]+'), REGEXP_SUBSTR('a1b22c333', '[0-9]+', 1, 2), REGEXP_SUBSTR('a1b22c333', '[0-9]+', 3), REGEXP_SUBSTR('abc', '[0-9]+')
-> ["1", "22", "22", null]

-- REGEXP_SUBSTR with a group
SELECT REGEXP_SUBSTR('ab12 cd34', '([a-z]+)([0-9]+)', 1, 2, 'e', 2), REGEXP_SUBSTR('ab12', '([a-z]+)([0-9]+)', 1, 1, 'e'), REGEXP_SUBSTR('x=1', '(\\w)=(\\d)', 1, 1, 'e', 2)
-> ["34", "ab", "1"]

-- REGEXP_SUBSTR without case
SELECT REGEXP_SUBSTR('Hello HELLO', 'hello', 1, 2, 'i'), REGEXP_SUBSTR('Hello', 'hello', 1, 1, 'c')
-> ["HELLO", null]

-- REGEXP_SUBSTR with escaped classes
SELECT REGEXP_SUBSTR('order 66', '\\d+'), REGEXP_SUBSTR('order 66', $$\d+$$)
-> ["66", "66"]

-- REGEXP_REPLACE replaces all by default
SELECT REGEXP_REPLACE('aXbXcX', 'X', '-'), REGEXP_REPLACE('aXbXcX', 'X'), REGEXP_REPLACE('aXbXcX', 'X', '-', 1, 1)
-> ["a-b-c-", "abc", "a-bXcX"]

-- REGEXP_REPLACE of a later occurrence
SELECT REGEXP_REPLACE('aXbXcX', 'X', '-', 1, 2), REGEXP_REPLACE('aXbXcX', 'X', '-', 3, 2), REGEXP_REPLACE('abcabc', '(a)(b)', '\\2\\1', 1, 2)
-> ["aXb-cX", "aXbXc-", "abcbac"]

-- REGEXP_REPLACE with groups and flags
SELECT REGEXP_REPLACE('firstname middlename', '(\\w+) (\\w+)', '\\2, \\1'), REGEXP_REPLACE('aAbB', 'A', '', 1, 0, 'i')
-> ["middlename, firstname", "bB"]

-- REGEXP_COUNT
SELECT REGEXP_COUNT('banana', 'a'), REGEXP_COUNT('banana', 'a', 3), REGEXP_COUNT('aAaA', 'a', 1, 'i'), REGEXP_COUNT(NULL, 'a')
-> [3, 2, 4, null]

-- REGEXP_INSTR with occurrence and option
SELECT REGEXP_INSTR('a1b22c333', '[0-9]+'), REGEXP_INSTR('a1b22c333', '[0-9]+', 1, 2), REGEXP_INSTR('a1b22c333', '[0-9]+', 1, 2, 1), REGEXP_INSTR('abc', 'x'), REGEXP_INSTR('a1b22c333', '[0-9]+', 3)
-> [2, 4, 6, 0, 4]

-- REGEXP_SUBSTR_ALL gives an array
SELECT REGEXP_SUBSTR_ALL('a1b22', '[0-9]+'), REGEXP_EXTRACT_ALL('ab', 'x', 1, 1, 'c')
-> ["[\"1\",\"22\"]", "[]"]

-- REGEXP_INSTR with a group is refused
SELECT REGEXP_INSTR('ab', '(b)', 1, 1, 0, 'e', 1)
!! REGEXP_INSTR with a group is not supported

-- REGEXP_REPLACE of a later occurrence with a computed pattern is refused
SELECT REGEXP_REPLACE(s, p, '-', 1, 2) FROM words
!! REGEXP_REPLACE of a later occurrence

-- Unknown parameters of a regular expression are an error
SELECT REGEXP_LIKE('a', 'a', 'q')
!! invalid regular expression parameters
