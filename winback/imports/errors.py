"""What can be wrong with a file as a whole; what is wrong with a row is a reject."""


class UnreadableFile(ValueError):
    """The file cannot be read as what it should be: the message says why and holds nothing of its rows."""


class UnknownColumn(UnreadableFile):
    """A column that is needed or was named is not in the file, or a mapping names something we do not read."""
