"""Writes modes.rgb: four images brought to 32 x 32 by Pillow in the ways of open_clip's image_transform (resize_mode
squash, shortest, longest; interpolation) and of transformers (a shortest_edge larger than the crop), as 3 bytes a pixel, a
way after the other. The steps are those of torchvision's Resize and CenterCrop and of open_clip's ResizeKeepRatio and
CenterCropOrPad (open_clip/transform.py), written with Pillow alone.

    python3 modes.py      needs Pillow"""
import os

from PIL import Image, ImageOps

HERE = os.path.dirname(os.path.abspath(__file__))
NAMES = ["04_333x500_rgb.png", "11_1023x777_l.png", "06_64x48_rgb.png", "07_31x257_l.png"]
SIZE = 32


def crop(image, size):
    top, left = int(round((image.height - size) / 2.0)), int(round((image.width - size) / 2.0))
    return image.crop((left, top, left + size, top + size))


def shortest(image, edge, filter):
    w, h = image.size
    short, long = min(w, h), max(w, h)
    new = int(edge * long / short)
    return crop(image.resize((edge, new) if w <= h else (new, edge), filter), SIZE)


def squash(image, filter):
    return image.resize((SIZE, SIZE), filter)


def longest(image, filter, fill):
    ratio = max(image.height / SIZE, image.width / SIZE)
    h, w = (round(x * 1.0 / ratio) for x in (image.height, image.width))
    image = image.resize((w, h), filter)
    if SIZE > w or SIZE > h:
        border = ((SIZE - w) // 2, (SIZE - h) // 2, (SIZE - w + 1) // 2, (SIZE - h + 1) // 2)
        image = ImageOps.expand(image, border=border, fill=(fill,) * 3)
    return image


WAYS = [lambda i: squash(i, Image.BICUBIC), lambda i: squash(i, Image.BILINEAR),
        lambda i: shortest(i, SIZE, Image.BILINEAR), lambda i: longest(i, Image.BICUBIC, 7),
        lambda i: longest(i, Image.BILINEAR, 0), lambda i: shortest(i, 40, Image.BICUBIC)]

with open(os.path.join(HERE, "modes.rgb"), "wb") as out:
    for way in WAYS:
        for name in NAMES:
            done = way(Image.open(os.path.join(HERE, name)).convert("RGB"))
            assert done.size == (SIZE, SIZE)
            out.write(done.tobytes())
