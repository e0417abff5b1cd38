"""How the console's own tables came to be as they are: Alembic's revisions, one a file in versions/."""
