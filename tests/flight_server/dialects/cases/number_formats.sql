-- TO_CHAR of numbers, the documentation's example
SELECT TO_CHAR(column1, '">"$99.0"<"'), TO_CHAR(column1, '">"B9,999.0"<"'), TO_CHAR(column1, '">"0XXX"<"'), TO_CHAR(column1, '">"S0XXX"<"') FROM VALUES (-12.391), (0), (-1), (0.10), (0.01), (3987), (1.111)
-> [">-$12.4<", ">   -12.4<", ">FFF4<", ">-000C<"]
-> [">  $0.0<", ">      .0<", ">0000<", ">+0000<"]
-> [">  $0.1<", ">      .1<", ">0000<", ">+0000<"]
-> [">  $0.0<", ">      .0<", ">0000<", ">+0000<"]
-> ["> -$1.0<", ">    -1.0<", ">FFFF<", ">-0001<"]
-> ["> $##.#<", "> 3,987.0<", ">0F93<", ">+0F93<"]
-> [">  $1.1<", ">     1.1<", ">0001<", ">+0001<"]

-- TO_VARCHAR with nines leaves zeros blank, with zeros keeps them
SELECT TO_VARCHAR(column1, '999,999.999'), TO_VARCHAR(column1, 'S000,000.000') FROM VALUES (1.2), (123.456), (1234.56), (-123456.789)
-> ["       1.2  ", "+000,001.200"]
-> ["     123.456", "+000,123.456"]
-> ["   1,234.56 ", "+001,234.560"]
-> ["-123,456.789", "-123,456.789"]

-- TO_VARCHAR with the sign after the number
SELECT TO_VARCHAR(-12454.8, '99,999.9S'), TO_VARCHAR(-123.45, '999.99MI'), TO_VARCHAR(123.45, '999.99MI'), TO_VARCHAR(5, '99S')
-> ["12,454.8-", "123.45-", "123.45 ", " 5+"]

-- TO_CHAR in the compact mode
SELECT TO_CHAR(1234.5, 'FM999,999.00'), TO_CHAR(-7, 'FM0000'), TO_CHAR(0, 'FM999'), TO_CHAR(10, 'FM99.99'), TO_CHAR(255, 'FMXXXX'), TO_CHAR(255, 'FMxxxx')
-> ["1,234.50", "-0007", "0", "10.", "FF", "ff"]

-- TO_CHAR with D and G
SELECT TO_CHAR(1234567.891, '9G999G999D00'), TO_CHAR(12454.8, '00000.00')
-> [" 1,234,567.89", " 12454.80"]

-- TO_CHAR of what is too long, rounds up, or is NULL
SELECT TO_CHAR(1000, '999'), TO_CHAR(-99.96, '99.9'), TO_CHAR(9.96, '99.9'), TO_CHAR(NULL::INT, '99'), TO_CHAR(-0.001, '9.9'), TO_CHAR(256, 'XX')
-> [" ###", "-##.#", " 10. ", null, " 0. ", "##"]

-- TO_CHAR with a text around the number
SELECT TO_CHAR(42, '"it''s "99" %"'), TO_CHAR(0.425 * 100, 'FM990.0"%"'), TO_CHAR(5, '(999)')
-> ["it's  42 %", "42.5%", "(   5)"]

-- TO_CHAR of columns, aggregates and windows
SELECT TO_CHAR(amount, '$9,990.00'), TO_CHAR(SUM(qty) OVER (ORDER BY id), '000') FROM sales WHERE id < 3 ORDER BY id
-> ["   $100.00", " 002"]
-> ["   $250.50", " 007"]

-- TO_NUMBER with a format
SELECT TO_NUMBER('1,234.56', '9,999.99', 10, 2), TO_NUMBER('12,345.67', '999,999.99'), TO_NUMBER('$12.5', '$99.9', 5, 1), TO_NUMBER('12-', '99MI'), TO_NUMBER('  7 ', '999')
-> ["1234.56", 12346, "12.5", -12, 7]

-- TO_DECIMAL and TO_NUMERIC with a format
SELECT TO_DECIMAL(column1, '99.9'), TO_NUMERIC(column1, '99.9', 9, 5) FROM VALUES ('1.0'), ('-12.3'), ('0.0'), ('- 0.1')
-> [1, "1.00000"]
-> [-12, "-12.30000"]
-> [0, "0.00000"]
-> [0, "-0.10000"]

-- TO_NUMBER of hexadecimal digits
SELECT TO_NUMBER('ff', 'XX'), TO_NUMBER('0A1B', 'XXXX'), TO_NUMBER(NULL::STRING, 'XX')
-> [255, 2587, null]

-- TRY_TO_NUMBER with a format
SELECT TRY_TO_NUMBER('abc', '999'), TRY_TO_NUMBER('1234', '999'), TRY_TO_NUMBER('12.5', '99.9', 4, 1), TRY_TO_NUMBER('$5', '9'), TRY_TO_NUMBER('', '9')
-> [null, null, "12.5", null, null]

-- TO_NUMBER of a text that does not match its format
SELECT TO_NUMBER('12a', '999')
!! does not match the number format

-- TO_CHAR of a number with an exponent
SELECT TO_CHAR(5, '9.9EEEE')
!! the number format element EEEE is not supported

-- TO_CHAR of a number in the shortest form
SELECT TO_CHAR(5, 'TM9')
!! the number format element TM9 is not supported

-- TO_CHAR of a number with a computed format
SELECT TO_CHAR(5, UPPER('99'))
!! a number format that is not a constant is not supported

-- TO_CHAR of dates and times in many formats
SELECT TO_CHAR(ts, 'Mon DD, YYYY'), TO_CHAR(ts, 'DY HH12:MI:SS PM'), TO_CHAR(ts, 'MMMM YY'), TO_CHAR(ts, 'YYYY-MM-DD"T"HH24:MI:SS.FF3'), TO_CHAR(ts, 'DD/MM/YYYY HH:MI AM'), TO_VARCHAR(sold, 'YYYYMMDD'), TO_CHAR(sold, 'DD-MON-YY') FROM sales WHERE id = 3
-> ["Mar 31, 2024", "Sun 12:00:00 PM", "March 24", "2024-03-31T12:00:00.500", "31/03/2024 12:00 PM", "20240331", "31-Mar-24"]

-- TO_CHAR of a date with an element that nobody knows
SELECT TO_CHAR(CURRENT_DATE(), 'TZH')
!! the date format element TZH is not supported
