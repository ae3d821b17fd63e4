"""Training less than all weights, or with less memory: adapters, frozen layers, activations computed again."""

from __future__ import annotations

import re
import warnings
from typing import Any

from engine.errors import UserError
from engine.params import TrainParams

# The number of a layer in a weight's name, over the families: BERT, DistilBERT, GPT, Llama, ModernBERT.
_LAYER = re.compile(r"(?:^|\.)(?:layers?|block|h)\.(\d+)\.")
_EMBEDDINGS = re.compile(r"(?:^|\.)(?:embeddings?|embed_tokens|wte|wpe|shared)\.")
# As in the LoRA paper's later practice: as much as all linear layers, the update scaled by 2 (arXiv:2305.14314).
_ALPHA_BY_RANK = 2


def make_lighter(model: Any, params: TrainParams) -> None:  # Any: a SentenceTransformer
    """Freeze layers, put adapters in, switch recomputation on, as `params` say.

    Raises:
        UserError: the model has no layers of that kind, or an adapter is chosen but no rank.
    """
    if params.adapter != "lora" and not params.lora_rank:
        raise UserError(
            f"adapter={params.adapter} does nothing without a rank.",
            hint="Set lora_rank too, 16 for example, or leave adapter out.",
        )
    asked = params.lora_rank or params.freeze_layers or params.gradient_checkpointing == "on"
    if not asked:
        return
    if not hasattr(model[0], "auto_model"):
        raise UserError(
            "Adapters, frozen layers and gradient checkpointing need a transformer; this model is a table of words.",
            hint="Set lora_rank=0, freeze_layers=0 and gradient_checkpointing=off.",
        )
    if params.freeze_layers:
        _freeze(model[0].auto_model, params.freeze_layers)
    if params.lora_rank:
        _add_adapters(model, params)
    if params.gradient_checkpointing == "on":
        transformer = model[0].auto_model
        newer = hasattr(transformer, "activation_checkpointing_enable")
        name = "activation_checkpointing_enable" if newer else "gradient_checkpointing_enable"
        from engine.train.on_cpu import same_again

        getattr(transformer, name)({"use_reentrant": False, "context_fn": same_again})
        if params.lora_rank:
            transformer.enable_input_require_grads()


def frozen_names(transformer: Any, count: int) -> list[str]:  # Any: a transformers model
    """Weights of the lowest `count` layers and of what lies below them.

    Raises:
        UserError: there are not so many layers.
    """
    names = [name for name, _ in transformer.named_parameters()]
    layers = {int(found.group(1)) for name in names if (found := _LAYER.search(name))}
    if count > max(layers, default=-1):
        raise UserError(
            f"The model has {len(layers)} layers; {count} cannot be frozen.",
            hint=f"Freeze at most {max(len(layers) - 1, 0)}.",
        )
    matched = [(name, _LAYER.search(name)) for name in names]
    return [
        name
        for name, found in matched
        if (found and int(found.group(1)) < count) or (not found and _EMBEDDINGS.search(name))
    ]


def _freeze(transformer: Any, count: int) -> None:  # Any: a transformers model
    frozen = set(frozen_names(transformer, count))
    for name, weight in transformer.named_parameters():
        if name in frozen:
            weight.requires_grad_(False)


def adapter_config(
    transformer: Any, params: TrainParams
) -> tuple[str, dict[str, Any]]:  # Any: a transformers model; what a config takes
    """PEFT's config of small matrices beside every linear layer that is not frozen: its class and its arguments."""
    import torch

    targets: str | list[str] = "all-linear"
    if params.freeze_layers:
        linear = [name for name, module in transformer.named_modules() if isinstance(module, torch.nn.Linear)]
        found = [(name, _LAYER.search(f"{name}.")) for name in linear]
        targets = sorted(name for name, layer in found if layer is None or int(layer.group(1)) >= params.freeze_layers)
    rank, alpha = params.lora_rank, _ALPHA_BY_RANK * params.lora_rank
    if params.adapter == "loha":
        return "LoHaConfig", {"r": rank, "alpha": alpha, "target_modules": targets}
    plain = {"r": rank, "lora_alpha": alpha, "lora_dropout": 0.0, "bias": "none", "target_modules": targets}
    return "LoraConfig", {**plain, "use_dora": True} if params.adapter == "dora" else plain


def _add_adapters(model: Any, params: TrainParams) -> None:  # Any: a SentenceTransformer
    """Only the adapters are trained; their first numbers are drawn by the run's seed."""
    import peft
    import torch

    transformer = model[0].auto_model
    kind, arguments = adapter_config(transformer, params)
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore")
        torch.manual_seed(params.seed)
        model[0].model = peft.get_peft_model(transformer, getattr(peft, kind)(**arguments))


def merge_adapters(model: Any) -> None:  # Any: a SentenceTransformer
    """Add trained small matrices to the weights they adapt and take them out; nothing where there are none."""
    transformer = getattr(model[0], "auto_model", None)
    if transformer is not None and hasattr(transformer, "merge_and_unload"):
        model[0].model = transformer.merge_and_unload()
    plain = getattr(model[0], "auto_model", None)
    if plain is not None and getattr(plain, "is_activation_checkpointing", False):
        plain.activation_checkpointing_disable()
    for weight in model.parameters():
        weight.requires_grad_(True)
