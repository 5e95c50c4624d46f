"""What a program does about a refusal: the exception's class is its code."""

from hatidata_agent import HatiDataAgent, HatiDataError, QueryError, QueryTimeoutError

with HatiDataAgent(port=5439) as hati:
    try:
        hati.query("SELECT count(*) FROM range(1000000000000) AS t(i) WHERE i % 7 = 3", timeout_ms=200)
    except QueryTimeoutError as error:
        print(f"Too slow: {error.code}")

    try:
        hati.query("SELECT discount FROM orders")
    except QueryError as error:
        print(f"Wrong: {error.message.splitlines()[0]}")

    try:
        hati.query("SELECT 1", parameters=[1, 2])
    except HatiDataError as error:
        print(f"Refused: {error.code}")
