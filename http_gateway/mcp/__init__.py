"""The Model Context Protocol at `POST /mcp`: tools for models, over the same pipeline as everything else."""
