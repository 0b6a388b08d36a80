"""The example workflow of the guide, for flytekit: pyflyte run --remote … example.py training_workflow."""

from flytekit import task, workflow


@task
def train(hyperparameters: dict) -> str:
    """Stand for a training."""
    return f"trained with {hyperparameters}"


@workflow
def training_workflow(hyperparameters: dict) -> str:
    """Train once."""
    return train(hyperparameters=hyperparameters)
