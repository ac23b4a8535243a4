"""Draw a layer by QGIS without a display: `python3 draw_layer.py URI WEST SOUTH EAST NORTH PICTURE`.

Run it by the interpreter that has QGIS. It prints whether the layer is valid, as one without tiles is too.
"""

import sys

from qgis.core import (
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsRasterLayer,
    QgsRectangle,
)
from qgis.PyQt.QtCore import QEventLoop, QSize
from qgis.PyQt.QtGui import QColor

uri, *bounds, picture = sys.argv[1:]
application = QgsApplication([], False)
application.initQgis()
layer = QgsRasterLayer(uri, "layer", "wms")
print("valid" if layer.isValid() else layer.error().message())  # noqa: T201 - what the test reads
settings = QgsMapSettings()
settings.setLayers([layer])
settings.setBackgroundColor(QColor(255, 0, 255))
settings.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:3857"))
settings.setExtent(QgsRectangle(*map(float, bounds)))
settings.setOutputSize(QSize(512, 512))
job = QgsMapRendererParallelJob(settings)
done = QEventLoop()
job.finished.connect(done.quit)
job.start()
done.exec_()
job.renderedImage().save(picture)
application.exitQgis()
