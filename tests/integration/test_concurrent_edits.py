"""Two clients edit one product and its bands from copies that may be stale; nothing is lost or doubled.

What a save means: the attributes that were changed on the object, and no others, take its values. So edits of
different attributes all stay, and of two edits of one attribute the later save wins.
"""

import itertools
import random
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from conftest import LONG
from landbridge.catalog import Band, CatalogClient, DeletedObjectError, Product, SpectralBand
from landbridge.exceptions import ConflictError

BANDS = ("b0", "b1", "b2", "b3")


def members(n, value):
    """An object, which is replaced as a whole: members of two edits don't mix."""
    return {"always": value, **({"odd": value} if n % 2 else {})}


# Attribute -> a value that no other edit has.
BAND_EDITS = {
    "description": lambda n: f"description {n}",
    "tags": lambda n: [f"tag-{n}", "band"],
    "nodata": float,
    "data_range": lambda n: (0.0, n + 1.0),
    "display_range": lambda n: (1.0, n + 2.0),
    "physical_range": lambda n: (0.0, n / 1000),
    "physical_range_unit": lambda n: f"unit-{n}",
    "resolution": lambda n: {"value": n + 1, "unit": "meters" if n % 2 else "degrees"},
    "sort_order": int,
    "vendor_band_name": lambda n: f"vendor-{n}",
    "wavelength_nm_center": lambda n: 400.0 + n,
    "extra_properties": lambda n: members(n, n),
    "processing_levels": lambda n: members(n, [{"function": f"f{n}", "parameter": "p", "index": 0}]),
}
PRODUCT_EDITS = {
    "name": lambda n: f"name {n}",
    "description": lambda n: f"description {n}",
    "tags": lambda n: [f"tag-{n}", "product"],
    "start_datetime": lambda n: datetime(2010, 1, 1, tzinfo=UTC) + timedelta(seconds=n),
    "end_datetime": lambda n: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=n),
    "readers": lambda n: [f"user:reader-{n}"],
    "revisit_period_minutes_min": float,
    "revisit_period_minutes_max": float,
    "default_display_bands": lambda n: [BANDS[n % 4], f"band-{n}"],
    "extra_properties": lambda n: members(n, n),
}
EMPTIED = ("description", "tags", "extra_properties", "vendor_band_name", "end_datetime")
DERIVED = ("created", "modified", "resolution_min", "resolution_max")
METERS = {"meters": 1, "degrees": 111_111}


@pytest.fixture
def clients(stack):
    made = CatalogClient(), CatalogClient()
    yield made
    for client in made:
        client.close()


def make_product(client):
    product = Product(id=f"edits-{uuid.uuid4().hex[:10]}", name="Edited by two", client=client)
    product.save()
    return product


def make_band(product_id, name, client, **values):
    return SpectralBand(
        product_id=product_id,
        name=name,
        client=client,
        **{
            "data_type": "UInt16",
            "data_range": (0, 10000),
            "display_range": (0, 4000),
            "band_index": 0,
            **values,
        },
    )


def attributes(one):
    return {
        name: value
        for name, value in one.serialize().items()
        if name not in DERIVED and value is not None and value != []
    }


