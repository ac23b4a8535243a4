"""`stac-client`, pystac-client's command line, with every warning an error."""

import json
import subprocess
import sys

import pytest


@pytest.fixture
def cli(stack, product):
    def run(*args):
        command = [
            sys.executable,
            "-m",
            "pystac_client.cli",
            "search",
            stack.private_url,
            "-c",
            product.id,
            "--error",
            *args,
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def ids(output):
    return [item["id"] for item in json.loads(output)["features"]]


def test_matched_counts(cli):
    assert cli("--matched").split()[0] == "6"


def test_filters_in_text_and_in_json_and_sorts(cli, dataset):
    clear = sorted(
        (image for image in dataset.images if image.cloud_fraction < 0.2), key=lambda one: one.cloud_fraction
    )
    expected = [image.name for image in clear]
    text = cli(
        "--filter",
        "eo:cloud_cover < 20",
        "--filter-lang",
        "cql2-text",
        "--sortby",
        "properties.eo:cloud_cover",
    )
    tree = {"op": "<", "args": [{"property": "eo:cloud_cover"}, 20]}
    tree_sorted = cli(
        "--filter", json.dumps(tree), "--filter-lang", "cql2-json", "--sortby", "+properties.eo:cloud_cover"
    )
    assert ids(text) == ids(tree_sorted) == expected


def test_text_is_taken_in_a_post_too(cli, dataset):
    output = cli("--filter", "eo:cloud_cover < 20", "--filter-lang", "cql2-text", "--method", "POST")
    assert len(ids(output)) == sum(image.cloud_fraction < 0.2 for image in dataset.images)


def test_a_query_of_a_number_is_sent_as_text_and_found(cli, dataset):
    output = cli("--query", "eo:cloud_cover<20")
    assert len(ids(output)) == sum(image.cloud_fraction < 0.2 for image in dataset.images) > 0
