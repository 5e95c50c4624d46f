-- CONCAT is NULL as soon as one argument is
SELECT CONCAT('a', 'b', 1), CONCAT('a', NULL), IFF(TRUE, 1, 0)
-> ["ab1", null, 1]

-- CONCAT_WS is NULL as soon as one argument is
SELECT CONCAT_WS('-', 'a', 'b'), CONCAT_WS('-', 'a', NULL), IFF(TRUE, 1, 0)
-> ["a-b", null, 1]

-- SUBSTR from position 0 is from position 1
SELECT SUBSTR('hello', 0, 2), SUBSTR('hello', 2), SUBSTRING('hello', -3, 2), SUBSTR('hello', 2, -1), NVL(1, 2)
-> ["he", "ello", "ll", "", 1]

-- LEFT and RIGHT of a negative length are empty
SELECT LEFT('abc', 2), LEFT('abc', -1), RIGHT('abc', 2), RIGHT('abc', -1), NVL(1, 2)
-> ["ab", "", "bc", "", 1]

-- SPLIT_PART with negative parts, part 0 and parts that are not there
SELECT SPLIT_PART('a,b,c', ',', 2), SPLIT_PART('a,b,c', ',', -1), SPLIT_PART('a,b,c', ',', 0), SPLIT_PART('a,b,c', ',', 9), NVL(1, 2)
-> ["b", "c", "a", "", 1]

-- SPLIT_PART with an empty delimiter
SELECT SPLIT_PART('abc', '', 1), SPLIT_PART('abc', '', 2), NVL(1, 2)
-> ["abc", "", 1]

-- CHARINDEX and POSITION with a start
SELECT CHARINDEX('an', 'banana'), CHARINDEX('an', 'banana', 3), POSITION('na' IN 'banana'), POSITION('x', 'banana'), CHARINDEX('an', 'banana', 5)
-> [2, 4, 3, 0, 0]

-- CONTAINS, STARTSWITH, ENDSWITH
SELECT CONTAINS('Snowflake', 'flake'), STARTSWITH('Snowflake', 'Snow'), ENDSWITH('Snowflake', 'Snow'), CONTAINS(NULL, 'x')
-> [true, true, false, null]

-- INITCAP capitalises every word
SELECT INITCAP('hello wORLD-foo bar'), INITCAP('the QUICK 3rd')
-> ["Hello World-Foo Bar", "The Quick 3rd"]

-- LPAD and RPAD fill with spaces by default
SELECT LPAD('7', 3, '0'), RPAD('ab', 4, '*'), LPAD('x', 3), RPAD('abcdef', 3, '*')
-> ["007", "ab**", "  x", "abc"]

-- TRIM functions take characters
SELECT TRIM('  a '), LTRIM('xxay', 'x'), RTRIM('yaxx', 'x'), TRIM('❄-a-', '❄-'), NVL(1, 2)
-> ["a", "ay", "ya", "a", 1]

-- TRIM without characters removes spaces only
SELECT TRIM('\t a'), NVL(1, 2)
-> ["\t a", 1]

-- REPLACE without a replacement removes
SELECT REPLACE('banana', 'a'), REPLACE('down', 'down', 'up')
-> ["bnn", "up"]

-- INSERT puts a text into another
SELECT INSERT('abcdef', 3, 2, 'ZZZ'), INSERT('abc', 1, 0, 'x')
-> ["abZZZef", "xabc"]

-- LENGTH counts characters
SELECT LENGTH('Käse'), LEN('abc'), OCTET_LENGTH('Käse'), NVL(1, 2)
-> [4, 3, 5, 1]

-- LENGTH of a number counts its digits
SELECT LENGTH(12345), UPPER('a'), NVL(1, 2)
-> [5, "A", 1]

-- TRANSLATE, REVERSE, REPEAT, SPACE
SELECT TRANSLATE('abc', 'ab', 'xy'), REVERSE('abc'), REPEAT('ab', 2), SPACE(2) || 'x'
-> ["xyc", "cba", "abab", "  x"]

