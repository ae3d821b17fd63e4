import numpy as np
import pytest

from engine.cli import main
from engine.encode import int8
from engine.encode.encoder import Encoder, pick_precision
from engine.encode.int8_texts import JUDGE, SCALE
from engine.encode.models import BUNDLED, describe_folder, int8_is_out, load_checked, open_encoder, wants_int8
from engine.encode.warm import warm_encoder
from engine.errors import ModelError, UserError
from engine.jobs import set_base_model
from engine.store import models
from engine.store.encoding import choose_encoding, encoding
from engine.store.project import Project
from tests.tiny_model import build_tiny_model

here = pytest.mark.skipif(bool(int8.why_not()), reason="this processor has no int8 products")
# Texts that neither scale nor judge: short and long, of several kinds.
OTHERS = (
    "When does the shop close on Sundays?",
    "def mean(values): return sum(values) / len(values)",
    "The north wall was rebuilt after the flood. Its stones come from a quarry two miles off, and were cut by hand. "
    "In the spring of the next year the roof was put on; the bell came later, from a church that had been given up.",
    "Die Rechnung ist binnen 14 Tagen ohne Abzug zahlbar.",
    "rule 7(b): no vessel over 12.5 m may enter between 22:00 and 05:30",
    "合同到期后自动续签一年。",
)


def bundled(precision):
    facts = describe_folder(BUNDLED.check())
    return Encoder("bundled", load_checked(BUNDLED.path(), facts), facts, device="cpu", precision=precision)


@pytest.fixture(scope="module")
def exact():
    return bundled("fp32")


@pytest.fixture(scope="module")
def quick():
    return bundled("int8")


@here
@pytest.mark.slow
def test_int8_vectors_are_those_of_fp32_within_a_thousandth(exact, quick):
    assert (quick.precision, quick.instead) == ("int8", "")
    cosines = (quick.encode(OTHERS, "passage") * exact.encode(OTHERS, "passage")).sum(axis=1)
    assert 0.999 <= cosines.min() < 0.99999  # and it is another computation


@here
@pytest.mark.slow
def test_int8_vectors_are_of_unit_length_and_the_same_each_time(quick):
    first = quick.encode(OTHERS, "query")
    assert np.abs(np.linalg.norm(first, axis=1) - 1).max() < 1e-5
    assert np.array_equal(first, quick.encode(OTHERS, "query"))


@here
@pytest.mark.slow
def test_int8_vectors_have_a_key_of_their_own(exact, quick):
    assert quick.key != exact.key
    assert quick.facts["precision"] == "int8"


def large_weights(folder, facts):
    """A model whose layers count for much more than what they are given."""
    import torch

    model = load_checked(folder, facts)
    with torch.no_grad():
        for weight in model[0].auto_model.encoder.parameters():
            if weight.ndim == 2:
                weight.mul_(40)
    return model


@here
def test_a_model_that_int8_would_change_stays_in_fp32_and_says_why(tiny_folder, monkeypatch):
    monkeypatch.setattr(int8, "_MARGIN", 0.1)  # most numbers read are cut off
    facts = describe_folder(tiny_folder)
    loaded = large_weights(tiny_folder, facts)
    before = loaded[0].auto_model.encoder
    encoder = Encoder("tiny", loaded, facts, device="cpu", precision="int8")
    plain = Encoder("tiny", large_weights(tiny_folder, facts), facts, device="cpu", precision="fp32")
    assert encoder.precision == "fp32"
    assert "would change too much (lowest cosine 0." in encoder.instead
    assert loaded[0].auto_model.encoder is before
    assert encoder.key == plain.key
    assert np.array_equal(encoder.encode(["red apple"], "query"), plain.encode(["red apple"], "query"))


@here
def test_a_model_of_another_build_stays_in_fp32_and_says_why(tiny_folder, monkeypatch):
    monkeypatch.setattr(int8, "_KNOWN", ("AnotherLayer",))
    facts = describe_folder(tiny_folder)
    encoder = Encoder("tiny", load_checked(tiny_folder, facts), facts, device="cpu", precision="int8")
    assert (encoder.precision, encoder.instead) == ("fp32", "int8 is made for encoders of BERT's build")


def test_a_processor_without_int8_stays_in_fp32_and_says_why(tiny_folder, monkeypatch):
    import torch

    monkeypatch.setattr(torch.cpu, "_is_vnni_supported", lambda: False)
    facts = describe_folder(tiny_folder)
    encoder = Encoder("tiny", load_checked(tiny_folder, facts), facts, device="cpu", precision="int8")
    assert encoder.precision == "fp32"
    assert "VNNI" in encoder.instead


def test_int8_is_refused_on_a_gpu():
    with pytest.raises(ModelError, match="int8"):
        pick_precision("cuda", "int8")


def test_rounding_one_weight_after_the_other_changes_less_than_rounding_each():
    import torch

    torch.manual_seed(3)
    mixed = torch.randn(500, 24) @ torch.randn(24, 24)
    inputs = mixed - mixed.mean(0)
    weights = torch.randn(16, 24) * 5
    whole = int8._rounded(weights, inputs.T @ inputs)
    assert torch.equal(whole, whole.round())

    def change(rounded):
        return float(((rounded - weights) @ inputs.T).norm())

    assert change(whole) < 0.8 * change(weights.round())


def test_no_sentence_both_scales_and_judges():
    assert not set(SCALE) & set(JUDGE)


def test_a_project_encodes_exactly_until_it_is_told_otherwise(project):
    assert encoding(project) == "exact"
    assert not wants_int8(project)
    with pytest.raises(UserError, match="no way to encode"):
        choose_encoding(project, "quickly")


@here
def test_the_choice_is_kept_and_every_opened_encoder_follows_it(project, tmp_path, monkeypatch):
    monkeypatch.setattr(int8, "LEAST_COSINE", 0.9)
    monkeypatch.setattr("engine.encode.encoder.cpu_has_bf16", lambda: False)
    monkeypatch.setattr("engine.encode.encoder.pick_device", lambda _: "cpu")
    model = models.model(project, set_base_model(project, str(build_tiny_model(tmp_path / "tiny"))))
    before = warm_encoder(project, model).precision
    assert main(["encoding", str(project.path), "fast"]) == 0
    with Project.open(project.path) as again:
        assert encoding(again) == "fast"
        assert (before, open_encoder(again, model).precision, warm_encoder(again, model).precision) == (
            "fp32",
            "int8",
            "int8",
        )
        assert open_encoder(again, model, precision="fp32").precision == "fp32"


def test_where_fast_changes_nothing_the_reason_is_a_sentence(monkeypatch):
    monkeypatch.setattr("engine.encode.encoder.cpu_has_bf16", lambda: True)
    monkeypatch.setattr("engine.encode.encoder.pick_device", lambda _: "cpu")
    assert int8_is_out() == "This processor computes in bf16 already; exact and fast are the same here."


@here
def test_a_model_loaded_again_gives_the_same_vectors_whatever_the_threads(tiny_folder, monkeypatch):
    import torch

    monkeypatch.setattr(int8, "LEAST_COSINE", 0.9)
    facts, before, made = describe_folder(tiny_folder), torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            encoder = Encoder("tiny", load_checked(tiny_folder, facts), facts, device="cpu", precision="int8")
            assert (encoder.precision, torch.get_num_threads()) == ("int8", threads)
            made.append(encoder.encode(["red apple", "green river stone"], "query"))
    finally:
        torch.set_num_threads(before)
    assert np.abs(made[0] - made[1]).max() < 1e-6
