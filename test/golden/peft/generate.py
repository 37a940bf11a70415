"""Makes the folders beside this file: tiny bases with random weights, adapters as PEFT saves them, and what comes out.

Made with peft 0.21.0, transformers 5.18, torch 2.13: `python generate.py` writes into the working directory.
Of each case, expected.safetensors holds `logits` (adapter on), `base` (adapter off), `merged` (adapter merged, where it can
be), and `gradient.NAME` of each learned tensor for the loss sum(logits * sin(index)) over the tokens that are no padding.
"""

import json
import os
import shutil

import peft
import torch
import transformers as t
from peft import IA3Config, LoraConfig, PromptTuningConfig, get_peft_model
from safetensors.torch import load_file, save_file

# peft 0.21 asks for the name that transformers 4 had
t.T5ForConditionalGeneration._prepare_encoder_decoder_kwargs_for_generation = None

IDS = torch.tensor([[3, 17, 5, 9, 30, 2], [8, 1, 22, 6, 0, 0]])
MASK = torch.tensor([[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 0, 0]])
DECODER = torch.tensor([[0, 4, 11], [0, 7, 25]])
V, D, F = 37, 16, 24
common = dict(vocab_size=V, pad_token_id=0, bos_token_id=1, eos_token_id=2)
bert = dict(hidden_size=D, intermediate_size=F, num_hidden_layers=2, num_attention_heads=2, max_position_embeddings=32)
rotary = dict(bert, num_key_value_heads=1, head_dim=8, tie_word_embeddings=False)
bases = {
    "gpt2": t.GPT2LMHeadModel(t.GPT2Config(n_embd=D, n_layer=2, n_head=2, n_positions=32, **common)),
    "bert": t.BertForSequenceClassification(t.BertConfig(num_labels=3, **bert, **common)),
    "llama": t.LlamaForCausalLM(t.LlamaConfig(**rotary, **common)),
    "gemma": t.GemmaForCausalLM(t.GemmaConfig(**dict(rotary, tie_word_embeddings=True), **common)),
    "gpt_neox": t.GPTNeoXForCausalLM(t.GPTNeoXConfig(**bert, **common)),
    "t5": t.T5ForConditionalGeneration(
        t.T5Config(d_model=D, d_kv=8, d_ff=F, num_layers=2, num_heads=2, decoder_start_token_id=0, **common)
    ),
    "roberta_body": t.RobertaModel(t.RobertaConfig(**bert, **dict(common, pad_token_id=1, bos_token_id=0)), add_pooling_layer=False),
}
LM, SEQ, S2S = "CAUSAL_LM", "SEQ_CLS", "SEQ_2_SEQ_LM"
attention = ["q_proj", "v_proj"]
cases = {
    "gpt2-lora": ("gpt2", LoraConfig(task_type=LM, r=3, lora_alpha=7, target_modules=["c_attn", "c_proj"], fan_in_fan_out=True, lora_dropout=0.1)),
    "gpt2-rslora-patterns": ("gpt2", LoraConfig(task_type=LM, r=2, lora_alpha=4, use_rslora=True, fan_in_fan_out=True, target_modules=r".*\.h\.\d\.(attn\.c_attn|mlp\.c_fc)", rank_pattern={"h.1.mlp.c_fc": 5}, alpha_pattern={"c_attn": 9})),
    "gpt2-lora-embeddings": ("gpt2", LoraConfig(task_type=LM, r=2, lora_alpha=3, target_modules=["wte", "wpe"])),
    "gpt2-dora": ("gpt2", LoraConfig(task_type=LM, r=3, lora_alpha=6, use_dora=True, target_modules=["c_attn", "c_fc"], fan_in_fan_out=True, lora_dropout=0.2)),
    "bert-lora-biases": ("bert", LoraConfig(task_type=SEQ, r=4, lora_alpha=8, target_modules=["query", "value"], bias="lora_only")),
    "bert-dora": ("bert", LoraConfig(task_type=SEQ, r=2, lora_alpha=8, use_dora=True, target_modules=["query", "intermediate.dense"], bias="all")),
    "llama-lora-all": ("llama", LoraConfig(task_type=LM, r=2, lora_alpha=5, target_modules="all-linear")),
    "llama-lora-layer": ("llama", LoraConfig(task_type=LM, r=2, target_modules=attention, layers_to_transform=[1], modules_to_save=["lm_head"])),
    "gemma-lora-embedding": ("gemma", LoraConfig(task_type=LM, r=2, target_modules=["embed_tokens", "q_proj"])),
    "gpt_neox-lora": ("gpt_neox", LoraConfig(task_type=LM, r=2, target_modules=["query_key_value"])),
    "t5-lora": ("t5", LoraConfig(task_type=S2S, r=2, target_modules=["q", "v"])),
    "roberta_body-lora": ("roberta_body", LoraConfig(r=2, target_modules=["query"])),
    "gpt2-ia3": ("gpt2", IA3Config(task_type=LM, target_modules=["c_attn", "mlp.c_proj"], feedforward_modules=["mlp.c_proj"], fan_in_fan_out=True)),
    "bert-ia3": ("bert", IA3Config(task_type=SEQ, target_modules=["key", "value", "output.dense"], feedforward_modules=["output.dense"])),
    "t5-ia3": ("t5", IA3Config(task_type=S2S, target_modules=["k", "v", "wo"], feedforward_modules=["wo"])),
    "gpt2-prompt": ("gpt2", PromptTuningConfig(task_type=LM, num_virtual_tokens=3)),
    "bert-prompt": ("bert", PromptTuningConfig(task_type=SEQ, num_virtual_tokens=3)),
    "llama-prompt": ("llama", PromptTuningConfig(task_type=LM, num_virtual_tokens=4)),
    "gemma-prompt": ("gemma", PromptTuningConfig(task_type=LM, num_virtual_tokens=2)),
    "t5-prompt": ("t5", PromptTuningConfig(task_type=S2S, num_virtual_tokens=2, num_transformer_submodules=1)),
}

