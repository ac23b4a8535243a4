"""Scripts of tests, ported without a file."""

import ast
import builtins
import symtable

from landbridge.porting.port.edits import Source, apply
from landbridge.porting.port.inference import Inference
from landbridge.porting.port.plan import make_plan
from landbridge.porting.port.rewrite import rewrite
from landbridge.porting.port.rules import OLD_API
from landbridge.porting.port.scopes import Scopes


def port(text):
    """Return a script after `--write`."""
    source = Source(text)
    inference = Inference(Scopes(ast.parse(text)), OLD_API)
    return apply(text, rewrite(source, inference, make_plan(source, inference)))


def unbound(text):
    """Return the global names that a script reads and never binds."""
    table = symtable.symtable(text, "script", "exec")
    bound = {one.get_name() for one in table.get_symbols() if one.is_assigned() or one.is_imported()}
    read = set()
    todo = [table]
    while todo:
        scope = todo.pop()
        todo += scope.get_children()
        for one in scope.get_symbols():
            if one.is_referenced() and (one.is_global() or (scope is table and not one.is_assigned())):
                read.add(one.get_name())
            if one.is_declared_global() and one.is_assigned():
                bound.add(one.get_name())
    return read - bound - set(dir(builtins))
