-- The tables that the cases read, in DuckDB's own words.
CREATE TABLE sales (id INTEGER, region VARCHAR, rep VARCHAR, amount DECIMAL(10,2), qty INTEGER, sold DATE, ts TIMESTAMP);
INSERT INTO sales VALUES
  (1, 'EU', 'ann', 100.00, 2, '2024-01-15', '2024-01-15 08:30:00'),
  (2, 'EU', 'bob', 250.50, 5, '2024-02-29', '2024-02-29 23:59:59'),
  (3, 'US', 'cid', 75.25, 1, '2024-03-31', '2024-03-31 12:00:00.5'),
  (4, 'US', NULL, NULL, 3, '2024-12-30', '2024-12-30 00:00:00'),
  (5, NULL, 'eve', 10.00, NULL, NULL, NULL);
CREATE TABLE events (id INTEGER, v JSON);
INSERT INTO events VALUES
  (1, '{"name":"ann","price":12.5,"tags":["x","y"],"addr":{"city":"Oslo","zip code":"0150"},"n":null,"ok":true}'),
  (2, '{"name":"bob","price":9,"tags":[],"addr":{"city":"Rome"},"when":"2024-05-06","ok":false}'),
  (3, '{"name":"cid","price":100,"tags":["z"],"big":9007199254740993}'),
  (4, NULL);
CREATE TABLE nums (n INTEGER, x DOUBLE, d DECIMAL(12,4), b BOOLEAN);
INSERT INTO nums VALUES (1, 0.5, 1.0000, TRUE), (2, 2.5, 2.5000, FALSE), (3, NULL, NULL, NULL), (NULL, 3.5, 10.1234, TRUE);
CREATE TABLE words (s VARCHAR, p VARCHAR);
INSERT INTO words VALUES ('hello world', 'o'), ('Snowflake', 'k'), ('', ''), (NULL, 'z'), ('a,b,,c', ',');
CREATE TABLE target (id INTEGER, name VARCHAR, qty INTEGER, doc JSON);
CREATE TABLE trades (sym VARCHAR, ts TIMESTAMP, px INTEGER);
INSERT INTO trades VALUES ('A', '2024-01-01 10:00:00', 1), ('A', '2024-01-01 10:05:00', 2), ('B', '2024-01-01 10:01:00', 9);
CREATE TABLE quotes (sym VARCHAR, ts TIMESTAMP, bid INTEGER);
INSERT INTO quotes VALUES ('A', '2024-01-01 09:59:00', 11), ('A', '2024-01-01 10:04:00', 12), ('B', '2024-01-01 10:02:00', 91);
