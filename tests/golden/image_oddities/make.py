#!/usr/bin/env python3
"""Makes the files of this folder, and pillow.txt: size and SHA-256 of the pixels that Pillow's Image.open(FILE).convert("RGB")
gives of each, or that it refuses it. Needs python3-pil (9.4) and cjpeg (libjpeg-turbo-progs).
"""
import hashlib, io, os, struct, subprocess, warnings, zlib
from PIL import Image

warnings.simplefilter("ignore")
here = os.path.dirname(os.path.abspath(__file__))
files = {}


def picture(w, h, mode="RGB", seed=1):
    """Smooth in places, noisy in others, the same everywhere."""
    size = len(Image.new(mode, (1, 1)).tobytes()) if mode not in ("1", "I;16", "I") else 1
    out, state = bytearray(), seed * 2654435761 % 2**32
    for y in range(h):
        for x in range(w):
            for c in range(size):
                state = (state * 1664525 + 1013904223) % 2**32
                out.append((x * 11 + y * 7 + c * 60 + ((state >> 24) % 40 if x > w // 2 else 0)) % 256)
    if mode == "1":
        return Image.frombytes("L", (w, h), bytes(out)).convert("1")
    return Image.frombytes(mode, (w, h), bytes(out))


def saved(image, format, **options):
    f = io.BytesIO()
    image.save(f, format, **options)
    return f.getvalue()


def run(data, *command):
    return subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout


# ---- JPEG ----

rgb = picture(21, 13)
for o in range(1, 9):
    exif = Image.Exif()
    exif[0x112] = o
    files[f"jpeg_exif_orientation_{o}.jpg"] = saved(rgb, "JPEG", exif=exif)
base = saved(rgb, "JPEG", quality=90)
ppm = saved(rgb, "PPM")
files["jpeg_baseline.jpg"] = base
files["jpeg_progressive.jpg"] = saved(rgb, "JPEG", progressive=True)
files["jpeg_optimised_444.jpg"] = saved(rgb, "JPEG", optimize=True, subsampling=0)
files["jpeg_subsampling_422.jpg"] = saved(rgb, "JPEG", subsampling=1)
files["jpeg_grey.jpg"] = saved(picture(17, 9, "L"), "JPEG")
files["jpeg_cmyk_adobe.jpg"] = saved(picture(14, 11, "CMYK"), "JPEG")
files["jpeg_one_pixel.jpg"] = saved(picture(1, 1), "JPEG")
files["jpeg_1x300.jpg"] = saved(picture(1, 300), "JPEG")
files["jpeg_300x1.jpg"] = saved(picture(300, 1), "JPEG")
files["jpeg_quality_1.jpg"] = saved(rgb, "JPEG", quality=1)
files["jpeg_quality_100.jpg"] = saved(rgb, "JPEG", quality=100, subsampling=0)
for name, options in {
    "sampling_2x1_1x2_1x1": "-sample 2x1,1x2,1x1",
    "sampling_1x2": "-sample 1x2",
    "sampling_4x1": "-sample 4x1",
    "sampling_chroma_finer": "-sample 1x1,2x2,2x2",
    "arithmetic": "-arithmetic",
    "arithmetic_progressive": "-arithmetic -progressive",
    "restart_markers": "-restart 1B",
    "rgb_colours": "-rgb",
    "smooth_float": "-dct float",
    "grey_of_colour": "-grayscale",
}.items():
    files[f"jpeg_{name}.jpg"] = run(ppm, "cjpeg", *options.split())


def segments(data):
    """The markers before the scan: (marker, begin, end)."""
    at = 2
    while data[at + 1] != 0xDA:
        size = struct.unpack(">H", data[at + 2 : at + 4])[0]
        yield data[at + 1], at, at + 2 + size
        at += 2 + size


def without(data, marker):
    for m, begin, end in reversed(list(segments(data))):
        if m == marker:
            data = data[:begin] + data[end:]
    return data


def with_segment(data, marker, body):
    return data[:2] + bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body + data[2:]


def frame_at(data):
    return next(b for m, b, e in segments(data) if 0xC0 <= m <= 0xCF and m not in (0xC4, 0xC8, 0xCC))


def adobe(transform):
    return b"Adobe\0\x64\0\0\0\0" + bytes([transform])


no_jfif = without(base, 0xE0)
files["jpeg_no_jfif.jpg"] = no_jfif
files["jpeg_adobe_transform_0.jpg"] = with_segment(no_jfif, 0xEE, adobe(0))
files["jpeg_adobe_transform_1.jpg"] = with_segment(no_jfif, 0xEE, adobe(1))
ids = bytearray(no_jfif)  # components named R, G, B
f = frame_at(no_jfif)
scan = no_jfif.index(b"\xff\xda")
for i, c in enumerate(b"RGB"):
    ids[f + 10 + 3 * i] = c
    ids[scan + 5 + 2 * i] = c
files["jpeg_rgb_ids.jpg"] = bytes(ids)
cmyk = saved(picture(14, 11, "CMYK"), "JPEG")
files["jpeg_ycck.jpg"] = with_segment(without(cmyk, 0xEE), 0xEE, adobe(2))
files["jpeg_cmyk_no_adobe.jpg"] = without(cmyk, 0xEE)
files["jpeg_icc.jpg"] = saved(rgb, "JPEG", icc_profile=b"no profile at all" * 9)
files["jpeg_comment.jpg"] = with_segment(base, 0xFE, b"a comment")
thumb = Image.Exif()
files["jpeg_thumbnail.jpg"] = with_segment(base, 0xE1, b"Exif\0\0" + b"MM\0*\0\0\0\x08\0\0\0\0\0\0" + saved(picture(8, 8), "JPEG"))
files["jpeg_mpo.jpg"] = saved(rgb, "MPO", save_all=True, append_images=[picture(21, 13, seed=5)])
twelve = bytearray(base)
twelve[frame_at(base) + 4] = 12
files["jpeg_12_bit.jpg"] = bytes(twelve)
lossless = bytearray(base)
lossless[frame_at(base) + 1] = 0xC3
files["jpeg_lossless_frame.jpg"] = bytes(lossless)
two = bytearray(base)
two[frame_at(base) + 9] = 2
files["jpeg_two_components_damaged.jpg"] = bytes(two)
no_height = bytearray(base)
no_height[frame_at(base) + 5 : frame_at(base) + 7] = b"\0\0"
files["jpeg_height_0.jpg"] = bytes(no_height)
files["jpeg_garbage_behind.jpg"] = base + b"\0garbage" * 9
files["jpeg_two_in_one_file.jpg"] = base + saved(picture(5, 5, seed=9), "JPEG")
files["jpeg_no_end_marker.jpg"] = base[:-2]
files["jpeg_cut_in_header.jpg"] = base[:40]
files["jpeg_cut_before_scan.jpg"] = base[: base.index(b"\xff\xda")]
files["jpeg_cut_in_scan.jpg"] = base[:-150]
files["jpeg_cut_near_end.jpg"] = base[:-4]
pro = files["jpeg_progressive.jpg"]
files["jpeg_progressive_cut.jpg"] = pro[: len(pro) * 3 // 4]
files["jpeg_only_start.jpg"] = b"\xff\xd8\xff"
files["jpeg_fill_bytes.jpg"] = base[:2] + b"\xff" * 9 + base[2:]
files["jpeg_stray_bytes.jpg"] = base[:2] + b"\0\0\0\0" + base[2:]
files["jpeg_named.png"] = base
missing_table = without(base, 0xC4)
files["jpeg_no_huffman_tables.jpg"] = missing_table
files["jpeg_16_bit_quantisation.jpg"] = run(ppm, "cjpeg", "-quality", "3", "-progressive")

# ---- PNG ----

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(name, body=b"", crc=None):
    crc = zlib.crc32(name + body) if crc is None else crc
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", crc)


def png(w, h, depth, colour, raw, *between, interlace=0, data=None, end=True):
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, depth, colour, 0, 0, interlace))
    return SIGNATURE + head + b"".join(between) + chunk(b"IDAT", data or zlib.compress(raw)) + (chunk(b"IEND") if end else b"")


def rows(w, h, bits, seed=3):
    out, state = b"", seed
    for y in range(h):
        line = bytearray()
        for x in range((w * bits + 7) // 8):
            state = (state * 1664525 + 1013904223) % 2**32
            line.append(state >> 24)
        out += b"\0" + bytes(line)
    return out


plte = chunk(b"PLTE", bytes((i * 5 + c * 80) % 256 for i in range(16) for c in range(3)))
for colour, depths, channels in ((0, (1, 2, 4, 8, 16), 1), (2, (8, 16), 3), (3, (1, 2, 4, 8), 1), (4, (8, 16), 2), (6, (8, 16), 4)):
    for depth in depths:
        name = {0: "grey", 2: "rgb", 3: "palette", 4: "grey_alpha", 6: "rgba"}[colour]
        extra = (plte,) if colour == 3 else ()
        files[f"png_{name}_{depth}.png"] = png(9, 5, depth, colour, rows(9, 5, depth * channels), *extra)
files["png_palette_trns.png"] = png(9, 5, 4, 3, rows(9, 5, 4), plte, chunk(b"tRNS", bytes(range(0, 160, 20))))
files["png_palette_too_short.png"] = png(9, 5, 8, 3, rows(9, 5, 8), plte)
files["png_palette_missing.png"] = png(9, 5, 8, 3, rows(9, 5, 8))
files["png_grey_trns.png"] = png(9, 5, 8, 0, rows(9, 5, 8), chunk(b"tRNS", b"\0\7"))
files["png_rgb_trns.png"] = png(9, 5, 8, 2, rows(9, 5, 24), chunk(b"tRNS", b"\0\7\0\7\0\7"))
files["png_gamma_chrm.png"] = png(9, 5, 8, 2, rows(9, 5, 24), chunk(b"gAMA", struct.pack(">I", 100000)),
                                  chunk(b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)))
files["png_srgb_icc.png"] = png(9, 5, 8, 2, rows(9, 5, 24), chunk(b"iCCP", b"x\0\0" + zlib.compress(b"not a profile")))
files["png_bad_zlib_text.png"] = png(9, 5, 8, 2, rows(9, 5, 24), chunk(b"zTXt", b"Comment\0\0not zlib"))
for name, i in (("rgb", picture(23, 17)), ("palette", picture(23, 17).quantize(9, dither=0)), ("grey", picture(23, 17, "L"))):
    w, h = i.size
    raw, lines = b"", i.tobytes()
    n = len(lines) // (w * h)
    for x0, y0, dx, dy in ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)):
        for y in range(y0, h, dy):
            raw += b"\0" + b"".join(lines[(y * w + x) * n : (y * w + x + 1) * n] for x in range(x0, w, dx))
    colour = {"rgb": 2, "palette": 3, "grey": 0}[name]
    extra = (chunk(b"PLTE", bytes(i.getpalette()[:27])),) if colour == 3 else ()
    files[f"png_interlaced_{name}.png"] = png(w, h, 8, colour, raw, *extra, interlace=1)
