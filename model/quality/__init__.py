"""How good a classifier is: its scores on labelled messages, as figures, tables and pictures."""
