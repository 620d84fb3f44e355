"""Videos of many codecs, containers and structures: how each is made, and by which way its frames are to be found: "packets"
or "decoding"; in a third column what is damaged, as the least and the most frames."""

import odd_videos as odd

X264 = "-c:v libx264 -preset veryfast -pix_fmt yuv420p -g 12 -bf 2"
X264_SIMPLE = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 12 -bf 0"
X265 = "-c:v libx265 -preset ultrafast -pix_fmt yuv420p -x265-params log-level=none:keyint=12:min-keyint=12"
VP9 = "-c:v libvpx-vp9 -g 15 -b:v 200k -cpu-used 8"
VP8 = "-c:v libvpx -g 20 -cpu-used 8 -b:v 200k"
AV1 = "-c:v libaom-av1 -usage realtime -cpu-used 8 -b:v 200k -g 12 -pix_fmt yuv420p"
MPEG2 = "-c:v mpeg2video -g 12 -bf 2 -b:v 1M"
MPEG4 = "-c:v mpeg4 -g 12 -q:v 4"

# file, way, options for what ffmpeg makes of its moving figures
PLAIN = [
    ("h264.mp4", "packets", X264),
    ("h264.mov", "packets", X264),
    ("h264.mkv", "packets", X264),
    ("h264.flv", "packets", X264),
    ("h264.ts", "packets", X264),
    ("h264-no-b.mkv", "packets", X264_SIMPLE),
    ("h264-pyramid.mp4", "packets", X264 + " -bf 5 -x264-params b-pyramid=normal"),
    ("h264-intra.mp4", "packets", X264 + " -g 1"),
    ("h264-one-group.mp4", "packets", X264 + " -g 1000"),
    ("h264-slices.mp4", "packets", X264 + " -x264-params slices=4"),
    ("h264-baseline.mp4", "packets", X264_SIMPLE + " -profile:v baseline"),
    ("h264-10.mkv", "packets", X264 + " -pix_fmt yuv420p10le"),
    ("h264-444.mp4", "packets", X264 + " -pix_fmt yuv444p"),
    ("h264-rgb.mkv", "packets", "-c:v libx264rgb -g 12 -pix_fmt rgb24"),
    ("h264-fragments.mp4", "packets", X264 + " -movflags frag_keyframe+empty_moov"),
    ("h264-faststart.mp4", "packets", X264 + " -movflags +faststart"),
    ("h264-sets-repeated.mkv", "packets", X264 + " -x264-params repeat-headers=1"),
    ("h264-variable-rate.mp4", "packets", "-vf select=not(mod(n\\,3))+gt(n\\,30) -vsync vfr " + X264),
    ("h264-variable-rate.mkv", "packets", "-vf select=not(mod(n\\,3))+gt(n\\,30) -vsync vfr " + X264),
    ("h264-with-sound.mp4", "packets", "-f lavfi -i sine=duration=5 " + X264),
    ("h264-with-sound.ts", "packets", "-f lavfi -i sine=duration=5 " + X264),
    ("h264.avi", "decoding", X264),
    ("h264.h264", "decoding", X264),
    ("h264-open-groups.mkv", "decoding", X264 + " -bf 3 -x264-params open-gop=1"),
    ("h264-open-groups.mp4", "decoding", X264 + " -bf 3 -x264-params open-gop=1"),
    ("h264-open-groups.ts", "decoding", X264 + " -bf 3 -x264-params open-gop=1"),
    ("h264-renewed-in-strips.mkv", "decoding", X264 + " -x264-params intra-refresh=1:keyint=20"),
    ("h264-renewed-in-strips.ts", "decoding", X264 + " -x264-params intra-refresh=1:keyint=20"),
    ("h264-interlaced.mkv", None, X264 + " -flags +ildct+ilme -x264-params tff=1"),
    ("h264-interlaced.ts", None, X264 + " -flags +ildct+ilme -x264-params tff=1"),
    ("hevc.mp4", "packets", X265),
    ("hevc.mkv", "packets", X265),
    ("hevc.ts", "packets", X265),
    ("hevc-open-groups.mp4", "packets", X265 + ":open-gop=1:bframes=4"),
    ("hevc-closed-groups.mp4", "packets", X265 + ":open-gop=0"),
    ("hevc-10.mkv", "packets", X265 + " -pix_fmt yuv420p10le"),
    ("hevc-tag-hvc1.mov", "packets", X265 + " -tag:v hvc1"),
    ("hevc.hevc", "decoding", X265),
    ("vp8.webm", "packets", VP8),
    ("vp8-hidden.webm", "packets", VP8 + " -auto-alt-ref 1 -lag-in-frames 16"),
    ("vp8.ivf", "decoding", VP8),
    ("vp8.avi", "decoding", VP8),
    ("vp9.webm", "packets", VP9),
    ("vp9.mp4", "packets", VP9),
    ("vp9-hidden.webm", "packets", VP9 + " -auto-alt-ref 1 -lag-in-frames 25 -cpu-used 4"),
    ("vp9-444.webm", "packets", VP9 + " -pix_fmt yuv444p"),
    ("vp9-10.webm", "packets", VP9 + " -pix_fmt yuv420p10le"),
    ("vp9-alpha.webm", "packets", VP9 + " -pix_fmt yuva420p"),
    ("vp9.ivf", "decoding", VP9),
    ("av1.mkv", "packets", AV1),
    ("av1.mp4", "packets", AV1),
    ("av1-grain.mkv", "packets", AV1 + " -denoise-noise-level 20"),
    ("av1-lagging.webm", "packets", "-c:v libaom-av1 -cpu-used 8 -b:v 200k -g 30 -lag-in-frames 19 -pix_fmt yuv420p"),
    ("av1.ivf", "decoding", AV1),
    ("av1.obu", "decoding", AV1),
    ("mpeg4.mp4", "packets", MPEG4),
    ("mpeg4.mkv", "packets", MPEG4),
    ("mpeg4.avi", "packets", MPEG4),
    ("mpeg4-b.mp4", "packets", MPEG4 + " -bf 2"),
    ("mpeg4-b.mkv", "packets", MPEG4 + " -bf 2"),
    ("mpeg4-b.avi", "decoding", MPEG4 + " -bf 2"),
    ("mpeg4-quarter.mp4", "packets", MPEG4 + " -flags +qpel+mv4"),
    ("mpeg4-xvid.avi", None, "-c:v libxvid -g 12 -bf 2 -q:v 4"),
    ("mpeg4.m4v", "decoding", MPEG4 + " -f m4v"),
    ("mpeg4-skipped.avi", None, "-vf select=not(mod(n\\,3))+gt(n\\,30) -vsync vfr " + MPEG4),
    ("mjpeg.avi", "packets", "-c:v mjpeg"),
    ("mjpeg.mov", "packets", "-c:v mjpeg"),
    ("mjpeg.mkv", "packets", "-c:v mjpeg"),
    ("mjpeg.mjpeg", "decoding", "-c:v mjpeg"),
    ("mjpeg-skipped.avi", "packets", "-vf select=not(mod(n\\,3))+gt(n\\,30) -vsync vfr -c:v mjpeg"),
    ("ffv1.mkv", "packets", "-c:v ffv1 -pix_fmt yuv420p"),
    ("ffv1-groups.mkv", "packets", "-c:v ffv1 -g 10 -pix_fmt yuv420p"),
    ("ffv1.avi", "packets", "-c:v ffv1 -pix_fmt yuv420p"),
    ("prores.mov", "packets", "-c:v prores -pix_fmt yuv422p10le"),
    ("png.mkv", "packets", "-c:v png"),
    ("png.mov", "packets", "-c:v png"),
    ("huffyuv.avi", "packets", "-c:v huffyuv -pix_fmt yuv422p"),
    ("utvideo.avi", "packets", "-c:v utvideo -pix_fmt yuv420p"),
    ("mpeg1.mpg", "decoding", "-c:v mpeg1video -g 12 -bf 2"),
    ("mpeg1.mp4", "decoding", "-c:v mpeg1video -g 12 -bf 2"),
    ("mpeg2.mpg", "decoding", MPEG2),
    ("mpeg2.ts", "decoding", MPEG2),
    ("mpeg2.mkv", "decoding", MPEG2),
    ("mpeg2.m2v", "decoding", MPEG2),
    ("mpeg2-interlaced.ts", "decoding", MPEG2 + " -flags +ildct+ilme"),
    ("mpeg2-interlaced.vob", "decoding", MPEG2 + " -flags +ildct+ilme"),
    ("mpeg2.mxf", "decoding", "-c:v mpeg2video -g 12 -b:v 1M"),
    ("wmv2.wmv", "decoding", "-c:v wmv2"),
    ("msmpeg4.avi", "decoding", "-c:v msmpeg4"),
    ("flv1.flv", "decoding", "-c:v flv"),
    ("theora.ogv", "decoding", "-c:v libtheora -q:v 6"),
    ("h263.3gp", "decoding", "-s 176x144 -c:v h263"),
    ("rv20.rm", "decoding", "-c:v rv20"),
    ("svq1.mov", "decoding", "-c:v svq1"),
    ("cinepak.avi", "decoding", "-c:v cinepak"),
    ("qtrle.mov", "decoding", "-c:v qtrle"),
    ("zmbv.avi", "decoding", "-c:v zmbv"),
    ("flashsv.flv", "decoding", "-c:v flashsv"),
    ("dv.avi", "decoding", "-s 720x576 -c:v dvvideo -pix_fmt yuv420p"),
    ("dnxhd.mov", "decoding", "-s 1280x720 -frames:v 8 -c:v dnxhd -b:v 60M -pix_fmt yuv422p"),
    ("raw.avi", "decoding", "-c:v rawvideo -pix_fmt yuv420p"),
    ("raw.y4m", "decoding", "-pix_fmt yuv420p"),
    ("raw.nut", "decoding", "-c:v rawvideo -pix_fmt yuv420p"),
    ("jpeg2000.mov", "decoding", "-c:v jpeg2000"),
    ("gif.gif", "decoding", ""),
    ("apng.apng", "decoding", "-f apng"),
]


