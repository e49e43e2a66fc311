"""Non-rigid registration in millimetres, shared by every module.

``grid``, ``field``, ``elasticity``, ``quality``, ``transform_files`` and ``affine`` need numpy, scipy and SimpleITK.
The other files import PyTorch at file scope and are only imported once a registration is asked for.
"""
