"""What a person does outside of the panel: clicks into a view, draws, presses a key."""