def two(folder, options, suffix, second="testsrc", second_options=None):
    """Two videos of other content."""
    folder.make(f"a{suffix}", options, duration=1)
    folder.make(f"b{suffix}", second_options or options, duration=1, source=second)
    return folder.path(f"a{suffix}"), folder.path(f"b{suffix}")


def copied(folder, source, target, options=""):
    folder.ffmpeg(f"-i {source} -c copy {options} {target}")


def fields(folder, target):
    odd.write_fields(folder.path("fields.h264"), 20)
    if not target.endswith(".h264"):
        copied(folder, "fields.h264", target)
    return "fields.h264" if target.endswith(".h264") else target


def back(folder, target, options, offsets=("100", "100.513")):
    parts = [("testsrc2", "a"), ("testsrc", "b")]
    for (source, name), offset in zip(parts, offsets):
        folder.make(f"{name}.ts", f"{options} -output_ts_offset {offset}", duration=1, source=source)
    odd.join_streams([folder.path("a.ts"), folder.path("b.ts")], folder.path(target), True)


def twice(folder, target, options):
    folder.make("once.ts", options)
    odd.join_streams([folder.path("once.ts")] * 2, folder.path(target), False)


def changed_sets(folder, target, codec, suffix, sets, more=(" -qp 20", " -qp 35")):
    a, b = two(folder, f"{codec}{more[0]}", suffix, second_options=f"{codec}{more[1]}")
    odd.say_once([a, b], folder.path("both" + suffix), sets)
    if not target.endswith(suffix):
        folder.ffmpeg(f"-r 25 -i both{suffix} -c copy {target}")
    return "both" + suffix if target.endswith(suffix) else target


