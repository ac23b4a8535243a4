"""Import name of the Descartes Labs client, served by Landbridge."""

from landbridge.porting.importer import serve

serve(__name__)
