"""`hati completion`: the script that lets a shell complete commands and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from hatidata_agent.cli.options import examples
from hatidata_agent.cli.root import root


@click.command(
    epilog=examples(
        'eval "$(hati completion bash)"     # in ~/.bashrc',
        'eval "$(hati completion zsh)"      # in ~/.zshrc',
        "hati completion fish > ~/.config/fish/completions/hati.fish",
    )
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the completion script of a shell."""
    kind = get_completion_class(shell)
    if kind is not None:
        print(kind(root, {}, "hati", "_HATI_COMPLETE").source())