def changed_size(folder, target, options):
    folder.make("a.ts", options, duration=1)
    folder.make("b.ts", options + " -s 128x96", duration=1, source="testsrc")
    odd.join_streams([folder.path("a.ts"), folder.path("b.ts")], folder.path(target), False)


def all_keys(folder, target, options):
    folder.make("named.mp4", options)
    odd.rename_box(folder.path("named.mp4"), folder.path(target), b"stss")


def stays(folder, target, options, filter_="setts=duration=if(gte(N\\,59)\\,3000\\,DURATION)"):
    folder.make("plain" + target[target.index("."):], options)
    copied(folder, "plain" + target[target.index("."):], target, f"-bsf:v {filter_}")


def lost(folder, target, options, share=0.5):
    folder.make("whole.ts", options)
    odd.lose_packet(folder.path("whole.ts"), folder.path(target), share)


def late(folder, target, options, share=0.3):
    folder.make("whole.ts", options)
    odd.begin_late(folder.path("whole.ts"), folder.path(target), share)


def dropped(folder, target, options, which):
    """A muxer that was given only some of the packets."""
    folder.make("whole" + target[target.index("."):], options)
    copied(folder, "whole" + target[target.index("."):], target, f"-bsf:v noise=drop='{which}'")


def late_units(folder, target, options, share=0.3):
    folder.make("whole" + target[target.index("."):], options)
    odd.cut_units(folder.path("whole" + target[target.index("."):]), folder.path(target), share)