apng = io.BytesIO()
picture(7, 5).save(apng, "PNG", save_all=True, append_images=[picture(7, 5, seed=4)])
files["png_animated.png"] = apng.getvalue()
whole = png(9, 5, 8, 2, rows(9, 5, 24))
files["png_wrong_crc_header.png"] = whole[:29] + b"\0\0\0\0" + whole[33:]
files["png_wrong_crc_data.png"] = SIGNATURE + whole[8:33] + chunk(b"IDAT", zlib.compress(rows(9, 5, 24)), 1) + chunk(b"IEND")
files["png_wrong_crc_text.png"] = whole[:33] + chunk(b"tEXt", b"a\0b", 1) + whole[33:]
files["png_wrong_crc_end.png"] = whole[:-12] + chunk(b"IEND", b"", 1)
files["png_no_end.png"] = whole[:-12]
files["png_cut_in_data.png"] = whole[:60]
files["png_cut_in_header.png"] = whole[:20]
files["png_garbage_behind.png"] = whole + b"garbage" * 5
files["png_data_too_short.png"] = png(9, 5, 8, 2, rows(9, 4, 24))
files["png_data_too_long.png"] = png(9, 5, 8, 2, rows(9, 6, 24))
packed = zlib.compress(rows(9, 5, 24))
files["png_split_data.png"] = whole[:33] + b"".join(chunk(b"IDAT", packed[i : i + 1]) for i in range(len(packed))) + chunk(b"IEND")
files["png_wrong_adler.png"] = png(9, 5, 8, 2, b"", data=packed[:-1] + bytes([packed[-1] ^ 1]))
files["png_unknown_critical_chunk.png"] = whole[:33] + chunk(b"CRIT", b"x") + whole[33:]
files["png_unknown_filter.png"] = png(9, 5, 8, 2, b"\7" + rows(9, 5, 24)[1:])
files["png_width_0.png"] = png(0, 5, 8, 2, b"\0" * 5)
files["png_1x400.png"] = png(1, 400, 8, 2, rows(1, 400, 24))
files["png_named.jpg"] = whole
files["png_depth_3.png"] = png(9, 5, 3, 0, rows(9, 5, 3))

