"""How good a detector or a segmentation is: FROC and CPM as LUNA16 counts them, Dice, surface distance, volume."""