def trimmed(folder, target, options):
    folder.make("whole.mp4", options)
    folder.ffmpeg(f"-ss 0.7 -i whole.mp4 -c copy {target}")


def spoiled(folder, target, options, numbers):
    folder.make("whole" + target[target.index("."):], options)
    odd.spoil(folder.path("whole" + target[target.index("."):]), folder.path(target), numbers)


def oriented(folder, target, options, filter_):
    folder.make("plain.h264", options)
    folder.ffmpeg(f"-r 25 -i plain.h264 -c copy -bsf:v {filter_} {target}")


# Of these so many frames alone have the size of the first, to which ffmpeg scales the others in its own way.
FIRST_SIZE = {"size-changes.ts": 25}

# file, way, least and most damaged frames, how it is made
ODD = [
    ("fields.ts", "decoding", (0, 0), fields),
    ("fields.h264", "decoding", (0, 0), fields),
    ("fields.mp4", "decoding", (0, 0), fields),
    ("fields.mkv", "decoding", (0, 0), fields),
    ("clock-back.ts", "decoding", (0, 0), lambda f, t: back(f, t, X264_SIMPLE)),
    ("clock-back-b.ts", "decoding", (0, 0), lambda f, t: back(f, t, X264)),
    ("clock-far-back.ts", None, (0, 0), lambda f, t: back(f, t, X264, ("100", "10"))),
    ("clock-far-ahead.ts", None, (0, 0), lambda f, t: back(f, t, X264, ("10", "9000"))),
    ("clock-back-mpeg2.ts", "decoding", (0, 0), lambda f, t: back(f, t, MPEG2)),
    ("twice.ts", "decoding", (0, 0), lambda f, t: twice(f, t, X264_SIMPLE)),
    ("twice-b.ts", "decoding", (0, 0), lambda f, t: twice(f, t, X264)),
    ("twice-hevc.ts", "decoding", (0, 0), lambda f, t: twice(f, t, X265)),
    ("sets-once.mp4", "decoding", (0, 0), lambda f, t: changed_sets(f, t, X264_SIMPLE, ".h264", (7, 8))),
    ("sets-once.mkv", "decoding", (0, 0), lambda f, t: changed_sets(f, t, X264_SIMPLE, ".h264", (7, 8))),
    ("sets-once.ts", "decoding", (0, 0), lambda f, t: changed_sets(f, t, X264_SIMPLE, ".h264", (7, 8))),
    ("sets-once.h264", "decoding", (0, 0), lambda f, t: changed_sets(f, t, X264_SIMPLE, ".h264", (7, 8))),
    ("sets-once-b.mp4", "decoding", (0, 0), lambda f, t: changed_sets(f, t, X264, ".h264", (7, 8))),
    ("sets-once-hevc.mp4", "decoding", (0, 0),
     lambda f, t: changed_sets(f, t, X265, ".hevc", (32, 33, 34), (":qp=20", ":qp=40"))),
    ("size-changes.ts", "decoding", (0, 0), lambda f, t: changed_size(f, t, X264)),
    ("all-keys-mpeg4.mp4", "decoding", (0, 0), lambda f, t: all_keys(f, t, MPEG4)),
    ("all-keys-mpeg4-b.mp4", "decoding", (0, 0), lambda f, t: all_keys(f, t, MPEG4 + " -bf 2")),
    ("all-keys-h264.mp4", None, (0, 0), lambda f, t: all_keys(f, t, X264)),
    ("all-keys-hevc.mp4", "decoding", (0, 0), lambda f, t: all_keys(f, t, X265)),
    ("all-keys-vp9.mp4", None, (0, 0), lambda f, t: all_keys(f, t, VP9)),
    ("all-keys-av1.mp4", None, (0, 0), lambda f, t: all_keys(f, t, AV1)),
    ("all-keys-mpeg2.mp4", "decoding", (0, 0), lambda f, t: all_keys(f, t, MPEG2)),
    ("stays.gif", "decoding", (0, 0), lambda f, t: f.make(t, "-final_delay 300")),
    ("stays.webm", "packets", (0, 0), lambda f, t: stays(f, t, VP9)),
    ("stays.mkv", "decoding", (0, 0), lambda f, t: stays(f, t, X264)),
    ("stays.mp4", None, (0, 0), lambda f, t: stays(f, t, X264, "setts=duration=if(gte(N\\,59)\\,90000\\,DURATION)")),
    ("stays.apng", "decoding", (0, 0), lambda f, t: f.make(t, "-f apng -final_delay 3")),
    ("stays.flv", "packets", (0, 0), lambda f, t: stays(f, t, X264_SIMPLE)),
    ("lost.ts", "decoding", (1, 24), lambda f, t: lost(f, t, X264_SIMPLE)),
    ("lost-b.ts", "decoding", (1, 24), lambda f, t: lost(f, t, X264)),
    ("lost-early.ts", "decoding", (1, 24), lambda f, t: lost(f, t, X264, 0.1)),
    ("lost-at-the-end.ts", None, (0, 24), lambda f, t: lost(f, t, X264, 0.97)),
    ("lost-mpeg2.ts", "decoding", (1, 24), lambda f, t: lost(f, t, MPEG2)),
    ("lost-hevc.ts", "decoding", (1, 24), lambda f, t: lost(f, t, X265)),
    ("lost-open-groups.ts", "decoding", (1, 40), lambda f, t: lost(f, t, X264 + " -bf 3 -x264-params open-gop=1")),
    ("late.ts", None, (0, 12), lambda f, t: late(f, t, X264)),
    ("late-open-groups.ts", "decoding", (0, 14), lambda f, t: late(f, t, X264 + " -x264-params open-gop=1")),
    ("late-mpeg2.ts", "decoding", (0, 14), lambda f, t: late(f, t, MPEG2)),
    ("late-hevc.ts", None, (0, 14), lambda f, t: late(f, t, X265)),
    ("late.h264", "decoding", (0, 14), lambda f, t: late_units(f, t, X264)),
    ("late-strips.ts", "decoding", (0, 40), lambda f, t: late(f, t, X264 + " -x264-params intra-refresh=1:keyint=20")),
    ("late-mpeg4.mkv", "decoding", (1, 14), lambda f, t: dropped(f, t, MPEG4, "lt(n\\,4)")),
    ("late-mpeg4.avi", "decoding", (1, 14), lambda f, t: dropped(f, t, MPEG4, "lt(n\\,4)")),
    ("late-h264.mkv", "decoding", (0, 14), lambda f, t: dropped(f, t, X264, "lt(n\\,4)")),
    ("late-h264.mp4", "decoding", (0, 14), lambda f, t: dropped(f, t, X264, "lt(n\\,4)")),
    ("late-vp9.webm", "decoding", (0, 14), lambda f, t: dropped(f, t, VP9, "lt(n\\,4)")),
    ("late-vp8.webm", "decoding", (0, 20), lambda f, t: dropped(f, t, VP8, "lt(n\\,4)")),
    ("late-av1.mkv", "decoding", (0, 14), lambda f, t: dropped(f, t, AV1, "lt(n\\,4)")),
    ("dropped.mkv", None, (0, 14), lambda f, t: dropped(f, t, X264_SIMPLE, "eq(n\\,30)")),
    ("dropped.mp4", None, (0, 14), lambda f, t: dropped(f, t, X264, "eq(n\\,30)")),
    ("trimmed.mp4", "decoding", (0, 0), lambda f, t: trimmed(f, t, X264)),
    ("trimmed-mpeg4.mp4", "decoding", (0, 0), lambda f, t: trimmed(f, t, MPEG4)),
    ("spoiled-first.mp4", "decoding", (0, 14), lambda f, t: spoiled(f, t, X264_SIMPLE, [0])),
    ("spoiled-b.avi", "decoding", (1, 14), lambda f, t: spoiled(f, t, MPEG4 + " -bf 2", [20])),
    ("spoiled.mjpeg", "decoding", (0, 60), lambda f, t: spoiled(f, t, "-c:v mjpeg", [20])),
    ("oriented.mp4", "decoding", (0, 0), lambda f, t: oriented(f, t, X264, "h264_metadata=display_orientation=insert:rotate=90")),
    ("oriented-flip.mp4", "decoding", (0, 0),
     lambda f, t: oriented(f, t, X264, "h264_metadata=display_orientation=insert:flip=horizontal")),
]
