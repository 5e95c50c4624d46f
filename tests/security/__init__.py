"""The attack judge: hundreds of queries on two worlds that differ only in what the role may not see."""
