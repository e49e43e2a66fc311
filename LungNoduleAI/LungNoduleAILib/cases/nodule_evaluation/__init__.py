"""``thoraxai lung evaluate nodules FOLDER``: outlines, types, sizes and suspicion against readers of real nodules."""
