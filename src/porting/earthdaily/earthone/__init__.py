"""Import name of the EarthOne client, served by Landbridge."""

from landbridge.porting.importer import serve

serve(__name__)