-- ASCII, CHR, UNICODE
SELECT ASCII('A'), CHR(66), CHAR(67), UNICODE('ä')
-> [65, "B", "C", 228]

-- EDITDISTANCE
SELECT EDITDISTANCE('kitten', 'sitting'), EDITDISTANCE('kitten', 'sitting', 2)
-> [3, 2]

-- Hashes in hexadecimal
SELECT MD5('a'), SHA1_HEX('a'), SHA2('a'), SHA2('a', 256)
-> ["0cc175b9c0f1b6a831c399e269772661", "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8", "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb", "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"]

-- SHA2 with another size is refused
SELECT SHA2('a', 512)
!! SHA2 with a size other than 256 is not supported

-- BASE64 and HEX
SELECT BASE64_ENCODE('Snow'), BASE64_DECODE_STRING('U25vdw=='), HEX_ENCODE('SNOW'), HEX_DECODE_STRING('534E4F57')
-> ["U25vdw==", "Snow", "534E4F57", "SNOW"]

-- STRTOK skips empty parts
SELECT STRTOK('a.b..c', '.', 3), STRTOK('a b'), STRTOK('user@snow.com', '@.', 2), STRTOK('a', '.', 5)
-> ["c", "a", "snow", null]

-- Backslash escapes in strings
SELECT 'it\'s', 'a\\b', 'tab\there', NVL('x\n', '')
-> ["it's", "a\\b", "tab\there", "x\n"]

-- Dollar-quoted strings keep their backslashes
SELECT $$it's \d$$, NVL(1, 2)
-> ["it's \\d", 1]

-- LIKE ANY and LIKE ALL
SELECT s FROM words WHERE s LIKE ANY ('hello%', 'Snow%') ORDER BY s
-> ["Snowflake"]
-> ["hello world"]

-- ILIKE ANY ignores case
SELECT s FROM words WHERE s ILIKE ANY ('%WORLD', 'snow%') ORDER BY s
-> ["Snowflake"]
-> ["hello world"]

-- LIKE ALL wants every pattern
SELECT s FROM words WHERE s LIKE ALL ('%o%', '%w%', '%f%')
-> ["Snowflake"]

-- NOT LIKE ANY
SELECT s FROM words WHERE NOT s LIKE ANY ('hello%', 'Snow%') ORDER BY s
-> [""]
-> ["a,b,,c"]

-- LIKE with ESCAPE
SELECT '50%' LIKE '%^%' ESCAPE '^', '50' LIKE '%^%' ESCAPE '^', NVL(1, 2)
-> [true, false, 1]

-- ILIKE of a column
SELECT COUNT_IF(s ILIKE 'SNOW%'), IFF(TRUE, 1, 0) FROM words
-> [1, 1]

-- A cast to a short VARCHAR of a long text fails
SELECT 'abcdef'::VARCHAR(3), IFF(TRUE, 1, 0)
!! String is too long

-- A cast to a VARCHAR that is long enough
SELECT 'abc'::VARCHAR(3), rep::VARCHAR(10), IFF(TRUE, 1, 0) FROM sales WHERE id = 1
-> ["abc", "ann", 1]

-- TRY_CAST to a short VARCHAR gives NULL
SELECT TRY_CAST(s AS VARCHAR(5)), IFF(TRUE, 1, 0) FROM words WHERE s LIKE 'a%' OR s = '' ORDER BY s
-> ["", 1]
-> [null, 1]

-- UUID_STRING has 36 characters
SELECT LENGTH(UUID_STRING())
-> [36]

-- The concatenation operator takes numbers
SELECT 'n' || 5 || TRUE, NVL(1, 2)
-> ["n5true", 1]

-- JAROWINKLER_SIMILARITY in whole percent
SELECT JAROWINKLER_SIMILARITY('Gute nacht', 'Ich weis nicht'), JAROWINKLER_SIMILARITY('Snowflake', 'Oracle'), JAROWINKLER_SIMILARITY('snow', 'SNOW'), JAROWINKLER_SIMILARITY('', '')
-> [56, 61, 100, 0]
