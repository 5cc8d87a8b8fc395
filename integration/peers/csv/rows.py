"""Reads CSV files with Python's reader and writes each row as a line of JSON, without the cells that
are empty. Usage: rows.py FILE...
"""
import csv
import json
import sys

csv.field_size_limit(1 << 24)
for path in sys.argv[1:]:
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file, strict=True):
            print(json.dumps({name: cell for name, cell in row.items() if cell != ""}))