class Editing:
    """One product, what each of two clients holds of it, and what the service must hold: the model."""

    def __init__(self, clients):
        self.clients = clients
        self.numbers = itertools.count(1)
        self.edits = 0
        made = make_product(clients[0])
        self.id, self.product, self.bands = made.id, attributes(made), {}
        self.held = [{}, {}]
        for client in (0, 1):
            self.read_again(client)

    def read_again(self, client):
        """Throw away what the client holds, unsaved changes with it."""
        product = Product.get(self.id, client=self.clients[client])
        self.held[client] = {None: product, **{band.name: band for band in product.bands()}}

    def add_band(self, client, name):
        band = make_band(self.id, name, self.clients[client], description=f"new {next(self.numbers)}")
        self.edits += 1
        if name in self.bands:
            with pytest.raises(ConflictError):
                band.save()
        else:
            band.save()
            self.bands[name] = attributes(band)
            self.held[client][name] = band

    def delete_band(self, client, name, by_class):
        held = self.held[client].pop(name, None)
        self.edits += 1
        if by_class or held is None:
            assert Band.delete(f"{self.id}:{name}", client=self.clients[client]) is (name in self.bands)
        elif name in self.bands:
            held.delete()
        else:
            with pytest.raises(DeletedObjectError):
                held.delete()
        self.bands.pop(name, None)

    def edit(self, client, name, chosen, then, empty):
        """Change attributes of a band, or of the product (None); then save, or not yet, or change back."""
        one, edits = self.held[client][name], BAND_EDITS if name else PRODUCT_EDITS
        for attribute in chosen:
            before, number = getattr(one, attribute), next(self.numbers)
            setattr(one, attribute, None if empty and attribute in EMPTIED else edits[attribute](number))  # type: ignore[operator]
            if then == "undo" and before is not None:
                setattr(one, attribute, before)
        if then == "save":
            self.save(client, name)

    def save(self, client, name):
        one = self.held[client][name]
        sent = one.serialize(modified_only=True)
        if not sent:
            return
        self.edits += 1
        target = self.product if name is None else self.bands.get(name)
        if target is None:
            with pytest.raises(DeletedObjectError):
                one.save()
            del self.held[client][name]
            return
        one.save()
        target.update(sent)
        for emptied in [key for key, value in target.items() if value is None or value == []]:
            del target[emptied]
        assert attributes(one) == target

    def save_all(self, client):
        for name in list(self.held[client]):
            self.save(client, name)

    def compare(self):
        product = Product.get(self.id, client=self.clients[0])
        assert attributes(product) == self.product
        found = list(product.bands())
        assert {band.name: attributes(band) for band in found} == self.bands
        assert len(found) == len(self.bands)
        sizes = [
            band["resolution"]["value"] * METERS[band["resolution"]["unit"]]
            for band in self.bands.values()
            if "resolution" in band
        ]
        derived = [
            size and size.value * METERS[size.unit]
            for size in (product.resolution_min, product.resolution_max)
        ]
        assert derived == ([min(sizes), max(sizes)] if sizes else [None, None])

    def end(self):
        for client in (0, 1):
            self.save_all(client)
        self.compare()


CLIENTS = st.integers(0, 1)
ENDINGS = ("save", "save", "keep", "undo")


class Machine(RuleBasedStateMachine):
    """Any order of the two clients' steps."""

    clients = ()
    editing = None

    @initialize()
    def begin(self):
        self.editing = Editing(self.clients)

    @rule(client=CLIENTS)
    def read_again(self, client):
        self.editing.read_again(client)

    @rule(client=CLIENTS, name=st.sampled_from(BANDS))
    def add_band(self, client, name):
        self.editing.add_band(client, name)

    @rule(client=CLIENTS, name=st.sampled_from(BANDS), by_class=st.booleans())
    def delete_band(self, client, name, by_class):
        self.editing.delete_band(client, name, by_class)

    @rule(client=CLIENTS, data=st.data(), then=st.sampled_from(ENDINGS), empty=st.booleans())
    def edit(self, client, data, then, empty):
        name = data.draw(st.sampled_from([None, *self.editing.held[client]]))
        known = sorted(BAND_EDITS if name else PRODUCT_EDITS)
        chosen = data.draw(st.lists(st.sampled_from(known), min_size=1, max_size=3, unique=True))
        self.editing.edit(client, name, chosen, then, empty)

    @rule(client=CLIENTS)
    def save_all(self, client):
        self.editing.save_all(client)

    @rule()
    def compare(self):
        self.editing.compare()

    def teardown(self):
        if self.editing:
            self.editing.end()


