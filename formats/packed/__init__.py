"""Inputs that can't be read in place: compressed, in an encoding whose ASCII is not ASCII, or readable only once.

Each is first copied, whole, to a plain file in a folder of the home: a truncated archive, a wrong checksum or a bomb is
then an error before a record is scored, and what reads in ranges, by several processes, reads the copy as any file.
"""
