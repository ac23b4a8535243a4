"""Functions that tests run in spawned processes; a spawned process imports this module by name."""

import pickle

from landbridge.catalog import Image


def seen(image):
    """Return the results of three kinds of calls: a document, a search and pixels."""
    again = Image.get(image.id, client=image._client)
    names = [one.name for one in again.product.images().limit(5)]
    return again.id, names, again.ndarray("red nir")[:, 3, 3].tolist()


def read_an_image(content, queue):
    """Unpickle an image and send its values; its client makes its first call in this process."""
    queue.put(seen(pickle.loads(content)))


def add_a_tag(content, queue):
    """Unpickle a product, change it, and send it with its changes and its client's configuration."""
    one = pickle.loads(content)
    one.tags.append("c")
    queue.put(pickle.dumps((one, one.serialize(modified_only=True), one._client.url, one._client.auth.user)))
