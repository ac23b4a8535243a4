"""Uploads: from files that a client sends to an image with cloud-optimized GeoTIFFs (COGs).

One pipeline, in this order; each step is safe to repeat after a crash:

1. *Record* (`routes`, `records`): `POST /uploads` makes a record in state `transferring`, with the item to
   make and the files to expect.
2. *Bytes* (`routes`): the client sends each file to the API, or to the object store by a signed URL. They lie
   in `uploads/{record}/` until the upload ends.
3. *Job* (`job`): `submit` moves the record to `pending` and queues a job, which moves it to `running`.
4. *Worker process* (`worker_pool`, `worker_process`, `sandbox`): reads the files for the job, with limits on
   its time, memory and access. The two exchange `messages`.
5. *COG* (`conversion` with `georeference`, `cog`, `overviews`, `measure`, `footprint`, `thumbnail`): the
   process checks the files, writes one COG for each, and measures footprint and statistics.
6. *Item* (`job`): the COGs go to the store under a path of this attempt; one transaction makes the item and
   moves the record to `success`. Otherwise the record ends as `failure` or `canceled`.

Events of a record tell the user each step. `cleanup` fails abandoned records and deletes leftover files.
"""