for name, model in bases.items():
    torch.manual_seed(len(name))
    for parameter in model.parameters():
        parameter.data = torch.randn_like(parameter) * (0.3 if parameter.ndim > 1 else 0.2) + (parameter.ndim == 1) * parameter.data
    shutil.rmtree(f"base-{name}", ignore_errors=True)
    model.save_pretrained(f"base-{name}")


def run(model, name):
    inputs = dict(input_ids=IDS, attention_mask=MASK)
    if name == "t5":
        inputs["decoder_input_ids"] = DECODER
    output = model(**inputs)
    return output.logits if hasattr(output, "logits") else output.last_hidden_state


def real(out, config):
    if isinstance(config, PromptTuningConfig) and out.ndim == 3 and config.task_type == LM:
        out = out[:, config.num_virtual_tokens :]
    return out


for case, (name, config) in cases.items():
    torch.manual_seed(7)
    base = type(bases[name]).from_pretrained(f"base-{name}", **({"add_pooling_layer": False} if name == "roberta_body" else {})).eval()
    off = run(base, name).detach().clone()
    model = get_peft_model(base, config).eval()
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data + torch.randn_like(parameter) * 0.3
    model.save_pretrained(case)
    out = real(run(model, name), config)
    weight = torch.sin(torch.arange(out.numel(), dtype=torch.float32)).reshape(out.shape)
    if out.ndim == 3 and name != "t5":
        weight = weight * MASK[..., None]
    (out * weight).sum().backward()
    expected = {"logits": out.detach(), "base": off}
    for key, parameter in model.named_parameters():
        if parameter.requires_grad:
            expected["gradient." + key.replace(".default", "")] = parameter.grad
    if not isinstance(config, PromptTuningConfig) and "embed" not in case:
        merged = model.merge_and_unload()
        expected["merged"] = run(merged, name).detach()
    os.remove(f"{case}/README.md")
    save_file({k: v.contiguous().clone() for k, v in expected.items()}, f"{case}/expected.safetensors")
    path = f"{case}/adapter_config.json"
    text = json.load(open(path))
    json.dump(text, open(path, "w"), indent=2, sort_keys=True)
    print(case, sorted(load_file(f"{case}/adapter_model.safetensors").keys())[:4], out.shape)
print(peft.__version__, t.__version__, torch.__version__)
