"""The twin of the study's training run in PyTorch: same initial weights, same batches, same rule; prints the losses.

usage: twin.py FOLDER; it holds model.safetensors (names of Hugging Face's GPT-2), setting.json, and batches.bin: for
each step the input ids and the labels, int32 [B,T] each.
"""
import json, math, struct, sys
from pathlib import Path
import torch
from torch.nn import functional as F

folder = Path(sys.argv[1])
s = json.loads((folder / "setting.json").read_text())
B, T, H, D, L = s["batch"], s["context"], s["heads"], s["width"], s["layers"]


def read_safetensors(file):
    """Eight bytes with the length of a JSON header, the header, then the data at the header's offsets."""
    data = bytearray(file.read_bytes())
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        assert entry["dtype"] == "F32", name
        begin, end = entry["data_offsets"]
        values = torch.frombuffer(data, dtype=torch.float32, count=(end - begin) // 4, offset=8 + length + begin)
        tensors[name] = values.clone().view(entry["shape"])
    return tensors


w = {name: tensor.requires_grad_() for name, tensor in read_safetensors(folder / "model.safetensors").items()}


def norm(x, name):
    return F.layer_norm(x, (D,), w[name + ".weight"], w[name + ".bias"], 1e-5)


def project(x, name):  # GPT-2 keeps its matrices as [in, out]
    return x @ w[name + ".weight"] + w[name + ".bias"]


def loss_of(ids, labels):
    x = w["transformer.wte.weight"][ids] + w["transformer.wpe.weight"][:T]
    for i in range(L):
        at = f"transformer.h.{i}."
        q, k, v = (z.view(B, T, H, D // H).transpose(1, 2) for z in project(norm(x, at + "ln_1"), at + "attn.c_attn").split(D, 2))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(B, T, D)
        x = x + project(y, at + "attn.c_proj")
        x = x + project(F.gelu(project(norm(x, at + "ln_2"), at + "mlp.c_fc"), approximate="tanh"), at + "mlp.c_proj")
    logits = norm(x, "transformer.ln_f") @ w["transformer.wte.weight"].T
    return F.cross_entropy(logits.view(B * T, -1), labels.view(-1).long())


def rate(step):  # steps count from 0
    if step < s["warmupSteps"]:
        return s["learningRate"] * step / s["warmupSteps"]
    progress = (step - s["warmupSteps"]) / (s["steps"] - s["warmupSteps"])
    low, high = s["minimumLearningRate"], s["learningRate"]
    return low + (high - low) * 0.5 * (1 + math.cos(math.pi * progress))


groups = [
    {"params": [p for p in w.values() if p.dim() > 1], "weight_decay": s["weightDecay"]},
    {"params": [p for p in w.values() if p.dim() == 1], "weight_decay": 0.0},
]
optimizer = torch.optim.AdamW(groups, lr=s["learningRate"], betas=(s["beta1"], s["beta2"]), eps=s["eps"])
batches = torch.frombuffer(bytearray((folder / "batches.bin").read_bytes()), dtype=torch.int32).view(-1, 2, B, T).long()

losses, norms = [], []
for step, (ids, labels) in enumerate(batches):
    for group in optimizer.param_groups:
        group["lr"] = rate(step)
    optimizer.zero_grad(set_to_none=True)
    loss = loss_of(ids, labels)
    loss.backward()
    norms.append(torch.nn.utils.clip_grad_norm_(list(w.values()), s["gradientClipNorm"]).item())
    optimizer.step()
    losses.append(loss.item())
print(json.dumps({"losses": losses, "gradientNorms": norms, "version": torch.__version__}))
