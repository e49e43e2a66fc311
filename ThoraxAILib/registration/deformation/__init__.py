"""How a deformation is described: splines, dense displacements, and the elastic energy of either."""
