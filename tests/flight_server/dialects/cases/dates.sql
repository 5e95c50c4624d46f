-- DATEADD keeps a DATE a DATE
SELECT DATEADD(day, 1, sold), DATEADD('month', 1, '2024-01-31'::DATE), DATEADD(year, -1, '2024-02-29'::DATE) FROM sales WHERE id = 1
-> ["2024-01-16", "2024-02-29", "2023-02-28"]

-- DATEADD of hours makes a DATE a TIMESTAMP
SELECT DATEADD(hour, 2, sold), DATEADD(minute, 90, ts) FROM sales WHERE id = 1
-> ["2024-01-15 02:00:00", "2024-01-15 10:00:00"]

-- DATEADD of a text takes it for a TIMESTAMP
SELECT DATEADD(week, 1, '2024-01-01'), DATEADD(quarter, 1, '2024-01-31'::DATE)
-> ["2024-01-08 00:00:00", "2024-04-30"]

-- DATEADD rounds the amount
SELECT DATEADD(day, 1.5, '2024-01-01'::DATE), TIMESTAMPADD(second, 5, '2024-01-01 00:00:00'::TIMESTAMP)
-> ["2024-01-03", "2024-01-01 00:00:05"]

-- DATEADD by a column
SELECT DATEADD(day, qty, sold) FROM sales WHERE id <= 2 ORDER BY id
-> ["2024-01-17"]
-> ["2024-03-05"]

-- DATEDIFF counts the boundaries that are crossed
SELECT DATEDIFF(year, '2023-12-31', '2024-01-01'), DATEDIFF(month, '2024-01-31', '2024-02-01'), DATEDIFF(day, '2024-01-01 23:59:59', '2024-01-02 00:00:01'), DATEDIFF(hour, '2024-01-01 10:59:00', '2024-01-01 11:01:00')
-> [1, 1, 1, 1]

-- DATEDIFF of weeks counts Mondays
SELECT DATEDIFF(week, '2024-01-07'::DATE, '2024-01-08'::DATE), DATEDIFF(week, '2024-01-08'::DATE, '2024-01-14'::DATE), DATEDIFF(week, '2024-01-15'::DATE, '2024-01-01'::DATE)
-> [1, 0, -2]

-- DATEDIFF of quarters, minutes and seconds
SELECT DATEDIFF(quarter, '2024-03-31', '2024-04-01'), DATEDIFF('minute', '2024-01-01 00:00:59', '2024-01-01 00:01:00'), TIMESTAMPDIFF(second, '2024-01-01 00:00:00.9', '2024-01-01 00:00:01.1'), DATEDIFF(ms, '2024-01-01 00:00:00', '2024-01-01 00:00:01.5')
-> [1, 1, 1, 1500]

-- DATEDIFF goes backwards
SELECT DATEDIFF(day, '2024-03-01'::DATE, '2024-02-28'::DATE), DATEDIFF(month, sold, '2024-12-01') FROM sales WHERE id = 1
-> [-2, 11]

-- DATE_TRUNC keeps the type
SELECT DATE_TRUNC('month', sold), DATE_TRUNC(hour, ts), DATE_TRUNC('week', '2024-01-10'::DATE), NVL(1, 2) FROM sales WHERE id = 1
-> ["2024-01-01", "2024-01-15 08:00:00", "2024-01-08", 1]

-- TRUNC of a date
SELECT TRUNC(sold, 'month'), TRUNC(ts, 'DAY') FROM sales WHERE id = 2
-> ["2024-02-01", "2024-02-29 00:00:00"]

-- LAST_DAY of month, year, quarter and week
SELECT LAST_DAY(sold), LAST_DAY(sold, 'year'), LAST_DAY(sold, 'quarter'), LAST_DAY(sold, 'week') FROM sales WHERE id = 1
-> ["2024-01-31", "2024-12-31", "2024-03-31", "2024-01-21"]

-- Parts of dates
SELECT YEAR(sold), MONTH(sold), DAY(sold), QUARTER(sold), DAYOFWEEK(sold), DAYOFYEAR(sold), WEEKISO(sold), DAYOFWEEKISO(sold) FROM sales WHERE id = 3
-> [2024, 3, 31, 1, 0, 91, 13, 7]

-- The ISO week and year of the end of a year
SELECT WEEK('2024-12-30'::DATE), WEEKOFYEAR('2024-12-30'::DATE), YEAROFWEEK('2024-12-30'::DATE), YEAROFWEEKISO('2021-01-01'::DATE), WEEKISO('2021-01-01'::DATE)
-> [1, 1, 2025, 2020, 53]

