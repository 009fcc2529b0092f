"""A text model (0.4 MB) and a vision projector (0.2 MB) of random weights, which llama.cpp loads and serves.

Replies are noise, but with a schema they are valid JSON of it, and images are decoded and counted. The
weights come from a fixed seed, so two builds are the same bytes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gguf
import numpy as np

EMBEDDING, HEADS, FEED_FORWARD = 64, 2, 128
VISION, VISION_FEED_FORWARD, VISION_BLOCKS, PATCHES = 32, 64, 2, 4
TEMPLATE = (
    "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)


def build_text_model(path: Path, *, context_tokens: int = 2048, template: str = TEMPLATE) -> Path:
    """Write the model to `path`: architecture llama, one block, byte and ASCII tokens.

    It writes some thousand tokens a second, so that an endless reply needs a longer context.
    """
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("tiny random model")
    writer.add_context_length(context_tokens)
    writer.add_embedding_length(EMBEDDING)
    writer.add_block_count(1)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(EMBEDDING // HEADS)
    vocabulary = _add_tokenizer(writer, template)
    random = _Random(7)
    writer.add_tensor("token_embd.weight", random(vocabulary, EMBEDDING))
    writer.add_tensor("output_norm.weight", _ones(EMBEDDING))
    writer.add_tensor("output.weight", random(vocabulary, EMBEDDING))
    for norm in ("attn_norm", "ffn_norm"):
        writer.add_tensor(f"blk.0.{norm}.weight", _ones(EMBEDDING))
    for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
        writer.add_tensor(f"blk.0.{part}.weight", random(EMBEDDING, EMBEDDING))
    for part in ("ffn_gate", "ffn_up"):
        writer.add_tensor(f"blk.0.{part}.weight", random(FEED_FORWARD, EMBEDDING))
    writer.add_tensor("blk.0.ffn_down.weight", random(EMBEDDING, FEED_FORWARD))
    return _written(writer, path)


def build_projector(path: Path) -> Path:
    """Write the projector to `path`: architecture clip, 28 x 28 pixels, patches of 14, for the text model."""
    writer = gguf.GGUFWriter(path, "clip")
    writer.add_bool("clip.has_vision_encoder", True)
    writer.add_string("clip.projector_type", "mlp")
    writer.add_bool("clip.use_gelu", False)
    sizes = {
        "image_size": 28,
        "patch_size": 14,
        "embedding_length": VISION,
        "feed_forward_length": VISION_FEED_FORWARD,
        "projection_dim": EMBEDDING,
        "block_count": VISION_BLOCKS,
        "attention.head_count": HEADS,
    }
    for name, value in sizes.items():
        writer.add_uint32(f"clip.vision.{name}", value)
    writer.add_float32("clip.vision.attention.layer_norm_epsilon", 1e-5)
    writer.add_array("clip.vision.image_mean", [0.5] * 3)
    writer.add_array("clip.vision.image_std", [0.5] * 3)
    random = _Random(8)
    writer.add_tensor("v.class_embd", random(VISION))
    writer.add_tensor("v.patch_embd.weight", random(VISION, 3, 14, 14))
    writer.add_tensor("v.position_embd.weight", random(PATCHES + 1, VISION))
    shapes: dict[str, tuple[int, ...]] = {"v.pre_ln": (VISION,)}
    for block in range(VISION_BLOCKS):
        prefix = f"v.blk.{block}."
        shapes |= {prefix + part: (VISION, VISION) for part in ("attn_q", "attn_k", "attn_v", "attn_out")}
        shapes |= {prefix + "ln1": (VISION,), prefix + "ln2": (VISION,)}
        shapes |= {
            prefix + "ffn_up": (VISION_FEED_FORWARD, VISION),
            prefix + "ffn_down": (VISION, VISION_FEED_FORWARD),
        }
    shapes |= {"mm.0": (EMBEDDING, VISION), "mm.2": (EMBEDDING, EMBEDDING)}
    for name, shape in shapes.items():
        writer.add_tensor(f"{name}.weight", random(*shape) if len(shape) == 2 else _ones(*shape))
        writer.add_tensor(f"{name}.bias", random(shape[0]))
    return _written(writer, path)


def _add_tokenizer(writer: gguf.GGUFWriter, template: str) -> int:
    kinds = gguf.TokenType
    tokens = ["<unk>", "<s>", "</s>"]
    types = [kinds.UNKNOWN, kinds.CONTROL, kinds.CONTROL]
    tokens += [f"<0x{byte:02X}>" for byte in range(256)]
    types += [kinds.BYTE] * 256
    printable = [chr(code) for code in range(33, 127)]
    tokens += ["\u2581", *printable]
    types += [kinds.NORMAL] * (1 + len(printable))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([-float(place) for place in range(len(tokens))])
    writer.add_token_types(types)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_chat_template(template)
    return len(tokens)


class _Random:
    """Tensors of small normal numbers, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._generator = np.random.default_rng(seed)

    def __call__(self, *shape: int) -> np.ndarray[Any, np.dtype[np.float32]]:
        return self._generator.normal(0.0, 0.1, shape).astype(np.float32)


def _ones(*shape: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.ones(shape, dtype=np.float32)


def _written(writer: gguf.GGUFWriter, path: Path) -> Path:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
