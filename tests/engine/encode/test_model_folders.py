import hashlib
import json
import shutil

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from engine.encode.models import BUNDLED, Bundled, add_model_folder, describe_folder, folder_of, load_checked
from engine.errors import ModelError
from engine.records import State
from engine.store import models


def change_json(path, **values):
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(content | values), encoding="utf-8")


def change_weights(folder, change):
    weights = dict(load_file(folder / "model.safetensors"))
    change(weights)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def set_modules(folder, **values):
    path = folder / "modules.json"
    modules = json.loads(path.read_text(encoding="utf-8"))
    modules[1] |= values
    path.write_text(json.dumps(modules), encoding="utf-8")


def test_a_folder_is_described_without_loading_it(tiny_folder):
    facts = describe_folder(tiny_folder)
    digest = hashlib.sha256((tiny_folder / "model.safetensors").read_bytes()).hexdigest()
    assert (facts.name, facts.dim, facts.max_length, facts.pooling) == ("tiny", 32, 64, "mean")
    assert facts.weights_digest == digest


def test_describing_a_folder_loads_no_torch(tiny_folder):
    import subprocess
    import sys

    code = (
        "import sys; from pathlib import Path; from engine.encode.models import describe_folder; "
        f"describe_folder(Path({str(tiny_folder)!r})); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_bundled_model_is_the_one_meant():
    facts = describe_folder(BUNDLED.check())
    assert (facts.dim, facts.max_length, facts.pooling) == (384, 256, "mean")
    assert facts.weights_digest == BUNDLED.sha256


def test_a_bundled_model_with_other_weights_is_refused():
    with pytest.raises(ModelError, match="changed or are incomplete"):
        Bundled(BUNDLED.name, BUNDLED.package, "0" * 64).check()


def test_a_tuned_and_a_plain_transformers_folder_are_accepted(tiny_folder):
    assert describe_folder(tiny_folder.with_name("tiny-plain")).dim == 32


@pytest.mark.parametrize("stored", [64, None])
def test_roberta_reads_fewer_tokens_than_it_has_places(copied, stored):
    change_json(copied / "config.json", model_type="roberta", pad_token_id=1)  # the first token has place 2 of 0 to 63
    change_json(copied / "sentence_bert_config.json", max_seq_length=stored)
    assert describe_folder(copied).max_length == 62


def test_no_more_is_read_than_there_are_places_for(copied):
    change_json(copied / "sentence_bert_config.json", max_seq_length=512)
    assert describe_folder(copied).max_length == 64


def test_a_table_of_vectors_in_half_precision_is_opened_in_full(tmp_path):
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer, models

    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0, "red": 1}, unk_token="[UNK]"))
    table = StaticEmbedding(tokenizer, embedding_weights=np.ones((2, 4), np.float32))
    folder = tmp_path / "table"
    SentenceTransformer(modules=[table], device="cpu").save(str(folder), create_model_card=False)
    (path,) = folder.rglob("*.safetensors")
    save_file({name: weight.astype(np.float16) for name, weight in load_file(path).items()}, path)
    model = load_checked(folder, describe_folder(folder))
    assert {str(weight.dtype) for weight in model.parameters()} == {"torch.float32"}


def test_prompts_come_from_the_models_own_configuration(copied):
    change_json(copied / "config_sentence_transformers.json", prompts={"query": "query: ", "passage": "passage: "})
    assert describe_folder(copied).prompts == {"query": "query: ", "passage": "passage: "}


def test_an_absent_folder_is_one_sentence(tmp_path):
    with pytest.raises(ModelError, match="no model folder"):
        describe_folder(tmp_path / "absent")


@pytest.mark.parametrize(
    "kind", ["os.system", "copied.evil.Evil", "sentence_transformers.models.CLIPModel", "torch.nn.Linear"]
)
def test_modules_that_are_not_known_are_refused(copied, kind):
    set_modules(copied, type=kind)
    with pytest.raises(ModelError, match="asks for"):
        describe_folder(copied)


@pytest.mark.parametrize("path", ["../other", "/etc", "a/../../b", "C:\\models", "..\\other"])
def test_paths_that_lead_out_are_refused(copied, path):
    set_modules(copied, path=path)
    with pytest.raises(ModelError, match="path outside"):
        describe_folder(copied)


