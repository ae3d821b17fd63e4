"""Model folders from outside, looked over before any library reads them: data only, whole, fitting what they say."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from engine.encode.families import known_prompts
from engine.errors import ModelError
from engine.store.files import sha256_of

# Modules that hold numbers only; each runs code of sentence-transformers, none of the folder's.
_MODULES = ("Transformer", "Pooling", "Normalize", "Dense", "LayerNorm", "Dropout", "StaticEmbedding")
_MODULE = re.compile(r"sentence_transformers(?:\.[a-z_]+)*\.(" + "|".join(_MODULES) + r")")
_PICKLES = {".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib"}
_WEIGHTS = ("Transformer", "Dense", "LayerNorm", "StaticEmbedding")
_POOLING_MODES = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
_DIGITS = re.compile(r"(?:layers?|block|h)\.(\d+)\.")
_EMBEDDINGS = re.compile(r"(?:^|\.)(?:word_embeddings|embed_tokens|tok_embeddings|wte|shared)\.weight$")
_POSITIONS = re.compile(r"(?:^|\.)position_embeddings\.weight$")
_LARGEST = 40_000_000_000  # parameters; more than any encoder, less than a size that only an attacker writes
_POSITIONS_WITHOUT_BOUND = 8192
_COUNT_FROM_PADDING = (
    "roberta", "roberta-prelayernorm", "xlm-roberta", "xlm-roberta-xl", "xmod", "camembert", "mpnet", "longformer",
    "data2vec-text", "ibert",
)  # fmt: skip

Header = dict[str, tuple[int, ...]]
Json = dict[str, Any]  # Any: JSON values


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What a folder says of its model.

    Attributes:
        name: the folder's name.
        dim: numbers a vector.
        max_length: tokens read of a text, special ones included.
        weights_digest: SHA-256 of the weights (of the list of digests where they lie in several files).
        pooling: how token vectors become one, e.g. "mean"; several joined by "+".
        prompts: put in front of texts, by kind ("query", "passage").
        parameters: how many numbers the weights hold.
        other_digest: of everything else that a vector depends on (tokenizer, module configuration).
    """

    name: str
    dim: int
    max_length: int
    weights_digest: str
    pooling: str
    prompts: dict[str, str] = field(default_factory=dict)
    parameters: int = 0
    other_digest: str = ""


@dataclass(frozen=True, slots=True)
class Module:
    """One step of a model: `kind` as in sentence-transformers, its folder and configuration."""

    kind: str
    folder: Path
    config: Json


def read_facts(folder: Path) -> ModelFacts:
    """Check a model folder and say what is in it, without loading it.

    Raises:
        ModelError: it holds or names code, pickled weights, paths that lead out, or weights that do not fit its
            configuration; the hint says what can be done.
    """
    _check_files(folder)
    modules = read_modules(folder)
    headers = {module.folder: _read_weights(module) for module in modules if module.kind in _WEIGHTS}
    first = modules[0]
    _check_shapes(first, headers[first.folder])
    prompts = _prompts_of(folder, first)
    return ModelFacts(
        name=folder.name,
        dim=_dim(modules, headers[first.folder]),
        max_length=_max_length(first, headers[first.folder]),
        weights_digest=_digest_weights(folder),
        pooling=next((_pooling(m.config) for m in modules if m.kind == "Pooling"), "mean"),
        prompts=prompts,
        parameters=sum(_size(shape) for header in headers.values() for shape in header.values()),
        other_digest=_digest_rest(folder, modules),
    )


def read_prompts(folder: Path) -> dict[str, str]:
    """What is put in front of texts, by kind; without looking at the weights, which takes long for a large model."""
    return _prompts_of(folder, read_modules(folder)[0])


def _prompts_of(folder: Path, first: Module) -> dict[str, str]:
    prompts = _prompts(_read_json(folder / "config_sentence_transformers.json", absent_ok=True))
    return prompts if any(prompts.values()) else known_prompts(folder, first.config) or prompts


def read_modules(folder: Path) -> list[Module]:
    """The steps named in `modules.json`; a plain transformers folder counts as one with mean pooling."""
    path = folder / "modules.json"
    if not path.exists():
        return [Module("Transformer", folder, _read_json(folder / "config.json"))]
    entries = _read_json_list(path)
    modules = [_read_module(folder, entry) for entry in entries]
    if not modules or modules[0].kind not in ("Transformer", "StaticEmbedding"):
        raise ModelError(f"The model in {folder} does not start with an encoder.", hint="Choose another model.")
    return modules


def weight_files(folder: Path) -> list[Path]:
    """Every safetensors file of the model, in order of path."""
    return sorted(path for path in folder.rglob("*.safetensors") if path.is_file())


