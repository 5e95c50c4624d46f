-- The second world: what analyst and writer may see is the same as in fixture.sql, everything else differs.
-- Same: the 50 EU customers (id, name, region, signup_date, the last four characters of email) and their 500 orders, in the same order.
-- Different: ssn, revenue and the hidden part of email of visible customers; every hidden row, their number, ids, types of
-- values, extremes and NULLs; the closed tables, their columns, and one closed table and one schema that the first world lacks.
CREATE TABLE customers (
    customer_id INTEGER, name VARCHAR, email VARCHAR, ssn VARCHAR,
    region VARCHAR, revenue DOUBLE, signup_date DATE);
INSERT INTO customers
SELECT CASE WHEN k = 0 THEN i ELSE (ARRAY[0, -2000000000, 5, 100000, 2000000000])[1 + k] + i * 6 + k END AS customer_id,
       CASE WHEN k = 0 THEN 'Person NMX' || lpad(i::VARCHAR, 6, '0') || 'X'
            WHEN k = 4 THEN NULL ELSE 'Zed NOEU NMX' || lpad((i * 5 + k)::VARCHAR, 6, '9') || 'X' END AS name,
       'v' || (i * 31 + k) || '.EMX' || lpad((i * 7 + k)::VARCHAR, 6, '5') || 'X'
            || CASE WHEN k = 0 THEN '@mail.elsewhere.com' ELSE '.NOEU@x.io' END AS email,
       CASE WHEN k = 0 THEN 'Q' WHEN k = 1 THEN 'NOEU' ELSE 'NOEU-zz-' END
            || 'S3CR' || lpad(((i * 104729 + k) % 1000000)::VARCHAR, 6, '0') AS ssn,
       CASE WHEN k = 0 THEN 'EU' ELSE (['EEA', 'US', 'zz-NOEU', ''])[k] END AS region,
       CASE WHEN k = 3 THEN NULL ELSE -5 - ((i * 37) % 211) * 1000.75 - k END AS revenue,
       CASE WHEN k = 0 THEN DATE '2020-01-01' + (i * 3)::INTEGER
            ELSE (ARRAY[DATE '1900-01-01', DATE '2999-12-31', NULL, DATE '2020-01-02'])[k] END AS signup_date
FROM (SELECT i, k FROM range(1, 201, 4) t(i), range(0, 5) u(k)) ORDER BY i, k;

CREATE TABLE orders (
    order_id BIGINT, customer_id INTEGER, total DECIMAL(18,2), status VARCHAR, created_at TIMESTAMP);
INSERT INTO orders
SELECT order_id, customer_id, total, status, created_at
FROM (SELECT o, 0 AS k, 100000 + o AS order_id, 1 + (o * 13) % 200 AS customer_id,
             (10 + (o * 37) % 990)::DECIMAL(18,2) AS total,
             (['open', 'paid', 'shipped', 'returned'])[1 + ((o // 7) % 4)] AS status,
             TIMESTAMP '2024-01-01 00:00:00' + to_hours(o::BIGINT) AS created_at
      FROM range(1, 2001) t(o) WHERE ((o * 13) % 200) % 4 = 0
      UNION ALL
      SELECT o, k, (CASE WHEN k = 1 THEN -7 ELSE 90000000000 END + o * 11 + k)::BIGINT,
             CASE k WHEN 1 THEN 100007 + (o % 9) WHEN 2 THEN NULL ELSE 4000 + o % 50 END,
             (-9000000.17 - o - k)::DECIMAL(18,2),
             CASE WHEN k = 2 THEN '0-NOEU' ELSE 'zzz' || (o % 3) || '-NOEU' END,
             CASE WHEN k = 1 THEN TIMESTAMP '1950-06-01 00:00:00' ELSE TIMESTAMP '2150-01-01 00:00:00' + to_hours(o::BIGINT) END
      FROM range(1, 2001, 3) t(o), range(1, 3) u(k)
      UNION ALL
      SELECT o, 3, 100000 + o, 4000 + o % 50, 0.13, NULL, NULL FROM range(1, 41) t(o))
ORDER BY o, k;

CREATE TABLE salary_data (employee VARCHAR, salary DECIMAL(18,2), bonus_colzx INTEGER);
INSERT INTO salary_data SELECT 'PAYX-other-' || i, 12.5 + i, i FROM range(1, 90) t(i);

CREATE TABLE bonus_data (employee VARCHAR, amount INTEGER);
INSERT INTO bonus_data SELECT 'PAYX-bonus-' || i, i FROM range(5) t(i);

CREATE SCHEMA finance;
CREATE TABLE finance.ledger (entry_id VARCHAR, account INTEGER, canary_colzx DOUBLE, posted_colzx DATE);
INSERT INTO finance.ledger SELECT 'LEDGX-' || i, i, i / 7, DATE '1999-01-01' FROM range(3) t(i);

CREATE SCHEMA treasury;
CREATE TABLE treasury.vault (combination VARCHAR);
INSERT INTO treasury.vault VALUES ('LEDGX-vault');
