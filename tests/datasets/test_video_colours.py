"""Colours are those of ffmpeg's own conversion, within 1 of 255: codecs and their formats of pixels, limited and full range,
matrices. The default run takes each format with some of them in turn, ./vj test walk takes all."""

import tempfile
import unittest

from test_video_walk import FULL, Folder, requirements

FORMATS = {  # codec and container: formats of pixels
    ("libx264 -qp 0", "mp4"): ["yuv420p", "yuv422p", "yuv444p", "nv12", "yuvj420p", "yuv420p10le", "yuv444p10le", "gray"],
    ("libx264rgb -qp 0", "mkv"): ["rgb24", "bgr0"],
    ("libx265 -x265-params log-level=none:lossless=1", "mp4"): ["yuv420p10le", "yuv444p12le", "gbrp", "gbrp10le", "gray"],
    ("libvpx-vp9 -lossless 1", "webm"): ["yuv420p", "yuv440p", "yuv420p10le", "yuv444p12le", "gbrp", "yuva420p"],
    ("libaom-av1 -cpu-used 8 -usage realtime", "mkv"): ["yuv420p", "yuv420p10le", "gray"],
    ("ffv1", "mkv"): ["yuv410p", "yuv420p16le", "yuv422p12le", "yuva444p", "gray", "gray10le", "gray16le", "bgr0", "gbrp14le",
                      "rgb48le"],
    ("mjpeg", "avi"): ["yuvj420p", "yuvj444p"],
    ("mjpeg -strict unofficial", "mov"): ["yuv420p", "yuv422p"],
    ("prores_ks", "mov"): ["yuv422p10le", "yuva444p10le"],
    ("png", "mov"): ["rgb24", "rgba", "rgb48be", "gray", "gray16be", "pal8", "ya8"],
    ("rawvideo", "nut"): ["uyvy422", "yuyv422", "nv21", "p010le", "rgb565le", "bgr24", "monow", "gbrap", "ya8"],
    ("huffyuv", "avi"): ["yuv422p", "rgb24"],
    ("mpeg2video -q:v 2", "ts"): ["yuv420p", "yuv422p"],
    ("dnxhd -profile:v dnxhr_hqx", "mov"): ["yuv422p10le"],
    ("qtrle", "mov"): ["argb", "gray"],
}
RANGES = ["tv", "pc", ""]
MATRICES = ["bt709", "smpte170m", "bt2020nc", "smpte240m", "fcc", "bt470bg", ""]
HEIGHT, WIDTH = 34, 52


def marks(range_, matrix):
    return (f"-color_range {range_} " if range_ else "") + (f"-colorspace {matrix}" if matrix else "")


def all_kinds():
    for (codec, container), formats in FORMATS.items():
        for format_ in formats:
            kinds = [(codec, container, format_, r, m) for m in MATRICES for r in RANGES]
            yield kinds


def chosen():
    """Of each format another one."""
    for number, kinds in enumerate(all_kinds()):
        yield from kinds if FULL else [kinds[5 * number % len(kinds)]]


class Colours(unittest.TestCase):
    def make(self, folder, codec, container, format_, range_, matrix):
        size = "256x120" if "dnxhr" in codec else f"{WIDTH}x{HEIGHT}"
        folder.ffmpeg(f"-f lavfi -i testsrc2=size={size}:rate=25:duration=0.08,noise=alls=20:all_seed=3 -pix_fmt {format_} "
                      f"-c:v {codec} {marks(range_, matrix)} v.{container}")
        return [int(n) for n in reversed(size.split("x"))]

    def test_are_those_of_ffmpeg(self):
        made = 0
        for kind in chosen():
            with self.subTest(kind), tempfile.TemporaryDirectory() as path:
                folder, name = Folder(path), f"v.{kind[1]}"
                try:
                    height, width = self.make(folder, *kind)
                except RuntimeError as error:
                    requirements.declare("test_are_those_of_ffmpeg", f"ffmpeg does not make {kind}: {str(error)[-200:]}")
                    continue
                for colours in ("grey", "rgb"):
                    told, ours = folder.read(name, height, width, colours)
                    shown = folder.shown(name, height, width, colours)
                    self.assertEqual((len(ours), told["damaged"]), (len(shown), []))
                    most = max(abs(a - b) for one, other in zip(ours, shown) for a, b in zip(one, other))
                    self.assertLessEqual(most, 1, colours)
                made += 1
        print(f"{made} kinds of colours")


if __name__ == "__main__":
    unittest.main()
