"""Inventories made from other tools' files; what cannot be known from them is said in comments."""
