-- The tables that the documents' examples query, the same in every home: no clock, no random numbers.

CREATE TABLE customers AS
WITH names AS (
    SELECT
        ['Ada', 'Ben', 'Chloe', 'Diego', 'Elif', 'Farah', 'Goran', 'Hana', 'Ivan', 'Jana', 'Kofi', 'Lena',
         'Mara', 'Nils', 'Olga', 'Pedro', 'Quinn', 'Rosa', 'Sven', 'Tomas', 'Uma', 'Vera', 'Wim', 'Yuki'] AS first,
        ['Abbott', 'Berger', 'Costa', 'Dubois', 'Eriksen', 'Fischer', 'Garcia', 'Hughes', 'Ito', 'Jensen', 'Kaya',
         'Lopez', 'Moreau', 'Novak', 'Okafor', 'Petrov', 'Rossi', 'Santos', 'Tanaka', 'Weber'] AS last,
        ['Europe', 'Asia Pacific', 'North America', 'Europe', 'Latin America', 'North America', 'Africa'] AS regions
), people AS (
    SELECT
        i,
        first[1 + (i * 7 + i // 24) % 24] AS first,
        last[1 + (i * 11 + i // 480) % 20] AS last,
        regions[1 + (i * 3 + i // 50) % 7] AS region
    FROM names, range(1, 5001) AS t(i)
)
SELECT
    'cust-' || i AS customer_id,
    first || ' ' || last AS name,
    lower(first) || '.' || lower(last) || i || '@example.com' AS email,
    '+1-555-' || lpad((i * 7919 % 10000)::VARCHAR, 4, '0') AS phone,
    '4' || lpad((i * 982451653 % 1000000000000000)::VARCHAR, 15, '0') AS card_number,
    region,
    round(500 + (i * 104729 % 9999991) / 40.0, 2)::DOUBLE AS revenue,
    DATE '2021-01-01' + (i * 31 % 1800)::INTEGER AS signup_date,
    i % 9 <> 0 AS active
FROM people
ORDER BY i;

CREATE TABLE orders AS
WITH raw AS (
    SELECT
        i,
        1 + i * 7919 % 5000 AS customer,
        TIMESTAMP '2024-01-01 00:00:00' + to_seconds(i * 527) AS created_at,
        ['pending', 'shipped', 'delivered', 'delivered', 'delivered', 'returned', 'cancelled'][1 + i * 31 % 7] AS status
    FROM range(1, 120001) AS t(i)
)
SELECT
    i::INTEGER AS order_id,
    'cust-' || customer AS customer_id,
    round(5 + (i * 48271 % 99991) / 125.0, 2)::DOUBLE AS total,
    status,
    (1 + i % 6)::INTEGER AS items,
    created_at,
    created_at::DATE AS order_date
FROM raw
ORDER BY i;

CREATE TABLE sales AS
SELECT
    i::INTEGER AS sale_id,
    ['Europe', 'Asia Pacific', 'North America', 'Europe', 'Latin America', 'North America', 'Africa']
        [1 + (i * 3 + i // 50) % 7] AS region,
    ['Atlas', 'Borealis', 'Cirrus', 'Drift'][1 + i * 7 % 4] AS product,
    (1 + i % 12)::INTEGER AS quantity,
    round((20 + i * 7919 % 4801) * (1 + i % 12) / 10.0, 2)::DOUBLE AS revenue,
    DATE '2024-01-01' + (i % 730)::INTEGER AS sale_date
FROM range(1, 20001) AS t(i)
ORDER BY i;

CREATE TABLE salary_data AS
SELECT
    i::INTEGER AS employee_id,
    ['Engineering', 'Sales', 'Support', 'Finance', 'Operations'][1 + i * 3 % 5] AS department,
    ['junior', 'senior', 'lead'][1 + i % 3] AS level,
    (42000 + i * 977 % 90000)::DECIMAL(12, 2) AS salary,
    'USD' AS currency
FROM range(1, 401) AS t(i)
ORDER BY i;
