"""The training step of the bench in PyTorch: a GPT with fused AdamW. Takes orders from the bench, a line of JSON each."""
import json, sys, time
import torch
from torch import nn
from torch.nn import functional as F

mode, shape = sys.argv[1], json.loads(sys.argv[2])
D, L, H, T, B, V = (shape[k] for k in ("width", "layers", "heads", "context", "batch", "vocabulary"))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.qkv, self.mix = nn.LayerNorm(D), nn.Linear(D, 3 * D), nn.Linear(D, D)
        self.norm2, self.up, self.down = nn.LayerNorm(D), nn.Linear(D, 4 * D), nn.Linear(4 * D, D)

    def forward(self, x):
        heads = [z.view(-1, T, H, D // H).transpose(1, 2) for z in self.qkv(self.norm1(x)).split(D, 2)]
        y = F.scaled_dot_product_attention(*heads, is_causal=True).transpose(1, 2).reshape(-1, T, D)
        x = x + self.mix(y)
        return x + self.down(F.gelu(self.up(self.norm2(x)), approximate="tanh"))


class Gpt(nn.Module):
    def __init__(self):
        super().__init__()
        self.token, self.position = nn.Embedding(V, D), nn.Embedding(T, D)
        self.blocks, self.norm = nn.ModuleList(Block() for _ in range(L)), nn.LayerNorm(D)
        for name, p in self.named_parameters():
            if p.dim() > 1:  # as in GPT-2: what is added to the residual stream begins smaller
                nn.init.normal_(p, 0, 0.02 / (2 * L) ** 0.5 if name.endswith(("mix.weight", "down.weight")) else 0.02)
            elif name.endswith("bias"):
                nn.init.zeros_(p)

    def forward(self, ids, labels):
        x = self.token(ids) + self.position.weight
        for block in self.blocks:
            x = block(x)
        return F.cross_entropy((self.norm(x) @ self.token.weight.T).view(-1, V), labels.view(-1))


torch.manual_seed(0)
model = Gpt()
optimizer = torch.optim.AdamW(model.parameters(), 3e-4, betas=(0.9, 0.95), fused=True)
run = torch.compile(model) if "compile" in mode else model
ids = (torch.arange(B * T) * 7 % V).view(B, T)
labels = ((torch.arange(B * T) + 1) * 7 % V).view(B, T)


def step():
    optimizer.zero_grad(set_to_none=True)
    with torch.autocast("cpu", torch.bfloat16, enabled="bfloat16" in mode):
        loss = run(ids, labels)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss.item()


say = lambda answer: print(json.dumps(answer), flush=True)
say({"ready": True})
for line in sys.stdin:
    order = json.loads(line)
    if order.get("end"):
        break
    times, value = [], 0.0
    for _ in range(order.get("steps", 1)):
        start = time.perf_counter()
        value = step()
        times.append((time.perf_counter() - start) * 1000)
    say({"milliseconds": times, "value": value})
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
say({"peakBytes": int(peak.split()[1]) * 1024})