def read_header(path: Path) -> Header:
    """Names and shapes of the tensors in a safetensors file; the library checks that offsets and sizes agree."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelError(f"The weights in {path} are damaged: {error}.", hint="Download the model again.") from error


def _check_files(folder: Path) -> None:
    if not folder.is_dir():
        raise ModelError(f"There is no model folder {folder}.", hint="Choose a folder that holds modules.json.")
    if not (folder / "modules.json").exists() and not (folder / "config.json").exists():
        raise ModelError(
            f"{folder} holds no model: neither modules.json nor config.json.",
            hint="Choose a folder as sentence-transformers saves them.",
        )
    for path in folder.rglob("*"):
        if path.is_symlink() and not _stays(path.resolve(), folder):
            raise ModelError(
                f"The model file {path.name} is a link out of its folder.", hint="Copy the file itself into the folder."
            )
        if path.suffix == ".py":
            raise ModelError(
                f"The model folder {folder.name} holds program code ({path.name}), which is never run here.",
                hint="Choose a model that needs no code of its own; if this one does not, delete the file.",
            )


def _stays(target: Path, folder: Path) -> bool:
    """Inside the folder, or in the blobs of the same entry of the Hugging Face cache, which is made of links."""
    root = folder.resolve()
    blobs = root.parent.parent / "blobs"
    in_cache = root.parent.name == "snapshots" and target.is_relative_to(blobs)
    return target.is_relative_to(root) or in_cache


def _read_module(folder: Path, entry: Json) -> Module:
    kind, place = str(entry.get("type", "")), str(entry.get("path", ""))
    found = _MODULE.fullmatch(kind)
    if not found:
        raise ModelError(
            f"The model in {folder} asks for '{kind}', which is not among the modules that hold numbers only.",
            hint=f"Allowed are the modules {', '.join(_MODULES)} of sentence-transformers.",
        )
    relative = PurePosixPath(place)
    if relative.is_absolute() or ".." in relative.parts or "\\" in place or ":" in place:
        raise ModelError(f"The model in {folder} names a path outside itself: '{place}'.", hint="Choose another model.")
    inside = folder / relative
    config = _read_json(inside / "config.json", absent_ok=found.group(1) in ("Normalize", "StaticEmbedding"))
    stored = _read_json(inside / "sentence_bert_config.json", absent_ok=True)
    methods = {str(way.get("method", "forward")) for way in (stored.get("modality_config") or {}).values()}
    if methods - {"forward"} or "trust_remote_code" in json.dumps(stored):
        raise ModelError(f"The model in {folder} asks for more than to be run forward.", hint="Choose another model.")
    activation = str(config.get("activation_function", "torch.nn.modules.linear.Identity"))
    if found.group(1) == "Dense" and not activation.startswith("torch.nn.modules."):
        raise ModelError(f"The model in {folder} names the function '{activation}'.", hint="Choose another model.")
    return Module(found.group(1), inside, config)


def _read_weights(module: Module) -> Header:
    """All tensors of a module; refuses pickled weights, custom code and adapters."""
    for name in ("auto_map", "custom_pipelines"):
        if module.config.get(name):
            raise ModelError(
                f"The model in {module.folder} wants to run its own code ({name} in config.json).",
                hint="Choose a model that the installed libraries know.",
            )
    files = sorted(module.folder.glob("*.safetensors"))
    if not files:
        pickled = [path.name for path in module.folder.iterdir() if path.suffix in _PICKLES]
        held = f"only {pickled[0]}, a format that can run code" if pickled else "no weights"
        raise ModelError(
            f"The model folder {module.folder.name} holds {held}.", hint="Choose a copy with model.safetensors."
        )
    header: Header = {}
    for path in files:
        header |= read_header(path)
    if sum(_size(shape) for shape in header.values()) > _LARGEST:
        raise ModelError(f"The model in {module.folder} is too large to be an encoder.", hint="Choose a smaller one.")
    return header


def _check_shapes(module: Module, header: Header) -> None:
    """Compare the sizes in config.json with the weights, so that no size is believed that the file does not hold."""
    config, wrong = module.config, []
    if module.kind == "StaticEmbedding":
        return
    hidden, vocabulary = config.get("hidden_size", config.get("d_model", config.get("dim"))), config.get("vocab_size")
    for name, shape in header.items():
        if _EMBEDDINGS.search(name):
            if hidden and vocabulary and shape[0] != vocabulary:
                wrong.append(f"{name} has {shape[0]} rows, vocab_size is {vocabulary}")
            if config.get("model_type") != "albert" and hidden and len(shape) == 2 and shape[1] != hidden:
                wrong.append(f"{name} has {shape[1]} columns, hidden_size is {hidden}")
        bound = config.get("max_position_embeddings")
        if _POSITIONS.search(name) and bound and len(shape) == 2 and shape[0] != bound:
            wrong.append(f"{name} has {shape[0]} rows, max_position_embeddings is {bound}")
    layers = {int(found.group(1)) for name in header if (found := _DIGITS.search(name))}
    stated = config.get("num_hidden_layers", config.get("n_layers", config.get("num_layers")))
    if layers and isinstance(stated, int) and config.get("model_type") != "albert" and max(layers) + 1 != stated:
        wrong.append(f"weights for {max(layers) + 1} layers, num_hidden_layers is {stated}")
    inner = config.get("intermediate_size")
    sizes = {size for shape in header.values() for size in shape}
    if inner and not any(size in sizes for size in (inner, 2 * inner)):
        wrong.append(f"no weight has the size {inner} of intermediate_size")
    if hidden and hidden not in sizes:
        wrong.append(f"no weight has the size {hidden} of hidden_size")
    if wrong:
        raise ModelError(
            f"The weights in {module.folder} do not fit config.json: {wrong[0]}.", hint="Download the model again."
        )


def _dim(modules: list[Module], header: Header) -> int:
    if modules[0].kind == "StaticEmbedding":
        dim = next(iter(header.values()))[-1]
    else:
        config = modules[0].config
        dim = int(config.get("hidden_size") or config.get("d_model") or config.get("dim") or 0)
    for module in modules:
        if module.kind == "Pooling":
            dim = dim * len(_pooling(module.config).split("+"))
        if module.kind == "Dense":
            dim = int(module.config.get("out_features", dim))
    return dim


def _max_length(module: Module, header: Header) -> int:
    """Tokens the model reads: as sentence-transformers stored it, else the tokenizer's bound, else the positions."""
    stored = _read_json(module.folder / "sentence_bert_config.json", absent_ok=True).get("max_seq_length")
    if stored:
        return bounded_length(int(stored), module.config, header)
    positions = _positions(module.config)
    tokenizer = _read_json(module.folder / "tokenizer_config.json", absent_ok=True).get("model_max_length")
    bounds = [int(b) for b in (positions, tokenizer) if isinstance(b, int | float) and 0 < b < 1_000_000]
    return min(bounds, default=_POSITIONS_WITHOUT_BOUND)