-- HOUR, MINUTE and SECOND
SELECT HOUR(ts), MINUTE(ts), SECOND(ts), NVL(1, 2) FROM sales WHERE id = 3
-> [12, 0, 0, 1]

-- DATE_PART and EXTRACT
SELECT DATE_PART(year, sold), DATE_PART('month', sold), EXTRACT(dow FROM sold), EXTRACT(epoch_second FROM ts), DATE_PART(epoch_millisecond, ts), IFF(TRUE, 1, 0) FROM sales WHERE id = 1
-> [2024, 1, 1, 1705307400, 1705307400000, 1]

-- DATE_PART of nanoseconds
SELECT DATE_PART(nanosecond, ts) FROM sales WHERE id = 3
-> [500000000]

-- DAYNAME and MONTHNAME are short
SELECT DAYNAME(sold), MONTHNAME(sold), NVL(1, 2) FROM sales WHERE id = 1
-> ["Mon", "Jan", 1]

-- NEXT_DAY and PREVIOUS_DAY never give the day itself
SELECT NEXT_DAY('2024-01-15'::DATE, 'Monday'), NEXT_DAY('2024-01-15'::DATE, 'tu'), PREVIOUS_DAY('2024-01-15'::DATE, 'mo'), PREVIOUS_DAY('2024-01-15'::DATE, 'Sunday')
-> ["2024-01-22", "2024-01-16", "2024-01-08", "2024-01-14"]

-- ADD_MONTHS keeps the last day of a month
SELECT ADD_MONTHS('2024-02-29'::DATE, 1), ADD_MONTHS('2024-01-31'::DATE, 1), ADD_MONTHS('2024-01-15'::DATE, -1)
-> ["2024-03-31", "2024-02-29", "2023-12-15"]

-- MONTHS_BETWEEN
SELECT MONTHS_BETWEEN('2024-03-15'::DATE, '2024-02-15'::DATE), MONTHS_BETWEEN('2024-03-31'::DATE, '2024-02-29'::DATE), MONTHS_BETWEEN('2024-03-01'::DATE, '2024-02-15'::DATE)
-> ["1.000000", "1.000000", "0.548387"]

-- DATE_FROM_PARTS takes months and days outside their ranges
SELECT DATE_FROM_PARTS(2024, 2, 29), DATE_FROM_PARTS(2024, 14, 1), DATE_FROM_PARTS(2024, 3, 0), DATEFROMPARTS(2010, 1, -1)
-> ["2024-02-29", "2025-02-01", "2024-02-29", "2009-12-30"]

-- TIMESTAMP_FROM_PARTS and TIME_FROM_PARTS
SELECT TIMESTAMP_FROM_PARTS(2024, 1, 2, 3, 4, 5), TIMESTAMP_NTZ_FROM_PARTS(2024, 1, 2, 3, 4, 5, 987654321), TIME_FROM_PARTS(12, 34, 56), TIMESTAMP_FROM_PARTS('2024-01-02'::DATE, '03:04:05'::TIME)
-> ["2024-01-02 03:04:05", "2024-01-02 03:04:05.987654", "12:34:56", "2024-01-02 03:04:05"]

-- TO_DATE of texts
SELECT TO_DATE('2024-01-15'), TO_DATE('15/01/2024', 'DD/MM/YYYY'), TO_DATE('15-JAN-2024'), TO_DATE('01/15/2024'), DATE('2024-01-15 10:00:00')
-> ["2024-01-15", "2024-01-15", "2024-01-15", "2024-01-15", "2024-01-15"]

-- TO_DATE of digits takes them for seconds
SELECT TO_DATE('1705307400'), TO_DATE('20240115', 'YYYYMMDD')
-> ["2024-01-15", "2024-01-15"]

-- TRY_TO_DATE gives NULL for what is no date
SELECT TRY_TO_DATE('2024-13-01'), TRY_TO_DATE('15.01.2024', 'DD.MM.YYYY'), TRY_TO_DATE('x', 'YYYY')
-> [null, "2024-01-15", null]

-- TO_DATE of what is no date fails
SELECT TO_DATE('yesterday')
!! date

-- TO_TIMESTAMP_NTZ of numbers with and without scale
SELECT TO_TIMESTAMP_NTZ(1705307400), TO_TIMESTAMP_NTZ(1705307400500, 3), TO_TIMESTAMP('1705307400'), TO_TIMESTAMP_NTZ(1705307400123456, 6)
-> ["2024-01-15 08:30:00", "2024-01-15 08:30:00.500000", "2024-01-15 08:30:00", "2024-01-15 08:30:00.123456"]

