"""Snapshot to cells and sentences: pure, without Textual."""
