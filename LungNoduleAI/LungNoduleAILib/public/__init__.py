"""What ``import thoraxai`` offers for chest CT: functions that take a path, a Volume or a node, and their results."""
