"""How the shipped detector of burned-in text was made: invented captures, and the training on them."""
