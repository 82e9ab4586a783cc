"""commits.py FILE SECONDS: how many transactions of one 2 KiB row this disk takes a second, WAL and synchronous=FULL."""
import os
import sqlite3
import sys
import time

path, seconds = sys.argv[1], float(sys.argv[2])
database = sqlite3.connect(path, isolation_level=None)
database.execute("PRAGMA journal_mode = WAL")
database.execute("PRAGMA synchronous = FULL")
database.execute("CREATE TABLE rows (body BLOB)")
body, count, start = os.urandom(2048), 0, time.monotonic()
while time.monotonic() - start < seconds:
    database.execute("BEGIN IMMEDIATE")
    database.execute("INSERT INTO rows VALUES (?)", (body,))
    database.execute("COMMIT")
    count += 1
print(int(count / (time.monotonic() - start)))
