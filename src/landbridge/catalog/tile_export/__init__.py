"""Export of map tiles to folders and PMTiles archives."""