def bounded_length(tokens: int, config: Json, weights: Iterable[str]) -> int:
    """As many of `tokens` as a model has places for; all where places are not weights of its own (rotary, ALiBi)."""
    places = _positions(config)
    return min(tokens, places) if places and any(_POSITIONS.search(name) for name in weights) else tokens


def _positions(config: Json) -> int | None:
    """Tokens that have a place of their own, None where the configuration does not say."""
    places = config.get("max_position_embeddings")
    if not isinstance(places, int) or not _skips_positions(config):
        return places
    return places - 1 - int(config.get("pad_token_id") or 0)


def _skips_positions(config: Json) -> bool:
    """Whether a text's first token has the place behind the padding token's number, as RoBERTa counts."""
    return str(config.get("model_type", "")) in _COUNT_FROM_PADDING


def _pooling(config: Mapping[str, Any]) -> str:  # Any: JSON values
    mode = config.get("pooling_mode")
    if mode:
        return mode if isinstance(mode, str) else "+".join(mode)
    return "+".join(name for key, name in _POOLING_MODES.items() if config.get(key)) or "mean"


def _prompts(config: Json) -> dict[str, str]:
    """Prompts by kind, chosen as `encode_query` and `encode_document` of sentence-transformers choose them."""
    given = config.get("prompts") or {}
    fallback = given.get(config.get("default_prompt_name") or "", "")
    passage = next((given[name] for name in ("document", "passage", "corpus") if name in given), fallback)
    return {"query": str(given.get("query", fallback)), "passage": str(passage)}


def _digest_weights(folder: Path) -> str:
    files = weight_files(folder)
    if len(files) == 1:
        return sha256_of(files[0])
    lines = [f"{path.relative_to(folder).as_posix()} {sha256_of(path)}" for path in files]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _digest_rest(folder: Path, modules: list[Module]) -> str:
    digest = hashlib.sha256()
    for module in modules:
        config = {
            key: value for key, value in module.config.items() if not key.startswith("_") and "version" not in key
        }
        digest.update(f"{module.kind} {json.dumps(config, sort_keys=True)}\n".encode())
    for name in ("tokenizer.json", "vocab.txt", "tokenizer_config.json", "sentence_bert_config.json"):
        path = folder / name
        if path.is_file():
            digest.update(f"{name} {sha256_of(path)}\n".encode())
    return digest.hexdigest()


def _read_json(path: Path, *, absent_ok: bool = False) -> Json:
    content = _parse(path, absent_ok=absent_ok)
    if not isinstance(content, dict):
        raise ModelError(f"{path} is not a JSON object.", hint="Download the model again.")
    return content


def _read_json_list(path: Path) -> Iterator[Json]:
    content = _parse(path)
    if not isinstance(content, list) or not all(isinstance(entry, dict) for entry in content):
        raise ModelError(f"{path} is not a list of modules.", hint="Download the model again.")
    return iter(content)


def _parse(path: Path, *, absent_ok: bool = False) -> Any:  # Any: JSON values
    if absent_ok and not path.exists():
        return {}
    try:
        if path.stat().st_size > 20_000_000:
            raise ModelError(f"{path} is too large for a configuration.", hint="Choose another model.")
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path} cannot be read: {error}.", hint="Download the model again.") from error


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for length in shape:
        size *= length
    return size
