"""Import name of the EarthOne client, served by Landbridge."""

from typing import TYPE_CHECKING, Any

from landbridge.porting.importer import serve

serve(__name__)

if TYPE_CHECKING:
    # The names are looked up in the table of modules.
    def __getattr__(name: str) -> Any: ...
