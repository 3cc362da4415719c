"""Draws with diffusers what the models in this folder draw, from the same noise, and writes images.npz into each.

Usage: PYTHONPATH=(diffusers' src) python3 draw.py      (diffusers 0.40, PyTorch 2.6, on a CPU)
The noise is made here, from the paper of Philox and from Box and Muller's formula in double precision, not taken from RawDiffusion.
"""
import pathlib

import numpy
import torch
from diffusers import DDIMPipeline, DDPMPipeline, DiffusionPipeline

SEED, COUNT = 3, 8
SAMPLING_START = 7


def philox(counter, key):
    """Philox 4x32-10 of Salmon et al. 2011; counter is four arrays of uint64 that hold 32 bits each."""
    x, y, z, w = counter
    k0, k1 = key & 0xFFFFFFFF, key >> 32
    mask = numpy.uint64(0xFFFFFFFF)
    for _ in range(10):
        p0, p1 = numpy.uint64(0xD2511F53) * x, numpy.uint64(0xCD9E8D57) * z
        x, y, z, w = (p1 >> numpy.uint64(32)) ^ y ^ numpy.uint64(k0), p1 & mask, (p0 >> numpy.uint64(32)) ^ w ^ numpy.uint64(k1), p0 & mask
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return x, y, z, w


def pair(a, b):
    """Box and Muller 1958 from the upper 24 bits of each word; the first is in (0, 1]."""
    radius = numpy.sqrt(-2 * numpy.log(((a >> numpy.uint64(8)).astype(float) + 1) / 2**24))
    angle = 2 * numpy.pi * (b >> numpy.uint64(8)).astype(float) / 2**24
    return radius * numpy.cos(angle), radius * numpy.sin(angle)


def noise(height, width, channels):
    """x_T as [COUNT, channels, height, width]: element e of sample n, rows and columns before channels, is word e mod 4 of block (e / 4, n, 0, purpose)."""
    size = height * width * channels
    blocks = numpy.arange((size + 3) // 4, dtype=numpy.uint64)
    samples = []
    for n in range(COUNT):
        x, y, z, w = philox((blocks, numpy.full_like(blocks, n), numpy.zeros_like(blocks), numpy.full_like(blocks, SAMPLING_START)), SEED)
        values = numpy.stack([*pair(x, y), *pair(z, w)], axis=1).reshape(-1)[:size]
        samples.append(values.reshape(height, width, channels).transpose(2, 0, 1))
    return torch.from_numpy(numpy.stack(samples).astype(numpy.float32))


def draw(folder):
    if (folder / "pipeline.py").exists():
        pipeline = DiffusionPipeline.from_pretrained(str(folder), custom_pipeline=str(folder / "pipeline.py"), trust_remote_code=True)
    else:
        kind = DDIMPipeline if "DDIMPipeline" in (folder / "model_index.json").read_text() else DDPMPipeline
        pipeline = kind.from_pretrained(str(folder))
    pipeline.set_progress_bar_config(disable=True)
    config = pipeline.unet.config
    x = noise(*((config.sample_size,) * 2 if isinstance(config.sample_size, int) else config.sample_size), config.out_channels)
    if (folder / "pipeline.py").exists():
        # Sample n is of class n mod 8; row 0 of the embedding stands for no class.
        rows = [c for c in range(config.num_class_embeds) if c != pipeline.config.no_class]
        return pipeline(class_labels=[rows[n % len(rows)] for n in range(COUNT)], latents=x).images
    # The stock pipelines draw their noise themselves and take none.
    module = __import__(type(pipeline).__module__, fromlist=["randn_tensor"])
    module.randn_tensor = lambda shape, **_: x
    options = {"use_clipped_model_output": True, "eta": 0.0} if isinstance(pipeline, DDIMPipeline) else {}
    return pipeline(batch_size=COUNT, num_inference_steps=20, **options).images


for model in sorted(path.parent for path in pathlib.Path(__file__).parent.glob("*/model_index.json")):
    images = numpy.stack([numpy.asarray(image.convert("RGB")) for image in draw(model)])
    numpy.savez_compressed(model / "images.npz", arr_0=images)
    print(model.name, images.shape, images.mean(axis=(0, 1, 2)).round(1))
