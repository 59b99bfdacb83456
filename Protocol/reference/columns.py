"""Integer columns and bytes columns: section 8.2."""
from collections import Counter

import forms
from forms import LARGEST, Refusal

TEXT_LIMIT = 65_536
WORD_LIMIT = 524_288
JOINED_LIMIT = 4_194_304


def read_integers(reader, count, what="", low=0, high=LARGEST):
    """So many numbers; one out of bounds is an error of the column."""
    if count == 0:
        return []
    start, tag = reader.offset, reader.fixed(1)
    if tag == 0:
        values = [reader.varint()] * count
    elif tag == 1:
        values = [reader.varint() for _ in range(count)]
    elif tag == 2:
        values = read_runs(reader, count)
    else:
        raise Refusal("unknown column", start)
    if min(values) < low or max(values) > high:
        raise Refusal(what, start)
    return values


def read_runs(reader, count):
    values = []
    while len(values) < count:
        start, value, length = reader.offset, reader.varint(), reader.varint()
        if not 1 <= length <= count - len(values) or values[-1:] == [value]:
            raise Refusal("out of range: run", start)
        values += [value] * length
    return values


def shortest(candidates):
    """The encoding that a writer has to choose: of equally short ones that with the lowest tag."""
    return min(candidates, key=lambda candidate: (len(candidate), candidate[0]))


def write_integers(values):
    if not values:
        return b""
    candidates = [b"\1" + b"".join(map(forms.varint, values))]
    if len(set(values)) == 1:
        candidates.append(b"\0" + forms.varint(values[0]))
    runs = []
    for value in values:
        if runs and runs[-1][0] == value:
            runs[-1][1] += 1
        else:
            runs.append([value, 1])
    candidates.append(b"\2" + b"".join(forms.varint(a) + forms.varint(b) for a, b in runs))
    return shortest(candidates)


def read_strings(reader, count, budget):
    """So many byte strings; `budget` holds one number, the bytes that words may still make."""
    if count == 0:
        return []
    start, tag = reader.offset, reader.fixed(1)
    if tag == 0:
        return read_plain(reader, count)
    if tag == 1:
        distinct = read_plain(reader, reader.number("value", 1, count))
        indexes = read_integers(reader, count, "out of range: value", high=len(distinct) - 1)
        return [distinct[index] for index in indexes]
    if tag == 2:
        return [str(forms.unzigzag(number)).encode() for number in read_integers(reader, count)]
    if tag == 3:
        return read_words(reader, count, budget)
    raise Refusal("unknown column", start)


def read_plain(reader, count):
    lengths = read_integers(reader, count, "limit exceeded: value bytes", high=TEXT_LIMIT)
    start = reader.offset
    return [reader.take(length, start) for length in lengths]


def read_words(reader, count, budget):
    start = reader.offset
    words = read_plain(reader, reader.count(1))
    counts = read_integers(reader, count, "out of range: value", low=1, high=TEXT_LIMIT + 1)
    if sum(counts) > WORD_LIMIT:
        raise Refusal("limit exceeded: words", start)
    indexes = read_integers(reader, sum(counts), "out of range: value", high=len(words) - 1)
    strings, at = [], 0
    for number in counts:
        strings.append(b" ".join(words[index] for index in indexes[at:at + number]))
        at += number
        budget[0] -= len(strings[-1])
        if len(strings[-1]) > TEXT_LIMIT:
            raise Refusal("limit exceeded: value bytes", start)
        if budget[0] < 0:
            raise Refusal("limit exceeded: expanded bytes", start)
    return strings


def write_strings(strings, always_words=False):
    if not strings:
        return b""
    places = {string: place for place, string in enumerate(dict.fromkeys(strings))}
    candidates = [
        b"\0" + write_plain(strings),
        b"\1" + forms.varint(len(places)) + write_plain(list(places))
        + write_integers([places[string] for string in strings])]
    numbers = [decimal(string) for string in strings]
    if None not in numbers:
        candidates.append(b"\2" + write_integers([forms.zigzag(number) for number in numbers]))
    texts = [string.split(b" ") for string in strings]
    is_long = len(strings) >= 256 and sum(map(len, strings)) >= 16 * len(strings)
    if sum(map(len, texts)) <= WORD_LIMIT and (is_long or always_words):
        candidates.append(b"\3" + write_words(texts))
    return shortest(candidates)


def write_plain(strings):
    return write_integers([len(string) for string in strings]) + b"".join(strings)


def write_words(texts):
    frequencies = Counter(word for words in texts for word in words)
    words = sorted(frequencies, key=lambda word: (-frequencies[word], word))
    places = {word: place for place, word in enumerate(words)}
    return (forms.varint(len(words)) + write_plain(words)
            + write_integers([len(words) for words in texts])
            + write_integers([places[word] for words in texts for word in words]))


def decimal(string):
    """The number that a string spells as section 8.2 says, or none."""
    digits = string[1:] if string[:1] == b"-" else string
    if not digits.isdigit() or len(digits) > 19 or str(int(string)).encode() != string:
        return None
    return int(string) if -2**63 <= int(string) < 2**63 else None
