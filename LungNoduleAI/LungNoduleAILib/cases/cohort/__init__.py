"""Many cases: which they are, whom they show, what is done already, and the tables of all of them."""
