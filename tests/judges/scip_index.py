"""Reads an index of SCIP, the format that the language servers of Sourcegraph write, without its library."""

import sys


def fields(data):
    """The fields of a message of protocol buffers: (number, value), values being numbers or bytes."""
    at = 0

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        tag = number()
        if tag & 7 == 0:
            yield tag >> 3, number()
        elif tag & 7 == 2:
            size = number()
            yield tag >> 3, data[at : at + size]
            at += size
        else:
            sys.exit(f"the index has a field of type {tag & 7}")


def packed(data):
    """Numbers one after the other, seven bits a byte."""
    values, value, shift = [], 0, 0
    for byte in data:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            values.append(value)
            value = shift = 0
    return values


class Text:
    """Places of a file, from lines and columns in UTF-16 to bytes."""

    def __init__(self, path):
        self.lines = path.read_bytes().split(b"\n")
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line) + 1)

    def byte(self, line, column):
        text = self.lines[line]
        if not text.isascii():
            column = len(text.decode().encode("utf-16-le")[: 2 * column].decode("utf-16-le").encode())
        return self.starts[line] + column


def indexed(folder, index):
    """(path, byte) -> symbols that are used there, and symbol -> (path, byte) of its definitions."""
    uses, definitions = {}, {}
    for number, document in fields(index.read_bytes()):
        if number != 2:
            continue
        parts = list(fields(document))
        path = next(value for number, value in parts if number == 1).decode()
        text = Text(folder / path)
        for number, occurrence in parts:
            if number != 2:
                continue
            said = dict(fields(occurrence))
            symbol, place = said[2].decode(), packed(said[1])
            if symbol.startswith("local "):
                symbol = f"{path} {symbol}"
            at = (path, text.byte(place[0], place[1]))
            if said.get(3, 0) & 1:
                definitions.setdefault(symbol, set()).add(at)
            else:
                uses.setdefault(at, set()).add(symbol)
    return uses, definitions
