"""Images to scores with open_clip: open_clip_scores.py B.nbank IMAGE...

The bank must be mined with the same checkpoint: `negbank pull --model https://huggingface.co/laion/CLIP-ViT-B-16-laion2B-s34B-b88K/resolve/main/`
fetches that of MODEL, whose digest `bank.checkpoint` then is.
"""
import sys

import negbank

MODEL = "hf-hub:laion/CLIP-ViT-B-16-laion2B-s34B-b88K"


def embed(paths):
    """Embeddings [images, width] of image files."""
    import open_clip
    import torch
    from PIL import Image

    model, preprocess = open_clip.create_model_from_pretrained(MODEL)
    with torch.no_grad():
        return model.eval().encode_image(torch.stack([preprocess(Image.open(path).convert("RGB")) for path in paths]))


def main(bank_path, *paths):
    bank = negbank.open(bank_path)
    scores = bank.score(embed(paths))
    for path, score, label, accepted in zip(paths, scores.score, scores.label_names, scores.accepted):
        print(f"{path}\t{score:.9g}\t{label}\t{('out', 'in', '-')[accepted]}")


if __name__ == "__main__":
    main(*sys.argv[1:])
