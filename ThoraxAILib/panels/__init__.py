"""Qt parts that every module panel uses."""
