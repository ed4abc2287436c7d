"""root2hdf5.py FILE TREE OUT GROUP COLUMNS CUT. Run it by scripts/root2hdf5, which tells what these are."""

import difflib
import re
import signal
import sys

import numpy as np
import uproot

import cut
import events_file

BYTES = 4 << 20  # of values that are read at once
TREES = ["TTree", "TNtuple", "TNtupleD", "ROOT::RNTuple", "ROOT::Experimental::RNTuple"]
NUMBER = re.compile(r"(std::)?u?int(8|16|32|64)_t|bool|float|double|((un)?signed )?char")  # of an RNTuple's field


class Refused(Exception):
    """Text that tells the user what was wrong."""


def listed(names):
    return ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")


def no_such(what, name, names):
    near = difflib.get_close_matches(name, names, 1)
    meant = f"; did you mean '{near[0]}'?" if near else ""
    return Refused(f"there is no {what} '{name}'{meant} (there are: {listed(names)})")


def find_tree(file, name):
    """The tree of this name, or the only one."""
    names = [key for key, kind in file.classnames(cycle=False).items() if kind in TREES]
    if not names:
        raise Refused("there is no TTree or RNTuple in it")
    if name and name not in names:
        raise no_such("tree", name, names)
    if not name and len(names) > 1:
        raise Refused(f"which tree? It has {listed(names)}")
    return file[name or names[0]]


def scalar(field):
    """Whether a field has one number for each event."""
    interpretation = getattr(field, "interpretation", None)
    if interpretation is None:  # of an RNTuple
        return NUMBER.fullmatch(field.typename) is not None
    return isinstance(interpretation, uproot.AsDtype) and interpretation.to_dtype.kind in "biuf" and \
        interpretation.to_dtype.shape == ()


def choose(tree, wanted, needed):
    """The columns to write, and those that the cut needs beside them; says on stderr what is left out."""
    names = [name for name in tree.keys() if "/" not in name]
    scalars = [name for name in names if scalar(tree[name])]
    for name in wanted + needed:
        if name not in names:
            raise no_such("column", name, scalars)
        if name not in scalars:
            raise Refused(f"column '{name}' has not one number for each event: {tree[name].typename}")
    others = [f"{name} ({tree[name].typename})" for name in names if name not in scalars]
    if others and not wanted:
        print(f"scripts/root2hdf5: left out, as they have not one number for each event: {listed(others)}",
              file=sys.stderr)
    columns = wanted or scalars
    if not columns:
        raise Refused("no column has one number for each event")
    return columns, [name for name in needed if name not in columns]


def native(values):
    """Numbers in the machine's order of bytes; 0 and 1 for booleans."""
    return values.astype(np.uint8 if values.dtype.kind == "b" else values.dtype.newbyteorder("="), copy=False)


def copy(tree, columns, more, passes, group):
    """Writes the rows that pass and returns how many."""
    names, done = columns + more, 0
    for some in tree.iterate(names, step_size=max(1, BYTES // (8 * len(names))), library="np"):
        rows = len(some[columns[0]])
        keep = passes(some, rows) if passes else slice(None)
        for name in columns:
            values = native(some[name][keep])
            data = group[name] if name in group else events_file.add(group, name, values.dtype, 0)
            data.resize(done + len(values), 0)
            data[done:] = values
        done += len(values)
    return done


def convert(source, name, out, group, wanted, text):
    passes = cut.Cut(text) if text else None
    with uproot.open(source, array_cache=None) as file:
        tree = find_tree(file, name)
        columns, more = choose(tree, wanted, passes.names if passes else [])
        with events_file.new(out) as written:
            events = written.create_group(group)
            events.attrs.update({"tree": tree.name, "cut": text})
            rows = copy(tree, columns, more, passes, events)
            if rows == 0:
                raise Refused("no event passes the cut" if tree.num_entries else "the tree has no events")
    print(f"{out}: {rows:,} of {tree.num_entries:,} events, {len(columns)} columns in group {group}")


def main(source, name, out, group, columns, text):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        convert(source, name, out, group, [c for c in columns.split(",") if c], text)
    except KeyboardInterrupt:
        sys.exit(130)
    except (Refused, ValueError, OSError) as error:
        sys.exit(f"scripts/root2hdf5: {source}: {error}")


main(*sys.argv[1:])
