"""Rows that operators create, change and delete one by one, and decisions about shots: sessions, targets, faces, slots, archers.

Each change locks its row, compares it with what the operator saw, and writes, all in one transaction: of two operators who
saw the same row only one can change it.
"""
