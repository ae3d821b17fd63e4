"""A process that loads the libraries once and trains in children of its own, so that a test can kill many of them.

Lines in: a project's path and params as JSON. Lines out: the child's id, then one line for each step, at last "end".
"""

import json
import os
import sys
from pathlib import Path

from engine.params import TrainParams, params_from_dict
from engine.store.project import Project
from engine.task import Task


class Told(Task):
    """Says each step it is told of."""

    def on_progress(self, stage, done, total, note):
        if stage == "train":
            os.write(1, f"{done}\n".encode())


def main():
    import torch

    from engine.encode.models import quiet_libraries

    quiet_libraries()
    import sentence_transformers  # noqa: F401 - loading it is the purpose

    from engine.train.training import train

    torch.set_num_threads(1)
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            with Project.open(Path(asked["project"])) as project:
                train(project, params_from_dict(TrainParams, asked["params"]), Told())
            os._exit(0)
        os.write(1, f"{child}\n".encode())
        os.waitpid(child, 0)
        os.write(1, b"end\n")


if __name__ == "__main__":
    main()
