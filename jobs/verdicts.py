"""The column that says of each record what it is by a threshold alone, without any rule in the graph."""

VERDICT = "verdict"  # the column's name, behind the outputs
SPAM, HAM = b"spam", b"ham"
