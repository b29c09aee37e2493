"""The same statements on Spark, translated from DuckDB's SQL and run by the same Python: for the largest accounts."""
