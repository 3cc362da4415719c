#!/usr/bin/env python3
"""Makes the pictures beside this script and pixels.txt, what Pillow reads in them: name, height, width, and SHA-256 (16 digits) of the RGB bytes.

    python3 make.py FOLDER [CIFAR10.ZIP]    Pillow 11.1 with libjpeg-turbo 2.1.5, libwebp 1.5.0 and libtiff 4.7.0 made what is here

With the archive of CIFAR-10 as JPEGs also cifar10.txt: the same hash of every 27th of its files, by name.

Turned as the EXIF orientation says, first frame or page, transparent parts over black: value * alpha / 255, rounded. 16 bits: value * 255 / 65535, rounded.
"""
import hashlib
import io
import os
import random
import struct
import sys
import zipfile

import numpy
from PIL import Image, ImageCms, ImageOps

HEIGHT, WIDTH = 20, 28
folder = sys.argv[1]
archive = sys.argv[2] if len(sys.argv) > 2 else None
os.makedirs(folder, exist_ok=True)
lines = []


def photo(height=HEIGHT, width=WIDTH):
    """Soft gradients, a hard edge in each direction and some noise; no two corners are alike."""
    random.seed(height * 1000 + width)
    y, x = numpy.mgrid[0:height, 0:width]
    picture = numpy.stack([255 * x / width, 255 * y / height, 128 + 100 * numpy.sin(x / 3.0) * numpy.cos(y / 4.0)], -1)
    picture[: height // 3, : width // 3] = (220, 30, 40)
    picture[-(height // 4):, -(width // 3):] = (30, 60, 210)
    noise = numpy.array([random.randrange(-9, 10) for _ in range(height * width * 3)]).reshape(height, width, 3)
    return Image.fromarray(numpy.clip(picture + noise, 0, 255).astype(numpy.uint8))


def pixels(image):
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):
        deep = numpy.asarray(image).astype(numpy.int64)
        grey = (2 * 255 * deep + 65535) // (2 * 65535)
        return numpy.stack([grey] * 3, -1).astype(numpy.uint8)
    if image.mode in ("LA", "PA", "RGBA", "P", "La", "RGBa"):
        rgba = numpy.asarray(image.convert("RGBA")).astype(numpy.int64)
        return ((2 * rgba[..., :3] * rgba[..., 3:] + 255) // 510).astype(numpy.uint8)
    return numpy.asarray(image.convert("RGB"))


def add(name, data, expected=None):
    with open(os.path.join(folder, name), "wb") as file:
        file.write(data)
    if expected is None:
        image = Image.open(io.BytesIO(data))
        image.load()
        expected = pixels(image)
    height, width, _ = expected.shape
    lines.append(f"{name} {height} {width} {hashlib.sha256(expected.tobytes()).hexdigest()[:16]}")


def saved(image, kind, **options):
    data = io.BytesIO()
    image.save(data, kind, **options)
    return data.getvalue()


def turned(orientation):
    exif = Image.Exif()
    exif[274] = orientation
    return exif


picture, odd = photo(), photo(19, 33)
grey, alpha = picture.convert("L"), Image.fromarray(numpy.linspace(0, 255, HEIGHT * WIDTH).astype(numpy.uint8).reshape(HEIGHT, WIDTH))
clear = picture.copy()
clear.putalpha(alpha)
palette, bilevel = picture.quantize(16), picture.convert("1")
deep = (numpy.asarray(grey) * 257.0 - 100 * (numpy.asarray(grey) > 100)).astype(numpy.uint16)

# JPEG
for name, options in {"444": {"subsampling": 0}, "422": {"subsampling": 1}, "420": {"subsampling": 2}, "progressive": {"progressive": True},
                      "restarts": {"restart_marker_blocks": 2}, "q100": {"quality": 100, "subsampling": 0}, "q10": {"quality": 10}}.items():
    add(f"{name}.jpg", saved(picture, "JPEG", **options))
    add(f"{name}-odd.jpg", saved(odd, "JPEG", **options))
add("grey.jpg", saved(grey, "JPEG"))
add("cmyk.jpg", saved(picture.convert("CMYK"), "JPEG"))
add("mpo.jpg", saved(picture, "MPO", save_all=True, append_images=[picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)]))
base = saved(picture, "JPEG")
add("stray.jpg", base[:-2] + b"\x00\x11\x22" + base[-2:])
add("trailing.jpg", base + b"\x00junk after the end mark")

# A profile that trades red for blue: colours are taken as they are stored, here as by Pillow.
profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
profile = profile.replace(b"rXYZ", b"tXYZ").replace(b"bXYZ", b"rXYZ").replace(b"tXYZ", b"bXYZ")
add("profile.jpg", saved(picture, "JPEG", icc_profile=profile))
add("profile.png", saved(picture, "PNG", icc_profile=profile))
add("profile.webp", saved(picture, "WEBP", icc_profile=profile))

# WebP
add("lossy.webp", saved(picture, "WEBP", quality=80))
add("lossy-odd.webp", saved(odd, "WEBP", quality=50))
add("lossless.webp", saved(picture, "WEBP", lossless=True))
add("alpha.webp", saved(clear, "WEBP", quality=80))
add("alpha-lossless.webp", saved(clear, "WEBP", lossless=True))
add("animated.webp", saved(picture, "WEBP", save_all=True, append_images=[picture.transpose(Image.Transpose.ROTATE_180)], duration=50))
add("animated-alpha.webp", saved(clear, "WEBP", save_all=True, append_images=[clear.transpose(Image.Transpose.ROTATE_180)], duration=50, lossless=True))
add("trailing.webp", saved(picture, "WEBP", quality=80) + b"\x00junk")

# GIF
still = saved(palette, "GIF")
add("still.gif", still)
add("interlaced.gif", saved(palette, "GIF", interlace=1))
add("plain.gif", saved(palette, "GIF", interlace=0))
add("transparent.gif", saved(palette, "GIF", transparency=3))
add("animated.gif", saved(palette, "GIF", save_all=True, append_images=[palette.transpose(Image.Transpose.ROTATE_180)], duration=50))
add("newline.gif", still + b"\n")
add("junk.gif", still + b"\0GARBAGE")
add("zeros.gif", still + b"\0" * 8)
assert still[-1:] == b";"
add("no-end.gif", still[:-1])
# A screen of 40x30 for a frame that stands at (7, 5); outside of it there is nothing, which is black. Pillow takes the palette's entry of background there.
at = still.index(b"\x2c\0\0\0\0")
small = bytearray(still)
small[6:10] = struct.pack("<HH", 40, 30)
small[at + 1: at + 5] = struct.pack("<HH", 7, 5)
screen = numpy.zeros((30, 40, 3), numpy.uint8)
screen[5:25, 7:35] = pixels(Image.open(io.BytesIO(still)))
add("small-frame.gif", bytes(small), screen)

# BMP
def bmp(bits, rows, compression=0, header=40, masks=(), colours=b"", count=0, top_down=False, size=(HEIGHT, WIDTH)):
    body = b"".join(rows)
    info = struct.pack("<IiiHHIIiiII", header, size[1], -size[0] if top_down else size[0], 1, bits, compression, len(body), 2835, 2835, count, 0)
    if header > 40:
        info += struct.pack("<IIII", *(tuple(masks) + (0,) * (4 - len(masks)))) + b"BGRs" + b"\0" * (header - 60)
        masks = ()
    info += b"".join(struct.pack("<I", mask) for mask in masks) + colours
    return b"BM" + struct.pack("<IHHI", 14 + len(info) + len(body), 0, 0, 14 + len(info)) + info + body


def scaled(bits_of):
    """Each sample with so many of its upper bits, scaled to 0..255 and rounded; Pillow cuts off."""
    levels = [(1 << bits) - 1 for bits in bits_of]
    return numpy.stack([((numpy.asarray(picture)[..., i].astype(int) >> 8 - bits) * 510 + level) // (2 * level) for i, (bits, level) in enumerate(zip(bits_of, levels))], -1).astype(numpy.uint8)


def padded(row):
    return row + b"\0" * (-len(row) % 4)


rgb = numpy.asarray(picture)
up = rgb[::-1]
add("24.bmp", saved(picture, "BMP"))
add("24-odd.bmp", saved(odd, "BMP"))
add("8-grey.bmp", saved(grey, "BMP"))
add("8.bmp", saved(palette, "BMP"))
add("1.bmp", saved(bilevel, "BMP"))
for fill in (0, 255):
    add(f"32-alpha{fill}.bmp", bmp(32, [b"".join(bytes([b, g, r, fill]) for r, g, b in row) for row in up]), rgb)
add("top-down.bmp", bmp(24, [padded(b"".join(bytes([b, g, r]) for r, g, b in row)) for row in rgb], top_down=True))
wide = [b"".join(struct.pack("<I", r << 16 | g << 8 | b | 0xFF000000) for r, g, b in row.tolist()) for row in up]
add("32-bitfields-v3.bmp", bmp(32, wide, 3, masks=(0xFF0000, 0xFF00, 0xFF)))
add("32-bitfields-v4.bmp", bmp(32, wide, 3, 108, (0xFF0000, 0xFF00, 0xFF, 0)))
add("32-bitfields-v5.bmp", bmp(32, wide, 3, 124, (0xFF0000, 0xFF00, 0xFF, 0xFF000000)))
rgba = numpy.asarray(clear)[::-1]
add("32-alpha-v5.bmp", bmp(32, [b"".join(struct.pack("<I", r << 16 | g << 8 | b | a << 24) for r, g, b, a in row.tolist()) for row in rgba], 3, 124, (0xFF0000, 0xFF00, 0xFF, 0xFF000000)))
swapped = [b"".join(struct.pack("<I", b << 16 | g << 8 | r) for r, g, b in row.tolist()) for row in up]
add("32-swapped.bmp", bmp(32, swapped, 3, masks=(0xFF, 0xFF00, 0xFF0000)), rgb)
add("16-565.bmp", bmp(16, [padded(b"".join(struct.pack("<H", r >> 3 << 11 | g >> 2 << 5 | b >> 3) for r, g, b in row.tolist())) for row in up], 3, masks=(0xF800, 0x7E0, 0x1F)), scaled((5, 6, 5)))
add("16-555.bmp", bmp(16, [padded(b"".join(struct.pack("<H", r >> 3 << 10 | g >> 3 << 5 | b >> 3) for r, g, b in row.tolist())) for row in up]), scaled((5, 5, 5)))
index = numpy.asarray(palette)[::-1]
entries = palette.getpalette()[:48]
colours = b"".join(bytes([entries[i + 2], entries[i + 1], entries[i], 0]) for i in range(0, 48, 3))
nibbles = [padded(bytes(int(row[i]) << 4 | int(row[i + 1]) for i in range(0, WIDTH, 2))) for row in index]
add("4.bmp", bmp(4, nibbles, colours=colours, count=16))
add("4-v5.bmp", bmp(4, nibbles, header=124, colours=colours, count=16))
add("8-v4.bmp", bmp(8, [padded(row.tobytes()) for row in index], header=108, colours=colours, count=16))
runs = []
for row in index:
    at, line = 0, b""
    while at < WIDTH:
        length = 1
        while at + length < WIDTH and row[at + length] == row[at]:
            length += 1
        line += bytes([length, int(row[at])])
        at += length
    runs.append(line + b"\0\0")
add("rle8.bmp", bmp(8, runs + [b"\0\1"], 1, colours=colours, count=16))
core = b"".join(bytes([entries[i + 2], entries[i + 1], entries[i]]) for i in range(0, 48, 3))
rows = b"".join(nibbles)
add("core.bmp", b"BM" + struct.pack("<IHHI", 26 + 48 + len(rows), 0, 0, 26 + 48) + struct.pack("<IHHHH", 12, WIDTH, HEIGHT, 1, 4) + core + rows)

# TIFF
for name, compression in {"raw": None, "lzw": "tiff_lzw", "deflate": "tiff_adobe_deflate", "packbits": "packbits", "jpeg": "jpeg"}.items():
    add(f"{name}.tif", saved(picture, "TIFF", compression=compression))
for name, image in {"grey": grey, "palette": palette, "bilevel": bilevel, "alpha": clear, "cmyk": picture.convert("CMYK"), "deep": Image.fromarray(deep)}.items():
    add(f"{name}.tif", saved(image, "TIFF"))
    add(f"{name}-lzw.tif", saved(image, "TIFF", compression="tiff_lzw"))
add("bilevel-white-is-zero.tif", saved(bilevel, "TIFF", tiffinfo={262: 0}))
for name in ("group3", "group4", "packbits"):
    add(f"bilevel-{name}.tif", saved(bilevel, "TIFF", compression=name))
add("predictor.tif", saved(picture, "TIFF", compression="tiff_lzw", tiffinfo={317: 2}))
add("pages.tif", saved(picture, "TIFF", save_all=True, append_images=[picture.transpose(Image.Transpose.ROTATE_180)]))
strips = saved(photo(50, 40), "TIFF", compression="tiff_lzw", tiffinfo={278: 16})
add("strips.tif", strips)


def tiff(entries, body, big_endian=False):
    """A file of one directory; an entry is tag: (type, values), and the one strip or tile begins at 8."""
    order, at = ">" if big_endian else "<", 8 + len(body) + len(body) % 2
    table, extra = struct.pack(order + "H", len(entries)), b""
    behind = at + 2 + 12 * len(entries) + 4
    for tag, (kind, values) in sorted(entries.items()):
        data = struct.pack(order + {3: "H", 4: "I"}[kind] * len(values), *values)
        table += struct.pack(order + "HHI", tag, kind, len(values))
        if len(data) <= 4:
            table += data.ljust(4, b"\0")
        else:
            table += struct.pack(order + "I", behind + len(extra))
            extra += data + b"\0" * (len(data) % 2)
    return (b"MM\0*" if big_endian else b"II*\0") + struct.pack(order + "I", at) + body + b"\0" * (len(body) % 2) + table + struct.pack(order + "I", 0) + extra


def simple(body, bits, photometric, **more):
    return {256: (3, [WIDTH]), 257: (3, [HEIGHT]), 258: (3, bits), 259: (3, [1]), 262: (3, [photometric]), 273: (4, [8]), 277: (3, [len(bits)]),
            278: (3, [HEIGHT]), 279: (4, [len(body)])} | {int(tag[1:]): value for tag, value in more.items()}


add("big-endian.tif", tiff(simple(rgb.tobytes(), [8] * 3, 2), rgb.tobytes(), True))
planes = rgb.transpose(2, 0, 1).tobytes()
area = HEIGHT * WIDTH
add("planar.tif", tiff(simple(planes, [8] * 3, 2, t284=(3, [2]), t273=(4, [8, 8 + area, 8 + 2 * area]), t279=(4, [area] * 3)), planes))
deeper = (rgb.astype(numpy.uint16) * 257).astype("<u2").tobytes()
add("rgb16.tif", tiff(simple(deeper, [16] * 3, 2), deeper), rgb)
tile = numpy.zeros((32, 32, 3), numpy.uint8)
tile[:HEIGHT, :WIDTH] = rgb
tiled = simple(b"", [8] * 3, 2, t322=(3, [32]), t323=(3, [32]), t324=(4, [8]), t325=(4, [32 * 32 * 3]))
for tag in (273, 278, 279):
    del tiled[tag]
add("tiled.tif", tiff(tiled, tile.tobytes()))
white = (255 - numpy.asarray(grey)).tobytes()
add("white-is-zero.tif", tiff(simple(white, [8], 0), white), pixels(grey))
nibble = bytes(a << 4 | b for a, b in (numpy.asarray(grey).reshape(-1, 2) >> 4).tolist())
add("grey4.tif", tiff(simple(nibble, [4], 1), nibble), numpy.repeat((numpy.asarray(grey) >> 4)[..., None] * numpy.uint8(17), 3, -1))

# PNM
add("p6.ppm", saved(picture, "PPM"))
add("p5.pgm", saved(grey, "PPM"))
add("p4.pbm", saved(bilevel, "PPM"))
add("p4-odd.pbm", saved(odd.convert("1"), "PPM"))
add("p5-deep.pgm", b"P5\n%d %d\n65535\n" % (WIDTH, HEIGHT) + deep.astype(">u2").tobytes())
low = (numpy.asarray(grey) * (200 / 255)).astype(int)
add("p5-200.pgm", b"P5 %d %d 200\n" % (WIDTH, HEIGHT) + low.astype(numpy.uint8).tobytes(), numpy.repeat(((510 * low + 200) // 400).astype(numpy.uint8)[..., None], 3, -1))
add("comment.pgm", b"P5\n# made by hand\n%d %d\n# so\n255\n" % (WIDTH, HEIGHT) + grey.tobytes())
text = "\n".join(" ".join(map(str, row)) for row in numpy.asarray(grey).tolist())
add("p2.pgm", f"P2\n{WIDTH} {HEIGHT}\n255\n{text}\n".encode())
text = "\n".join(" ".join(map(str, row)) for row in rgb.reshape(HEIGHT, -1).tolist())
add("p3.ppm", f"P3\n{WIDTH} {HEIGHT}\n255\n{text}\n".encode())
text = "\n".join("".join("0" if value else "1" for value in row) for row in numpy.asarray(bilevel).tolist())
add("p1.pbm", f"P1\n{WIDTH} {HEIGHT}\n{text}\n".encode())

# PNG
add("rgb.png", saved(picture, "PNG"))
add("alpha.png", saved(clear, "PNG"))
add("grey.png", saved(grey, "PNG"))
add("grey-alpha.png", saved(clear.convert("LA"), "PNG"))
add("palette.png", saved(palette, "PNG", transparency=3))
add("bilevel.png", saved(bilevel, "PNG"))
add("deep.png", saved(Image.fromarray(deep), "PNG"))
add("animated.png", saved(picture, "PNG", save_all=True, append_images=[picture.transpose(Image.Transpose.ROTATE_180)]))

# The eight orientations
for orientation in range(1, 9):
    exif = turned(orientation)
    add(f"o{orientation}.jpg", saved(picture, "JPEG", exif=exif, subsampling=0))
    add(f"o{orientation}.png", saved(picture, "PNG", exif=exif))
    add(f"o{orientation}.webp", saved(picture, "WEBP", lossless=True, exif=exif))
    add(f"o{orientation}.tif", saved(picture, "TIFF", compression="tiff_lzw", tiffinfo={274: orientation}))

with open(os.path.join(folder, "pixels.txt"), "w") as file:
    file.write("\n".join(lines) + "\n")

if archive:
    with zipfile.ZipFile(archive) as files, open(os.path.join(folder, "cifar10.txt"), "w") as file:
        for name in sorted(name for name in files.namelist() if name.endswith(".jpg"))[::27]:
            image = Image.open(io.BytesIO(files.read(name))).convert("RGB")
            file.write(f"{name} {hashlib.sha256(image.tobytes()).hexdigest()[:16]}\n")
