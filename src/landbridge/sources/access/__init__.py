"""Access to the files of sources: signers by the rules of their tables, with credentials of this process.

A rule's kind says what a file needs: nothing, a bearer token, a signature of the Planetary Computer, an
Earthdata login, or keys of S3. Credentials come from the environment or from `[sources.<id>]` of
`config.toml`; `landbridge.sources.access.credentials` lists the names.
"""

from landbridge.sources.access.source_signer import SourceSigner, known_signer, signer

__all__ = ["SourceSigner", "known_signer", "signer"]
