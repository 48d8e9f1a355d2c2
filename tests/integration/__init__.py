"""A package: its fixtures of scope `package` end before the tests of the next suite begin."""
