"""Why a finding is there: what the detector saw, how faithful that is, and what moved the suspicion."""