-- TO_TIMESTAMP of texts with formats
SELECT TO_TIMESTAMP('2024-01-15 08:30:00'), TO_TIMESTAMP_NTZ('15.01.2024 08:30', 'DD.MM.YYYY HH24:MI'), TO_TIMESTAMP('Jan 5 2024', 'MON DD YYYY'), TO_TIMESTAMP('2024-01-15T08:30:00.25', 'YYYY-MM-DD"T"HH24:MI:SS.FF2')
-> ["2024-01-15 08:30:00", "2024-01-15 08:30:00", "2024-01-05 00:00:00", "2024-01-15 08:30:00.250000"]

-- TO_CHAR of dates
SELECT TO_CHAR(sold, 'YYYY-MM-DD'), TO_VARCHAR(ts, 'DD.MM.YYYY HH24:MI:SS'), TO_CHAR(ts, 'MON DD, YY HH12:MI AM'), TO_CHAR(sold, 'DY') FROM sales WHERE id = 1
-> ["2024-01-15", "15.01.2024 08:30:00", "Jan 15, 24 08:30 AM", "Mon"]

-- A TIMESTAMP as text has three digits of fraction
SELECT TO_VARCHAR(ts), ts::STRING, TO_CHAR(ts, 'SS.FF3') FROM sales WHERE id = 3
-> ["2024-03-31 12:00:00.500", "2024-03-31 12:00:00.500", "00.500"]

-- A format element that DuckDB cannot say is refused
SELECT TO_CHAR(ts, 'TZHTZM') FROM sales
!! the date format element TZHTZM is not supported

-- CONVERT_TIMEZONE with three arguments
SELECT CONVERT_TIMEZONE('America/Los_Angeles', 'America/New_York', '2024-01-01 14:00:00'::TIMESTAMP_NTZ), CONVERT_TIMEZONE('UTC', 'Europe/Berlin', '2024-07-01 12:00:00'::TIMESTAMP_NTZ)
-> ["2024-01-01 17:00:00", "2024-07-01 14:00:00"]

-- CONVERT_TIMEZONE with two arguments gives the wall clock there
SELECT CONVERT_TIMEZONE('America/New_York', '2024-01-01 12:00:00 +0000'::TIMESTAMP_TZ)
-> ["2024-01-01 07:00:00"]

-- Days are added and subtracted as numbers
SELECT sold + 1, sold - 15, sold - '2024-01-01'::DATE, IFF(TRUE, 1, 0) FROM sales WHERE id = 1
-> ["2024-01-16", "2023-12-31", 14, 1]

-- Intervals keep a DATE a DATE
SELECT sold + INTERVAL '1 month', sold + INTERVAL '1 day, 2 hours', ts - INTERVAL '90 minutes', IFF(TRUE, 1, 0) FROM sales WHERE id = 1
-> ["2024-02-15", "2024-01-16 02:00:00", "2024-01-15 07:00:00", 1]

-- Intervals with short names
SELECT '2024-01-31'::DATE + INTERVAL '1 mm', '2024-01-01'::TIMESTAMP_NTZ + INTERVAL '1 y, 3 q, 2 w'
-> ["2024-02-29", "2025-10-15 00:00:00"]

-- TIME_SLICE
SELECT TIME_SLICE('2024-02-28 13:37:00'::TIMESTAMP_NTZ, 15, 'MINUTE'), TIME_SLICE('2024-02-28'::DATE, 1, 'MONTH'), TIME_SLICE('2024-02-28'::DATE, 1, 'MONTH', 'END'), TIME_SLICE('2024-02-28'::DATE, 1, 'WEEK')
-> ["2024-02-28 13:30:00", "2024-02-01", "2024-03-01", "2024-02-26"]

-- A TIMESTAMP as a DATE
SELECT ts::DATE, TO_DATE(ts) FROM sales WHERE id = 2
-> ["2024-02-29", "2024-02-29"]

-- CURRENT_TIMESTAMP and its kin are the same moment
SELECT CURRENT_TIMESTAMP() = GETDATE(), CURRENT_DATE() = CURRENT_DATE, SYSDATE() IS NOT NULL
-> [true, true, true]

-- A part that is none is an error
SELECT DATEADD(fortnight, 1, sold) FROM sales
!! 'fortnight' is not a date or time part
