"""The engine in one process: tables, lake, queue and provider in memory, with faults, behind winback.aws's own classes.

What it answers is held to DynamoDB's contract by a differential test (tests/adapters/core/test_memory_table.py).
"""
