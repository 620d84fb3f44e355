"""Makes files odd: what cameras, recorders and careless programs do to videos that ffmpeg alone would not."""

import re
import subprocess


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)


# --- transport streams ------------------------------------------------------------------------------------------------

def packets_of(data):
    return [data[i:i + 188] for i in range(0, len(data) - 187, 188)]


def pictures(packets):
    """Numbers of those with pictures, which ffmpeg's muxer gives the stream 256."""
    return [i for i, p in enumerate(packets) if (p[1] & 31) << 8 | p[2] == 256]


def lose_packet(source, target, share=0.5):
    packets = packets_of(read(source))
    lost = pictures(packets)
    del packets[lost[int(len(lost) * share)]]
    write(target, b"".join(packets))


def begin_late(source, target, share=0.3):
    packets = packets_of(read(source))
    first = pictures(packets)
    write(target, b"".join(packets[:3] + packets[first[int(len(first) * share)]:]))


def join_streams(sources, target, counted):
    """One behind the other; with `counted` as one recorder writes them, else as two files."""
    data, count = bytearray(b"".join(read(s) for s in sources)), {}
    for i in range(0, len(data) if counted else 0, 188):
        stream = (data[i + 1] & 31) << 8 | data[i + 2]
        if data[i + 3] & 16:
            count[stream] = count.get(stream, -1) + 1 & 15
            data[i + 3] = data[i + 3] & 0xf0 | count[stream]
    write(target, bytes(data))


# --- units of H.264 and HEVC ------------------------------------------------------------------------------------------

def units_of(data):
    at = [m.start() for m in re.finditer(b"\0\0\1", data)]
    return [data[a + 3:b].rstrip(b"\0") for a, b in zip(at, at[1:] + [len(data)])]


def say_once(sources, target, sets):
    """The sources one behind the other, each with its parameter sets at its beginning only."""
    out = b""
    for source in sources:
        seen = set()
        for unit in units_of(read(source)):
            kind = unit[0] & 31 if 7 in sets else unit[0] >> 1 & 63
            if kind in seen:
                continue
            if kind in sets:
                seen.add(kind)
            out += b"\0\0\0\1" + unit
    write(target, out)


def cut_units(source, target, share):
    """From the first picture behind a share of the file on, with the parameter sets before it."""
    units, out, bytes_ = units_of(read(source)), b"", 0
    whole = sum(len(u) for u in units)
    for unit in units:
        if unit[0] & 31 in (7, 8) and bytes_ == 0 or bytes_ >= share * whole:
            out += b"\0\0\0\1" + unit
        bytes_ += len(unit) if unit[0] & 31 not in (7, 8) or bytes_ else 0
    write(target, out)


# --- files ------------------------------------------------------------------------------------------------------------

def rename_box(source, target, box):
    write(target, read(source).replace(box, b"free"))


def packet_places(path):
    told = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "packet=pos,size", "-of",
                           "csv=p=0", path], capture_output=True, text=True, check=True).stdout
    return [tuple(int(n) for n in re.findall(r"\d+", line)) for line in told.split("\n") if re.match(r"\d+,\d+", line)]


def spoil(source, target, numbers, byte=0xff, skip=6):
    data = bytearray(read(source))
    places = packet_places(source)
    for number in numbers:
        size, at = places[number]
        data[at + skip:at + size] = bytes([byte]) * (size - skip)
    write(target, bytes(data))


# --- H.264 of two fields a picture ------------------------------------------------------------------------------------

class Bits:
    def __init__(self):
        self.bits = []

    def u(self, count, value):
        self.bits += [(value >> i) & 1 for i in range(count - 1, -1, -1)]
        return self

    def ue(self, *values):
        for value in values:
            length = (value + 1).bit_length()
            self.u(length - 1, 0).u(length, value + 1)
        return self

    def align(self):
        self.bits += [0] * (-len(self.bits) % 8)
        return self

    def payload(self):
        self.u(1, 1).align()
        return bytes(int("".join(map(str, self.bits[i:i + 8])), 2) for i in range(0, len(self.bits), 8))


def escaped(kind, payload):
    out, zeros = bytearray([kind]), 0
    for byte in payload:
        if zeros >= 2 and byte <= 3:
            out.append(3)
            zeros = 0
        out.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return b"\0\0\0\1" + bytes(out)


def write_fields(target, pictures_, wide=2, high=4):
    """Each picture two fields, each field of macroblocks that say their pixels: wide x high of them, 16 x 16 px."""
    def parameters():
        sequence = Bits().u(8, 77).u(8, 0).u(8, 30).ue(0, 0, 0, 4, 1).u(1, 0).ue(wide - 1, high // 2 - 1).u(5, 0b00101)
        sequence.u(4, 0).u(1, 1).u(32, 1).u(32, 50).u(1, 1).u(3, 0).u(2, 0b11).ue(0, 0, 10, 10, 0, 1)
        picture = Bits().ue(0, 0).u(2, 0).ue(0, 0, 0).u(3, 0).ue(0, 0, 0).u(3, 0b100)
        return escaped(0x67, sequence.payload()) + escaped(0x68, picture.payload())

    def field(number, bottom):
        first = number == 0 and not bottom
        bits = Bits().ue(0, 7, 0).u(4, number % 16).u(2, 2 + bottom)
        if first:
            bits.ue(0)
        bits.u(8, (2 * number + bottom) % 256).u(2 if first else 1, 0).ue(0, 1)
        for block in range(high // 2 * wide):
            bits.ue(25).align()
            for pixel in range(256):
                bits.u(8, 20 + 4 * number + bottom + pixel % 16 + 16 * (block // wide))
            for _ in range(128):
                bits.u(8, 128)
        return escaped(0x25 if first else 0x21, bits.payload())

    out = b""
    for number in range(pictures_):
        out += escaped(9, b"\x10") + (parameters() if number % 5 == 0 else b"") + field(number, 0)
        out += escaped(9, b"\x10") + field(number, 1)
    write(target, out)
