"""Notebooks: their cells are one script, and all but their code stays."""

import copy
import json

import pytest

from landbridge.porting.port.analysis import analyse
from landbridge.porting.port.notebooks import Notebook, NotebookError


def cell(source, **more):
    return {
        "cell_type": "code",
        "execution_count": 3,
        "id": "6a5c3f01",
        "metadata": {"tags": ["keep"]},
        "outputs": [{"name": "stdout", "output_type": "stream", "text": ["<descarteslabs>\n"]}],
        "source": source,
    } | more


def notebook(*cells, **more):
    return {
        "cells": copy.deepcopy(list(cells)),
        "metadata": {"kernelspec": {}},
        "nbformat": 4,
        "nbformat_minor": 5,
    } | more


CELLS = (
    {"cell_type": "markdown", "id": "0", "metadata": {}, "source": ["# import descarteslabs as dl\n", "é"]},
    cell(["%matplotlib inline\n", "import descarteslabs as dl\n", "!pip install descarteslabs"]),
    cell("scenes, ctx = dl.scenes.search(aoi, 'a:b', limit=None)"),
    cell("%%bash\ndescarteslabs auth login\n"),
    cell(
        [
            "%%time\n",
            "for s in scenes:\n",
            "    %time s.ndarray('red', ctx)\n",
            "    print(s.properties.id)\n",
        ]
    ),
    cell("scenes?\nfiles = !ls\n"),
)
PORTED = {
    1: [
        "%matplotlib inline\n",
        "from landbridge.catalog import Image, properties as p\n",
        "!pip install descarteslabs",
    ],
    2: (
        "scenes = (\n    Image.search()\n    .filter(p.product_id == 'a:b')\n    .intersects(aoi)\n"
        '    .sort("acquired")\n    .collect()\n)\nctx = scenes.geocontext'
    ),
    4: ["%%time\n", "for s in scenes:\n", "    %time s.ndarray('red', ctx)\n", "    print(s.id)\n"],
}


@pytest.mark.parametrize(
    "layout",
    [
        {"indent": 1, "ensure_ascii": False},
        {"indent": 4, "ensure_ascii": True},
        {"separators": (",", ":")},
        {},
    ],
)
@pytest.mark.parametrize("end", ["\n", ""])
def test_only_code_of_the_old_package_changes(tmp_path, layout, end):
    content = notebook(*CELLS)
    path = tmp_path / "work.ipynb"
    path.write_text(json.dumps(content, **layout) + end)
    new = analyse(path).text
    for position, source in PORTED.items():
        content["cells"][position]["source"] = source
    assert new == json.dumps(content, **layout) + end
    path.write_text(new)
    again = analyse(path)
    assert again.text is None
    assert again.report.uses == ()


def test_places_are_cells_and_their_lines(tmp_path):
    path = tmp_path / "work.ipynb"
    path.write_text(json.dumps(notebook(*CELLS, cell("x = 1\ny = dl.workflows.Image"))))
    report = analyse(path).report
    assert [(use.name, use.place.cell, use.place.line) for use in report.uses] == [
        ("scenes.search", 3, 1),
        ("workflows.Image", 7, 2),
    ]
    assert [(place.cell, place.line) for place, _ in report.notes] == [(7, 2)]


def test_a_note_stays_in_its_cell(tmp_path):
    path = tmp_path / "work.ipynb"
    path.write_text(
        json.dumps(notebook(cell("import descarteslabs as dl\n"), cell("dl.workflows.compute()")))
    )
    found = json.loads(analyse(path).text)
    first, second = found["cells"]
    assert first["source"] == "import descarteslabs as dl\n"
    assert second["source"].startswith("# landbridge port: Workflows is gone")
    assert second["source"].endswith("\ndl.workflows.compute()")


def test_a_broken_cell_is_reported_and_the_others_are_ported(tmp_path):
    path = tmp_path / "work.ipynb"
    cells = [cell("import descarteslabs.catalog as c"), cell("print 'x'"), cell("print(c.Image)")]
    path.write_text(json.dumps(notebook(*cells)))
    found = analyse(path)
    assert len(found.report.problems) == 1
    assert found.report.problems[0].startswith("cell 2: ")
    assert "Python 2" in found.report.problems[0]
    assert json.loads(found.text)["cells"][0]["source"] == "import landbridge.catalog as c"
    assert json.loads(found.text)["cells"][1]["source"] == "print 'x'"


def test_the_cells_of_format_3_are_in_worksheets(tmp_path):
    old = {"cell_type": "code", "input": ["import descarteslabs.geo as g\n", "print(g)"], "outputs": []}
    path = tmp_path / "old.ipynb"
    path.write_text(json.dumps({"nbformat": 3, "worksheets": [{"cells": [old]}]}))
    found = json.loads(analyse(path).text)
    new = old | {"input": ["import landbridge.geo as g\n", "print(g)"]}
    assert found["worksheets"] == [{"cells": [new]}]


def test_names_in_lines_that_are_not_python_are_uses(tmp_path):
    path = tmp_path / "work.ipynb"
    search = cell("import descarteslabs as dl\nscenes, ctx = dl.scenes.search(a, 'a:b', limit=None)")
    path.write_text(json.dumps(notebook(search, cell("%store scenes\n%time print(ctx)"))))
    found = json.loads(analyse(path).text)
    assert "dl.scenes.search(a, 'a:b', limit=None)" in found["cells"][0]["source"]
    assert "scenes is used in a line that is not Python" in found["cells"][0]["source"]
    path.write_text(json.dumps(notebook(search, cell("%store ctx\n%timeit -n 3 scenes[0].properties.id"))))
    found = json.loads(analyse(path).text)
    assert found["cells"][0]["source"].endswith("ctx = scenes.geocontext")
    assert found["cells"][1]["source"] == "%store ctx\n%timeit -n 3 scenes[0].id"


def test_a_text_with_a_percent_sign_in_a_string_is_not_a_magic():
    text = 'x = """\n%matplotlib\n!ls\n"""\n'
    assert Notebook(json.dumps(notebook(cell(text)))).text == text + "\n"


@pytest.mark.parametrize("content", [{"nbformat": 4}, {"worksheets": 3}, {"cells": [None]}, 3])
def test_other_json_is_no_notebook(content):
    with pytest.raises(NotebookError, match="not a notebook"):
        Notebook(json.dumps(content))