def test_edits_from_stale_copies_all_stay_in_any_order(clients):
    run_state_machine_as_test(
        type("BoundMachine", (Machine,), {"clients": clients}),
        settings=settings(
            max_examples=8 if LONG else 4,
            stateful_step_count=40,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )


def test_two_hundred_interleaved_edits_of_one_product_all_stay(clients):
    chance = random.Random(2)
    editing = Editing(clients)
    while editing.edits < 220:
        client, name = chance.randrange(2), chance.choice(BANDS)
        step = chance.choices(("add", "delete", "edit", "save", "read"), (3, 1, 14, 1, 1))[0]
        if step == "add":
            editing.add_band(client, name)
        elif step == "delete":
            editing.delete_band(client, name, by_class=chance.random() < 0.5)
        elif step == "save":
            editing.save_all(client)
        elif step == "read":
            editing.read_again(client)
        else:
            target = chance.choice(list(editing.held[client]))
            known = sorted(BAND_EDITS if target else PRODUCT_EDITS)
            chosen = chance.sample(known, chance.randint(1, 3))
            editing.edit(client, target, chosen, chance.choice(ENDINGS), empty=chance.random() < 0.2)
    editing.end()


@pytest.mark.parametrize("kind", [Product, Band])
def test_an_object_is_replaced_as_a_whole(clients, kind):
    product = make_product(clients[0])
    first = product if kind is Product else make_band(product.id, "red", clients[0])
    first.extra_properties = {"a": 1}
    first.save()
    other = kind.get(first.id, client=clients[1])
    first.extra_properties = {"a": 2, "b": 2}
    first.save()
    other.extra_properties = {"a": 3}
    other.save()
    assert other.extra_properties == kind.get(first.id, client=clients[0]).extra_properties == {"a": 3}


@pytest.mark.parametrize("kind", [Product, Band])
def test_a_change_back_overwrites_the_value_of_another_writer(clients, kind):
    product = make_product(clients[0])
    first = product if kind is Product else make_band(product.id, "red", clients[0])
    first.description = "one"
    first.save()
    other = kind.get(first.id, client=clients[1])
    first.description = "two"
    first.save()
    other.description = "three"
    other.description = "one"
    other.save()
    assert other.description == kind.get(first.id, client=clients[0]).description == "one"


def test_two_threads_at_once_lose_nothing(clients):
    """A hundred saves of each thread: own attributes and bands, on the same product and band."""
    product_id = make_product(clients[0]).id
    make_band(product_id, "shared", clients[0]).save()
    own = (("description", "nodata", "tags"), ("wavelength_nm_center", "resolution", "extra_properties"))
    own_of_product = (("name", "start_datetime", "readers"), ("description", "end_datetime", "tags"))
    together = Barrier(2)

    def work(thread):
        client = clients[thread]
        shared = Band.get(f"{product_id}:shared", client=client)
        product = Product.get(product_id, client=client)
        expected_shared, expected_product, bands = {}, {}, {}
        together.wait()
        for number in range(1, 26):
            attribute = own[thread][number % 3]
            setattr(shared, attribute, BAND_EDITS[attribute](number))  # type: ignore[operator]
            expected_shared |= shared.serialize(modified_only=True)
            shared.save()
            attribute = own_of_product[thread][number % 3]
            setattr(product, attribute, PRODUCT_EDITS[attribute](number))
            expected_product |= product.serialize(modified_only=True)
            product.save()
            band = make_band(product_id, f"band-{thread}-{number}", client)
            band.save()
            if number % 3 == 0:
                band.delete()
                continue
            band.description = f"of thread {thread}"
            band.save()
            bands[band.name] = band.description
        return expected_shared, expected_product, bands

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(work, (0, 1))
    product = Product.get(product_id, client=clients[0])
    assert {**attributes(product), **one[1], **other[1]} == attributes(product)
    found = {band.name: band for band in product.bands()}
    shared = attributes(found.pop("shared"))
    assert {**shared, **one[0], **other[0]} == shared
    assert {name: band.description for name, band in found.items()} == one[2] | other[2]
    orders = [band.sort_order for band in product.bands()]
    assert len(set(orders)) == len(orders) == 1 + len(found)