def test_program_code_is_refused(copied):
    (copied / "modeling.py").write_text("print('x')", encoding="utf-8")
    with pytest.raises(ModelError, match="program code"):
        describe_folder(copied)


def test_a_configuration_that_maps_to_code_is_refused(copied):
    change_json(copied / "config.json", auto_map={"AutoModel": "modeling.Evil"})
    with pytest.raises(ModelError, match="run its own code"):
        describe_folder(copied)


def test_a_link_out_of_the_folder_is_refused(copied, tmp_path):
    shutil.move(copied / "model.safetensors", tmp_path / "elsewhere.safetensors")
    (copied / "model.safetensors").symlink_to(tmp_path / "elsewhere.safetensors")
    with pytest.raises(ModelError, match="link out"):
        describe_folder(copied)


def test_pickled_weights_are_refused(copied):
    (copied / "model.safetensors").rename(copied / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"only pytorch_model\.bin"):
        describe_folder(copied)


def test_half_a_weights_file_is_refused(copied):
    weights = copied / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelError, match="damaged"):
        describe_folder(copied)


@pytest.mark.parametrize(
    "sizes",
    [
        {"vocab_size": 10**9},
        {"hidden_size": 10**6},
        {"num_hidden_layers": 5000},
        {"max_position_embeddings": 10**9},
        {"intermediate_size": 10**8},
    ],
)
def test_sizes_that_the_weights_do_not_have_are_refused(copied, sizes):
    change_json(copied / "config.json", **sizes)
    with pytest.raises(ModelError, match="do not fit"):
        describe_folder(copied)


def test_a_function_of_another_library_is_refused(copied):
    dense = copied / "3_Dense"
    dense.mkdir()
    (dense / "config.json").write_text(json.dumps({"activation_function": "os.system"}), encoding="utf-8")
    set_modules(copied, type="sentence_transformers.models.Dense", path="3_Dense")
    with pytest.raises(ModelError, match=r"os\.system"):
        describe_folder(copied)


def test_a_missing_weight_is_refused_by_name(copied):
    name = "encoder.layer.0.attention.self.query.weight"
    change_weights(copied, lambda weights: weights.pop(name))
    with pytest.raises(ModelError, match=f"lacks {name}"):
        load_checked(copied, describe_folder(copied))


def test_a_weight_too_many_is_refused_by_name(copied):
    change_weights(copied, lambda weights: weights.update({"encoder.extra": np.ones(3, np.float32)}))
    with pytest.raises(ModelError, match=r"holds encoder\.extra"):
        load_checked(copied, describe_folder(copied))


def test_weights_of_another_model_are_refused(copied):
    def rename_all(weights):
        for name in list(weights):
            weights[f"other.{name}"] = weights.pop(name)

    change_weights(copied, rename_all)
    with pytest.raises(ModelError, match="lacks"):
        load_checked(copied, describe_folder(copied))


def test_a_weight_of_another_shape_is_refused(copied):
    name = "encoder.layer.0.attention.self.query.weight"
    change_weights(copied, lambda weights: weights.update({name: np.ones((3, 3), np.float32)}))
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_checked(copied, describe_folder(copied))


def test_weights_that_are_no_numbers_are_refused(copied):
    def spoil(weights):
        weights["embeddings.word_embeddings.weight"] = np.full_like(
            weights["embeddings.word_embeddings.weight"], np.nan
        )

    change_weights(copied, spoil)
    with pytest.raises(ModelError, match="no number"):
        load_checked(copied, describe_folder(copied))


def test_a_folder_is_added_to_a_project_once(project, tiny_folder):
    first = add_model_folder(project, str(tiny_folder))
    assert add_model_folder(project, str(tiny_folder)) == first
    added = models.model(project, first)
    assert (added.kind, added.dim, added.state) == ("base", 32, State.COMPLETE)


def test_the_bundled_model_is_found_where_its_old_path_is_gone(project):
    model_id = models.add_model(
        project, name="m", kind="base", path="/nowhere/model", weights_digest=BUNDLED.sha256, state=State.COMPLETE
    )
    assert folder_of(project, models.model(project, model_id)) == BUNDLED.path()


def test_a_tuned_model_may_not_lie_outside_the_project(project):
    model_id = models.add_model(project, name="m", kind="tuned", path="../other", state=State.COMPLETE)
    with pytest.raises(ModelError, match="outside the project"):
        folder_of(project, models.model(project, model_id))