# ---- WebP ----

webp = picture(24, 16)
files["webp_lossless.webp"] = saved(webp, "WEBP", lossless=True)
files["webp_lossy.webp"] = saved(webp, "WEBP", quality=70)
files["webp_lossy_alpha.webp"] = saved(picture(24, 16, "RGBA"), "WEBP", quality=70)
files["webp_lossless_alpha.webp"] = saved(picture(24, 16, "RGBA"), "WEBP", lossless=True, exact=True)
files["webp_animated.webp"] = saved(picture(24, 16), "WEBP", save_all=True, append_images=[picture(24, 16, seed=4)], lossless=True)
files["webp_animated_alpha.webp"] = saved(picture(24, 16, "RGBA"), "WEBP", save_all=True, append_images=[picture(24, 16, "RGBA", seed=4)], lossless=True)
exif = Image.Exif()
exif[0x112] = 6
files["webp_exif_orientation_6.webp"] = saved(webp, "WEBP", lossless=True, exif=exif)
files["webp_one_pixel.webp"] = saved(picture(1, 1), "WEBP", lossless=True)
w = files["webp_lossy.webp"]
files["webp_cut.webp"] = w[: len(w) // 2]
files["webp_cut_last_byte.webp"] = files["webp_lossless.webp"][:-1]
files["webp_garbage_behind.webp"] = w + b"garbage!"
files["webp_riff_size_too_long.webp"] = w[:4] + struct.pack("<I", len(w) + 92) + w[8:]
files["webp_named.jpg"] = w
files["riff_wave.webp"] = b"RIFF\x24\0\0\0WAVEfmt " + b"\0" * 28

# ---- GIF ----


def lzw(pixels, bits=8):
    """Codes of one width: a clear code before the table grows."""
    out, at, codes, n = 0, 0, [], 0
    for i, p in enumerate(pixels):
        if i % ((1 << bits) - 3 or 1) == 0:
            codes.append(1 << bits)
        codes.append(p)
    codes.append((1 << bits) + 1)
    for c in codes:
        out |= c << at
        at += bits + 1
    data = out.to_bytes((at + 7) // 8, "little")
    return bytes([bits]) + b"".join(bytes([len(data[i : i + 255])]) + data[i : i + 255] for i in range(0, len(data), 255)) + b"\0"


def gif(w, h, *blocks, palette=None, version=b"GIF89a", background=0):
    flags = 0x80 | (len(palette) // 3).bit_length() - 2 if palette else 0
    return version + struct.pack("<HHBBB", w, h, flags, background, 0) + (palette or b"") + b"".join(blocks) + b";"


def frame(x, y, w, h, pixels, palette=None, interlace=False, bits=8):
    flags = (0x80 | (len(palette) // 3).bit_length() - 2 if palette else 0) | (0x40 if interlace else 0)
    return b"," + struct.pack("<HHHHB", x, y, w, h, flags) + (palette or b"") + lzw(pixels, bits)


def control(transparent=None, disposal=0):
    return b"!\xf9\4" + bytes([(transparent is not None) | disposal << 2, 0, 0, transparent or 0]) + b"\0"


colours = bytes((i * 13 + c * 90) % 256 for i in range(256) for c in range(3))
ramp = bytes(i for i in range(256) for c in range(3))
index = bytes((x * 7 + y * 3) % 256 for y in range(11) for x in range(13))
low = bytes(i % 4 for i in index)
files["gif_global_palette.gif"] = gif(13, 11, frame(0, 0, 13, 11, index), palette=colours)
files["gif_87a.gif"] = gif(13, 11, frame(0, 0, 13, 11, index), palette=colours, version=b"GIF87a")
files["gif_local_palette.gif"] = gif(13, 11, frame(0, 0, 13, 11, index, palette=colours[::-1]), palette=colours)
files["gif_only_local_palette.gif"] = gif(13, 11, frame(0, 0, 13, 11, index, palette=colours))
files["gif_no_palette.gif"] = gif(13, 11, frame(0, 0, 13, 11, index))
files["gif_grey_ramp.gif"] = gif(13, 11, frame(0, 0, 13, 11, index), palette=ramp)
files["gif_local_grey_ramp_over_global.gif"] = gif(13, 11, frame(0, 0, 13, 11, index, palette=ramp), palette=colours)
files["gif_short_palette.gif"] = gif(13, 11, frame(0, 0, 13, 11, index), palette=colours[:48])
files["gif_two_bits.gif"] = gif(13, 11, frame(0, 0, 13, 11, low, bits=2), palette=colours[:12])
files["gif_interlaced.gif"] = gif(13, 11, frame(0, 0, 13, 11, index, interlace=True), palette=colours)
files["gif_interlaced_3_rows.gif"] = gif(13, 3, frame(0, 0, 13, 3, index[:39], interlace=True), palette=colours)
files["gif_small_frame.gif"] = gif(20, 15, frame(4, 3, 13, 11, index), palette=colours, background=7)
files["gif_small_frame_transparent.gif"] = gif(20, 15, control(9), frame(4, 3, 13, 11, index), palette=colours)
files["gif_frame_stands_out.gif"] = gif(8, 6, frame(4, 3, 13, 11, index), palette=colours)
files["gif_canvas_0.gif"] = gif(0, 0, frame(0, 0, 13, 11, index), palette=colours)
files["gif_transparent.gif"] = gif(13, 11, control(5, 2), frame(0, 0, 13, 11, index), palette=colours)
files["gif_animated.gif"] = gif(13, 11, b"!\xff\x0bNETSCAPE2.0\3\1\0\0\0", control(None, 1), frame(0, 0, 13, 11, index), control(3, 2),
                                frame(2, 2, 5, 5, index[:25]), palette=colours)
files["gif_second_frame_cut.gif"] = files["gif_animated.gif"][:-20]
files["gif_comment.gif"] = gif(13, 11, b"!\xfe\5hello\0", frame(0, 0, 13, 11, index), palette=colours)
files["gif_control_twice.gif"] = gif(20, 15, control(9), control(None), frame(4, 3, 13, 11, index), palette=colours)
files["gif_saved_by_pillow.gif"] = saved(picture(40, 30).quantize(32, dither=0), "GIF")
files["gif_saved_by_pillow_rgba.gif"] = saved(picture(16, 12, "RGBA"), "GIF")
g = files["gif_global_palette.gif"]
files["gif_cut_in_palette.gif"] = g[:200]
files["gif_cut_in_data.gif"] = g[:-60]
files["gif_no_trailer.gif"] = g[:-1]
files["gif_no_terminator.gif"] = g[:-2]
files["gif_no_frame.gif"] = gif(13, 11, palette=colours)
files["gif_too_few_pixels.gif"] = gif(13, 11, frame(0, 0, 13, 11, index[:100]), palette=colours)
files["gif_too_many_pixels.gif"] = gif(13, 11, frame(0, 0, 13, 11, index + index), palette=colours)
files["gif_code_beyond_table.gif"] = gif(13, 11, frame(0, 0, 13, 11, low, bits=2).replace(lzw(low, 2), b"\2\3\x0c\xff\xff\0"), palette=colours)
files["gif_garbage_behind.gif"] = g + b"garbage"
files["gif_zeros_between_blocks.gif"] = g[:781] + b"\0\0" + g[781:]
files["gif_frame_0x0.gif"] = gif(13, 11, frame(0, 0, 0, 0, b""), palette=colours)
files["gif_named.png"] = g

# ---- BMP ----


def bmp(w, h, bits, data, palette=b"", header=40, compression=0, colours=0, masks=b"", offset=None, extra=b""):
    if header == 12:
        dib = struct.pack("<IHHHH", 12, w, h, 1, bits)
    else:
        dib = struct.pack("<IiiHHIIiiII", header, w, h, 1, bits, compression, len(data), 2835, 2835, colours, 0) + masks
        dib += bytes(max(0, header - len(dib)))
    at = 14 + len(dib) + len(palette) + len(extra) if offset is None else offset
    return b"BM" + struct.pack("<IHHI", 14 + len(dib) + len(palette) + len(extra) + len(data), 0, 0, at) + dib + palette + extra + data


def bmp_rows(w, h, bits, seed=5):
    stride, out, state = (w * bits + 31) // 32 * 4, bytearray(), seed
    for i in range(stride * h):
        state = (state * 1664525 + 1013904223) % 2**32
        out.append(state >> 24)
    return bytes(out)


def bmp_palette(n, entry=4):
    return b"".join(bytes([(i * 37 + 5) % 256, (i * 11 + 80) % 256, (i * 71 + 3) % 256, 0][:entry]) for i in range(n))


for bits in (1, 4, 8):
    files[f"bmp_{bits}.bmp"] = bmp(19, 7, bits, bmp_rows(19, 7, bits), bmp_palette(1 << bits))
    files[f"bmp_os2_{bits}.bmp"] = bmp(19, 7, bits, bmp_rows(19, 7, bits), bmp_palette(1 << bits, 3), header=12)
for bits in (16, 24, 32):
    files[f"bmp_{bits}.bmp"] = bmp(19, 7, bits, bmp_rows(19, 7, bits))
files["bmp_os2_24.bmp"] = bmp(19, 7, 24, bmp_rows(19, 7, 24), header=12)
files["bmp_top_down_8.bmp"] = bmp(19, -7, 8, bmp_rows(19, 7, 8), bmp_palette(256))
files["bmp_top_down_24.bmp"] = bmp(19, -7, 24, bmp_rows(19, 7, 24))
files["bmp_v4_24.bmp"] = bmp(19, 7, 24, bmp_rows(19, 7, 24), header=108)
files["bmp_v5_24.bmp"] = bmp(19, 7, 24, bmp_rows(19, 7, 24), header=124)
files["bmp_os2_v2_8.bmp"] = bmp(19, 7, 8, bmp_rows(19, 7, 8), bmp_palette(256), header=64)
files["bmp_565.bmp"] = bmp(19, 7, 16, bmp_rows(19, 7, 16), compression=3, masks=struct.pack("<3I", 0xF800, 0x7E0, 0x1F))
files["bmp_555_masks.bmp"] = bmp(19, 7, 16, bmp_rows(19, 7, 16), compression=3, masks=struct.pack("<3I", 0x7C00, 0x3E0, 0x1F))
files["bmp_32_masks.bmp"] = bmp(19, 7, 32, bmp_rows(19, 7, 32), compression=3, masks=struct.pack("<3I", 0xFF0000, 0xFF00, 0xFF))
files["bmp_v4_rgba.bmp"] = bmp(19, 7, 32, bmp_rows(19, 7, 32), compression=3, header=108, masks=struct.pack("<4I", 0xFF, 0xFF00, 0xFF0000, 0xFF000000))
files["bmp_v5_bgra.bmp"] = bmp(19, 7, 32, bmp_rows(19, 7, 32), compression=3, header=124, masks=struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000))
files["bmp_v5_abgr.bmp"] = bmp(19, 7, 32, bmp_rows(19, 7, 32), compression=3, header=124, masks=struct.pack("<4I", 0xFF000000, 0xFF0000, 0xFF00, 0xFF))
files["bmp_odd_masks.bmp"] = bmp(19, 7, 32, bmp_rows(19, 7, 32), compression=3, masks=struct.pack("<3I", 0x3FF00000, 0xFFC00, 0x3FF))
files["bmp_56_bgra.bmp"] = bmp(19, 7, 32, bmp_rows(19, 7, 32), compression=3, header=56, masks=struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000))
files["bmp_few_colours.bmp"] = bmp(19, 7, 8, bytes(b % 9 for b in bmp_rows(19, 7, 8)), bmp_palette(9), colours=9)
files["bmp_beyond_palette.bmp"] = bmp(19, 7, 8, bmp_rows(19, 7, 8), bmp_palette(9), colours=9)
files["bmp_1_black_and_white.bmp"] = saved(picture(19, 7, "1"), "BMP")
files["bmp_grey_by_pillow.bmp"] = saved(picture(19, 7, "L"), "BMP")
files["bmp_offset_without_palette.bmp"] = bmp(19, 7, 8, bmp_rows(19, 7, 8), bmp_palette(256), offset=54)
files["bmp_gap_before_pixels.bmp"] = bmp(19, 7, 24, bmp_rows(19, 7, 24), extra=b"\0" * 10)
files["bmp_8_with_two_greys.bmp"] = bmp(19, 7, 8, bytes(b % 2 for b in bmp_rows(19, 7, 8)), b"\0\0\0\0\xff\xff\xff\0", colours=2)
files["bmp_4_grey_ramp.bmp"] = bmp(19, 7, 4, bmp_rows(19, 7, 4), b"".join(bytes([i, i, i, 0]) for i in range(16)))
rle8 = b"".join(bytes([10, y, 0, 5, 1, 2, 3, 4, 5, 0, 4, 9 + y, 0, 0]) for y in range(7)) + b"\0\1"
files["bmp_rle8.bmp"] = bmp(19, 7, 8, rle8, bmp_palette(256), compression=1)
files["bmp_rle8_overlong_run.bmp"] = bmp(19, 7, 8, rle8.replace(b"\4\x09", b"\x40\x09"), bmp_palette(256), compression=1)
files["bmp_rle8_ends_early.bmp"] = bmp(19, 7, 8, rle8[:42] + b"\0\1", bmp_palette(256), compression=1)
files["bmp_rle8_cut.bmp"] = bmp(19, 7, 8, rle8[:44], bmp_palette(256), compression=1)
files["bmp_rle8_delta.bmp"] = bmp(19, 7, 8, rle8[:28] + b"\0\2\3\1" + b"\x10\x05\0\0" + rle8[56:], bmp_palette(256), compression=1)
rle4 = b"".join(bytes([11, 0x20 + y, 0, 4, 0x12, 0x34, 4, 0x55, 0, 0]) for y in range(7)) + b"\0\1"
files["bmp_rle4.bmp"] = bmp(19, 7, 4, rle4, bmp_palette(16), compression=2)
rle4 = b"".join(bytes([11, 0x20 + y, 0, 5, 0x12, 0x34, 0x56, 0, 3, 0x55, 0, 0]) for y in range(7)) + b"\0\1"
files["bmp_rle4_odd_literal.bmp"] = bmp(19, 7, 4, rle4, bmp_palette(16), compression=2)
b24 = files["bmp_24.bmp"]
files["bmp_cut.bmp"] = b24[:-100]
files["bmp_last_padding_missing.bmp"] = b24[:-3]
files["bmp_cut_in_header.bmp"] = b24[:30]
files["bmp_garbage_behind.bmp"] = b24 + b"garbage"
files["bmp_bits_2.bmp"] = bmp(19, 7, 2, bmp_rows(19, 7, 2), bmp_palette(4))
files["bmp_jpeg_inside.bmp"] = bmp(21, 13, 0, base, compression=4)
files["bmp_width_0.bmp"] = bmp(0, 7, 24, b"")
files["bmp_header_unknown.bmp"] = bmp(19, 7, 24, bmp_rows(19, 7, 24), header=44)
files["bmp_named.jpg"] = b24

# ---- TIFF ----

TYPES = {"H": 3, "I": 4, "B": 1}


def tiff(w, h, data, photometric, bits=(8,), compression=1, order="<", extra=(), **more):
    """One strip, or the strips or tiles of a list."""
    parts = data if isinstance(data, list) else [data]
    tags = {256: ("I", [w]), 257: ("I", [h]), 258: ("H", list(bits)), 259: ("H", [compression]), 262: ("H", [photometric]),
            277: ("H", [len(bits)])}
    tags.update({273: ("I", [0] * len(parts)), 278: ("I", [more.pop("rows", h)]), 279: ("I", [len(p) for p in parts])})
    if "tile" in more:
        tags.update({322: ("I", [more["tile"][0]]), 323: ("I", [more["tile"][1]]), 324: tags.pop(273), 325: tags.pop(279)})
        tags.pop(278)
        more.pop("tile")
    if extra:
        tags[338] = ("H", list(extra))
    tags.update({int(k[1:]): v for k, v in more.items()})
    at = 8 + 2 + 12 * len(tags) + 4
    out, tail, places = b"", b"", []
    where = 324 if 324 in tags else 273
    for _ in (0, 1):  # the second time with the places of the parts
        out, tail = b"", b""
        for tag in sorted(tags):
            kind, values = tags[tag]
            body = struct.pack(f"{order}{len(values)}{kind}", *values)
            if len(body) > 4:
                tail += b"" if len(tail) % 2 == 0 else b"\0"
                field, tail = struct.pack(order + "I", at + len(tail)), tail + body
            else:
                field = body.ljust(4, b"\0")
            out += struct.pack(order + "HHI", tag, TYPES[kind], len(values)) + field
        begin = at + len(tail)
        tags[where] = ("I", [begin + sum(len(p) for p in parts[:i]) for i in range(len(parts))])
    magic = b"II*\0" if order == "<" else b"MM\0*"
    return magic + struct.pack(order + "I", 8) + struct.pack(order + "H", len(tags)) + out + b"\0" * 4 + tail + b"".join(parts)


def noise(n, seed=11):
    out, state = bytearray(), seed
    for i in range(n):
        state = (state * 1664525 + 1013904223) % 2**32
        out.append(state >> 24)
    return bytes(out)


W, H = 19, 7
colourmap = [(i * 4111 + c * 20011) % 65536 for c in range(3) for i in range(256)]
for order, end in (("<", "le"), (">", "be")):
    files[f"tiff_grey_8_{end}.tif"] = tiff(W, H, noise(W * H), 1, order=order)
    files[f"tiff_grey_16_{end}.tif"] = tiff(W, H, b"".join(struct.pack(order + "H", i * 5) for i in range(W * H)), 1, (16,), order=order)
    files[f"tiff_rgb_8_{end}.tif"] = tiff(W, H, noise(3 * W * H), 2, (8, 8, 8), order=order)
    files[f"tiff_rgb_16_{end}.tif"] = tiff(W, H, noise(6 * W * H), 2, (16, 16, 16), order=order)
for bits in (1, 2, 4):
    row = (W * bits + 7) // 8
    files[f"tiff_grey_{bits}.tif"] = tiff(W, H, noise(row * H), 1, (bits,))
    files[f"tiff_white_is_zero_{bits}.tif"] = tiff(W, H, noise(row * H), 0, (bits,))
    files[f"tiff_palette_{bits}.tif"] = tiff(W, H, noise(row * H), 3, (bits,), t320=("H", [colourmap[i + 256 * c] for c in range(3) for i in range(1 << bits)]))
files["tiff_white_is_zero_8.tif"] = tiff(W, H, noise(W * H), 0)
files["tiff_white_is_zero_16.tif"] = tiff(W, H, noise(2 * W * H), 0, (16,))
files["tiff_palette_8.tif"] = tiff(W, H, noise(W * H), 3, t320=("H", colourmap))
files["tiff_grey_alpha.tif"] = tiff(W, H, noise(2 * W * H), 1, (8, 8), extra=(2,))
files["tiff_rgba.tif"] = tiff(W, H, noise(4 * W * H), 2, (8,) * 4, extra=(2,))
files["tiff_rgba_premultiplied.tif"] = tiff(W, H, noise(4 * W * H), 2, (8,) * 4, extra=(1,))
files["tiff_rgbx.tif"] = tiff(W, H, noise(4 * W * H), 2, (8,) * 4, extra=(0,))
files["tiff_rgba_16.tif"] = tiff(W, H, noise(8 * W * H), 2, (16,) * 4, extra=(2,))
files["tiff_cmyk.tif"] = tiff(W, H, noise(4 * W * H), 5, (8,) * 4)
files["tiff_strips.tif"] = tiff(W, H, [noise(3 * W * 3, 1), noise(3 * W * 3, 2), noise(3 * W, 3)], 2, (8,) * 3, rows=3)
files["tiff_planes.tif"] = tiff(W, H, [noise(W * H, 1), noise(W * H, 2), noise(W * H, 3)], 2, (8,) * 3, t284=("H", [2]))
files["tiff_tiles.tif"] = tiff(W, H, [noise(3 * 256, 1), noise(3 * 256, 2)], 2, (8,) * 3, tile=(16, 16))
files["tiff_packbits.tif"] = tiff(W, H, b"".join(bytes([W * 3 - 1]) + noise(W * 3, y) for y in range(H)), 2, (8,) * 3, 32773)
files["tiff_deflate.tif"] = tiff(W, H, zlib.compress(noise(3 * W * H)), 2, (8,) * 3, 8)
files["tiff_old_deflate.tif"] = tiff(W, H, zlib.compress(noise(3 * W * H)), 2, (8,) * 3, 32946)
files["tiff_deflate_predictor.tif"] = tiff(W, H, zlib.compress(noise(3 * W * H)), 2, (8,) * 3, 8, t317=("H", [2]))
for c in ("tiff_lzw", "group3", "group4", "jpeg"):
    files[f"tiff_by_pillow_{c}.tif"] = saved(picture(33, 21, "1" if c.startswith("g") else "RGB"), "TIFF", compression=c)
for o in range(1, 9):
    files[f"tiff_orientation_{o}.tif"] = tiff(5, 3, noise(45), 2, (8,) * 3, t274=("H", [o]))
pages = io.BytesIO()
picture(9, 5).save(pages, "TIFF", save_all=True, append_images=[picture(7, 7)])
files["tiff_two_pages.tif"] = pages.getvalue()
files["tiff_float.tif"] = tiff(W, H, struct.pack(f"<{W * H}f", *range(W * H)), 1, (32,), t339=("H", [3]))
files["tiff_signed_16.tif"] = tiff(W, H, noise(2 * W * H), 1, (16,), t339=("H", [2]))
files["tiff_lab.tif"] = tiff(W, H, noise(3 * W * H), 8, (8,) * 3)
files["tiff_lerc.tif"] = tiff(W, H, noise(W * H), 1, compression=34887)
t = files["tiff_rgb_8_le.tif"]
files["tiff_cut.tif"] = t[:-100]
files["tiff_cut_in_directory.tif"] = t[:60]
files["tiff_lzw_cut.tif"] = tiff(W, H, noise(90), 2, (8,) * 3, 5)
files["tiff_deflate_cut.tif"] = tiff(W, H, zlib.compress(noise(3 * W * H))[:-90], 2, (8,) * 3, 8)
files["tiff_no_strips.tif"] = tiff(W, H, [b""], 1)
files["tiff_fill_order.tif"] = tiff(W, H, noise((W + 7) // 8 * H), 1, (1,), t266=("H", [2]))
files["tiff_named.jpg"] = t

# ---- no images ----

files["empty.jpg"] = b""
files["html.jpg"] = b"<!DOCTYPE html>\n<html><body>404</body></html>\n"
files["lfs_pointer.jpg"] = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n"
files["zeros.jpg"] = b"\0" * 400
files["apple_double.jpg"] = b"\0\5\x16\7\0\2\0\0Mac OS X        " + b"\0" * 60
files["one_byte.png"] = b"\x89"

# ---- what Pillow makes of them ----


def pillow(data):
    try:
        with Image.open(io.BytesIO(data)) as i:
            i = i.convert("RGB")
        return f"{i.size[0]}x{i.size[1]} {hashlib.sha256(i.tobytes()).hexdigest()}"
    except Exception:
        return "refused -"


for name, data in files.items():
    open(os.path.join(here, name), "wb").write(data)
with open(os.path.join(here, "pillow.txt"), "w") as table:
    table.writelines(f"{name} {pillow(data)}\n" for name, data in files.items())
print(f"{len(files)} files, {sum(map(len, files.values()))} bytes")
