"""The engines a run can choose from: one registry for every kind, filled by the packages and by plug-ins.

An Engine describes one implementation at one of the seams (anatomy segmenter, detector, delineator, re-identifier,
pattern mapper, motion engine) without loading it. ``REGISTRY`` finds it by kind and name; a run chooses once, makes
what it chose with ``Engine.make(device)``, and records name, fingerprint and the device it really ran on.

A package of your own adds engines without a change here. It declares an entry point of the group ``thoraxai.engines``::

    [project.entry-points."thoraxai.engines"]
    my-detector = "my_package.detector:ENGINE"

that leads to an Engine, or to several in a tuple::

    from ThoraxAILib.engines.engine import Engine

    class MyDetector:                      # see LungNoduleAILib.detection.protocol.Detector
        name, fingerprint, device, operating_point = "mine", "mine-1", "cpu", 0.5

        def detect(self, volume, anatomy, progress):
            return []

    ENGINE = Engine("detector", "mine", "finds nothing, quickly", "MIT", lambda device: MyDetector(), version="mine-1")

From then on ``thoraxai lung analyze CT --detector mine`` runs it. A plug-in that cannot be loaded is named by
``thoraxai lung detectors`` and keeps nobody else from running.
"""
